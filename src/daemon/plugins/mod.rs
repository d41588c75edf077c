//! The plugins' life: found, checked, given their dependencies, loaded, started, reloaded, unloaded.
//!
//! Each plugin goes its way alone. Whatever fails on it (manifest, dependencies, import, name) makes it a failed
//! entry of the registry and leaves the others be; hooks that fail are complaints of a plugin that serves. A
//! plugin that exceeds a deadline is reported as failed at once, and serves after all should it ever return.
//!
//! [`find`] says which there are, [`load`] brings one from its dependencies to serving, [`place`] keeps its entry
//! in the registry.

mod find;
mod load;
mod place;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::discovery::PluginSource;
use crate::environment::Environment;
use crate::http::health::HealthBook;
use crate::manifest::Manifest;
use crate::paths::Paths;
use crate::registry::{Registry, State};
use crate::runtime::Runtime;
use crate::settings::Settings;
use crate::store::Store;
use crate::uv::Uv;
use crate::wire::Reloaded;

/// What hooks get beyond their own limits before their thread counts as blocked.
const HOOK_GRACE: Duration = Duration::from_secs(2);

/// Runs all plugins of a daemon.
pub(super) struct Supervisor {
    python: Arc<dyn Runtime>,
    registry: Arc<Registry>,
    health: Arc<HealthBook>,
    paths: Paths,
    settings: Settings,
    env: Environment,
    uv: Option<Uv>,
    bundled: Vec<PluginSource>,
    store: Store,
    next_id: AtomicU64,
    /// One reload at a time; also keeps a reload from running into the end.
    busy: Mutex<()>,
}

/// A plugin whose manifest was read.
struct Candidate {
    id: u64,
    source: PluginSource,
    manifest: Manifest,
    /// Of its files before they were imported: a change in between makes what they told look old, not new.
    fingerprint: Option<String>,
}

impl Supervisor {
    #[expect(clippy::too_many_arguments, reason = "the one place where all parts of a daemon meet")]
    pub(super) fn new(
        python: Arc<dyn Runtime>,
        registry: Arc<Registry>,
        health: Arc<HealthBook>,
        paths: Paths,
        settings: Settings,
        env: Environment,
        uv: Option<Uv>,
        bundled: Vec<PluginSource>,
    ) -> Supervisor {
        Supervisor {
            python,
            registry,
            health,
            store: Store::at(paths.descriptions()),
            paths,
            settings,
            env,
            uv,
            bundled,
            next_id: AtomicU64::new(1),
            busy: Mutex::new(()),
        }
    }

    /// Enters all plugins into the registry and loads them in the background.
    pub(super) async fn begin(self: &Arc<Self>) {
        let candidates = self.discover().await;
        tokio::spawn(self.clone().load(candidates));
    }

    /// Loads the plugin of an entry that was asleep.
    pub(super) async fn wake(self: Arc<Self>, id: u64) {
        let snapshot = self.registry.snapshot();
        let Some(entry) = snapshot.entries.iter().find(|entry| entry.id == id) else { return };
        let source = entry.source.clone();
        match find::candidate(id, source).await {
            Ok(candidate) => self.load(vec![candidate]).await,
            Err(failure) => self.fail(id, failure),
        }
    }

    /// Unloads all plugins and loads what is found now.
    pub(super) async fn reload(self: &Arc<Self>) -> Reloaded {
        let _busy = self.busy.lock().await;
        let before: BTreeSet<String> = self.registry.settled().await.names().into_iter().collect();
        self.unload(self.settings.shutdown_timeout.value.duration()).await;
        let candidates = self.discover().await;
        self.clone().load(candidates).await;
        let snapshot = self.registry.settled().await;
        let after: BTreeSet<String> = snapshot.names().into_iter().collect();
        let reloaded = Reloaded {
            success: true,
            added: after.difference(&before).cloned().collect(),
            removed: before.difference(&after).cloned().collect(),
            reloaded: after.intersection(&before).cloned().collect(),
            total: after.len(),
            failed: snapshot.failed(),
        };
        tracing::info!(added = ?reloaded.added, removed = ?reloaded.removed, total = reloaded.total, "plugins reloaded");
        reloaded
    }

    /// Unloads all plugins for good.
    pub(super) async fn end(&self, limit: Duration) {
        if let Some(uv) = &self.uv {
            uv.cancel();
        }
        self.unload(limit).await;
    }

    async fn unload(&self, limit: Duration) {
        let mut unloading = Vec::new();
        self.registry.update(|snapshot| {
            for entry in &mut snapshot.entries {
                let Some(served) = entry.served().cloned() else { continue };
                // Requests wait from now on instead of reaching a plugin that is going away.
                entry.state = State::Loading { stage: "unloading".to_owned() };
                unloading.push((entry.name.clone(), served));
            }
        });
        let unloading = unloading.into_iter().map(async |(name, served)| {
            // The plugin's own limit comes first; only a blocked thread gets this far.
            if timeout(limit * 2 + HOOK_GRACE, served.instance.unload(limit)).await.is_err() {
                tracing::warn!(plugin = name, "the plugin's thread is blocked and was left behind");
            } else {
                tracing::info!(plugin = name, "plugin unloaded");
            }
        });
        join_all(unloading).await;
    }
}
