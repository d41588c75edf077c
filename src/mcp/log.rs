//! What agents called, in the log: names, times and sizes, no values.

use super::running::{Outcome, Running};
use crate::failure::Failure;

/// Logs a call that ended.
pub(super) fn called(
    plugin: &str,
    name: &str,
    running: &Running,
    bytes_in: usize,
    outcome: &str,
    bytes_out: usize,
) {
    let duration_ms = (running.begun.elapsed().as_secs_f64() * 1e5).round() / 100.0;
    tracing::info!(plugin, name, duration_ms, outcome, bytes_in, bytes_out, "agent_call");
}

/// How a call ended, and the size of what it answered, in bytes.
pub(super) fn outcome(outcome: &Result<Outcome, Failure>) -> (&'static str, usize) {
    match outcome {
        Ok(outcome) if outcome.has_failed() => ("error", outcome.body.len()),
        Ok(outcome) => ("ok", outcome.body.len() + outcome.stdout.len()),
        Err(_) => ("failure", 0),
    }
}
