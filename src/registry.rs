//! All plugins and their states: an immutable snapshot, swapped whole.
//!
//! Readers take the snapshot of the moment and keep it as long as they like; no reader ever sees half a change. A
//! request for a plugin whose first version is being loaded waits for the next snapshot that settles it; during a
//! reload the old version answers.
//!
//! Which type is what: an [`Entry`] is a plugin with its state, a [`Served`] is the version of it that answers
//! requests, [`Metadata`] is the description of a version, served or cached.

mod snapshot;

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot, watch};

use crate::failure::{Failure, Kind};
use crate::journal::Slot;
use crate::limits::admission::Admission;
use crate::metrics::{Metrics, OfPlugin};
use crate::policy::Policy;
use crate::recent::Recent;
use crate::routes::Table;
use crate::runtime::{Instance, full};
use crate::store::Metadata;
use crate::traces::Tracer;
use crate::wire::{BackgroundTask, PluginState, Traffic};

pub use snapshot::{Entry, Snapshot};

/// A version of a plugin that serves.
pub struct Served {
    /// Its metadata.
    pub metadata: Metadata,
    /// The index over its routes.
    pub table: Table,
    /// The handle for calls and hooks.
    pub instance: Arc<dyn Instance>,
    /// How it is run.
    pub policy: Policy,
    /// Which of its requests wait, if it is given only so many at once.
    pub admission: Option<Arc<Admission>>,
    /// What is counted of its requests.
    pub metrics: OfPlugin,
    /// What traces its calls, where a collector is configured.
    pub tracer: Option<Arc<Tracer>>,
    /// Its place in the journal.
    pub slot: Slot,
    /// What went wrong in its hooks without keeping it from serving.
    pub complaints: Vec<String>,
    /// Dropped with the last reference: from then on no request is on its way to this version.
    pub in_use: oneshot::Sender<Infallible>,
}

/// The current snapshot, and the way to those that follow.
pub struct Registry {
    /// What is counted of all requests.
    pub metrics: Metrics,
    /// Calls under way and recent ones.
    pub recent: Arc<Recent>,
    tracer: OnceLock<Arc<Tracer>>,
    current: watch::Sender<Arc<Snapshot>>,
    wake: mpsc::UnboundedSender<u64>,
    /// True once another process serves.
    moved: AtomicBool,
}

impl Served {
    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.metadata.description.name
    }

    /// True if the daemon has to stay alive for it, without requests.
    pub fn holds_awake(&self) -> bool {
        self.policy.resident || self.instance.background().iter().any(BackgroundTask::holds_awake)
    }

    /// Its requests, those to earlier versions included.
    pub fn traffic(&self) -> Traffic {
        Traffic::new(&self.metrics.sum(), self.instance.activity().in_flight(), self.waiting())
    }

    /// How many requests wait because it is given only so many at once.
    pub fn waiting(&self) -> usize {
        self.admission.as_ref().map_or(0, |admission| admission.waiting())
    }

    /// The failure of a request that finds too many others waiting.
    pub fn full(&self) -> Failure {
        full(self.policy.waiting())
    }
}

impl Registry {
    /// Returns a registry without plugins, and the receiver of the ids of entries to wake.
    pub fn new() -> (Registry, mpsc::UnboundedReceiver<u64>) {
        let (wake, woken) = mpsc::unbounded_channel();
        let (current, moved) = (watch::Sender::new(Arc::default()), AtomicBool::new(false));
        let (metrics, recent, tracer) = (Metrics::default(), Arc::default(), OnceLock::new());
        (Registry { metrics, recent, tracer, current, wake, moved }, woken)
    }

    /// Has calls of the plugins that are loaded from now on traced.
    pub fn trace_by(&self, tracer: Arc<Tracer>) {
        // Set once, before any plugin is loaded.
        let _ = self.tracer.set(tracer);
    }

    /// What traces calls.
    pub fn tracer(&self) -> Option<&Arc<Tracer>> {
        self.tracer.get()
    }

