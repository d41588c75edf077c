//! The plugins of a daemon: a map of actors, and what concerns several of them.
//!
//! Each plugin is an [`actor`](super::actor) of its own: whatever fails on it (manifest, requirements, import, name)
//! leaves the others as they are; hooks that fail are complaints of a plugin that serves. One task, [`router`], owns
//! all actors: it takes one message at a time, has the actor's transition decide, and starts the effects, which
//! report back with messages. So no locks are needed, and readers see only whole snapshots.
//!
//! Which type is what: a [`Found`](found::Found) is a plugin as it lies on disk, a [`Plugin`](plugin::Plugin) is its
//! actor, [`VersionData`](plugin::VersionData) is one version of it, from its manifest to what
//! serves. The types that readers see are in [`registry`](crate::registry).
//!
//! - [`found`]: plugins on disk, their manifests, and their cached metadata.
//! - [`plugin`]: one actor with the data of its versions.
//! - [`router`]: messages to events, events to effects, actors to the registry.
//! - [`crashed`]: plugins that ended an earlier process.
//! - [`effects`]: carries out what a transition asks for.
//! - [`install`]: the joint set of requirements.
//! - [`modules`]: what plugins import from outside their directories.
//! - [`names`]: one name, one plugin.
//! - [`pending`]: pending installs and reloads.
//! - [`reload`]: what a reload touches, and its answer.
//! - [`switched_off`]: plugins that `config.toml` switches off.
//! - [`watching`]: changed files and settings take effect; [`places`]: the directories that are watched for that;
//!   [`looked`]: what lies on disk after a change; [`changed`]: what it leads to; [`churn`]: changes that a plugin makes
//!   itself.
//! - [`wrappers`]: the shell commands and skills of all plugins.

mod changed;
mod churn;
mod crashed;
mod effects;
mod found;
mod install;
mod looked;
mod message;
mod modules;
mod names;
mod pending;
mod places;
mod plugin;
mod reload;
mod router;
mod switched_off;
#[cfg(test)]
mod tests;
mod watching;
mod wrappers;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use super::dependencies::{Dependencies, Means, Packages, Replacement};
use crate::crashes::Crashes;
use crate::discovery::PluginSource;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::http::Question;
use crate::http::health::HealthBook;
use crate::journal::Journal;
use crate::notices::Notices;
use crate::paths::Paths;
use crate::registry::{Registry, Snapshot};
use crate::requirements::called::Called;
use crate::runtime::Runtime;
use crate::settings::live::Live;
use crate::store::Store;
use crate::wire::Reloaded;
use crate::wire::deps::Progress;
use message::Message;
use modules::Modules;
use router::Router;
use watching::Look;

/// What hooks get beyond their own limits before their thread counts as blocked.
const HOOK_GRACE: Duration = Duration::from_secs(2);
/// How long requests to a version that was replaced may take until it ends, unless the daemon stops before.
pub(super) const LAST_REQUEST_LIMIT: Duration = Duration::from_secs(600);
/// The same for an exclusive plugin, whose new requests wait meanwhile.
const WITHDRAWN_LIMIT: Duration = Duration::from_secs(30);

/// The parts of a daemon that plugins need.
pub(super) struct Parts {
    pub(super) python: Arc<dyn Runtime>,
    /// The version of the embedded Python, `X.Y.Z`.
    pub(super) python_version: String,
    pub(super) registry: Arc<Registry>,
    pub(super) health: Arc<HealthBook>,
    pub(super) notices: Arc<Notices>,
    pub(super) paths: Paths,
    pub(super) settings: Arc<Live>,
    pub(super) env: Environment,
    /// The installed packages; without them, all requirements count as satisfied.
    pub(super) packages: Option<Arc<dyn Packages>>,
    /// The way to a new process.
    pub(super) replace: mpsc::UnboundedSender<Replacement>,
    pub(super) bundled: Vec<PluginSource>,
    /// True once no other host has exclusive plugins loaded.
    pub(super) released: watch::Receiver<bool>,
    /// Where the loaded plugins are noted, for the daemon after a crash.
    pub(super) journal: Option<Arc<Journal>>,
    pub(super) crashes: Crashes,
}

/// What all effects share.
struct Shared {
    parts: Parts,
    dependencies: Option<Dependencies>,
    store: Store,
    modules: Modules,
    /// The way to the task that watches, once there is one.
    looks: OnceLock<mpsc::UnboundedSender<Look>>,
    /// True once the daemon stops.
    stopping: watch::Sender<bool>,
    /// One change of the wrappers and skills at a time: the directories that have skills.
    linking: Mutex<Vec<PathBuf>>,
    /// The bundled plugins that were called.
    called: std::sync::Mutex<Called>,
    /// Ids of the plugins that wait for another host to unload them.
    held: std::sync::Mutex<BTreeSet<u64>>,
    /// Names of the plugins whose threads were left behind.
    abandoned: std::sync::Mutex<Vec<String>>,
}

/// The handle of all actors.
#[derive(Clone)]
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    messages: mpsc::UnboundedSender<Message>,
}

