//! All plugins and where they stand: an immutable snapshot, swapped whole.
//!
//! Readers take the snapshot of the moment and keep it as long as they like; nobody ever sees half a change.
//! Whoever needs a plugin that is still loading waits for the next snapshot that settles it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::discovery::PluginSource;
use crate::failure::{Failure, Kind};
use crate::nearest::nearest;
use crate::routes::Table;
use crate::runtime::Instance;
use crate::store::Metadata;
use crate::wire::{FailedPlugin, PluginStatus};

/// A plugin that serves.
pub struct Served {
    /// What it tells of itself.
    pub told: Metadata,
    /// The index over its routes.
    pub table: Table,
    /// How to reach it.
    pub instance: Arc<dyn Instance>,
    /// What went wrong in its hooks without keeping it from serving.
    pub complaints: Vec<String>,
}

/// Where a plugin stands.
#[derive(Clone)]
pub enum State {
    /// It is loaded at its first call, and known by what it told when it was last loaded.
    Asleep,
    /// Its dependencies are installed, it is imported, or its hooks run.
    Loading {
        /// What is being done, for a person.
        stage: String,
    },
    /// It serves.
    Ready(Arc<Served>),
    /// It does not serve.
    Failed(Failure),
}

/// One plugin of a snapshot.
#[derive(Clone)]
pub struct Entry {
    /// Identifies this load of the plugin; a reload gets a new one.
    pub id: u64,
    /// Where it lies.
    pub source: PluginSource,
    /// Its own name once it told it, before that the manifest's or a guess.
    pub name: String,
    /// True if the name is certain.
    pub named: bool,
    /// Where it stands.
    pub state: State,
    /// What it told when it was last loaded, until it is loaded again.
    pub remembered: Option<Remembered>,
}

/// What a plugin told at an earlier time.
#[derive(Clone)]
pub struct Remembered {
    /// What it told.
    pub told: Metadata,
    /// True if its files are still the same.
    pub is_fresh: bool,
}

/// An account of a plugin, and why it is an old one.
pub type Account = (Metadata, Option<Failure>);

/// All plugins at one moment, in order of discovery.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// The plugins.
    pub entries: Vec<Entry>,
}

/// The current snapshot and everybody who waits for the next.
pub struct Registry {
    current: watch::Sender<Arc<Snapshot>>,
    wake: mpsc::UnboundedSender<u64>,
}

impl Served {
    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.told.description.name
    }
}

impl Entry {
    fn is_loading(&self) -> bool {
        matches!(self.state, State::Loading { .. })
    }

    /// The plugin, if it serves.
    pub fn served(&self) -> Option<&Arc<Served>> {
        match &self.state {
            State::Ready(served) => Some(served),
            _ => None,
        }
    }

    /// What the plugin tells of itself, if that is what it would tell now.
    pub fn told(&self) -> Option<&Metadata> {
        let remembered = || self.remembered.as_ref().filter(|it| it.is_fresh).map(|it| &it.told);
        match &self.state {
            State::Ready(served) => Some(&served.told),
            State::Asleep | State::Loading { .. } => remembered(),
            State::Failed(_) => None,
        }
    }

    /// This entry as `status` shows it.
    pub fn status(&self) -> PluginStatus {
        let commands = self.told().map_or(0, |told| told.description.commands.len());
        let (state, detail, hint) = match &self.state {
            State::Asleep => ("asleep", Some("loaded at its first call".to_owned()), None),
            State::Loading { stage } => ("loading", Some(stage.clone()), None),
            State::Ready(served) => {
                let complaints =
                    (!served.complaints.is_empty()).then(|| served.complaints.join("; "));
                ("ready", complaints, None)
            }
            State::Failed(failure) => ("failed", Some(failure.error.clone()), failure.hint.clone()),
        };
        PluginStatus {
            name: self.name.clone(),
            path: self.source.path.display().to_string(),
            state: state.to_owned(),
            detail,
            hint,
            commands,
        }
    }
}

