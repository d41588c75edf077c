//! The failure of the last start, for the programs that waited for it, or asked a service manager for it.

use std::fs;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::paths::Paths;

/// A failed start, stored for the processes that waited for it.
#[derive(Serialize, Deserialize)]
struct StartFailure {
    at: SystemTime,
    failure: Failure,
}

/// Returns the failure of a start since `begin`.
pub(super) fn failure_since(paths: &Paths, begin: SystemTime) -> Option<Failure> {
    let bytes = fs::read(paths.start_failure()).ok()?;
    let kept: StartFailure = serde_json::from_slice(&bytes).ok()?;
    (kept.at >= begin).then_some(kept.failure)
}

/// Stores the failure for the processes that wait; if it cannot be written, they start the daemon themselves.
pub fn remember(paths: &Paths, failure: &Failure) {
    let kept = StartFailure { at: SystemTime::now(), failure: failure.clone() };
    if let Ok(text) = serde_json::to_vec(&kept) {
        let _ = fs::write(paths.start_failure(), text);
    }
}
