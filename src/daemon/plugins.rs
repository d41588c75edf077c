//! The plugins' life: found, checked, given their dependencies, loaded, started, reloaded, unloaded.
//!
//! Each plugin goes its way alone. Whatever fails on it (manifest, dependencies, import, name) makes it a failed
//! entry of the registry and leaves the others be; hooks that fail are complaints of a plugin that serves. A
//! plugin that exceeds a deadline is reported as failed at once, and serves after all should it ever return.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::link;
use crate::discovery::{self, Origin, PluginSource};
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::http::health::HealthBook;
use crate::manifest::{self, Manifest};
use crate::paths::Paths;
use crate::plugin::{About, LoadRequest, Loaded, Plugin, Python};
use crate::registry::{Entry, Registry, Served, State};
use crate::routes::Table;
use crate::settings::Settings;
use crate::uv::Uv;
use crate::venv::Venv;
use crate::wire::Reloaded;

/// How long an import may take before the plugin is reported.
const IMPORT_LIMIT: Duration = Duration::from_secs(60);
/// What hooks get beyond their own limits before their thread counts as blocked.
const HOOK_GRACE: Duration = Duration::from_secs(2);

/// Runs all plugins of a daemon.
pub(super) struct Supervisor {
    python: Arc<dyn Python>,
    registry: Arc<Registry>,
    health: Arc<HealthBook>,
    paths: Paths,
    settings: Settings,
    env: Environment,
    uv: Option<Uv>,
    bundled: Vec<PluginSource>,
    next_id: AtomicU64,
    /// One reload at a time; also keeps a reload from running into the end.
    busy: Mutex<()>,
}

/// A plugin whose manifest was read.
struct Candidate {
    id: u64,
    source: PluginSource,
    manifest: Manifest,
}