impl Snapshot {
    /// The plugins that serve.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.entries.iter().filter_map(Entry::served)
    }

    /// What all plugins tell that serve, or would if they were asked; complete once the snapshot is settled.
    pub fn told(&self) -> impl Iterator<Item = &Metadata> {
        self.entries.iter().filter(|entry| !entry.is_loading()).filter_map(Entry::told)
    }

    /// Names of the plugins that serve, or would if they were asked.
    pub fn names(&self) -> Vec<String> {
        self.told().map(|told| told.description.name.clone()).collect()
    }

    /// The plugins that do not serve, and why.
    pub fn failed(&self) -> Vec<FailedPlugin> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.state {
                State::Failed(failure) => Some(FailedPlugin {
                    name: entry.name.clone(),
                    path: entry.source.path.display().to_string(),
                    error: failure.error.clone(),
                    hint: failure.hint.clone(),
                }),
                _ => None,
            })
            .collect()
    }

    /// True if no plugin is loading.
    pub fn is_settled(&self) -> bool {
        !self.entries.iter().any(Entry::is_loading)
    }

    /// The plugin `name`: served, or failed, or `None` while one is asleep or loading that may turn out to be it.
    fn lookup(&self, name: &str) -> Option<Result<Arc<Served>, Failure>> {
        if let Some(served) = self.served().find(|served| served.name() == name) {
            return Some(Ok(served.clone()));
        }
        if self.pending(name).is_some() {
            return None;
        }
        let failed = self.entries.iter().find_map(|entry| match &entry.state {
            State::Failed(failure) if entry.name == name => Some(failure.clone()),
            _ => None,
        });
        Some(Err(failed.unwrap_or_else(|| self.unknown(name))))
    }

    /// The first entry that does not serve yet and may turn out to be the plugin `name`.
    fn pending(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| match entry.state {
            State::Asleep => entry.name == name,
            State::Loading { .. } => !entry.named || entry.name == name,
            State::Ready(_) | State::Failed(_) => false,
        })
    }

    /// The failure of asking for a plugin that is not there.
    fn unknown(&self, name: &str) -> Failure {
        // Also those that are about to serve: what there is does not depend on the moment.
        let names: Vec<String> = self
            .entries
            .iter()
            .filter(|entry| entry.named && !matches!(entry.state, State::Failed(_)))
            .map(|entry| entry.name.clone())
            .collect();
        let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        // A plugin that failed before it told its name may be the one.
        let unnamed = self.entries.iter().find_map(|entry| match &entry.state {
            State::Failed(failure) if !entry.named => Some(&failure.error),
            _ => None,
        });
        let hint = match (near, unnamed) {
            (Some(near), _) => format!("Did you mean '{near}'?"),
            (None, Some(error)) => format!("It may be one that did not load: {error}"),
            (None, None) => {
                "`skills-daemon plugins` lists all plugins; README says where they are found."
                    .into()
            }
        };
        Failure::new(Kind::NotFound, format!("Unknown plugin: {name}")).hint(hint).available(names)
    }
}

impl Registry {
    /// A registry without plugins, and where it says which entries are to be woken.
    pub fn new() -> (Registry, mpsc::UnboundedReceiver<u64>) {
        let (wake, woken) = mpsc::unbounded_channel();
        (Registry { current: watch::Sender::new(Arc::default()), wake }, woken)
    }

