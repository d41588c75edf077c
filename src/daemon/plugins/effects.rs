//! Carries out what a transition asks for; each effect reports back with a message.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::message::Message;
use super::modules::{Executed, Executing};
use super::router::Router;
use super::switched_off::is_off;
use super::{HOOK_GRACE, LAST_REQUEST_LIMIT, WITHDRAWN_LIMIT};
use crate::daemon::actor::{Effect, Event, Next, Version};
use crate::daemon::link;
use crate::failure::{Failure, Kind};
use crate::journal::Phase;
use crate::manifest;
use crate::policy::Policy;
use crate::registry::Served;
use crate::routes::Table;
use crate::runtime::{BoxFuture, Instance, Loaded};
use crate::store::Metadata;

/// How long an import may take before the plugin is reported.
const IMPORT_LIMIT: Duration = Duration::from_secs(60);

impl Router {
    pub(super) fn carry_out(&mut self, id: u64, effect: Effect) {
        match effect {
            Effect::Install(version) => self.install(id, version),
            Effect::Check(version) => self.check(id, version),
            Effect::Import(version) => self.import(id, version),
            Effect::Start(version) => self.start(id, version),
            Effect::Describe(version) => self.describe(id, version),
            Effect::Serve(version) => self.serve(id, version),
            // The snapshot that is published next shows it.
            Effect::Withdraw(_) => {}
            Effect::Unload(version) => self.unload(id, version),
            Effect::Forget => {
                self.plugins.retain(|plugin| plugin.id != id);
                self.shared.parts.notices.forget(id);
            }
        }
    }

    /// Has the files of a version compiled: those that the one before it has executed, and new ones beside them.
    fn check(&mut self, id: u64, version: Version) {
        let Some(plugin) = self.plugin(id) else { return };
        let files = plugin.to_compile(version);
        let checking = self.shared.parts.python.check(files);
        let messages = self.messages.clone();
        tokio::spawn(async move {
            // The import, which has a deadline too, shows what is wrong.
            let outcome = timeout(IMPORT_LIMIT, checking).await.unwrap_or(Ok(()));
            let _ = messages.send(Message::Checked { id, version, outcome });
        });
    }

    fn import(&mut self, id: u64, version: Version) {
        self.journal(id, version);
        let Some(plugin) = self.plugin(id) else { return };
        let Some(load) = plugin.versions.get(&version) else { return };
        let (shared, messages) = (self.shared.clone(), self.messages.clone());
        let (executed, files) = unbounded_channel();
        let request = plugin.load_request(load, &self.shared.parts.paths, executed);
        let before = load.fingerprint.as_ref().map(|it| it.modules().clone()).unwrap_or_default();
        let executing = Executing { plugin: plugin.source.path.clone(), files, before };
        if let Some(turn) = self.turn(id, load.policy.exclusive) {
            tokio::spawn(async move {
                turn.await;
                let loading = shared.parts.python.load(request);
                imported(id, version, loading, executing, messages).await;
            });
        } else {
            let loading = shared.parts.python.load(request);
            tokio::spawn(imported(id, version, loading, executing, messages));
        }
    }

    /// Returns the wait of an exclusive plugin until another host has unloaded it; `None` if it may be loaded now.
    fn turn(&self, id: u64, exclusive: bool) -> Option<impl Future<Output = ()> + use<>> {
        let shared = self.shared.clone();
        let mut released = shared.parts.released.clone();
        if !exclusive || *released.borrow() {
            return None;
        }
        shared.held.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        Some(async move {
            // An error means that the other host is gone.
            let _ = released.wait_for(|released| *released).await;
            shared.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        })
    }

    /// Takes over which files a version has executed: all that a load has if it succeeded, else some more.
    pub(super) fn executed(&mut self, id: u64, version: Version, executed: Executed, all: bool) {
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        let Some(load) = plugin.versions.get_mut(&version) else { return };
        let Executed { files, modules } = executed;
        if let Some(seen) = &mut plugin.seen {
            seen.executed(&modules, all);
        }
        if all {
            self.shared.modules.set(&plugin.source.path, &modules);
        } else {
            self.shared.modules.add(&plugin.source.path, &modules);
        }
        if let Some(fingerprint) = load.fingerprint.as_mut().filter(|_| all) {
            fingerprint.set_modules(modules);
        }
        load.executed.extend(files);
    }

