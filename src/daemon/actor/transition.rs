//! `(state, event) → (state, effects)`.

use super::{Attempt, Effect, End, Ending, Event, Next, State, Version, Why};

impl<F> State<F> {
    /// Returns the state after `event`, and what to do about it, in order.
    pub(in crate::daemon) fn transition(mut self, event: Event<F>) -> (State<F>, Vec<Effect>) {
        let effects = match event {
            Event::Load(version) => self.load(version),
            Event::Refused(why) => self.refused(why),
            Event::Wake(version) => match self.next {
                Next::Asleep => self.begin(version),
                _ => Vec::new(),
            },
            Event::Installed(version) => self.installed(version),
            Event::Checked(version) => self.checked(version),
            Event::Imported(version) => self.imported(version),
            Event::Denied(version, why) => self.denied(version, why),
            Event::Broke(version, why) => self.broke(version, why),
            Event::Started(version) if self.starting() == Some(version) => {
                vec![Effect::Describe(version)]
            }
            Event::Started(_) => Vec::new(),
            Event::Described(version) => self.described(version),
            Event::Overdue(version, why) => self.overdue(version, why),
            Event::NameLost(version, why) => self.name_lost(version, why),
            Event::NameFree(version) => match self.next {
                Next::Failed(Why::NameTaken, _) => self.begin(version),
                _ => Vec::new(),
            },
            Event::Unloaded(version) | Event::Abandoned(version) => self.ended(version),
            Event::Removed => self.end(End::Removed),
            Event::Stopped => self.end(End::Stopped),
        };
        (self, effects)
    }

    /// Begins an attempt, from a state without one.
    fn begin(&mut self, version: Version) -> Vec<Effect> {
        self.next = Next::Installing(Attempt { version, queued: None });
        vec![Effect::Install(version)]
    }

    /// Begins the queued attempt, or goes on to `otherwise`.
    fn settle(&mut self, attempt: Attempt, otherwise: Next<F>) -> Vec<Effect> {
        match attempt.queued {
            Some(version) => self.begin(version),
            None => {
                self.next = otherwise;
                Vec::new()
            }
        }
    }

    /// Unloads a version that was imported.
    fn retire(&mut self, version: Version) -> Effect {
        self.ending.insert(version, Ending::Unloading);
        Effect::Unload(version)
    }

    /// Gives up what is expected: an import that has not returned is unloaded when it does.
    fn give_up(&mut self) -> Vec<Effect> {
        match self.next {
            Next::Importing(Attempt { version, .. }) => {
                self.ending.insert(version, Ending::Importing);
                Vec::new()
            }
            Next::Failed(Why::LateImport(version), _) => {
                self.ending.insert(version, Ending::Late);
                Vec::new()
            }
            Next::Starting(Attempt { version, .. }) | Next::Failed(Why::LateStart(version), _) => {
                vec![self.retire(version)]
            }
            _ => Vec::new(),
        }
    }

    fn load(&mut self, version: Version) -> Vec<Effect> {
        match &mut self.next {
            Next::Installing(attempt)
            | Next::Checking(attempt)
            | Next::Clearing(attempt)
            | Next::Importing(attempt)
            | Next::Starting(attempt) => {
                attempt.queued = Some(version);
                Vec::new()
            }
            Next::Ended(End::Stopped) => Vec::new(),
            Next::Idle | Next::Asleep | Next::Failed(..) | Next::Ended(End::Removed) => {
                let mut effects = self.give_up();
                effects.extend(self.begin(version));
                effects
            }
        }
    }

    fn refused(&mut self, why: F) -> Vec<Effect> {
        if matches!(self.next, Next::Ended(End::Stopped)) {
            return Vec::new();
        }
        let effects = self.give_up();
        self.next = Next::Failed(Why::Broken, why);
        effects
    }

    fn installed(&mut self, version: Version) -> Vec<Effect> {
        match self.next {
            // Nothing of the version was read yet but its requirements: the queued one takes its place.
            Next::Installing(attempt) if attempt.version == version => match attempt.queued {
                Some(queued) => self.begin(queued),
                // What does not even compile is no reason to end a version that serves.
                None if self.exclusive && self.serves.is_some() => {
                    self.next = Next::Checking(attempt);
                    vec![Effect::Check(version)]
                }
                None => self.clear(attempt),
            },
            _ => Vec::new(),
        }
    }

    fn checked(&mut self, version: Version) -> Vec<Effect> {
        match self.next {
            Next::Checking(attempt) if attempt.version == version => match attempt.queued {
                Some(queued) => self.begin(queued),
                None => self.clear(attempt),
            },
            _ => Vec::new(),
        }
    }

