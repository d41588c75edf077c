//! Each call is counted once, with its duration: when its answer begins, when it fails, or when its caller goes away.

use std::sync::Arc;
use std::time::Instant;

use crate::failure::Failure;
use crate::metrics::Outcome;
use crate::registry::Served;

/// A call that is counted when this is dropped.
pub(super) struct Counted {
    /// Its plugin.
    pub(super) plugin: Arc<Served>,
    /// The index of its command, where one is certain to be meant.
    pub(super) command: Option<usize>,
    /// How it ended.
    pub(super) outcome: Outcome,
    begun: Instant,
}

impl Counted {
    /// A call that begins now, and is cancelled unless something else is set.
    pub(super) fn begin(plugin: Arc<Served>) -> Counted {
        Counted { plugin, command: None, outcome: Outcome::CANCELLED, begun: Instant::now() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.plugin.metrics.of(self.command).count(self.outcome, self.begun.elapsed());
    }
}

/// Sets the outcome to the status that `failure` is answered with.
pub(super) fn failing(outcome: &mut Outcome, failure: Failure) -> Failure {
    *outcome = Outcome::of_status(failure.kind.http_status());
    failure
}
