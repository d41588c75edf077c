//! A walk over every sequence of events, against a model of the world that carries the effects out.

use std::collections::{BTreeSet, HashSet};

use super::Event::*;
use super::table::{E, S, show_event, show_state};
use super::{Effect, State, Version};

/// What the world owes a plugin: the outcome of each effect that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct World {
    installing: BTreeSet<u64>,
    checking: BTreeSet<u64>,
    importing: BTreeSet<u64>,
    /// Imports that exceeded their deadline.
    late: BTreeSet<u64>,
    /// Imported and not unloaded.
    alive: BTreeSet<u64>,
    hooks: BTreeSet<u64>,
    describing: BTreeSet<u64>,
    unloading: BTreeSet<u64>,
    forgotten: bool,
    versions: u64,
}

impl World {
    fn carry_out(&mut self, effect: Effect, exclusive: bool) {
        if let (Effect::Import(version), true) = (effect, exclusive) {
            assert!(self.alive.is_empty(), "{version} is imported while another is alive");
            let others: Vec<_> = self.importing.difference(&self.late).collect();
            assert!(others.is_empty(), "{version} is imported during another import");
        }
        let fresh = match effect {
            Effect::Install(Version(version)) => self.installing.insert(version),
            Effect::Check(Version(version)) => self.checking.insert(version),
            Effect::Import(Version(version)) => self.importing.insert(version),
            Effect::Start(Version(version)) => self.hooks.insert(version),
            Effect::Describe(Version(version)) => self.describing.insert(version),
            Effect::Unload(Version(version)) => {
                assert!(self.alive.contains(&version), "{version} is unloaded but not alive");
                self.unloading.insert(version)
            }
            Effect::Serve(Version(version)) => self.alive.contains(&version),
            Effect::Withdraw(Version(version)) => self.alive.contains(&version),
            Effect::Forget => !std::mem::replace(&mut self.forgotten, true),
        };
        assert!(fresh, "{effect:?} twice, or of a version that is not alive");
    }

    /// Every event that may come now, and the world after it.
    fn events(&self) -> Vec<(E, World)> {
        let mut events = Vec::new();
        let mut add = |event: E, change: &dyn Fn(&mut World)| {
            let mut world = self.clone();
            change(&mut world);
            events.push((event, world));
        };
        for &it in &self.installing {
            add(Installed(Version(it)), &|w| _ = w.installing.remove(&it));
            add(Broke(Version(it), "conflict"), &|w| _ = w.installing.remove(&it));
        }
        for &it in &self.checking {
            add(Checked(Version(it)), &|w| _ = w.checking.remove(&it));
            add(Broke(Version(it), "syntax"), &|w| _ = w.checking.remove(&it));
        }
        for &it in &self.importing {
            let returned = |w: &mut World| _ = (w.importing.remove(&it), w.alive.insert(it));
            add(Imported(Version(it)), &returned);
            add(Denied(Version(it), "twin"), &returned);
            add(Broke(Version(it), "syntax"), &|w| _ = w.importing.remove(&it));
            add(Overdue(Version(it), "60 s"), &|w| _ = w.late.insert(it));
        }
        for &it in &self.hooks {
            add(Started(Version(it)), &|w| _ = w.hooks.remove(&it));
            add(Overdue(Version(it), "62 s"), &|_| ());
        }
        for &it in &self.describing {
            add(Described(Version(it)), &|w| _ = w.describing.remove(&it));
        }
        for &it in &self.alive {
            add(NameLost(Version(it), "twin"), &|_| ());
        }
        for &it in &self.unloading {
            let ended = |w: &mut World| _ = (w.unloading.remove(&it), w.alive.remove(&it));
            add(Unloaded(Version(it)), &ended);
            add(Abandoned(Version(it)), &ended);
        }
        if self.versions < 3 {
            let version = Version(self.versions + 1);
            for event in [Load(version), Wake(version), NameFree(version)] {
                add(event, &|w| w.versions += 1);
            }
        }
        add(Refused("json"), &|_| ());
        add(Removed, &|_| ());
        add(Stopped, &|_| ());
        events
    }
}

/// Walks every sequence of events over three versions and checks the invariants in each state.
#[test]
fn whatever_happens_in_whatever_order_the_invariants_hold() {
    let mut seen: HashSet<String> = HashSet::new();
    let exclusive = || State { exclusive: true, ..State::new() };
    let states = [State::new(), State::asleep(), exclusive()];
    let mut left: Vec<(S, World)> = states.map(|state| (state, World::default())).into();
    while let Some((state, world)) = left.pop() {
        for (event, mut world) in world.events() {
            let (after, effects) = state.clone().transition(event.clone());
            effects.iter().for_each(|effect| world.carry_out(*effect, state.exclusive));
            let context = || format!("{} × {}", show_state(&state), show_event(&event));
            if let Some(Version(serving)) = after.serves {
                assert!(world.alive.contains(&serving), "{}", context());
                assert!(!world.unloading.contains(&serving), "{}", context());
            }
            for &it in &world.alive {
                // What was imported serves, starts, or ends.
                assert!(after.mentions(Version(it)), "v{it} is lost: {}", context());
            }
            if world.forgotten {
                assert!(world.alive.is_empty() && world.importing.is_empty(), "{}", context());
                continue;
            }
            if seen.insert(format!("{after:?} {world:?}")) {
                left.push((after, world));
            }
        }
    }
    println!("{} states", seen.len());
    assert!(seen.len() > 1_000);
}
