//! All plugins at one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Served;
use crate::description::Description;
use crate::discovery::{Origin, PluginSource};
use crate::failure::{Failure, Kind};
use crate::nearest::nearest;
use crate::store::Metadata;
use crate::wire::{FailedPlugin, PluginState, PluginStatus, Stage};

/// One plugin of a snapshot, as all readers see it.
#[derive(Clone)]
pub struct Entry {
    /// Identifies the plugin, whatever version of it serves.
    pub id: u64,
    /// Identifies the version that serves; 0 for none.
    pub version: u64,
    /// Its source.
    pub source: PluginSource,
    /// Its own name once it was imported, before that the manifest's or a guess.
    pub name: String,
    /// True if the name is certain.
    pub named: bool,
    /// Its state.
    pub state: PluginState,
    /// The version that serves, if [`Entry::state`] is [`PluginState::Ready`].
    pub served: Option<Arc<Served>>,
    /// The metadata on disk, of the last load that served.
    pub cached: Option<Metadata>,
    /// True once a shell call has shown the failure in [`Entry::state`]; each failure has its own.
    pub shown: Arc<AtomicBool>,
}

/// All plugins at one moment, in order of discovery, except those that are switched off.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// The plugins.
    pub entries: Vec<Entry>,
    /// Names of the plugins that `config.toml` switches off.
    pub switched_off: Vec<String>,
}

impl Entry {
    /// True while the first version is being loaded.
    pub fn is_loading(&self) -> bool {
        matches!(self.state, PluginState::Loading(_))
    }

    /// True for a plugin that comes with the daemon.
    pub fn is_bundled(&self) -> bool {
        self.source.origin == Origin::Bundled
    }

    /// The plugin's metadata, unless it is outdated.
    pub fn metadata(&self) -> Option<&Metadata> {
        if let Some(served) = &self.served {
            return Some(&served.metadata);
        }
        match self.state {
            PluginState::Asleep | PluginState::Loading(_) => {
                self.cached.as_ref().filter(|cached| cached.is_fresh)
            }
            PluginState::Ready { .. } | PluginState::Failed(_) => None,
        }
    }

    /// This entry as `status` shows it, with `notices` of the plugin.
    pub fn status(&self, notices: Vec<String>) -> PluginStatus {
        PluginStatus {
            name: self.name.clone(),
            path: self.source.path.display().to_string(),
            commands: self.metadata().map_or(0, |metadata| metadata.description.commands.len()),
            state: self.state.clone(),
            notices,
            background: match &self.served {
                Some(served) => served.instance.background(),
                None => Vec::new(),
            },
            traffic: self.served.as_ref().map(|served| served.traffic()),
        }
    }

    /// This entry as a list of failures shows it, if it or its new version does not serve.
    pub fn failed(&self) -> Option<FailedPlugin> {
        self.state.failure().map(|failure| FailedPlugin {
            name: self.name.clone(),
            path: self.source.path.display().to_string(),
            error: failure.error.clone(),
            hint: failure.hint.clone(),
        })
    }
}

