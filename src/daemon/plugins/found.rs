//! Plugins on disk: their manifests, fingerprints and cached metadata.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use tokio::task::spawn_blocking;

use super::{Parts, Shared};
use crate::crashes::book::Verdict;
use crate::discovery::{self, Origin, PluginSource};
use crate::failure::{Failure, Kind};
use crate::manifest::{Load, Manifest};
use crate::requirements::{Owner, Party};
use crate::store::fingerprint::Fingerprint;
use crate::store::{Metadata, Record};
use crate::wanted;

/// A plugin as it lies on disk.
pub(super) struct Found {
    pub(super) source: PluginSource,
    /// The manifest, or why it cannot be used.
    pub(super) manifest: Result<Manifest, Failure>,
    /// Its requirements; none if the manifest cannot be used.
    pub(super) party: Party,
    /// Its files before they are imported: a change in between makes its metadata old, not new.
    pub(super) fingerprint: Option<Fingerprint>,
    /// Its metadata on disk.
    pub(super) cached: Option<Metadata>,
    /// What becomes of it after crashes.
    pub(super) verdict: Verdict,
    /// It is bundled and was never called, so that nothing is installed for it.
    pub(super) uncalled: bool,
    /// When code of this process wrote which files of the plugin last, after a change.
    pub(super) written: BTreeMap<PathBuf, Instant>,
    /// A change of its files led here, not a request.
    pub(super) is_change: bool,
}

impl Found {
    /// The name of the plugin, and whether it is certain before the plugin is imported.
    pub(super) fn name(&self) -> (String, bool) {
        let own = self.manifest.as_ref().ok().and_then(|manifest| manifest.name.clone());
        let cached = || Some(self.cached.as_ref()?.description.name.clone());
        match own.or_else(cached) {
            Some(name) => (name, true),
            None => (self.source.working_name(), false),
        }
    }

    /// True if the plugin is loaded at its first request: because it asks for that and its metadata is cached, or
    /// because its last load ended the process.
    pub(super) fn sleeps(&self) -> bool {
        if let Verdict::Defer(_) = self.verdict {
            return self.manifest.is_ok();
        }
        if self.uncalled {
            return true;
        }
        let asks = |manifest: &Manifest| manifest.daemon.load == Load::Demand;
        self.manifest.as_ref().is_ok_and(asks)
            && self.cached.as_ref().is_some_and(|cached| cached.is_fresh)
    }
}

/// All plugins, in order of discovery.
pub(super) async fn all(shared: Arc<Shared>) -> Result<Vec<Found>, Failure> {
    let looked = spawn_blocking(move || {
        let parts = &shared.parts;
        let sources = sources(parts);
        forget_others(&shared, &sources);
        let records = shared.store.all();
        let record = |source: &PluginSource| records.iter().find(|it| it.path == source.path);
        let look = |source: PluginSource| look(&shared, record(&source), source);
        sources.into_iter().map(look).collect()
    });
    looked.await.map_err(|error| Failure::new(Kind::Bug, format!("discovery failed: {error}")))
}

/// The sources of all plugins, in order of discovery.
pub(super) fn sources(parts: &Parts) -> Vec<PluginSource> {
    let named = &parts.settings.now().plugins;
    discovery::discover(&parts.paths, &parts.env, named, parts.bundled.clone())
}

/// Removes the descriptions of plugins other than `sources`.
pub(super) fn forget_others(shared: &Shared, sources: &[PluginSource]) {
    let paths: Vec<&Path> = sources.iter().map(|source| source.path.as_path()).collect();
    if let Err(error) = shared.store.keep_only(&paths) {
        tracing::warn!(%error, "old descriptions could not be removed");
    }
}

/// The plugin at `source` as it lies there now.
pub(super) async fn one(shared: Arc<Shared>, source: PluginSource) -> Result<Found, Failure> {
    let looked = spawn_blocking(move || now(&shared, source));
    looked.await.map_err(|error| Failure::new(Kind::Bug, format!("discovery failed: {error}")))
}

/// The plugin at `source` as it lies there now; blocks.
pub(super) fn now(shared: &Shared, source: PluginSource) -> Found {
    // A file may have got, or lost, the block with its metadata.
    let source = PluginSource::at(source.path, source.origin);
    let snapshot = shared.parts.registry.snapshot();
    let known = snapshot.entries.iter().find(|entry| entry.source.path == source.path);
    let record = shared.store.at_path(&source.path, known.map(|entry| entry.name.as_str()));
    look(shared, record.as_ref(), source)
}

fn look(shared: &Shared, record: Option<&Record>, source: PluginSource) -> Found {
    let modules = shared.modules.of(&source.path, record.map(|record| &record.modules));
    let fingerprint = Fingerprint::of(&source.path, &modules);
    let cached = record.map(|record| Metadata {
        description: record.description.clone(),
        openapi: shared.store.openapi(&record.description.name),
        is_fresh: record.describes(fingerprint.as_ref()),
    });
    let name = record.map(|record| record.description.name.clone());
    let (manifest, party) = match read(&shared.parts, &source, name) {
        Ok((manifest, party)) => (Ok(manifest), party),
        Err(failure) => (Err(failure), nothing(&source)),
    };
    let own = fingerprint.as_ref().map(Fingerprint::own_digest);
    let verdict = shared.parts.crashes.verdict(&source.path, own.as_deref());
    let uncalled = source.origin == Origin::Bundled && party.asks() && {
        let called = shared.called.lock().unwrap_or_else(PoisonError::into_inner);
        !called.counts(&party.owner.to_string(), true)
    };
    Found {
        source,
        manifest,
        party,
        fingerprint,
        cached,
        verdict,
        uncalled,
        written: BTreeMap::new(),
        is_change: false,
    }
}

/// The party of a plugin that cannot be used.
fn nothing(source: &PluginSource) -> Party {
    let owner = Owner::Plugin { name: source.working_name(), path: source.path.clone() };
    Party { owner, requirements: Vec::new(), requires_python: None }
}

/// Reads the manifest and its requirements; `name` is the plugin's by its stored description.
fn read(
    parts: &Parts,
    source: &PluginSource,
    name: Option<String>,
) -> Result<(Manifest, Party), Failure> {
    let manifest = wanted::admitted(source, &parts.python_version)?;
    let needs_code = manifest.needs_code();
    if needs_code && source.is_manifest() && source.path.is_file() {
        let error =
            format!("{} names neither `commands` nor an `entry_point`", source.path.display());
        return Err(Failure::new(Kind::Plugin, error)
            .hint("A plugin without code needs one of them; see \"No code at all\" in README."));
    }
    let init_file = source.init_file();
    if needs_code && !init_file.is_file() {
        let error = format!("there is no plugin at {}: no such file", init_file.display());
        return Err(Failure::new(Kind::Plugin, error).hint(match source.origin {
            Origin::Added => "`skills-daemon plugin remove` forgets it.",
            _ => "Correct SKILLS_DAEMON_PLUGINS or plugins.conf, whichever names it.",
        }));
    }
    let name = manifest.name.clone().or(name).unwrap_or_else(|| source.working_name());
    let party = wanted::party(source, &manifest, name, &parts.settings.now())?;
    Ok((manifest, party))
}
