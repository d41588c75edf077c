//! The wrappers of all plugins, after a change of any of them.

use super::Shared;
use crate::daemon::link;

/// Makes the wrappers those of the plugins in the registry.
pub(super) async fn follow(shared: &Shared) {
    if shared.parts.settings.now().wrappers.value.0 {
        let _linking = shared.linking.lock().await;
        link::follow(&shared.parts.registry.snapshot(), shared.parts.paths.clone()).await;
    }
}
