//! So many things a second, by one atomic number.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// A second, in microseconds.
const SECOND: u64 = 1_000_000;

/// Takes so many things a second, as many of them at once.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    /// The time from one to the next, in microseconds.
    interval: u64,
    /// When all that were taken have had their time, in microseconds after the start.
    paid: AtomicU64,
}

impl Pace {
    /// A pace of so many a second.
    pub(super) fn of(per_second: u32) -> Pace {
        let interval = SECOND / u64::from(per_second.max(1));
        Pace { start: Instant::now(), interval, paid: AtomicU64::new(0) }
    }

    /// True if one more may come `now`; that takes it. Only what is taken is written.
    pub(super) fn takes(&self, now: Instant) -> bool {
        let now = micros(now.saturating_duration_since(self.start));
        let paid = self.paid.load(Relaxed);
        let next = paid.max(now) + self.interval;
        next <= now + SECOND
            // Another thread may have taken its place.
            && self.paid.compare_exchange(paid, next, Relaxed, Relaxed).is_ok()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_a_second_and_then_the_pace() {
        let pace = Pace::of(10);
        let at = |millis| pace.start + Duration::from_millis(millis);
        let taken = |millis, many: usize| (0..many).filter(|_| pace.takes(at(millis))).count();
        assert_eq!(taken(5000, 100), 10);
        assert_eq!(taken(5050, 100), 0);
        assert_eq!(taken(5100, 100), 1);
        assert_eq!(taken(5600, 100), 5);
        assert_eq!(taken(60_000, 100), 10, "what was not used is not saved up");
        assert_eq!(taken(0, 1), 0, "a clock that another thread has read before");
    }
}
