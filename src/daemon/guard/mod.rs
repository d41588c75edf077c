//! The watch over plugins that run: loops that are blocked, calls that do not return, growth of memory, many threads.
//!
//! A task of the I/O threads looks at the plugins that serve, every [`PERIOD`]. It attaches to no Python: what it asks
//! Python for is looked up on a thread of its own. What is found is one line in the log for each incident, and one notice
//! for as long as it lasts. Calls under way and memory are also noted in the journal, for the daemon after a crash.
//!
//! - [`incidents`]: what does not move, each reported once.
//! - [`standing`]: loops and calls that do not move, with their places in the code.
//! - [`memory`]: whose the growth of memory is.
//! - [`samples`]: memory and threads, looked at once in a while.
//! - [`place`]: the place in a plugin's code at which a thread is.

mod incidents;
mod memory;
mod place;
mod samples;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::journal::Journal;
use crate::notices::Notices;
use crate::registry::{Entry, Registry};
use crate::runtime::{Activity, Runtime};
use samples::Samples;
use standing::Standing;

/// How often the plugins are looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// In how many periods memory and threads are looked at once.
const SAMPLE_PERIODS: u64 = 4;

/// The watch over the plugins of a daemon.
pub(super) struct Guard {
    pub(super) python: Arc<dyn Runtime>,
    pub(super) registry: Arc<Registry>,
    pub(super) notices: Arc<Notices>,
    pub(super) journal: Option<Arc<Journal>>,
}

/// A plugin that serves, and what its threads do at the moment.
struct Looked<'a> {
    entry: &'a Entry,
    activity: Activity,
}

impl Looked<'_> {
    /// Looks at a plugin, if it serves.
    fn at(entry: &Entry) -> Option<Looked<'_>> {
        let activity = entry.served.as_ref()?.instance.activity();
        Some(Looked { entry, activity })
    }

    /// How many calls are under way.
    fn calls(&self) -> usize {
        let loads = self.activity.loops.iter().map(|own_loop| own_loop.load);
        loads.sum::<usize>() + self.activity.pool.len()
    }
}

impl Guard {
    /// Notes how long a thread waits for the GIL, once it has it.
    fn probe_gil(&self) {
        let (registry, waited) = (self.registry.clone(), self.python.gil_wait());
        tokio::spawn(async move {
            if let Some(waited) = waited.await {
                registry.metrics.gil.observe(waited);
            }
        });
    }

    /// Watches until the daemon ends.
    pub(super) async fn watch(self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut standing, mut samples) = (Standing::default(), Samples::default());
        for round in 0_u64.. {
            ticks.tick().await;
            let snapshot = self.registry.snapshot();
            let looked: Vec<Looked> = snapshot.entries.iter().filter_map(Looked::at).collect();
            standing.round(&self, &looked, Instant::now()).await;
            if round.is_multiple_of(SAMPLE_PERIODS) {
                samples.take(&self, &snapshot.entries, &looked).await;
                if looked.iter().any(|it| it.calls() > 0) {
                    self.probe_gil();
                }
            }
            samples.journal(&looked);
        }
    }
}