impl Snapshot {
    /// The plugins that serve.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.entries.iter().filter_map(|entry| entry.served.as_ref())
    }

    /// Metadata of all plugins that serve, or will at their first call; complete once the snapshot is settled.
    pub fn metadata(&self) -> impl Iterator<Item = &Metadata> {
        self.entries.iter().filter(|entry| !entry.is_loading()).filter_map(Entry::metadata)
    }

    /// Descriptions of all plugins that are known, also while they load.
    pub fn descriptions(&self) -> impl Iterator<Item = Arc<Description>> {
        self.entries.iter().filter_map(Entry::metadata).map(|metadata| metadata.description.clone())
    }

    /// Descriptions of the user's own plugins that are known; where there are none, of those that come with the daemon.
    pub fn own_descriptions(&self) -> Vec<Arc<Description>> {
        let has_own = self.entries.iter().any(|entry| !entry.is_bundled());
        let entries = self.entries.iter().filter(|entry| !has_own || !entry.is_bundled());
        let metadata = entries.filter_map(Entry::metadata);
        metadata.map(|metadata| metadata.description.clone()).collect()
    }

    /// Names of the plugins that serve, or will at their first call.
    pub fn names(&self) -> Vec<String> {
        let name = |entry: &Entry| match entry.metadata() {
            Some(metadata) => Some(metadata.description.name.clone()),
            None => (entry.named && entry.state == PluginState::Asleep).then(|| entry.name.clone()),
        };
        self.entries.iter().filter(|entry| !entry.is_loading()).filter_map(name).collect()
    }

    /// The plugins that do not serve, or whose new version does not, and why.
    pub fn failed(&self) -> Vec<FailedPlugin> {
        self.entries.iter().filter_map(Entry::failed).collect()
    }

    /// True if a plugin keeps the daemon alive without requests.
    pub fn holds_awake(&self) -> bool {
        self.served().any(|served| served.holds_awake())
    }

    /// Why the new version of the plugin `name`, whose old one serves, does not; at the first call only.
    pub(super) fn unseen_failure(&self, name: &str) -> Option<String> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.served.as_ref().is_some_and(|it| it.name() == name));
        let entry = entry?;
        let failure = entry.state.failure()?;
        (!entry.shown.swap(true, Ordering::Relaxed)).then(|| failure.error.clone())
    }

    /// True if no plugin's first version is being loaded.
    pub fn is_settled(&self) -> bool {
        !self.entries.iter().any(Entry::is_loading)
    }

    /// The plugin `name`: served, or failed, or `None` while one is asleep or loading that may turn out to be it.
    pub(super) fn lookup(&self, name: &str) -> Option<Result<Arc<Served>, Failure>> {
        if let Some(served) = self.served().find(|served| served.name() == name) {
            return Some(Ok(served.clone()));
        }
        if self.pending(name).is_some() {
            return None;
        }
        let failed = self.entries.iter().find_map(|entry| match &entry.state {
            PluginState::Failed(failure) if entry.name == name => Some(failure.clone()),
            _ => None,
        });
        Some(Err(failed.unwrap_or_else(|| self.unknown(name))))
    }

    /// The first entry that does not serve yet and may turn out to be the plugin `name`.
    pub(super) fn pending(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| match entry.state {
            PluginState::Asleep => entry.name == name,
            PluginState::Loading(_) => !entry.named || entry.name == name,
            PluginState::Ready { .. } | PluginState::Failed(_) => false,
        })
    }

    /// True if the plugin `name` is not loaded because packages are being installed for it.
    pub(super) fn waits_for_packages(&self, name: &str) -> bool {
        let is_installing =
            |entry: &Entry| matches!(entry.state, PluginState::Loading(Stage::Installing(_)));
        self.pending(name).is_some_and(is_installing)
    }

    /// The failure of a request for a plugin that does not exist.
    pub fn unknown(&self, name: &str) -> Failure {
        if self.switched_off.iter().any(|off| off == name) {
            return Failure::new(Kind::Plugin, format!("{name} is switched off in config.toml"))
                .hint(format!(
                    "Remove `enabled = false` from [plugins.{name}], then run `skills-daemon restart`."
                ));
        }
        // Also those that are about to serve: what is available does not depend on the moment.
        let names: Vec<String> = self
            .entries
            .iter()
            .filter(|entry| entry.named && !matches!(entry.state, PluginState::Failed(_)))
            .map(|entry| entry.name.clone())
            .collect();
        let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        // A plugin that failed before its name was known may be the one.
        let unnamed = self.entries.iter().find_map(|entry| match &entry.state {
            PluginState::Failed(failure) if !entry.named => Some(&failure.error),
            _ => None,
        });
        let hint = match (near, unnamed) {
            (Some(near), _) => format!("Did you mean '{near}'?"),
            (None, Some(error)) => format!("It may be one that did not load: {error}"),
            (None, None) => {
                "`skills-daemon plugins` lists all plugins; see README for where they are found."
                    .into()
            }
        };
        Failure::new(Kind::NotFound, format!("Unknown plugin: {name}")).hint(hint).available(names)
    }
}
