//! How many pages are served at once, when they end, and when calls are looked at.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::failure::{Failure, Kind};

/// How many pages are served at once.
const PAGES_MAX: usize = 16;
/// The least time between two looks at all connections.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// The places for pages.
#[derive(Debug)]
pub(in crate::http) struct Places {
    free: Arc<Semaphore>,
    /// Why the daemon ends, once it does.
    leaving: watch::Sender<Option<&'static str>>,
    looked: Mutex<Option<Instant>>,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            free: Arc::new(Semaphore::new(PAGES_MAX)),
            leaving: watch::Sender::new(None),
            looked: Mutex::default(),
        }
    }
}

impl Places {
    /// Takes a place; `None` if all are taken.
    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().try_acquire_owned().ok()
    }

    /// The daemon ends, for this reason: all pages do.
    pub(in crate::http) fn leave(&self, reason: &'static str) {
        self.leaving.send_replace(Some(reason));
    }

    /// Why the daemon ends, once it does.
    pub(super) fn leaving(&self) -> watch::Receiver<Option<&'static str>> {
        self.leaving.subscribe()
    }

    /// True if it is time to look at all connections; they are not looked at for each page.
    pub(super) fn is_time_to_look(&self, now: Instant) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = looked.is_none_or(|at| now.duration_since(at) >= LOOK_PAUSE);
        if is_time {
            *looked = Some(now);
        }
        is_time
    }
}

/// The failure of a page that finds no place.
pub(super) fn full() -> Failure {
    let error = format!("too many pages of the daemon are open ({PAGES_MAX})");
    Failure::new(Kind::Unavailable, error).hint("Close one of them.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn places_are_free_again_and_looks_are_shared() {
        let places = Places::default();
        let mut taken: Vec<_> = (0..PAGES_MAX).map(|_| places.take().unwrap()).collect();
        assert!(places.take().is_none());
        taken.pop();
        assert!(places.take().is_some());
        assert!(places.is_time_to_look(Instant::now()));
        assert!(!places.is_time_to_look(Instant::now()));
        tokio::time::advance(LOOK_PAUSE).await;
        assert!(places.is_time_to_look(Instant::now()));
    }
}
