//! Calls that wait for answers of their clients between two requests, as of the revision 2026-07-28.
//!
//! The call itself stays where it is; the client gets a name for it that cannot be guessed, and gives it back with the
//! answers. A call that gets none in time is cancelled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ask::Asked;
use super::running::Running;

/// How long a call waits.
const LIMIT: Duration = Duration::from_secs(600);
/// How many calls wait at most.
const MOST: usize = 256;

/// The calls that wait.
#[derive(Default)]
pub(super) struct Waiting {
    calls: Mutex<HashMap<String, Held>>,
}

/// A call that waits.
pub(super) struct Held {
    /// The request that it is of: only the same one gets it back.
    pub(super) request: String,
    pub(super) running: Running,
    /// The questions that are open.
    pub(super) asked: Vec<Asked>,
    /// How many questions it has asked.
    pub(super) count: usize,
}

impl Waiting {
    /// Keeps a call; returns its name.
    pub(super) fn hold(self: &Arc<Self>, held: Held) -> String {
        let name = uuid::Uuid::new_v4().simple().to_string();
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            if calls.len() >= MOST {
                let oldest = calls.iter().min_by_key(|(_, held)| held.running.begun);
                if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                    calls.remove(&name);
                }
            }
            calls.insert(name.clone(), held);
        }
        let (waiting, late) = (Arc::downgrade(self), name.clone());
        tokio::spawn(async move {
            tokio::time::sleep(LIMIT).await;
            if let Some(waiting) = waiting.upgrade() {
                drop(waiting.take(&late, None));
            }
        });
        name
    }

    /// The call of that name, if it is of that request.
    pub(super) fn take(&self, name: &str, request: Option<&str>) -> Option<Held> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of = |held: &&Held| request.is_none_or(|request| held.request == request);
        calls.get(name).filter(is_of)?;
        calls.remove(name)
    }
}
