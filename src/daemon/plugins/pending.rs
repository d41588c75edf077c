//! Pending installs and reloads, each of several plugins.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::daemon::actor::Version;
use crate::daemon::dependencies::{Asked, State};
use crate::failure::Failure;
use crate::requirements::{Party, Sources};
use crate::wire::Reloaded;

/// The versions whose requirements are not satisfied yet, and what was asked for them.
#[derive(Default)]
pub(super) struct Installs {
    pub(super) waiting: Vec<Install>,
    /// What was asked for last.
    pub(super) asked: Asked,
    /// The number of the last request.
    pub(super) number: u64,
    /// How the parties stand.
    pub(super) known: Arc<State>,
    /// Where packages come from.
    pub(super) sources: Sources,
}

/// A version whose requirements are not satisfied yet.
#[derive(Clone, Debug)]
pub(super) struct Install {
    pub(super) id: u64,
    pub(super) version: Version,
    pub(super) party: Party,
    /// The number of the request for it; `None` if none was made yet.
    pub(super) request: Option<u64>,
    /// What was set aside is to be tried again for it.
    pub(super) again: bool,
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
