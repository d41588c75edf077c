//! The counters of one command.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::{Durations, Histogram};

/// The outcomes, as labels.
const OUTCOMES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "cancelled"];

/// How a request ended: the class of its HTTP status, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(usize);

/// Where the numbers of a command are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Listing {
    /// It was not called when the page was read last.
    Undecided,
    /// In series of its own.
    Own,
    /// Together with requests that match no command.
    WithRest,
}

/// What is counted of a command.
#[derive(Debug, Default)]
pub struct Counters {
    durations: Histogram,
    outcomes: [AtomicU64; OUTCOMES.len()],
    /// A [`Listing`].
    listing: AtomicU8,
}

/// The numbers of [`Counters`] at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How long the requests took.
    pub durations: Durations,
    outcomes: [u64; OUTCOMES.len()],
}

impl Outcome {
    /// The caller went away before it was answered.
    pub const CANCELLED: Outcome = Outcome(5);

    /// An answer with this HTTP status.
    pub fn of_status(status: u16) -> Outcome {
        Outcome(usize::from(status / 100).clamp(1, 5) - 1)
    }
}

impl Counters {
    /// Counts a request.
    pub fn count(&self, outcome: Outcome, took: Duration) {
        self.durations.observe(took);
        self.outcomes[outcome.0].fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers of the moment.
    pub fn read(&self) -> Totals {
        Totals {
            outcomes: std::array::from_fn(|at| self.outcomes[at].load(Ordering::Relaxed)),
            durations: self.durations.read(),
        }
    }

    /// Where they are shown.
    pub(super) fn listing(&self) -> Listing {
        match self.listing.load(Ordering::Relaxed) {
            0 => Listing::Undecided,
            1 => Listing::Own,
            _ => Listing::WithRest,
        }
    }

    /// Sets where they are shown from now on.
    pub(super) fn list(&self, listing: Listing) {
        self.listing.store(listing as u8, Ordering::Relaxed);
    }
}

impl Totals {
    /// How many requests there were.
    pub fn count(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// How many of them the server failed to answer: those with a status from 500 on.
    pub fn errors(&self) -> u64 {
        self.outcomes[4]
    }

    /// How often each outcome was, as label and number, without those that never were.
    pub fn by_outcome(&self) -> impl Iterator<Item = (&'static str, u64)> {
        OUTCOMES.into_iter().zip(self.outcomes).filter(|(_, count)| *count > 0)
    }

    /// Adds those of other counters.
    pub fn add(&mut self, other: &Totals) {
        self.durations.add(&other.durations);
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(own, other)| *own += other);
    }
}
