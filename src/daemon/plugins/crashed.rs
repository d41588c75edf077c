//! Plugins that ended an earlier process: loaded later or not at all, until they change or are reloaded by name.

use std::collections::HashSet;
use std::path::PathBuf;

use super::found::Found;
use super::router::Router;
use crate::crashes::book::Verdict;
use crate::daemon::actor::Version;
use crate::failure::{Failure, Kind};
use crate::journal::{Phase, Slot};
use crate::notices::Topic;
use crate::store::fingerprint::Fingerprint;

impl Router {
    /// Shows what becomes of the plugin `id` after crashes; returns the failure of one that is set aside.
    pub(super) fn judge(&self, id: u64, verdict: &Verdict) -> Option<Failure> {
        let (notice, why) = match verdict {
            Verdict::Load => (None, None),
            Verdict::Watch(text) | Verdict::Defer(text) => (Some(text.clone()), None),
            Verdict::SetAside(why) => (None, Some(why)),
        };
        self.shared.parts.notices.set(Some(id), Topic::Crashes, notice);
        let name = self.plugin(id)?.name();
        Some(
            Failure::new(Kind::Plugin, why?)
                .hint(format!("Change its files, or run `skills-daemon reload {name}`.")),
        )
    }

    /// Forgets the crashes of the plugins that a reload selects by name.
    pub(super) fn forgiven(
        &self,
        mut found: Vec<Found>,
        selected: Option<&HashSet<PathBuf>>,
    ) -> Vec<Found> {
        let Some(selected) = selected else { return found };
        for found in found.iter_mut().filter(|found| selected.contains(&found.source.path)) {
            self.shared.parts.crashes.forgive(&found.source.path);
            found.verdict = Verdict::Load;
        }
        found
    }

    /// Enters a version that is about to be imported into the journal.
    pub(super) fn journal(&mut self, id: u64, version: Version) {
        let Some(journal) = &self.shared.parts.journal else { return };
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        let (path, name) = (plugin.source.path.clone(), plugin.name().to_owned());
        let Some(load) = plugin.versions.get_mut(&version) else { return };
        // What it imports from elsewhere may be other modules in the next process.
        let fingerprint = load.fingerprint.as_ref().map(Fingerprint::own_digest);
        load.slot = journal.enter(&path, &fingerprint.unwrap_or_default(), &name);
    }

    /// Notes what the code of a version does from now on.
    pub(super) fn set_phase(&self, id: u64, version: Version, phase: Phase) -> Slot {
        let load = self.plugin(id).and_then(|plugin| plugin.versions.get(&version));
        let slot = load.map(|load| load.slot.clone()).unwrap_or_default();
        slot.set(phase);
        slot
    }
}