    /// Takes over what was imported, if its name can be one.
    pub(super) fn imported(&mut self, id: u64, version: Version, loaded: Result<Loaded, Failure>) {
        let Loaded { report, instance } = match loaded {
            Ok(loaded) => loaded,
            Err(failure) => return self.broke(id, version, failure),
        };
        let parts = &self.shared.parts;
        let plugin = self.plugins.iter_mut().find(|plugin| plugin.id == id);
        let known = plugin.as_ref().map_or_else(String::new, |plugin| plugin.name().to_owned());
        let is_first = plugin.as_ref().is_some_and(|plugin| {
            plugin.state.serves.is_none() && plugin.state.expected() == Some(version)
        });
        let load = plugin.and_then(|plugin| plugin.versions.get_mut(&version));
        let checked = manifest::check_name(&report.name);
        let (Some(load), Ok(())) = (load, &checked) else {
            tokio::spawn(async move { instance.unload(HOOK_GRACE).await });
            // Without a message it is outdated, and nothing waits for it.
            let Err(message) = checked else { return };
            return self.broke(id, version, Failure::new(Kind::Plugin, message));
        };
        let name = report.name.clone();
        let openapi = report.openapi.as_ref().map(|document| document.to_string().into());
        let mut description = report.into_description(load.manifest.cli.examples.clone());
        if load.manifest.agents == Some(false) {
            description.commands.iter_mut().for_each(|command| command.kept_from_agents = true);
        }
        for warning in &description.warnings {
            tracing::warn!(plugin = name, "{warning}");
        }
        let table = Table::new(&description);
        let metadata = Metadata { description: Arc::new(description), openapi, is_fresh: true };
        if name != known {
            // The settings are those of a name that was only a guess.
            let settings = parts.settings.now();
            let policy = Policy::under(&settings, &name, &load.manifest);
            let before = std::mem::replace(&mut load.policy, policy);
            let is_due = load.policy.differs_at_import(&before) && !is_off(&settings, &name);
            if is_first && is_due {
                return self.import_as(id, version, name, instance);
            }
        }
        let (policy, slot) = (load.policy.clone(), load.slot.clone());
        slot.rename(&name);
        let admission = policy.admission();
        let complaints = Vec::new();
        let (in_use, unused) = oneshot::channel();
        let commands = metadata.description.all_commands().map(|(_, command)| command.name());
        let metrics = parts.registry.metrics.plugin(&name, commands);
        let served = Served {
            metadata,
            table,
            instance,
            policy,
            admission,
            metrics,
            tracer: parts.registry.tracer().cloned(),
            slot,
            complaints,
            in_use,
        };
        load.served = Some(Arc::new(served));
        load.unused = Some(unused);
        if self.plugin(id).is_some_and(|plugin| plugin.state.expected() == Some(version)) {
            if !self.take_out_if_off(id, version, &name) {
                self.claim(id, version, &name);
            }
        } else {
            // It is outdated: no name is taken for it.
            self.event(id, Event::Imported(version));
        }
    }

    /// Imports a version once more under its name, which only its code has, because settings of that name apply to the
    /// import.
    fn import_as(&mut self, id: u64, version: Version, name: String, instance: Arc<dyn Instance>) {
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        tracing::info!(plugin = name, "imported again with the settings of its name");
        (plugin.name, plugin.named) = (name, true);
        let messages = self.messages.clone();
        tokio::spawn(async move {
            // It has started nothing yet; what blocks all the same is left behind.
            let _ = timeout(HOOK_GRACE * 2, instance.unload(HOOK_GRACE)).await;
            let _ = messages.send(Message::Again { id, version });
        });
    }

    /// Imports a version once more, if it is still expected.
    pub(super) fn import_again(&mut self, id: u64, version: Version) {
        if self.plugin(id).is_some_and(|plugin| plugin.state.expected() == Some(version)) {
            self.import(id, version);
        } else {
            self.event(id, Event::Unloaded(version));
        }
    }

