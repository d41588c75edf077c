//! One plugin's way from its dependencies to serving.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{Candidate, HOOK_GRACE, Supervisor};
use crate::daemon::link;
use crate::failure::{Failure, Kind};
use crate::manifest;
use crate::registry::Served;
use crate::routes::Table;
use crate::runtime::{About, LoadRequest, Loaded};
use crate::store::Metadata;
use crate::venv::Venv;

/// How long an import may take before the plugin is reported.
const IMPORT_LIMIT: Duration = Duration::from_secs(60);

impl Supervisor {
    /// Gives all candidates their dependencies and loads them; those that need none do not wait.
    pub(super) async fn load(self: Arc<Self>, candidates: Vec<Candidate>) {
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
        let Loaded { described, instance } = match loaded {
            Ok(loaded) => loaded,
            Err(failure) => return self.fail(id, failure),
        };
        if let Err(message) = manifest::check_name(&described.name) {
            instance.unload(HOOK_GRACE).await;
            return self.fail(id, Failure::new(Kind::Plugin, message));
        }
        let openapi = described.openapi.as_ref().map(|document| document.to_string().into());
        let description = described.into_description(candidate.manifest.cli.examples.clone());
        for warning in &description.warnings {
            tracing::warn!(plugin = description.name, "{warning}");
        }
        let table = Table::new(&description);
        if !self.claim(id, &description.name).await {
            instance.unload(HOOK_GRACE).await;
            return;
        }
        let mut served = Served {
            told: Metadata { description: Arc::new(description), openapi },
            table,
            instance: instance.clone(),
            complaints: Vec::new(),
        };
        let limit = self.settings.hook_timeout.value.duration();
        let mut starting = instance.start(limit);
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
}

fn hung(error: String) -> Failure {
    Failure::new(Kind::Plugin, error)
        .hint("It serves once it returns. Run `skills-daemon logs` to see what it was doing.")
}
