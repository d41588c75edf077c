//! How many traces are begun: so many a second, whatever the load.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

/// Admits at most so many calls in each second.
///
/// Threads that cross into a new second at once may admit a few more.
#[derive(Debug)]
pub(super) struct Sampler {
    begun: Instant,
    per_second: u32,
    /// The second that `admitted` is of.
    second: AtomicU64,
    admitted: AtomicU32,
}

impl Sampler {
    pub(super) fn new(per_second: u32) -> Sampler {
        Sampler {
            begun: Instant::now(),
            per_second,
            second: AtomicU64::new(0),
            admitted: AtomicU32::new(0),
        }
    }

    /// True if a call that begins `now` is one of those that are traced.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.begun).as_secs();
        if self.second.load(Ordering::Relaxed) != second {
            self.second.store(second, Ordering::Relaxed);
            self.admitted.store(0, Ordering::Relaxed);
        }
        // Most calls of a busy second end here, without a write to what other threads read.
        self.admitted.load(Ordering::Relaxed) < self.per_second
            && self.admitted.fetch_add(1, Ordering::Relaxed) < self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_second_has_its_own_share() {
        let sampler = Sampler::new(3);
        let admitted =
            |at: Duration| (0..10).filter(|_| sampler.admits(sampler.begun + at)).count();
        assert_eq!(admitted(Duration::ZERO), 3);
        assert_eq!(admitted(Duration::from_millis(999)), 0);
        assert_eq!(admitted(Duration::from_millis(1000)), 3);
        assert_eq!(admitted(Duration::from_secs(60)), 3);
        assert!(!Sampler::new(0).admits(Instant::now()));
    }
}
