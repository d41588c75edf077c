//! What keeps the daemon awake: work in flight, and when it last began or ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Counts work in flight.
pub struct Activity {
    in_flight: AtomicUsize,
    start: Instant,
    last_millis: AtomicU64,
}

/// Work in flight, for as long as it lives.
pub struct InFlight(Arc<Activity>);

impl Activity {
    /// Nothing in flight, and a clock that starts now.
    pub fn new() -> Arc<Activity> {
        let (in_flight, last_millis) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Activity { in_flight, start: Instant::now(), last_millis })
    }

    /// Counts work that begins now.
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.begin_at(Instant::now())
    }

    /// Counts work that begins now, which is `now`: a clock is not read twice for each request.
    pub fn begin_at(self: &Arc<Self>, now: Instant) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.last_millis.store(millis(now - self.start), Ordering::Relaxed);
        InFlight(self.clone())
    }

    /// How much work is in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Sets the time of the last work to now.
    pub fn touch(&self) {
        self.last_millis.store(self.millis(), Ordering::Relaxed);
    }

    /// The time since work was noted, or ended.
    pub fn idle_for(&self) -> Duration {
        let last = self.last_millis.load(Ordering::Relaxed);
        Duration::from_millis(self.millis().saturating_sub(last))
    }

    fn millis(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.touch();
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_end_of_work_is_noted() {
        let activity = Activity::new();
        let first = activity.begin();
        assert_eq!((activity.in_flight(), activity.idle_for()), (1, Duration::ZERO));
        tokio::time::advance(Duration::from_secs(5)).await;
        drop(first);
        assert_eq!((activity.in_flight(), activity.idle_for()), (0, Duration::ZERO));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(activity.idle_for(), Duration::from_secs(2));
    }
}
