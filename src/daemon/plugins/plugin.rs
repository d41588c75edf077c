//! One actor: its state, and the data of the versions that its state is about.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::churn::Churn;
use super::found::Found;
use super::modules::Hashes;
use crate::daemon::actor::{End, Next, State, Version};
use crate::discovery::PluginSource;
use crate::failure::Failure;
use crate::journal::Slot;
use crate::manifest::Manifest;
use crate::paths::Paths;
use crate::policy::Policy;
use crate::registry::{Entry, Served};
use crate::requirements::{Party, Requirement};
use crate::runtime::{ExecutedFile, LoadRequest};
use crate::store::Metadata;
use crate::store::fingerprint::Fingerprint;
use crate::wire::{PluginState, Reload, Stage};

/// The actor of one plugin.
pub(super) struct Plugin {
    pub(super) id: u64,
    pub(super) source: PluginSource,
    pub(super) state: State<Failure>,
    pub(super) versions: BTreeMap<Version, VersionData>,
    /// The name while no version was imported.
    pub(super) name: String,
    /// True if [`Plugin::name`] is certain.
    pub(super) named: bool,
    /// The name that another plugin has, if that is why this one failed.
    pub(super) contested: Option<String>,
    /// The requirements in the manifest that was read last.
    pub(super) party: Option<Party>,
    /// True if its requirements count: those of a bundled plugin do once it was called.
    pub(super) counts: bool,
    /// True if its last attempt failed because its requirements were not satisfied.
    pub(super) unmet: bool,
    /// The metadata on disk.
    pub(super) cached: Option<Metadata>,
    /// What lay on disk when it was looked at last.
    pub(super) seen: Option<Seen>,
    /// What it changes itself.
    pub(super) churn: Churn,
    /// True once a shell call has shown the last failure.
    pub(super) shown: Arc<AtomicBool>,
}

/// What lies on disk, to recognize a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    fingerprint: Option<Fingerprint>,
    /// Why the manifest cannot be used.
    error: Option<String>,
}

impl Seen {
    pub(super) fn of(found: &Found) -> Seen {
        let error = found.manifest.as_ref().err().map(|failure| failure.error.clone());
        Seen { fingerprint: found.fingerprint.clone(), error }
    }

    /// The files that have another content in `later`, which may be none if something else differs; `None` if nothing
    /// does.
    pub(super) fn changed(&self, later: &Seen) -> Option<BTreeSet<PathBuf>> {
        let files = match (&self.fingerprint, &later.fingerprint) {
            (Some(before), Some(later)) => before.changed(later),
            (None, None) => BTreeSet::new(),
            _ => return Some(BTreeSet::new()),
        };
        (self.error != later.error || !files.is_empty()).then_some(files)
    }

    /// Takes in which modules it imports: these and, unless they are `all`, those before.
    pub(super) fn executed(&mut self, modules: &Hashes, all: bool) {
        let Some(fingerprint) = &mut self.fingerprint else { return };
        if all {
            fingerprint.keep_modules(&modules.keys().cloned().collect());
        }
        fingerprint.add_modules(modules);
    }
}

/// One version of a plugin, from its manifest to what serves.
pub(super) struct VersionData {
    pub(super) manifest: Manifest,
    pub(super) party: Party,
    pub(super) policy: Policy,
    pub(super) fingerprint: Option<Fingerprint>,
    /// The files that it has executed.
    pub(super) executed: BTreeSet<PathBuf>,
    /// Its place in the journal, from its import on.
    pub(super) slot: Slot,
    /// A change of its files led to it, not a request.
    pub(super) is_change: bool,
    /// The version once it was imported.
    pub(super) served: Option<Arc<Served>>,
    /// Resolves with an error once no request is on its way to the version.
    pub(super) unused: Option<oneshot::Receiver<Infallible>>,
}

impl Plugin {
    /// The actor of a plugin that was just found.
    pub(super) fn new(id: u64, found: &Found) -> Plugin {
        let (name, named) = found.name();
        Plugin {
            id,
            source: found.source.clone(),
            state: if found.sleeps() { State::asleep() } else { State::new() },
            versions: BTreeMap::new(),
            name,
            named,
            contested: None,
            party: None,
            counts: true,
            unmet: false,
            cached: None,
            seen: None,
            churn: Churn::new(Instant::now()),
            shown: Arc::default(),
        }
    }

    /// Takes over the present source, manifest and metadata.
    pub(super) fn look_again(&mut self, found: &Found) {
        self.source = found.source.clone();
        self.cached = found.cached.clone();
        self.seen = Some(Seen::of(found));
        if let Ok(manifest) = &found.manifest {
            for warning in manifest.warnings(&found.source.manifest) {
                tracing::warn!(manifest = %found.source.manifest.display(), "{warning}");
            }
            self.party = Some(found.party.clone());
            self.counts = !found.uncalled;
        }
        if self.imported().is_none() {
            (self.name, self.named) = found.name();
        }
    }

    /// The version that serves or, without one, the one that starts.
    fn imported(&self) -> Option<&Arc<Served>> {
        let served = |version: Version| self.versions.get(&version)?.served.as_ref();
        self.state.serves.or(self.state.starting()).and_then(served)
    }

    /// True once it is no longer found, or was switched off.
    pub(super) fn is_removed(&self) -> bool {
        matches!(self.state.next, Next::Ended(End::Removed))
    }