impl Supervisor {
    #[expect(clippy::too_many_arguments, reason = "the one place where all parts of a daemon meet")]
    pub(super) fn new(
        python: Arc<dyn Python>,
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
            if timeout(limit * 2 + HOOK_GRACE, served.plugin.unload(limit)).await.is_err() {
                tracing::warn!(plugin = name, "the plugin's thread is blocked and was left behind");
            } else {
                tracing::info!(plugin = name, "plugin unloaded");
            }
        });
        join_all(unloading).await;
    }

    /// Finds all plugins and reads their manifests; those with a bad one are failed entries from the start.
    async fn discover(self: &Arc<Self>) -> Vec<Candidate> {
        let this = self.clone();
        let found = spawn_blocking(move || {
            discovery::discover(
                &this.paths,
                &this.env,
                &this.settings.plugins,
                this.bundled.clone(),
            )
            .into_iter()
            .map(|source| {
                let manifest = read_manifest(&source);
                (this.next_id.fetch_add(1, Ordering::Relaxed), source, manifest)
            })
            .collect::<Vec<_>>()
        })
        .await
        .unwrap_or_default();

        let mut candidates = Vec::new();
        let mut entries = Vec::new();
        for (id, source, manifest) in found {
            let own_name = manifest.as_ref().ok().and_then(|manifest| manifest.name.clone());
            let state = match manifest {
                Ok(manifest) => {
                    for field in &manifest.unknown {
                        tracing::warn!(manifest = %source.manifest.display(), field, "unknown field");
                    }
                    candidates.push(Candidate { id, source: source.clone(), manifest });
                    State::Loading { stage: "waiting for its turn".to_owned() }
                }
                Err(failure) => {
                    tracing::error!(
                        plugin = source.working_name(),
                        error = failure.error,
                        "plugin set aside"
                    );
                    State::Failed(failure)
                }
            };
            let named = own_name.is_some();
            let name = own_name.unwrap_or_else(|| source.working_name());
            entries.push(Entry { id, source, name, named, state });
        }
        self.registry.update(|snapshot| snapshot.entries = entries);
        candidates
    }

    /// Gives all candidates their dependencies and loads them; those that need none do not wait.
    async fn load(self: Arc<Self>, candidates: Vec<Candidate>) {
        let (needy, ready): (Vec<_>, Vec<_>) = candidates
            .into_iter()
            .partition(|candidate| !candidate.manifest.dependencies.is_empty());
        let at_once = join_all(ready.into_iter().map(|candidate| self.load_one(candidate)));
        let after_install = async {
            let installed = self.install(needy).await;
            join_all(installed.into_iter().map(|candidate| self.load_one(candidate))).await;
        };
        futures_util::future::join(at_once, after_install).await;
        self.link().await;
        self.health.refresh(&self.registry.snapshot());
    }

    async fn link(&self) {
        if self.settings.wrappers.value.0 {
            link::follow(&self.registry.snapshot(), self.paths.clone()).await;
        }
    }

    /// Installs dependencies; returns the candidates that have theirs.
    async fn install(self: &Arc<Self>, candidates: Vec<Candidate>) -> Vec<Candidate> {
        // Without `uv` nothing can be installed, but what is missing may well be there.
        let Some(uv) = self.uv.clone().filter(|_| !candidates.is_empty()) else {
            return candidates;
        };
        let wanted: Vec<(usize, Vec<String>)> = candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| (index, candidate.manifest.dependencies.clone()))
            .collect();
        for candidate in &candidates {
            let stage = format!("installing {}", candidate.manifest.dependencies.join(", "));
            self.stage(candidate.id, &stage);
        }
        let this = self.clone();
        let installed = spawn_blocking(move || {
            let progress = |line: &str| tracing::debug!(line, "uv");
            Venv::at(&this.paths).install(&uv, &wanted, &progress)
        })
        .await;
        let left_out = installed.unwrap_or_default();
        let mut failures: Vec<(usize, Failure)> =
            left_out.into_iter().map(|(index, error)| (index, error.into())).collect();
        candidates
            .into_iter()
            .enumerate()
            .filter_map(|(index, candidate)| {
                match failures.iter().position(|(failed, _)| *failed == index) {
                    Some(position) => {
                        self.fail(candidate.id, failures.swap_remove(position).1);
                        None
                    }
                    None => Some(candidate),
                }
            })
            .collect()
    }

    /// Imports one plugin and runs its hooks.
    async fn load_one(self: &Arc<Self>, candidate: Candidate) {
        let id = candidate.id;
        if !self.stage(id, "importing") {
            return;
        }
        let request = LoadRequest {
            init_file: candidate.source.init_file(),
            working_name: candidate
                .manifest
                .name
                .clone()
                .unwrap_or_else(|| candidate.source.working_name()),
            entry_point: candidate.manifest.entry_point.clone(),
            commands: candidate.manifest.commands.clone(),
            about: About {
                version: candidate.manifest.version.clone(),
                description: candidate.manifest.description.clone(),
            },
            loops: candidate.manifest.daemon.loops,
        };
        let mut loading = self.python.load(request);
        let this = self.clone();
        match timeout(IMPORT_LIMIT, &mut loading).await {
            Ok(loaded) => self.loaded(&candidate, loaded).await,
            Err(_) => {
                let error =
                    format!("its import has not finished after {} s", IMPORT_LIMIT.as_secs());
                self.fail(id, hung(error));
                tokio::spawn(async move {
                    let loaded = loading.await;
                    this.loaded(&candidate, loaded).await;
                    this.link().await;
                });
            }
        }
    }

    async fn loaded(self: &Arc<Self>, candidate: &Candidate, loaded: Result<Loaded, Failure>) {
        let id = candidate.id;
        let Loaded { described, plugin } = match loaded {
            Ok(loaded) => loaded,
            Err(failure) => return self.fail(id, failure),
        };
        if let Err(message) = manifest::check_name(&described.name) {
            plugin.unload(HOOK_GRACE).await;
            return self.fail(id, Failure::new(Kind::Plugin, message));
        }
        if let Some(error) = &described.openapi_error {
            tracing::warn!(
                plugin = described.name,
                error,
                "no description: FastAPI could not make one"
            );
        }
        let mut described = described;
        let routes = std::mem::take(&mut described.routes);
        let openapi = described.openapi.as_ref().map(|document| document.to_string().into());
        let description = described.into_description(candidate.manifest.cli.examples.clone());
        if !self.claim(id, &description.name).await {
            plugin.unload(HOOK_GRACE).await;
            return;
        }
        let mut served = Served {
            description,
            table: Table::new(&routes),
            routes,
            openapi,
            plugin: plugin.clone(),
            complaints: Vec::new(),
        };
        let limit = self.settings.hook_timeout.value.duration();
        let mut starting = plugin.start(limit);
        match timeout(limit * 2 + HOOK_GRACE, &mut starting).await {
            Ok(complaints) => {
                served.complaints = complaints;
                self.serve(id, served).await;
            }
            Err(_) => {
                let error = format!(
                    "startup() or connect() blocks the plugin's thread and has not returned after {} s",
                    (limit * 2 + HOOK_GRACE).as_secs()
                );
                self.fail(id, hung(error));
                let this = self.clone();
                tokio::spawn(async move {
                    served.complaints = starting.await;
                    this.serve(id, served).await;
                });
            }
        }
    }

    /// Gives the name to the entry `id`, unless a plugin that was found earlier has it.
    ///
    /// One that was found later loses it, so that the outcome does not depend on who loads faster.
    async fn claim(&self, id: u64, name: &str) -> bool {
        let mut claimed = true;
        let mut losers: Vec<Arc<dyn Plugin>> = Vec::new();
        self.registry.update(|snapshot| {
            let mine = snapshot.entries.iter().position(|entry| entry.id == id);
            let Some(mine) = mine else {
                claimed = false;
                return;
            };
            let holds = |entry: &Entry| {
                entry.named && entry.name == name && !matches!(entry.state, State::Failed(_))
            };
            let taken = |path: &std::path::Path| {
                Failure::new(
                    Kind::Plugin,
                    format!("another plugin is called '{name}': {}", path.display()),
                )
                .hint("Only the one that is found first serves; rename or remove one of them.")
            };
            if let Some(earlier) = snapshot.entries[..mine].iter().find(|entry| holds(entry)) {
                let failure = taken(&earlier.source.path);
                snapshot.entries[mine].state = State::Failed(failure);
                claimed = false;
                return;
            }
            let path = snapshot.entries[mine].source.path.clone();
            for later in snapshot.entries[mine + 1..].iter_mut().filter(|entry| holds(entry)) {
                losers.extend(later.served().map(|served| served.plugin.clone()));
                later.state = State::Failed(taken(&path));
            }
            let entry = &mut snapshot.entries[mine];
            entry.name = name.to_owned();
            entry.named = true;
            // In the same step: from now on one that is found earlier may take the name away.
            entry.state = State::Loading { stage: "running startup() and connect()".to_owned() };
        });
        for loser in losers {
            loser.unload(HOOK_GRACE).await;
        }
        claimed
    }

    async fn serve(&self, id: u64, served: Served) {
        let served = Arc::new(served);
        let (name, commands) = (&served.description.name, served.description.commands.len());
        tracing::info!(plugin = name, commands, "plugin loaded");
        // A plugin that hung while a reload replaced it has no place any more, and one that lost its name to
        // another while its hooks ran stays as it is.
        let mut placed = false;
        self.registry.update(|snapshot| {
            let holds = |entry: &Entry| {
                entry.id != id
                    && entry.named
                    && entry.name == *name
                    && !matches!(entry.state, State::Failed(_))
            };
            let taken = snapshot.entries.iter().any(holds);
            let mine = snapshot.entries.iter_mut().find(|entry| entry.id == id);
            if let Some(entry) = mine.filter(|_| !taken) {
                entry.state = State::Ready(served.clone());
                placed = true;
            }
        });
        if !placed {
            served.plugin.unload(HOOK_GRACE).await;
        }
    }

    /// Says what is being done for a plugin; false if it has lost its place, and nothing more need be done.
    fn stage(&self, id: u64, stage: &str) -> bool {
        let mut goes_on = false;
        self.registry.update_entry(id, |entry| {
            goes_on = !matches!(entry.state, State::Failed(_));
            if goes_on {
                entry.state = State::Loading { stage: stage.to_owned() };
            }
        });
        goes_on
    }

    fn fail(&self, id: u64, mut failure: Failure) {
        self.registry.update_entry(id, |entry| {
            failure.error = format!("{} does not serve: {}", entry.name, failure.error);
            tracing::error!(plugin = entry.name, error = failure.error, "plugin set aside");
            entry.state = State::Failed(failure);
        });
    }
}

