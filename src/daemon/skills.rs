//! The skills of agents, seen to each time plugins were loaded.
//!
//! Nothing here keeps a plugin from serving: what goes wrong is logged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::description::Description;
use crate::discovery::Origin;
use crate::paths::Paths;
use crate::registry::{Entry, Snapshot};
use crate::skills::{Changes, Skills};

/// How many directories may be missing, so that a project that was removed stays so: `.claude/skills` of it.
const DEPTH: usize = 2;

/// Makes the skills in each of `directories` those of the plugins of `snapshot`, bundled ones left out.
///
/// A plugin that fails keeps its skill. One that failed before its name was known may have any, so none is removed then.
pub(super) async fn follow(
    snapshot: &Snapshot,
    directories: Vec<PathBuf>,
    wrapped: bool,
    paths: Paths,
) {
    if directories.is_empty() {
        return;
    }
    let own = || snapshot.entries.iter().filter(|entry| entry.source.origin != Origin::Bundled);
    let descriptions: Vec<Arc<Description>> = own().filter_map(description).collect();
    let without = own().filter(|entry| description(entry).is_none());
    let kept: BTreeSet<String> = without.map(|entry| entry.name.clone()).collect();
    let all_named = snapshot.entries.iter().all(|entry| entry.named);
    let followed = spawn_blocking(move || {
        let skills = Skills::of(descriptions.iter().map(|it| &**it), wrapped, &paths);
        for directory in directories {
            if !directory.ancestors().nth(DEPTH).is_none_or(Path::is_dir) {
                tracing::warn!(path = %directory.display(), "no skills: the directory's place is gone");
                continue;
            }
            match skills.sync(&directory, all_named.then_some(&kept)) {
                Ok(changes) => log(&changes),
                Err(failure) => {
                    tracing::warn!(error = failure.error, hint = failure.hint, "no skills");
                }
            }
        }
    });
    if let Err(error) = followed.await {
        tracing::warn!(%error, "no skills");
    }
}

/// Removes the skills in directories that the settings list no longer.
pub(super) async fn leave(directories: Vec<PathBuf>, paths: Paths) {
    if directories.is_empty() {
        return;
    }
    let left = spawn_blocking(move || {
        let none = Skills::of([], false, &paths);
        for directory in directories {
            match none.sync(&directory, Some(&BTreeSet::new())) {
                Ok(changes) => log(&changes),
                Err(failure) => {
                    tracing::warn!(error = failure.error, hint = failure.hint, "skills are left");
                }
            }
        }
    });
    if let Err(error) = left.await {
        tracing::warn!(%error, "skills are left");
    }
}

/// Returns the newest description of a plugin, maybe of an earlier load.
fn description(entry: &Entry) -> Option<Arc<Description>> {
    let served = entry.served.as_ref().map(|served| &served.metadata);
    Some(served.or(entry.cached.as_ref())?.description.clone())
}

fn log(changes: &Changes) {
    let Changes { written, removed, left_alone } = changes;
    for path in left_alone {
        tracing::warn!(path = %path.display(), "left alone: it is not a skill of ours");
    }
    if !written.is_empty() || !removed.is_empty() {
        tracing::info!(?written, ?removed, "skills");
    }
}
