//! What was counted of the requests to a plugin.

use serde::{Deserialize, Serialize};

use crate::metrics::{BOUNDS, Totals};

/// The requests to a plugin since it was first loaded in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// How many have ended: answered, or cancelled.
    pub requests: u64,
    /// How many of them were answered with a status from 500 on.
    pub errors: u64,
    /// How many are under way.
    pub in_flight: usize,
    /// How many wait because the plugin is given only so many at once.
    pub waiting: usize,
    /// How long they took; durations of which there were none are left out.
    pub durations: Vec<Bucket>,
}

/// How many requests took a time in a range, which begins where the one before ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The end of the range, in microseconds; none for the last one.
    pub micros_max: Option<u64>,
    /// How many.
    pub count: u64,
}

impl Traffic {
    /// The traffic of these totals at this moment.
    pub fn new(totals: &Totals, in_flight: usize, waiting: usize) -> Traffic {
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        let buckets = bounds.zip(totals.durations.counts);
        let durations = buckets.filter(|(_, count)| *count > 0);
        Traffic {
            requests: totals.count(),
            errors: totals.errors(),
            in_flight,
            waiting,
            durations: durations.map(|(micros_max, count)| Bucket { micros_max, count }).collect(),
        }
    }
}