    /// True if two hosts cannot have it loaded at once.
    pub(super) fn is_exclusive(&self) -> bool {
        self.versions.values().any(|version| version.policy.exclusive)
    }

    /// The name by which it is called.
    pub(super) fn name(&self) -> &str {
        self.imported().map_or(&self.name, |served| served.name())
    }

    /// The names that no plugin found later may have.
    pub(super) fn claims(&self) -> Vec<&str> {
        let versions = [self.state.serves, self.state.starting()].into_iter().flatten();
        let mut names: Vec<&str> = versions
            .filter_map(|version| Some(self.versions.get(&version)?.served.as_ref()?.name()))
            .collect();
        let comes = matches!(
            self.state.next,
            Next::Asleep
                | Next::Installing(_)
                | Next::Checking(_)
                | Next::Clearing(_)
                | Next::Importing(_)
        );
        if self.named && comes && self.state.serves.is_none() {
            names.push(&self.name);
        }
        names
    }

    /// The requirements of the version that serves.
    pub(super) fn served_party(&self) -> Option<&Party> {
        Some(&self.versions.get(&self.state.serves?)?.party)
    }

    /// The requirements of the version that is being loaded, as text.
    fn requirements(&self) -> Vec<String> {
        let load = self.state.expected().and_then(|version| self.versions.get(&version));
        let requirements = load.map(|load| load.party.requirements.as_slice()).unwrap_or_default();
        requirements.iter().map(Requirement::shown).collect()
    }

    /// The version that is loaded next, or else the one that serves.
    pub(super) fn newest(&self) -> Option<&VersionData> {
        let newest = self.state.queued().or(self.state.expected()).or(self.state.serves);
        self.versions.get(&newest?)
    }

    /// The files to compile before `version` takes the place of the one that serves: those which that one has executed,
    /// and new ones in the same directories.
    pub(super) fn to_compile(&self, version: Version) -> Vec<PathBuf> {
        let old = self.state.serves.and_then(|old| self.versions.get(&old));
        let (Some(old), Some(new)) = (old, self.versions.get(&version)) else { return Vec::new() };
        let directories: BTreeSet<&Path> =
            old.executed.iter().filter_map(|it| it.parent()).collect();
        let changed = old.fingerprint.as_ref().zip(new.fingerprint.as_ref());
        let changed = changed.map(|(old, new)| old.changed(new)).unwrap_or_default();
        let is_code = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "py");
        let beside = |file: &PathBuf| file.parent().is_some_and(|it| directories.contains(it));
        let new = changed.into_iter().filter(|file| is_code(file) && beside(file));
        new.chain(old.executed.iter().cloned()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How to import a version.
    pub(super) fn load_request(
        &self,
        load: &VersionData,
        paths: &Paths,
        executed: UnboundedSender<ExecutedFile>,
    ) -> LoadRequest {
        let VersionData { manifest, policy, slot, .. } = load;
        LoadRequest {
            init_file: self.source.init_file(),
            working_name: manifest.name.clone().unwrap_or_else(|| self.source.working_name()),
            entry_point: manifest.entry_point.clone(),
            commands: manifest.commands.clone(),
            version: manifest.version.clone(),
            description: manifest.description.clone(),
            name: self.name().to_owned(),
            data: paths.plugin_data(),
            policy: policy.clone(),
            slot: slot.number(),
            executed,
        }
    }

    /// `failure` with the plugin's name, and whether a version serves all the same.
    pub(super) fn explain(&self, mut failure: Failure) -> Failure {
        let name = self.name();
        failure.error = match self.state.serves {
            Some(_) => format!("{name} serves its previous version: {}", failure.error),
            None => format!("{name} does not serve: {}", failure.error),
        };
        failure
    }

    /// The plugin as readers see it; `None` once it was removed.
    pub(super) fn entry(&self) -> Option<Entry> {
        let served =
            self.state.serves.and_then(|version| self.versions.get(&version)?.served.clone());
        let stage = match &self.state.next {
            Next::Installing(_) => Some(Stage::Installing(self.requirements())),
            Next::Clearing(_) => Some(Stage::Unloading),
            Next::Checking(_) | Next::Importing(_) => Some(Stage::Importing),
            Next::Starting(_) => Some(Stage::Starting),
            _ => None,
        };
        let state = match (&self.state.next, &served, stage) {
            (Next::Ended(End::Removed), ..) => return None,
            (Next::Ended(End::Stopped), ..) => PluginState::Loading(Stage::Unloading),
            (next, Some(served), stage) => PluginState::Ready {
                complaints: served.complaints.clone(),
                reload: match (next, stage) {
                    (_, Some(stage)) => Reload::Loading(stage),
                    (Next::Failed(_, failure), None) => Reload::Failed(failure.clone()),
                    _ => Reload::Idle,
                },
            },
            (_, None, Some(stage)) => PluginState::Loading(stage),
            (Next::Failed(_, failure), None, None) => PluginState::Failed(failure.clone()),
            (Next::Asleep, None, None) => PluginState::Asleep,
            (_, None, None) => PluginState::Loading(Stage::Installing(Vec::new())),
        };
        Some(Entry {
            id: self.id,
            version: self.state.serves.map_or(0, |Version(version)| version),
            source: self.source.clone(),
            name: self.name().to_owned(),
            named: self.named || self.imported().is_some(),
            state,
            served,
            cached: self.cached.clone(),
            shown: self.shown.clone(),
        })
    }
}
