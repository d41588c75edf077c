//! The wrappers and skills of all plugins, after a change of any of them.

use std::path::PathBuf;

use super::Shared;
use crate::daemon::{link, skills};

/// Makes the wrappers and skills those of the plugins in the registry.
pub(super) async fn follow(shared: &Shared) {
    let mut with_skills = shared.linking.lock().await;
    let (settings, paths) = (shared.parts.settings.now(), &shared.parts.paths);
    let wrapped = settings.wrappers.value.0;
    if wrapped {
        link::follow(&shared.parts.registry.snapshot(), paths.clone()).await;
    }
    let directories = settings.agents.skills.clone();
    let is_left = |directory: &PathBuf| !directories.contains(directory);
    let left: Vec<PathBuf> = with_skills.extract_if(.., |it| is_left(it)).collect();
    skills::leave(left, paths.clone()).await;
    with_skills.clone_from(&directories);
    skills::follow(&shared.parts.registry.snapshot(), directories, wrapped, paths.clone()).await;
}