    fn start(&mut self, id: u64, version: Version) {
        let Some(instance) = self.instance(id, version) else { return };
        self.set_phase(id, version, Phase::Starting);
        let limit = self.shared.parts.settings.now().hook_timeout.value.duration();
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let mut starting = instance.start(limit);
            let most = limit * 2 + HOOK_GRACE;
            let complaints = match timeout(most, &mut starting).await {
                Ok(complaints) => complaints,
                Err(_) => {
                    let error = format!(
                        "startup() or connect() blocks the plugin's thread and has not returned after {} s",
                        most.as_secs()
                    );
                    let _ = messages.send(Message::Overdue { id, version, failure: hung(error) });
                    starting.await
                }
            };
            let _ = messages.send(Message::Started { id, version, complaints });
        });
    }

    /// Keeps the hooks' complaints with the version, which has no other owner yet.
    pub(super) fn started(&mut self, id: u64, version: Version, complaints: Vec<String>) {
        let plugin = self.plugins.iter_mut().find(|plugin| plugin.id == id);
        let load = plugin.and_then(|plugin| plugin.versions.get_mut(&version));
        if let Some(served) = load.and_then(|load| load.served.as_mut()).and_then(Arc::get_mut) {
            served.complaints = complaints;
        }
        self.event(id, Event::Started(version));
    }

    /// Before it serves, so that its help and its command exist once it does.
    fn describe(&mut self, id: u64, version: Version) {
        let Some(plugin) = self.plugin(id) else { return };
        let Some(load) = plugin.versions.get(&version) else { return };
        let Some(served) = &load.served else { return };
        let (metadata, fingerprint) = (served.metadata.clone(), load.fingerprint.clone());
        let source = plugin.source.clone();
        let (shared, messages) = (self.shared.clone(), self.messages.clone());
        tokio::spawn(async move {
            let name = metadata.description.name.clone();
            // Without a fingerprint nothing would show whether the description is still true.
            if let Some(fingerprint) = fingerprint {
                let (store, path) = (shared.store.clone(), source.path.clone());
                let written = spawn_blocking(move || {
                    if let Err(error) = store.write(&path, &fingerprint, &metadata) {
                        tracing::warn!(path = %path.display(), %error, "a description could not be kept");
                    }
                });
                // Ends early only with the daemon.
                let _ = written.await;
            }
            if shared.parts.settings.now().wrappers.value.0 {
                let _linking = shared.linking.lock().await;
                link::one(&source, &name, shared.parts.paths.clone()).await;
            }
            let _ = messages.send(Message::Event { id, event: Event::Described(version) });
        });
    }

    fn serve(&mut self, id: u64, version: Version) {
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        let Some(load) = plugin.versions.get(&version) else { return };
        let Some(served) = &load.served else { return };
        let (name, commands) = (served.name(), served.metadata.description.commands.len());
        tracing::info!(plugin = name, commands, "plugin loaded");
        self.shared.parts.registry.metrics.loaded(name);
        (plugin.name, plugin.named) = (name.to_owned(), true);
        load.slot.set(Phase::Serving);
        self.has_new = true;
    }

    fn unload(&mut self, id: u64, version: Version) {
        let slot = self.set_phase(id, version, Phase::Ending);
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        let name = plugin.name().to_owned();
        // Requests wait for the end of one that was withdrawn.
        let withdrawn = matches!(plugin.state.next, Next::Clearing(_));
        let last_request = if withdrawn { WITHDRAWN_LIMIT } else { LAST_REQUEST_LIMIT };
        let Some(load) = plugin.versions.get_mut(&version) else { return };
        // With it the snapshot that is published next and the requests have the only references.
        let Some(served) = load.served.take() else { return };
        let (instance, unused) = (served.instance.clone(), load.unused.take());
        let admission = served.admission.clone();
        let limit = self.shared.parts.settings.now().shutdown_timeout.value.duration();
        let (shared, messages) = (self.shared.clone(), self.messages.clone());
        self.unloading += 1;
        tokio::spawn(async move {
            let mut stopping = shared.stopping.subscribe();
            let finished = async {
                if let Some(admission) = admission {
                    admission.emptied().await;
                }
                instance.finish(last_request).await;
                if let Some(unused) = unused {
                    // An error: nothing is ever sent. What found this version before it was replaced arrives until then.
                    let _ = unused.await;
                    instance.finish(last_request).await;
                }
            };
            tokio::select! {
                () = finished => {}
                // Fails only if the sender is gone, which `shared` keeps.
                _ = stopping.wait_for(|stopping| *stopping) => {}
                // `finish` never resolves while the thread is blocked.
                () = tokio::time::sleep(last_request + HOOK_GRACE) => {}
            }
            // The plugin's own limit comes first; only a blocked thread gets this far.
            let event = match timeout(limit * 2 + HOOK_GRACE, instance.unload(limit)).await {
                Ok(()) => {
                    tracing::info!(plugin = name, "plugin unloaded");
                    Event::Unloaded(version)
                }
                Err(_) => {
                    slot.keep();
                    tracing::warn!(
                        plugin = name,
                        "the plugin's thread is blocked and was left behind"
                    );
                    let abandoned = shared.abandoned.lock();
                    abandoned.unwrap_or_else(PoisonError::into_inner).push(name);
                    Event::Abandoned(version)
                }
            };
            let _ = messages.send(Message::Ended { id, event });
        });
    }

    fn instance(&self, id: u64, version: Version) -> Option<Arc<dyn Instance>> {
        let load = self.plugin(id)?.versions.get(&version)?;
        Some(load.served.as_ref()?.instance.clone())
    }
}

/// Reports what an import comes to, and that it takes too long; later, what the version executes beside it.
async fn imported(
    id: u64,
    version: Version,
    mut loading: BoxFuture<Result<Loaded, Failure>>,
    mut executing: Executing,
    messages: UnboundedSender<Message>,
) {
    let loaded = match timeout(IMPORT_LIMIT, &mut loading).await {
        Ok(loaded) => loaded,
        Err(_) => {
            let error = format!("its import has not finished after {} s", IMPORT_LIMIT.as_secs());
            let _ = messages.send(Message::Overdue { id, version, failure: hung(error) });
            loading.await
        }
    };
    let executed = executing.reported().await;
    let loaded = loaded.map(Box::new);
    let _ = messages.send(Message::Imported { id, version, loaded, executed });
    while let Some(executed) = executing.later().await {
        let _ = messages.send(Message::Executed { id, version, executed });
    }
}

fn hung(error: String) -> Failure {
    Failure::new(Kind::Plugin, error)
        .hint("It serves once it returns. Run `skills-daemon logs` to see what it was doing.")
}
