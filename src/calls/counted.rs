//! Each call is counted once, with its duration: when its answer begins, when it fails, or when its caller goes away.

use std::sync::Arc;
use std::time::Instant;

use super::traced::Traced;
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
    pub(super) end: End,
    begun: Instant,
}

/// How a call ended.
pub(super) struct End {
    outcome: Outcome,
    /// Of a call that is traced.
    trace: Option<Box<Traced>>,
}

impl Counted {
    /// A call that begins now, and is cancelled unless it is answered or fails.
    pub(super) fn begin(plugin: Arc<Served>) -> Counted {
        let end = End { outcome: Outcome::CANCELLED, trace: None };
        Counted { plugin, command: None, end, begun: Instant::now() }
    }

    /// When it began.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }
}

impl End {
    /// Has the trace of the call say how it ended, too.
    pub(super) fn trace_by(&mut self, trace: Box<Traced>) {
        self.trace = Some(trace);
    }

    /// The call is answered with this status.
    pub(super) fn answered(&mut self, status: u16) {
        self.outcome = Outcome::of_status(status);
        if let Some(trace) = &mut self.trace {
            trace.answered(status);
        }
    }

    /// The call is answered with `failure`.
    pub(super) fn failed(&mut self, failure: Failure) -> Failure {
        self.outcome = Outcome::of_status(failure.kind.http_status());
        if let Some(trace) = &mut self.trace {
            trace.failed(&failure);
        }
        failure
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.plugin.metrics.of(self.command).count(self.end.outcome, self.begun.elapsed());
        if let Some(trace) = self.end.trace.take() {
            trace.end(&self.plugin, self.command);
        }
    }
}
