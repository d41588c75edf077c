//! What is counted of requests, and the page of it that Prometheus reads.
//!
//! A command has its [`Counters`] from the load of its plugin on; a request adds to three atomic numbers of them, without a
//! lock, a look-up by name or memory of its own. A new version of a plugin goes on with the counters of the one before.
//! All else on the [`Page`] is read when the page is.
//!
//! Commands have series of their own once they were called; of all plugins together at most [`COMMANDS_MAX`], and whatever
//! is called first after that is counted with the requests that match no command, whose command is "". So there are at
//! most `COMMANDS_MAX × 25` series of commands, and about 40 of each plugin.
//!
//! To add a number: a field of [`Page`] or [`PluginNow`], and a line in `page.rs`.

mod counters;
mod families;
mod histogram;
mod page;
pub mod process;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use counters::{Counters, Outcome, Totals};
pub use histogram::{BOUNDS, Durations, Histogram};
pub use page::{Format, Page, PluginNow, Series};

use counters::Listing;

/// How many commands have series of their own.
pub const COMMANDS_MAX: usize = 250;

/// All counters of a process.
#[derive(Debug, Default)]
pub struct Metrics {
    plugins: Mutex<BTreeMap<String, Kept>>,
    /// Requests that no plugin answered.
    pub own: Counters,
    /// How long probes waited for the GIL.
    pub gil: Histogram,
    /// Changes of packages that succeeded.
    pub packages_changed: AtomicU64,
    /// Changes of packages that failed.
    pub packages_failed: AtomicU64,
    /// Crashes of earlier processes that count against a plugin.
    pub crashes: AtomicU64,
    /// Spans that a collector took.
    pub spans_sent: AtomicU64,
    /// Spans that it did not take.
    pub spans_failed: AtomicU64,
}

/// What is kept of a plugin from version to version.
#[derive(Debug, Default)]
struct Kept {
    commands: BTreeMap<String, Arc<Counters>>,
    rest: Arc<Counters>,
    loads: u64,
    failures: u64,
}

/// The counters of a version of a plugin.
#[derive(Clone, Debug, Default)]
pub struct OfPlugin {
    /// By the index of the command.
    indexed: Box<[Arc<Counters>]>,
    /// By the name of the command, which several may have.
    named: BTreeMap<String, Arc<Counters>>,
    /// Of requests that match no command.
    rest: Arc<Counters>,
}

/// How often versions of a plugin were loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// Versions that began to serve.
    pub served: u64,
    /// Versions that failed to.
    pub failed: u64,
}

impl OfPlugin {
    /// The counters of the command of this index, or those of requests that match none.
    pub fn of(&self, command: Option<usize>) -> &Counters {
        command.and_then(|index| self.indexed.get(index)).unwrap_or(&self.rest)
    }

    /// The totals of all commands.
    pub fn sum(&self) -> Totals {
        let mut sum = self.rest.read();
        self.named.values().for_each(|counters| sum.add(&counters.read()));
        sum
    }
}

impl Metrics {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the counters for a version of the plugin `name` with these commands, in the order of their indices.
    ///
    /// Counters of commands that neither it nor a version in use has are dropped.
    pub fn plugin(&self, name: &str, commands: impl Iterator<Item = String>) -> OfPlugin {
        let mut plugins = self.lock();
        let kept = plugins.entry(name.to_owned()).or_default();
        let mut named = BTreeMap::new();
        let indexed = commands
            .map(|command| {
                let counters = kept.commands.entry(command.clone()).or_default();
                named.entry(command).or_insert_with(|| counters.clone());
                counters.clone()
            })
            .collect();
        kept.commands.retain(|_, counters| Arc::strong_count(counters) > 1);
        OfPlugin { indexed, named, rest: kept.rest.clone() }
    }

    /// Notes that a version of the plugin `name` serves.
    pub fn loaded(&self, name: &str) {
        self.lock().entry(name.to_owned()).or_default().loads += 1;
    }

    /// Notes that a version of the plugin `name` failed to load.
    pub fn failed(&self, name: &str) {
        self.lock().entry(name.to_owned()).or_default().failures += 1;
    }

    /// Returns how often the plugin `name` was loaded.
    pub fn loads(&self, name: &str) -> Loads {
        let of = |kept: &Kept| Loads { served: kept.loads, failed: kept.failures };
        self.lock().get(name).map(of).unwrap_or_default()
    }

    /// Forgets all plugins but those for which `is_there` holds.
    pub fn keep_only(&self, is_there: impl Fn(&str) -> bool) {
        self.lock().retain(|name, _| is_there(name));
    }

    /// Notes how a change of packages ended.
    pub fn packages(&self, success: bool) {
        let count = if success { &self.packages_changed } else { &self.packages_failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what was counted of a version of the plugin `name`, for each command that has a series of its own.
    pub fn series(&self, name: &str, plugin: &OfPlugin) -> Vec<Series> {
        let plugins = self.lock();
        let all = plugins.values().flat_map(|kept| kept.commands.values());
        let mut listed = all.filter(|counters| counters.listing() == Listing::Own).count();
        drop(plugins);
        let (mut series, mut rest) = (Vec::new(), plugin.rest.read());
        for (command, counters) in &plugin.named {
            let totals = counters.read();
            if totals.count() == 0 {
                continue;
            }
            if counters.listing() == Listing::Undecided {
                let has_room = listed < COMMANDS_MAX;
                listed += usize::from(has_room);
                counters.list(if has_room { Listing::Own } else { Listing::WithRest });
            }
            match counters.listing() {
                Listing::Own => series.push(Series::new(name, command, totals)),
                _ => rest.add(&totals),
            }
        }
        if rest.count() > 0 {
            series.push(Series::new(name, "", rest));
        }
        series
    }
}