    /// The snapshot of the moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.borrow().clone()
    }

    /// The snapshot of the moment and all that follow.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }

    /// Replaces the whole snapshot.
    pub fn replace(&self, snapshot: Snapshot) {
        self.current.send_replace(Arc::new(snapshot));
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
            if self.has_moved() && watched.borrow().waits_for_packages(name) {
                let error = format!("another process of the daemon loads {name}");
                return Err(Failure::new(Kind::Unavailable, error).hint("Send it again."));
            }
            self.wake(name);
            if watched.changed().await.is_err() {
                return Err(Failure::new(Kind::Unavailable, "the daemon is stopping"));
            }
        }
    }

    /// Another process serves from now on: what waits for packages is loaded there alone.
    pub fn set_moved(&self) {
        self.moved.store(true, Ordering::Relaxed);
        // Each waiting request looks again.
        self.current.send_modify(|_| {});
    }

    /// True once another process serves.
    pub fn has_moved(&self) -> bool {
        self.moved.load(Ordering::Relaxed)
    }

    /// Why the new version of the plugin `name` does not serve; `None` once that was shown.
    pub fn unseen_failure(&self, name: &str) -> Option<String> {
        self.current.borrow().unseen_failure(name)
    }

    /// The metadata of the plugin `name`; wakes none, and waits only for a plugin whose files have changed.
    ///
    /// The metadata of a plugin that does not serve is that of an earlier load, and comes with the failure.
    ///
    /// # Errors
    /// The plugin is unknown, or failed and has no metadata on disk.
    pub async fn metadata(&self, name: &str) -> Result<(Metadata, Option<Failure>), Failure> {
        let named = |entry: &&Entry| entry.named && entry.name == name;
        let current = self.snapshot();
        let mut entries = current.entries.iter().filter(named);
        if let Some(metadata) = entries.find_map(Entry::metadata) {
            return Ok((metadata.clone(), None));
        }
        let failure = match self.find(name).await {
            Ok(served) => return Ok((served.metadata.clone(), None)),
            Err(failure) => failure,
        };
        let current = self.snapshot();
        let mut entries = current.entries.iter().filter(named);
        match entries.find_map(|entry| entry.cached.as_ref()) {
            Some(cached) => Ok((cached.clone(), Some(failure))),
            None => Err(failure),
        }
    }

    /// Has the plugin `name` loaded if it is asleep.
    fn wake(&self, name: &str) {
        let snapshot = self.snapshot();
        let pending = snapshot.pending(name);
        if let Some(entry) = pending.filter(|entry| entry.state == PluginState::Asleep) {
            // Fails only when the daemon is ending.
            let _ = self.wake.send(entry.id);
        }
    }

    /// Has those of the plugins loaded that are asleep and of which nothing is known.
    pub fn wake_unknown(&self) {
        let snapshot = self.snapshot();
        let is_unknown = |entry: &&Entry| {
            entry.state == PluginState::Asleep && entry.metadata().is_none() && !entry.is_bundled()
        };
        for entry in snapshot.entries.iter().filter(is_unknown) {
            // Fails only when the daemon is ending.
            let _ = self.wake.send(entry.id);
        }
    }

    /// Waits until no plugin's first version is being loaded.
    ///
    /// # Errors
    /// Another process serves, and loads what is not loaded here.
    pub async fn settled(&self) -> Result<Arc<Snapshot>, Failure> {
        let mut watched = self.current.subscribe();
        let done = watched.wait_for(|snapshot| snapshot.is_settled() || self.has_moved()).await;
        // The sender is gone only with `self`. The reference is a lock for reading: a second one, taken after another thread
        // began to wait for writing, would wait for that thread, and it for this one.
        let snapshot = done.map_or_else(|_| self.snapshot(), |snapshot| snapshot.clone());
        if !snapshot.is_settled() {
            let error = "another process of the daemon loads the plugins";
            return Err(Failure::new(Kind::Unavailable, error).hint("Send the request again."));
        }
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::{Origin, PluginSource};
    use crate::wire::Stage;
    use std::time::Duration;

    fn registry(entries: &[(&str, bool, PluginState)]) -> Registry {
        let (registry, _) = Registry::new();
        set(&registry, entries);
        registry
    }

    fn set(registry: &Registry, entries: &[(&str, bool, PluginState)]) {
        let entry = |(id, (name, named, state)): (u64, &(&str, bool, PluginState))| Entry {
            id,
            version: 0,
            source: PluginSource::at(format!("/p/{name}").into(), Origin::Conf),
            name: (*name).into(),
            named: *named,
            state: state.clone(),
            served: None,
            cached: None,
            shown: Arc::default(),
        };
        let entries = (0..).zip(entries).map(entry).collect();
        registry.replace(Snapshot { entries, switched_off: vec!["off".into()] });
    }

    const LOADING: PluginState = PluginState::Loading(Stage::Importing);

    #[tokio::test]
    async fn a_plugin_that_loads_is_waited_for_and_others_are_not() {
        let registry = registry(&[("jira", true, LOADING), ("other", true, LOADING)]);
        let failure = Failure::new(Kind::Plugin, "jira: syntax error");
        let wait = registry.find("jira");
        tokio::pin!(wait);
        assert!(futures_util::poll!(&mut wait).is_pending());
        set(
            &registry,
            &[("jira", true, PluginState::Failed(failure.clone())), ("other", true, LOADING)],
        );
        assert_eq!(wait.await.err(), Some(failure));
    }

    #[tokio::test]
    async fn what_waits_ends_once_another_process_serves() {
        let registry = registry(&[("jira", true, LOADING)]);
        let wait = registry.settled();
        tokio::pin!(wait);
        assert!(futures_util::poll!(&mut wait).is_pending());
        registry.set_moved();
        assert_eq!(wait.await.err().unwrap().kind, Kind::Unavailable);
        set(&registry, &[("jira", true, PluginState::Asleep)]);
        assert!(registry.settled().await.is_ok());
    }

    #[test]
    fn what_waits_holds_no_lock_when_it_looks_again() {
        let registry = Arc::new(registry(&[("jira", true, PluginState::Asleep)]));
        let replaced = registry.clone();
        let (end, ended) = std::sync::mpsc::channel();
        let ends = end.clone();
        let replace = move || (0..20_000).for_each(|_| replaced.replace(Snapshot::default()));
        std::thread::spawn(move || (replace(), ends.send(())));
        let settle = async move {
            for _ in 0..20_000 {
                registry.settled().await.unwrap();
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::thread::spawn(move || (runtime.block_on(settle), end.send(())));
        for _ in 0..2 {
            let ended = ended.recv_timeout(Duration::from_secs(60));
            assert!(ended.is_ok(), "the threads wait for each other");
        }
    }

    #[tokio::test]
    async fn an_unknown_name_waits_only_for_those_that_have_no_name_yet() {
        let registry = registry(&[("x", false, LOADING)]);
        let wait = registry.find("jira");
        tokio::pin!(wait);
        assert!(futures_util::poll!(&mut wait).is_pending());
        set(&registry, &[("x", true, LOADING)]);
        let failure = wait.await.err().unwrap();
        assert_eq!(failure.error, "Unknown plugin: jira");
        assert_eq!(failure.kind, Kind::NotFound);
        let failure = registry.find("off").await.err().unwrap();
        assert_eq!(failure.error, "off is switched off in config.toml");
        assert_eq!(failure.kind, Kind::Plugin);
    }
}