fn hung(error: String) -> Failure {
    Failure::new(Kind::Plugin, error)
        .hint("It serves once it returns. Run `skills-daemon logs` to see what it was doing.")
}

fn read_manifest(source: &PluginSource) -> Result<Manifest, Failure> {
    let wrong = |error: manifest::ManifestError| {
        Failure::new(Kind::Plugin, error.to_string())
            .hint("Correct the file; then run `skills-daemon reload`.")
    };
    let manifest = Manifest::read(&source.manifest).map_err(wrong)?.unwrap_or_default();
    let needs_code = manifest.needs_code();
    if needs_code && source.manifest == source.path && source.path.is_file() {
        let error =
            format!("{} names neither `commands` nor an `entry_point`", source.path.display());
        return Err(Failure::new(Kind::Plugin, error)
            .hint("A plugin that has no code needs one of them; see README, Manifest only."));
    }
    let init_file = source.init_file();
    if needs_code && !init_file.is_file() {
        let error = format!("there is no plugin at {}: no such file", init_file.display());
        return Err(Failure::new(Kind::Plugin, error).hint(match source.origin {
            Origin::Added => "`skills-daemon plugin remove` forgets it.",
            _ => "Correct SKILLS_DAEMON_PLUGINS or plugins.conf, whichever names it.",
        }));
    }
    Ok(manifest)
}
