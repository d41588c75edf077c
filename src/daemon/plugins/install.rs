//! The requirements of plugins: what they ask of the installed packages, and how they stand.
//!
//! What all plugins require together is asked for whenever it changes, those that sleep or failed included, so that what
//! is installed for one never takes a package away from another. A version is imported once its requirements are
//! satisfied, whatever becomes of those of others; one that was set aside is loaded again once they are.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::task::spawn_blocking;

use super::pending::Install;
use super::plugin::Plugin;
use super::router::Router;
use crate::daemon::actor::{Event, Next, Version};
use crate::daemon::dependencies::{Asked, Order, Standing, State};
use crate::discovery::Origin;
use crate::requirements::{Party, Wanted};

impl Router {
    /// Reads where packages come from; the sources before stay in force where that fails.
    pub(super) fn read_sources(&mut self) {
        match self.shared.parts.settings.now().dependencies.sources() {
            Ok(sources) => self.installs.sources = sources,
            Err(failure) => tracing::error!(error = failure.error, "[dependencies]"),
        }
    }

    /// Notes that a bundled plugin is called: from now on its requirements count.
    pub(super) fn note_call(&self, id: u64) {
        let Some(plugin) = self.plugin(id) else { return };
        if plugin.source.origin != Origin::Bundled {
            return;
        }
        let mut called = self.shared.called.lock().unwrap_or_else(PoisonError::into_inner);
        if called.note(plugin.name()) {
            let (called, file) = (called.clone(), self.shared.parts.paths.called());
            spawn_blocking(move || {
                if let Err(error) = called.write(&file) {
                    tracing::warn!(file = %file.display(), %error, "a call is not kept");
                }
            });
        }
    }

    /// Has a version wait until its requirements are satisfied; without any, they are.
    pub(super) fn install(&mut self, id: u64, version: Version) {
        let plugin = self.plugins.iter_mut().find(|plugin| plugin.id == id);
        let party = plugin.as_ref().and_then(|plugin| plugin.versions.get(&version));
        let party = party.map(|version| version.party.clone()).filter(Party::asks);
        match (plugin, party) {
            (Some(plugin), Some(party)) if self.shared.dependencies.is_some() => {
                let again = std::mem::take(&mut plugin.unmet);
                let install = Install { id, version, party, request: None, again };
                self.installs.waiting.push(install);
            }
            _ => self.event(id, Event::Installed(version)),
        }
    }

    /// Asks for what is required now, if that differs or a version waits for it, and goes on with what is satisfied.
    pub(super) fn see_to_installs(&mut self) {
        loop {
            self.ask_and_go_on();
            // A version that takes the place of one that was satisfied begins to wait only now.
            if self.installs.waiting.iter().all(|install| install.request.is_some()) {
                return;
            }
        }
    }

    fn ask_and_go_on(&mut self) {
        let Some(dependencies) = self.shared.dependencies.clone() else { return };
        let known = self.installs.known.clone();
        let is_new = |install: &Install| {
            install.request.is_none() && known.standing(&install.party) != Standing::Satisfied
        };
        let is_waiting = self.installs.waiting.iter().any(is_new);
        let again = self.installs.waiting.iter().any(|it| is_new(it) && it.again);
        let asked = self.asked();
        if is_waiting || asked != self.installs.asked {
            self.installs.number += 1;
            let order = if again { Order::again() } else { Order::default() };
            dependencies.want(asked.clone(), order, self.installs.number);
            self.installs.asked = asked;
            for install in self.installs.waiting.iter_mut().filter(|it| it.request.is_none()) {
                install.request = Some(self.installs.number);
            }
        }
        self.go_on_with_installs();
    }

    /// Takes how the parties stand, and loads again what failed for requirements that are satisfied now.
    pub(super) fn stands(&mut self, known: Arc<State>) {
        self.installs.known = known.clone();
        let is_back = |plugin: &&Plugin| {
            let failed = matches!(plugin.state.next, Next::Failed(..));
            let is_satisfied = |party: &Party| known.standing(party) == Standing::Satisfied;
            failed && plugin.unmet && plugin.party.as_ref().is_some_and(is_satisfied)
        };
        let back: Vec<u64> = self.plugins.iter().filter(is_back).map(|plugin| plugin.id).collect();
        for id in back {
            if let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) {
                tracing::info!(plugin = plugin.name(), "requirements satisfied");
                plugin.unmet = false;
            }
            self.look_again(id, Event::Load);
        }
    }

    fn go_on_with_installs(&mut self) {
        let known = self.installs.known.clone();
        let mut kept = Vec::new();
        let waiting = std::mem::take(&mut self.installs.waiting);
        for install in &waiting {
            self.held().remove(&install.id);
        }
        for install in waiting {
            let (id, version) = (install.id, install.version);
            if self.plugin(id).is_none_or(|plugin| plugin.state.expected() != Some(version)) {
                continue;
            }
            let is_known = install.request.is_some_and(|number| number <= known.requests.begun);
            match known.standing(&install.party) {
                Standing::Satisfied => self.event(id, Event::Installed(version)),
                Standing::SetAside(failure) | Standing::Failed(failure) if is_known => {
                    self.broke(id, version, failure);
                    if let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) {
                        plugin.unmet = true;
                    }
                }
                _ => kept.push(install),
            }
        }
        if known.is_replacing() {
            // A process that takes over does not wait for those that another one will load.
            self.held().extend(kept.iter().map(|install| install.id));
        }
        self.installs.waiting.extend(kept);
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the plugins require, each in the version that was seen last.
    fn asked(&mut self) -> Asked {
        let present = || self.plugins.iter().filter(|plugin| !plugin.is_removed());
        let paths: Vec<_> = present().map(|plugin| plugin.source.path.as_path()).collect();
        let is_new = self.seniority.note(&paths, SystemTime::now());
        let parties =
            present().filter(|plugin| plugin.counts).filter_map(|plugin| plugin.party.clone());
        let sources = self.installs.sources.clone();
        let wanted = Wanted::new(parties.collect(), sources, &self.seniority);
        let serving = present().filter_map(Plugin::served_party).cloned().collect();
        if is_new {
            let (seniority, file) = (self.seniority.clone(), self.shared.parts.paths.seniority());
            spawn_blocking(move || {
                if let Err(error) = seniority.write(&file) {
                    tracing::warn!(file = %file.display(), %error, "the order of plugins is not kept");
                }
            });
        }
        Asked { wanted, serving }
    }
}
