//! Which plugins there are, and what is known of each before it is loaded.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::spawn_blocking;

use super::{Candidate, Supervisor};
use crate::discovery::{self, Origin, PluginSource};
use crate::failure::{Failure, Kind};
use crate::manifest::{self, Load, Manifest};
use crate::registry::{Entry, Remembered, State};
use crate::store::{self, Metadata};

/// What the disk has of a plugin.
struct Found {
    id: u64,
    source: PluginSource,
    manifest: Result<Manifest, Failure>,
    fingerprint: Option<String>,
    remembered: Option<Remembered>,
}

impl Supervisor {
    /// Finds all plugins and reads their manifests; those with a bad one are failed entries from the start.
    pub(super) async fn discover(self: &Arc<Self>) -> Vec<Candidate> {
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
                told: Metadata {
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
}

/// A plugin that is to be loaded now.
pub(super) async fn candidate(id: u64, source: PluginSource) -> Result<Candidate, Failure> {
    let looked = spawn_blocking(move || {
        let fingerprint = store::fingerprint(&source.path);
        let manifest = read_manifest(&source)?;
        Ok(Candidate { id, source, manifest, fingerprint })
    });
    looked.await.unwrap_or_else(|error| Err(Failure::new(Kind::Bug, error.to_string())))
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
