//! Plugins on disk after a change of files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Shared;
use super::found::{self, Found};
use super::places::Subject;
use crate::discovery::PluginSource;

/// What lies on disk after a change.
pub(super) struct Looked {
    /// The paths of all plugins in order of discovery, if that may have changed.
    pub(super) order: Option<Vec<PathBuf>>,
    /// The plugins that may have changed.
    pub(super) found: Vec<Found>,
}

/// Looks at what `batch` names, and at plugins that are not among `known`; updates `known`. Blocks.
pub(super) fn look(
    shared: &Shared,
    known: &mut Vec<PluginSource>,
    batch: &BTreeSet<Subject>,
) -> Looked {
    let is_named = |source: &PluginSource| batch.contains(&Subject::Plugin(source.path.clone()));
    let mut found = Vec::new();
    let mut discovers = batch.contains(&Subject::Discovery);
    if !discovers {
        found = known.iter().filter(|it| is_named(it)).map(|it| now(shared, it)).collect();
        // A plugin that is gone may have been removed, or have moved.
        discovers = found.iter().any(|found| found.manifest.is_err());
    }
    if !discovers {
        return Looked { order: None, found };
    }
    let sources = found::sources(&shared.parts);
    let is_new = |source: &PluginSource| !known.contains(source);
    let changed = sources.iter().filter(|source| is_new(source) || is_named(source));
    found = changed.map(|source| now(shared, source)).collect();
    if known.iter().any(|source| !sources.contains(source)) {
        found::forget_others(shared, &sources);
    }
    *known = sources;
    let order = known.iter().map(|source| source.path.clone()).collect();
    Looked { order: Some(order), found }
}

fn now(shared: &Shared, source: &PluginSource) -> Found {
    // Before the files are read: what is written later is in the next look.
    let real = source.path.canonicalize().unwrap_or_else(|_| source.path.clone());
    let written = shared.parts.python.written(&real).into_iter();
    let written = written.map(|(file, at)| {
        let within = file.strip_prefix(&real).map_or(file.clone(), |it| source.path.join(it));
        (within, at)
    });
    Found { is_change: true, written: written.collect(), ..found::now(shared, source.clone()) }
}