    /// The snapshot of the moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.borrow().clone()
    }

    /// Replaces the whole snapshot by what `change` makes of it.
    pub fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        self.current.send_modify(|current| {
            let mut next = Snapshot::clone(current);
            change(&mut next);
            *current = Arc::new(next);
        });
    }

    /// Changes the entry `id`; false if it is no longer there.
    pub fn update_entry(&self, id: u64, change: impl FnOnce(&mut Entry)) -> bool {
        let mut found = false;
        self.update(|snapshot| {
            if let Some(entry) = snapshot.entries.iter_mut().find(|entry| entry.id == id) {
                found = true;
                change(entry);
            }
        });
        found
    }

    /// The plugin `name`, if it serves.
    pub fn ready(&self, name: &str) -> Option<Arc<Served>> {
        self.current.borrow().served().find(|served| served.name() == name).cloned()
    }

    /// The plugin `name`; wakes it, and waits while one is loading that may turn out to be it.
    pub async fn find(&self, name: &str) -> Result<Arc<Served>, Failure> {
        let mut watched = self.current.subscribe();
        loop {
            if let Some(found) = watched.borrow_and_update().lookup(name) {
                return found;
            }
            self.wake(name);
            if watched.changed().await.is_err() {
                return Err(Failure::new(Kind::Unavailable, "the daemon is stopping"));
            }
        }
    }

    /// What the plugin `name` tells of itself; wakes nobody, and waits only for a plugin whose files have changed.
    ///
    /// A plugin that does not serve still has what it told before; the failure then comes with it.
    pub async fn account(&self, name: &str) -> Result<Account, Failure> {
        let named = |entry: &&Entry| entry.named && entry.name == name;
        let current = self.snapshot();
        let mut entries = current.entries.iter().filter(named);
        if let Some(told) = entries.find_map(Entry::told) {
            return Ok((told.clone(), None));
        }
        let failure = match self.find(name).await {
            Ok(served) => return Ok((served.told.clone(), None)),
            Err(failure) => failure,
        };
        let current = self.snapshot();
        let mut entries = current.entries.iter().filter(named);
        match entries.find_map(|entry| entry.remembered.as_ref()) {
            Some(remembered) => Ok((remembered.told.clone(), Some(failure))),
            None => Err(failure),
        }
    }

    /// Has the plugin `name` loaded if it is asleep.
    fn wake(&self, name: &str) {
        let asleep = |snapshot: &Snapshot| {
            let entry = snapshot.pending(name).filter(|entry| matches!(entry.state, State::Asleep));
            entry.map(|entry| entry.id)
        };
        let Some(id) = asleep(&self.snapshot()) else { return };
        let mut is_first = false;
        self.update_entry(id, |entry| {
            is_first = matches!(entry.state, State::Asleep);
            if is_first {
                entry.state = State::Loading { stage: "waking up".to_owned() };
            }
        });
        if is_first {
            // Nobody is there to hear it only when the daemon is ending.
            let _ = self.wake.send(id);
        }
    }

    /// Waits until no plugin is loading.
    pub async fn settled(&self) -> Arc<Snapshot> {
        let mut watched = self.current.subscribe();
        // Fails only if the sender is gone, which `self` keeps.
        let _ = watched.wait_for(|snapshot| snapshot.is_settled()).await;
        self.snapshot()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Origin;

    fn entry(id: u64, name: &str, named: bool, state: State) -> Entry {
        let source = PluginSource::at(format!("/p/{name}").into(), Origin::Conf);
        Entry { id, source, name: name.into(), named, state, remembered: None }
    }

    fn loading() -> State {
        State::Loading { stage: "importing".into() }
    }

    #[tokio::test]
    async fn a_plugin_that_loads_is_waited_for_and_others_are_not() {
        let (registry, _) = Registry::new();
        let failure = Failure::new(Kind::Plugin, "jira: syntax error");
        registry.update(|snapshot| {
            snapshot.entries =
                vec![entry(1, "jira", true, loading()), entry(2, "other", true, loading())];
        });
        let wait = registry.find("jira");
        tokio::pin!(wait);
        assert!(futures_util::poll!(&mut wait).is_pending());
        registry.update_entry(1, |entry| entry.state = State::Failed(failure.clone()));
        assert_eq!(wait.await.err(), Some(failure));
    }

    #[tokio::test]
    async fn an_unknown_name_waits_only_for_those_that_have_no_name_yet() {
        let (registry, _) = Registry::new();
        registry.update(|snapshot| snapshot.entries = vec![entry(1, "x", false, loading())]);
        let wait = registry.find("jira");
        tokio::pin!(wait);
        assert!(futures_util::poll!(&mut wait).is_pending());
        registry.update_entry(1, |entry| entry.named = true);
        let failure = wait.await.err().unwrap();
        assert_eq!(failure.error, "Unknown plugin: jira");
        assert_eq!(failure.kind, Kind::NotFound);
    }
}
