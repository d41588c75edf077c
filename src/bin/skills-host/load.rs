//! How many requests a loop has, so that the next goes to the one with the fewest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of requests that are counted and not done.
#[derive(Clone, Default)]
pub(crate) struct Load(Arc<AtomicUsize>);

/// One request, counted for as long as this lives.
pub(crate) struct Counted(Load);

impl Load {
    /// The number now.
    pub(crate) fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one more.
    pub(crate) fn count(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
