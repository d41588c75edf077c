//! What agents called, in the log: names, times and sizes, no values.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::running::{Outcome, Running};
use crate::failure::Failure;
use crate::recent;

/// How many calls a second have a line of their own: a log of nothing else would soon have lost all before it.
const LINES: u32 = 20;
/// A second.
const SPAN: Duration = Duration::from_secs(1);

/// The calls that are logged.
#[derive(Default)]
pub(super) struct Calls {
    budget: Mutex<Budget>,
}

/// How many lines there may be.
#[derive(Default)]
struct Budget {
    since: Option<Instant>,
    written: u32,
    /// Calls without a line since the last one that has it.
    skipped: u64,
}

impl Budget {
    /// Takes a line, if there is one; returns how many calls have had none.
    fn take(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.duration_since(since) >= SPAN) {
            (self.since, self.written) = (Some(now), 0);
        }
        if self.written == LINES {
            self.skipped += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.skipped))
    }
}

impl Calls {
    /// Logs a call that ended.
    pub(super) fn ended(
        &self,
        plugin: &str,
        name: &str,
        running: &Running,
        bytes_in: usize,
        (outcome, bytes_out): (&str, usize),
    ) {
        let now = Instant::now();
        let taken = self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(now);
        let Some(skipped) = taken else { return };
        let duration = now.duration_since(running.begun);
        let duration_ms = (duration.as_secs_f64() * 1e5).round() / 100.0;
        let unlogged = (skipped > 0).then_some(skipped);
        tracing::info!(
            plugin,
            name,
            duration_ms,
            outcome,
            bytes_in,
            bytes_out,
            unlogged,
            "agent_call"
        );
    }
}

/// How a call ended, and the size of what it answered, in bytes.
pub(super) fn outcome(outcome: &Result<Outcome, Failure>) -> (&'static str, usize) {
    match outcome {
        Ok(outcome) if outcome.has_failed() => ("error", outcome.body.len()),
        Ok(outcome) => ("ok", outcome.body.len() + outcome.stdout.len()),
        Err(_) => ("failure", 0),
    }
}

/// The same as the outcome of a recent call.
pub(super) fn status(outcome: &Result<Outcome, Failure>) -> recent::Outcome {
    recent::Outcome::Status(match outcome {
        Ok(outcome) if outcome.has_failed() && outcome.status.as_u16() < 400 => 500,
        Ok(outcome) => outcome.status.as_u16(),
        Err(failure) => failure.kind.http_status(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_calls_a_second_are_counted_in_place_of_a_line_each() {
        let mut budget = Budget::default();
        let lines = (0..100).filter_map(|_| budget.take(Instant::now())).collect::<Vec<_>>();
        assert_eq!(lines, [0; 20]);
        tokio::time::advance(SPAN).await;
        assert_eq!((budget.take(Instant::now()), budget.take(Instant::now())), (Some(80), Some(0)));
    }
}
