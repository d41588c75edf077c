//! The wrappers and skills of all plugins, after a change of any of them.

use super::Shared;
use crate::daemon::{link, skills};

/// Makes the wrappers and skills those of the plugins in the registry.
pub(super) async fn follow(shared: &Shared) {
    let _linking = shared.linking.lock().await;
    let (settings, paths) = (shared.parts.settings.now(), &shared.parts.paths);
    let wrapped = settings.wrappers.value.0;
    if wrapped {
        link::follow(&shared.parts.registry.snapshot(), paths.clone()).await;
    }
    let directories = settings.agents.skills.clone();
    skills::follow(&shared.parts.registry.snapshot(), directories, wrapped, paths.clone()).await;
}
