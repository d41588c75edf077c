//! Carries out what a transition asks for; each effect reports back with a message.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::router::{Message, Router};
use super::{HOOK_GRACE, LAST_REQUEST_LIMIT};
use crate::daemon::actor::{Effect, Event, Version};
use crate::daemon::link;
use crate::failure::{Failure, Kind};
use crate::journal::Phase;
use crate::manifest;
use crate::registry::Served;
use crate::routes::Table;
use crate::runtime::{Instance, Loaded};
use crate::store::Metadata;

/// How long an import may take before the plugin is reported.
const IMPORT_LIMIT: Duration = Duration::from_secs(60);

impl Router {
    pub(super) fn carry_out(&mut self, id: u64, effect: Effect) {
        match effect {
            Effect::Install(version) => self.install(id, version),
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

    fn import(&mut self, id: u64, version: Version) {
        self.journal(id, version);
        let Some(plugin) = self.plugin(id) else { return };
        let Some(load) = plugin.versions.get(&version) else { return };
        let mut loading = self.shared.parts.python.load(plugin.load_request(load));
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let loaded = match timeout(IMPORT_LIMIT, &mut loading).await {
                Ok(loaded) => loaded,
                Err(_) => {
                    let seconds = IMPORT_LIMIT.as_secs();
                    let error = format!("its import has not finished after {seconds} s");
                    let _ = messages.send(Message::Overdue { id, version, failure: hung(error) });
                    loading.await
                }
            };
            let _ = messages.send(Message::Imported { id, version, loaded });
        });
    }

    /// Takes over what was imported, if its name can be one.
    pub(super) fn imported(&mut self, id: u64, version: Version, loaded: Result<Loaded, Failure>) {
        let Loaded { report, instance } = match loaded {
            Ok(loaded) => loaded,
            Err(failure) => return self.broke(id, version, failure),
        };
        let plugin = self.plugins.iter_mut().find(|plugin| plugin.id == id);
        let load = plugin.and_then(|plugin| plugin.versions.get_mut(&version));
        let (Some(load), Ok(())) = (load, manifest::check_name(&report.name)) else {
            tokio::spawn(async move { instance.unload(HOOK_GRACE).await });
            let message = manifest::check_name(&report.name).err().unwrap_or_default();
            return self.broke(id, version, Failure::new(Kind::Plugin, message));
        };
        let name = report.name.clone();
        let openapi = report.openapi.as_ref().map(|document| document.to_string().into());
        let description = report.into_description(load.manifest.cli.examples.clone());
        for warning in &description.warnings {
            tracing::warn!(plugin = name, "{warning}");
        }
        let table = Table::new(&description);
        let metadata = Metadata { description: Arc::new(description), openapi, is_fresh: true };
        let (policy, slot) = (load.policy.clone(), load.slot.clone());
        slot.rename(&name);
        let admission = policy.admission();
        let complaints = Vec::new();
        let served = Served { metadata, table, instance, policy, slot, admission, complaints };
        load.served = Some(Arc::new(served));
        if self.plugin(id).is_some_and(|plugin| plugin.state.expected() == Some(version)) {
            self.claim(id, version, &name);
        } else {
            // It is outdated: no name is taken for it.
            self.event(id, Event::Imported(version));
        }
    }

    fn start(&mut self, id: u64, version: Version) {
        let Some(instance) = self.instance(id, version) else { return };
        self.set_phase(id, version, Phase::Starting);
        let limit = self.shared.parts.settings.hook_timeout.value.duration();
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
            if shared.parts.settings.wrappers.value.0 {
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
        (plugin.name, plugin.named) = (name.to_owned(), true);
        load.slot.set(Phase::Serving);
        self.has_new = true;
    }

    fn unload(&mut self, id: u64, version: Version) {
        let Some(instance) = self.instance(id, version) else { return };
        let slot = self.set_phase(id, version, Phase::Ending);
        let admitted = self.admitted(id, version);
        let name = self.plugin(id).map_or_else(String::new, |plugin| plugin.name().to_owned());
        let limit = self.shared.parts.settings.shutdown_timeout.value.duration();
        let (shared, messages) = (self.shared.clone(), self.messages.clone());
        self.unloading += 1;
        tokio::spawn(async move {
            let mut stopping = shared.stopping.subscribe();
            tokio::select! {
                () = async {
                    admitted.await;
                    instance.finish(LAST_REQUEST_LIMIT).await;
                } => {}
                // Fails only if the sender is gone, which `shared` keeps.
                _ = stopping.wait_for(|stopping| *stopping) => {}
                // `finish` never resolves while the thread is blocked.
                () = tokio::time::sleep(LAST_REQUEST_LIMIT + HOOK_GRACE) => {}
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
                    Event::Abandoned(version)
                }
            };
            let _ = messages.send(Message::Ended { id, event });
        });
    }

    /// Waits, in the future that it returns, until no request waits for admission to a version any more.
    fn admitted(&self, id: u64, version: Version) -> impl Future<Output = ()> + use<> {
        let load = self.plugin(id).and_then(|plugin| plugin.versions.get(&version));
        let served = load.and_then(|load| load.served.as_ref());
        let admission = served.and_then(|served| served.admission.clone());
        async move {
            if let Some(admission) = admission {
                admission.emptied().await;
            }
        }
    }

    fn instance(&self, id: u64, version: Version) -> Option<Arc<dyn Instance>> {
        let load = self.plugin(id)?.versions.get(&version)?;
        Some(load.served.as_ref()?.instance.clone())
    }
}

fn hung(error: String) -> Failure {
    Failure::new(Kind::Plugin, error)
        .hint("It serves once it returns. Run `skills-daemon logs` to see what it was doing.")
}