impl Supervisor {
    /// Discovers the plugins, enters all of them into the registry, and loads them in the background.
    ///
    /// `woken` receives the ids of plugins that a request wakes.
    pub(super) async fn begin(parts: Parts, woken: mpsc::UnboundedReceiver<u64>) -> Supervisor {
        let (messages, received) = mpsc::unbounded_channel();
        let store = Store::at(parts.paths.descriptions());
        let (called, warning) = Called::read(&parts.paths.called());
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        let dependencies = parts.packages.clone().map(|packages| {
            let (router, registry) = (messages.clone(), parts.registry.clone());
            Dependencies::start(Means {
                python: parts.python.clone(),
                packages,
                // Fails only when the daemon has ended.
                report: Box::new(move |state| drop(router.send(Message::Stand(state)))),
                replace: parts.replace.clone(),
                ended: Box::new(move |success| registry.metrics.packages(success)),
            })
        });
        let shared = Arc::new(Shared {
            parts,
            dependencies,
            store,
            modules: Modules::new(),
            looks: OnceLock::new(),
            linking: Mutex::default(),
            called: std::sync::Mutex::new(called),
            held: std::sync::Mutex::default(),
            abandoned: std::sync::Mutex::default(),
            stopping: watch::Sender::new(false),
        });
        let supervisor = Supervisor { shared: shared.clone(), messages: messages.clone() };
        let mut router = Router::new(shared.clone(), messages);
        match found::all(shared).await {
            Ok(found) => router.begin(found),
            Err(failure) => tracing::error!(error = failure.error, "no plugins"),
        }
        tokio::spawn(router.run(received, woken));
        supervisor
    }

    /// Has changed files and settings take effect from now on.
    pub(super) fn watch(&self) {
        let (looks, asked) = mpsc::unbounded_channel();
        // A daemon watches once.
        if self.shared.looks.set(looks).is_ok() {
            tokio::spawn(watching::run(self.shared.clone(), self.messages.clone(), asked));
        }
    }

    /// Loads `plugins` again, names or paths; without any, all plugins, those that are new included.
    ///
    /// # Errors
    /// A name that no plugin has, or the daemon stops.
    pub(super) async fn reload(&self, plugins: Vec<String>) -> Result<Reloaded, Failure> {
        let stopping = || Failure::new(Kind::Unavailable, "the daemon is stopping");
        let found = found::all(self.shared.clone()).await?;
        let (answer, answered) = oneshot::channel();
        let message = Message::Reload { plugins, found, answer };
        self.messages.send(message).map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// Answers a question about packages; a change of them is for what lies on disk now.
    ///
    /// # Errors
    /// The change fails, or the daemon has no packages of its own.
    pub(super) async fn packages(&self, question: Question) -> Result<Value, Failure> {
        let Some(dependencies) = &self.shared.dependencies else {
            return Err(Failure::new(Kind::Unavailable, "this daemon has no packages of its own"));
        };
        if matches!(question, Question::Change(_)) {
            self.look().await;
        }
        dependencies.answer(question).await
    }

    /// Takes up what lies on disk now, noticed by the watch or not; nothing before the daemon watches.
    async fn look(&self) {
        let Some(looks) = self.shared.looks.get() else { return };
        let (look, looked) = oneshot::channel();
        // Both fail only when the daemon stops.
        if looks.send(look).is_ok() && looked.await.is_ok() {
            self.finished(Message::Reached).await;
        }
    }

    /// How far the change of packages is, for everyone.
    pub(super) fn change(&self) -> watch::Receiver<Option<Progress>> {
        let (sender, receiver) = watch::channel(None);
        if let Some(dependencies) = &self.shared.dependencies {
            let mut view = dependencies.view();
            tokio::spawn(async move {
                // Fails only when the daemon has ended.
                while view.changed().await.is_ok() {
                    let progress = view.borrow_and_update().progress.clone();
                    sender.send_replace(progress);
                }
            });
        }
        receiver
    }

    /// Fails the pending reloads because the daemon stops, and refuses new ones.
    pub(super) fn refuse_reloads(&self) {
        // Fails only if the router is gone, and with it all that waits for it.
        let _ = self.messages.send(Message::RefuseReloads);
    }

    /// Resolves when each plugin serves, failed, sleeps, or waits for another host to unload it.
    pub(super) async fn settled(&self) {
        let mut watched = self.shared.parts.registry.subscribe();
        let is_settled = |snapshot: &Arc<Snapshot>| {
            let held = self.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
            let mut entries = snapshot.entries.iter();
            entries.all(|entry| !entry.is_loading() || held.contains(&entry.id))
        };
        // Fails only if the sender is gone, which `shared` keeps.
        let _ = watched.wait_for(is_settled).await;
    }

    /// Unloads the exclusive plugins for good, after their last requests.
    pub(super) async fn end_exclusive(&self) {
        self.finished(Message::EndExclusive).await;
    }

    /// Unloads all plugins for good; what blocks is left behind, and its names returned.
    pub(super) async fn end(&self) -> Vec<String> {
        self.shared.stopping.send_replace(true);
        if let Some(packages) = &self.shared.parts.packages {
            packages.cancel();
        }
        self.finished(Message::End).await;
        let mut abandoned = self.shared.abandoned.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut abandoned)
    }

    async fn finished(&self, message: fn(oneshot::Sender<()>) -> Message) {
        let (answer, answered) = oneshot::channel();
        if self.messages.send(message(answer)).is_ok() {
            // Fails only if the router is gone, and with it all that could be unloaded.
            let _ = answered.await;
        }
    }
}
