//! The plugins' life: found, checked, given their dependencies, loaded, started, reloaded, unloaded.
//!
//! Each plugin goes its way alone. Whatever fails on it (manifest, dependencies, import, name) makes it a failed
//! entry of the registry and leaves the others be; hooks that fail are complaints of a plugin that serves. A
//! plugin that exceeds a deadline is reported as failed at once, and serves after all should it ever return.

use std::collections::BTreeSet;
use std::path::Path;
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
use crate::manifest::{self, Load, Manifest};
use crate::paths::Paths;
use crate::plugin::{About, LoadRequest, Loaded, Plugin, Python};
use crate::registry::{Entry, Registry, Remembered, Served, State};
use crate::routes::Table;
use crate::settings::Settings;
use crate::store::{self, Store, Told};
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
    store: Store,
    next_id: AtomicU64,
    /// One reload at a time; also keeps a reload from running into the end.
    busy: Mutex<()>,
}

/// What the disk has of a plugin.
struct Found {
    id: u64,
    source: PluginSource,
    manifest: Result<Manifest, Failure>,
    fingerprint: Option<String>,
    remembered: Option<Remembered>,
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
        let fingerprint = store::fingerprint(&source.path);
        match read_manifest(&source) {
            Ok(manifest) => {
                self.load(vec![Candidate { id, source, manifest, fingerprint }]).await;
            }
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
        let found = spawn_blocking(move || this.look()).await.unwrap_or_default();
        let (mut candidates, mut entries) = (Vec::new(), Vec::new());
        for Found { id, source, manifest, fingerprint, remembered } in found {
            let own_name = manifest.as_ref().ok().and_then(|manifest| manifest.name.clone());
            let state = match manifest {
                Ok(manifest) => {
                    for field in &manifest.unknown {
                        tracing::warn!(manifest = %source.manifest.display(), field, "unknown field");
                    }
                    let is_known = remembered.as_ref().is_some_and(|told| told.is_fresh);
                    if manifest.daemon.load == Load::Demand && is_known {
                        State::Asleep
                    } else {
                        let source = source.clone();
                        candidates.push(Candidate { id, source, manifest, fingerprint });
                        State::Loading { stage: "waiting for its turn".to_owned() }
                    }
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
            let known_name = remembered.as_ref().map(|it| it.told.description.name.clone());
            let name = own_name.or(known_name);
            let named = name.is_some();
            let name = name.unwrap_or_else(|| source.working_name());
            entries.push(Entry { id, source, name, named, state, remembered });
        }
        self.registry.update(|snapshot| snapshot.entries = entries);
        candidates
    }

    /// Looks at the disk: which plugins there are, their manifests, and what is remembered of them.
    fn look(&self) -> Vec<Found> {
        let sources = discovery::discover(
            &self.paths,
            &self.env,
            &self.settings.plugins,
            self.bundled.clone(),
        );
        let paths: Vec<&Path> = sources.iter().map(|source| source.path.as_path()).collect();
        if let Err(error) = self.store.keep_only(&paths) {
            tracing::warn!(%error, "old descriptions could not be removed");
        }
        let mut records = self.store.all();
        let found = |source: PluginSource| {
            let fingerprint = store::fingerprint(&source.path);
            let record = records.iter().position(|record| record.path == source.path);
            let remembered = record.map(|at| records.swap_remove(at)).map(|record| Remembered {
                is_fresh: fingerprint.as_ref() == Some(&record.fingerprint),
                told: Told {
                    openapi: self.store.openapi(&record.description.name),
                    description: record.description,
                },
            });
            let manifest = read_manifest(&source);
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            Found { id, source, manifest, fingerprint, remembered }
        };
        sources.into_iter().map(found).collect()
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
        let table = Table::new(&described.routes);
        let openapi = described.openapi.as_ref().map(|document| document.to_string().into());
        let description = described.into_description(candidate.manifest.cli.examples.clone());
        if !self.claim(id, &description.name).await {
            plugin.unload(HOOK_GRACE).await;
            return;
        }
        let mut served = Served {
            told: Told { description: Arc::new(description), openapi },
            table,
            plugin: plugin.clone(),
            complaints: Vec::new(),
        };
        let limit = self.settings.hook_timeout.value.duration();
        let mut starting = plugin.start(limit);
        match timeout(limit * 2 + HOOK_GRACE, &mut starting).await {
            Ok(complaints) => {
                served.complaints = complaints;
                self.serve(id, served, candidate.fingerprint.clone()).await;
            }
            Err(_) => {
                let error = format!(
                    "startup() or connect() blocks the plugin's thread and has not returned after {} s",
                    (limit * 2 + HOOK_GRACE).as_secs()
                );
                self.fail(id, hung(error));
                let (this, fingerprint) = (self.clone(), candidate.fingerprint.clone());
                tokio::spawn(async move {
                    served.complaints = starting.await;
                    this.serve(id, served, fingerprint).await;
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

    async fn serve(&self, id: u64, served: Served, fingerprint: Option<String>) {
        let served = Arc::new(served);
        let (name, commands) = (served.name(), served.told.description.commands.len());
        tracing::info!(plugin = name, commands, "plugin loaded");
        // Before anybody can know that it serves, so that its help is there once it did.
        self.remember(id, fingerprint, served.told.clone()).await;
        if self.settings.wrappers.value.0 {
            link::one(&self.registry.snapshot(), id, name, self.paths.clone()).await;
        }
        // A plugin that hung while a reload replaced it has no place any more, and one that lost its name to
        // another while its hooks ran stays as it is.
        let mut placed = false;
        self.registry.update(|snapshot| {
            let holds = |entry: &Entry| {
                entry.id != id
                    && entry.named
                    && entry.name == name
                    && !matches!(entry.state, State::Failed(_))
            };
            let taken = snapshot.entries.iter().any(holds);
            let mine = snapshot.entries.iter_mut().find(|entry| entry.id == id);
            if let Some(entry) = mine.filter(|_| !taken) {
                entry.state = State::Ready(served.clone());
                entry.remembered = None;
                placed = true;
            }
        });
        if !placed {
            served.plugin.unload(HOOK_GRACE).await;
        }
    }

    /// Keeps on disk what a plugin told; without a fingerprint nobody could tell whether it is still true.
    async fn remember(&self, id: u64, fingerprint: Option<String>, told: Told) {
        let snapshot = self.registry.snapshot();
        let entry = snapshot.entries.iter().find(|entry| entry.id == id);
        let (Some(entry), Some(fingerprint)) = (entry, fingerprint) else { return };
        let (store, path) = (self.store.clone(), entry.source.path.clone());
        let written = spawn_blocking(move || {
            if let Err(error) = store.write(&path, &fingerprint, &told) {
                tracing::warn!(path = %path.display(), %error, "a description could not be kept");
            }
        });
        // Ends early only with the daemon.
        let _ = written.await;
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