    /// Imports a version, an exclusive one as soon as no other is alive.
    fn clear(&mut self, attempt: Attempt) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.exclusive
            && let Some(old) = self.serves.take()
        {
            effects.extend([Effect::Withdraw(old), self.retire(old)]);
        }
        if self.exclusive && self.ending.values().any(|ending| *ending != Ending::Late) {
            self.next = Next::Clearing(attempt);
        } else {
            self.next = Next::Importing(attempt);
            effects.push(Effect::Import(attempt.version));
        }
        effects
    }

    /// Goes on with what waits for the end of other versions, if that was the last.
    fn cleared(&mut self) -> Vec<Effect> {
        match self.next {
            Next::Clearing(Attempt { queued: Some(queued), .. }) => self.begin(queued),
            Next::Clearing(attempt) => self.clear(attempt),
            _ => Vec::new(),
        }
    }

    fn imported(&mut self, version: Version) -> Vec<Effect> {
        self.next = match std::mem::replace(&mut self.next, Next::Idle) {
            Next::Importing(attempt) if attempt.version == version => Next::Starting(attempt),
            Next::Failed(Why::LateImport(late), _) if late == version => {
                Next::Starting(Attempt { version, queued: None })
            }
            other => {
                self.next = other;
                return vec![self.retire(version)];
            }
        };
        vec![Effect::Start(version)]
    }

    fn denied(&mut self, version: Version, why: F) -> Vec<Effect> {
        let mut effects = vec![self.retire(version)];
        match self.next {
            Next::Importing(attempt) if attempt.version == version => {
                effects.extend(self.settle(attempt, Next::Failed(Why::NameTaken, why)));
            }
            Next::Failed(Why::LateImport(late), _) if late == version => {
                self.next = Next::Failed(Why::NameTaken, why);
            }
            _ => {}
        }
        effects
    }

    fn broke(&mut self, version: Version, why: F) -> Vec<Effect> {
        match self.next {
            Next::Installing(attempt) | Next::Checking(attempt) | Next::Importing(attempt)
                if attempt.version == version =>
            {
                self.settle(attempt, Next::Failed(Why::Broken, why))
            }
            Next::Failed(Why::LateImport(late), _) if late == version => {
                self.next = Next::Failed(Why::Broken, why);
                Vec::new()
            }
            _ => self.ended(version),
        }
    }

    fn described(&mut self, version: Version) -> Vec<Effect> {
        if self.starting() != Some(version) {
            return Vec::new();
        }
        let mut effects = vec![Effect::Serve(version)];
        let old = self.serves.replace(version);
        effects.extend(old.map(|old| self.retire(old)));
        effects.extend(match self.next {
            Next::Starting(attempt) => self.settle(attempt, Next::Idle),
            _ => {
                self.next = Next::Idle;
                Vec::new()
            }
        });
        effects
    }

    fn overdue(&mut self, version: Version, why: F) -> Vec<Effect> {
        if self.ending.get(&version) == Some(&Ending::Importing) {
            self.ending.insert(version, Ending::Late);
            return self.cleared();
        }
        let (attempt, late) = match self.next {
            Next::Importing(attempt) => (attempt, Why::LateImport(version)),
            Next::Starting(attempt) => (attempt, Why::LateStart(version)),
            _ => return Vec::new(),
        };
        if attempt.version != version {
            return Vec::new();
        }
        let mut effects = if attempt.queued.is_some() { self.give_up() } else { Vec::new() };
        effects.extend(self.settle(attempt, Next::Failed(late, why)));
        effects
    }

    fn name_lost(&mut self, version: Version, why: F) -> Vec<Effect> {
        if self.serves == Some(version) {
            self.serves = None;
            let effects = vec![Effect::Withdraw(version), self.retire(version)];
            if let Next::Idle | Next::Failed(Why::Broken | Why::NameTaken, _) = self.next {
                self.next = Next::Failed(Why::NameTaken, why);
            }
            return effects;
        }
        if self.starting() != Some(version) {
            return Vec::new();
        }
        let mut effects = self.give_up();
        let attempt = Attempt { version, queued: self.queued() };
        effects.extend(self.settle(attempt, Next::Failed(Why::NameTaken, why)));
        effects
    }

    fn ended(&mut self, version: Version) -> Vec<Effect> {
        if self.ending.remove(&version).is_none() {
            return Vec::new();
        }
        let is_over = matches!(self.next, Next::Ended(End::Removed)) && self.ending.is_empty();
        if is_over { vec![Effect::Forget] } else { self.cleared() }
    }

    fn end(&mut self, end: End) -> Vec<Effect> {
        if matches!(self.next, Next::Ended(End::Stopped)) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if let Some(version) = self.serves.take() {
            effects.extend([Effect::Withdraw(version), self.retire(version)]);
        }
        match (end, &self.next) {
            // Its thread is blocked: the end of the daemon does not wait for it.
            (End::Stopped, Next::Failed(Why::LateStart(version), _)) => {
                self.ending.insert(*version, Ending::Late);
            }
            _ => effects.extend(self.give_up()),
        }
        self.next = Next::Ended(end);
        if end == End::Removed && self.ending.is_empty() {
            effects.push(Effect::Forget);
        }
        effects
    }
}
