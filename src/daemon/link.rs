//! The plugins' shell commands, seen to each time plugins were loaded.
//!
//! Nothing here keeps a plugin from serving: what goes wrong is logged.

use std::collections::BTreeSet;

use tokio::task::spawn_blocking;

use crate::discovery::{Origin, PluginSource};
use crate::paths::Paths;
use crate::registry::{Entry, Snapshot};
use crate::wrappers::{Changes, Wrappers};

/// Makes the shell command of the plugin `name`, unless it is bundled.
pub(super) async fn one(source: &PluginSource, name: &str, paths: Paths) {
    if source.origin == Origin::Bundled {
        return;
    }
    let name = name.to_owned();
    let linked = spawn_blocking(move || Wrappers::of(&paths)?.link(&name)).await;
    if let Ok(Err(failure)) = linked {
        tracing::warn!(error = failure.error, hint = failure.hint, "no wrapper");
    }
}

/// Makes the shell commands those of the plugins that there are.
///
/// A plugin that fails keeps its command, so that calling it says why. One that failed before it told its name may
/// have any command, so none is removed then.
pub(super) async fn follow(snapshot: &Snapshot, paths: Paths) {
    let named = snapshot.entries.iter().filter(|entry| entry.named);
    // `demo` on everybody's PATH would be noise: whoever wants it asks for it.
    let (bundled, own): (Vec<_>, Vec<_>) =
        named.partition(|entry| entry.source.origin == Origin::Bundled);
    let names = |entries: Vec<&Entry>| -> BTreeSet<String> {
        entries.into_iter().map(|entry| entry.name.clone()).collect()
    };
    let (bundled, wanted) = (names(bundled), names(own));
    let all_named = snapshot.entries.iter().all(|entry| entry.named);
    let followed =
        spawn_blocking(move || Wrappers::of(&paths)?.sync(&wanted, all_named.then_some(&bundled)));
    let Changes { written, removed, left_alone } = match followed.await {
        Ok(Ok(changes)) => changes,
        Ok(Err(failure)) => {
            tracing::warn!(error = failure.error, hint = failure.hint, "no wrappers");
            return;
        }
        Err(error) => {
            tracing::warn!(%error, "no wrappers");
            return;
        }
    };
    for path in &left_alone {
        tracing::warn!(path = %path.display(), "left alone: it is not a wrapper of ours");
    }
    if !written.is_empty() || !removed.is_empty() {
        tracing::info!(?written, ?removed, "wrappers");
    }
}
