//! Pending installs and reloads, each of several plugins.

use std::collections::BTreeSet;

use tokio::sync::oneshot;

use crate::daemon::actor::Version;
use crate::failure::Failure;
use crate::wire::Reloaded;

/// The versions whose requirements are to be installed.
#[derive(Default)]
pub(super) struct Installs {
    pub(super) waiting: Vec<(u64, Version)>,
    pub(super) running: bool,
}

/// The outcome of an install for one version.
pub(super) struct Installed {
    pub(super) id: u64,
    pub(super) version: Version,
    pub(super) failure: Option<Failure>,
}

/// A reload whose plugins are not settled yet.
pub(super) struct Waiting {
    pub(super) touched: Touched,
    pub(super) answer: oneshot::Sender<Result<Reloaded, Failure>>,
}

/// The plugins that a reload touches.
pub(super) struct Touched {
    /// Their ids; `None` for all.
    pub(super) ids: Option<BTreeSet<u64>>,
    /// All plugins before, by id and name.
    pub(super) before: Vec<(u64, String)>,
}

impl Touched {
    /// True if the reload touches the plugin `id`.
    pub(super) fn has(&self, id: u64) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }
}
