//! Calls under way and recent ones, as the daemon's page shows them.
//!
//! A call that ends costs a load and a comparison here, unless it is kept: of short ones at most [`SHORT`] a second are, of
//! those that took [`LONG`] or failed at most [`NOTABLE`]. The rest is not counted either, only noted as missing
//! ([`Look::is_sample`]). The last [`KEPT`] calls stay.
//!
//! Calls under way are listed by what runs them: where calls are many, only while there is a [`Reader`]
//! ([`Recent::is_read`]) and once they have run for [`LONG`]. At most [`LISTED`] are.
//!
//! No arguments are kept: a path without its query, or the name of a tool.

mod pace;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::time::Instant;

use pace::Pace;

/// How many calls that have ended are kept.
pub const KEPT: usize = 100;
/// How many calls under way are listed.
pub const LISTED: usize = 100;
/// From this time on a call is kept, or listed, before shorter ones.
pub const LONG: Duration = Duration::from_millis(100);
/// How many short calls a second are kept.
const SHORT: u32 = 25;
/// How many long or failed calls a second are kept.
const NOTABLE: u32 = 50;
/// The longest name that is kept, in bytes.
const NAME_MAX: usize = 200;

/// What a call is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Where it came from.
    pub face: Face,
    /// The plugin's name; empty for the daemon itself.
    pub plugin: String,
    /// Method and path, or the tool's name.
    pub name: String,
    /// The id of the request.
    pub request: Arc<str>,
}

/// Where a call came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Face {
    /// HTTP.
    Http,
    /// A shell, by the client.
    Shell,
    /// An agent.
    Agent,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// With this HTTP status.
    Status(u16),
    /// Its caller went away before it was answered whole, or it was cut off.
    Cancelled,
}

/// A call that has ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// Counts up, without gaps, from call to call that is kept.
    pub number: u64,
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// When it began, in milliseconds since 1970.
    pub began: u64,
    /// How long it took, in milliseconds.
    pub millis: f64,
    /// How it ended.
    pub outcome: Outcome,
}

/// A call under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnderWay {
    /// Identifies it among all that are listed.
    pub key: u64,
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// When it began, in milliseconds since 1970.
    pub began: u64,
}

/// What a reader sees at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Look {
    /// Calls that ended since the last look, and are kept.
    pub ended: Vec<Ended>,
    /// All calls that are listed and have run for [`LONG`].
    pub under_way: Vec<UnderWay>,
    /// True if calls are missing: they were too many to keep or list all of them.
    pub is_sample: bool,
}

/// Calls under way and recent ones.
#[derive(Debug)]
pub struct Recent {
    readers: AtomicUsize,
    listed: AtomicUsize,
    short: Pace,
    notable: Pace,
    kept: Mutex<Kept>,
    /// True once a call was missed since the last look of any reader.
    is_missing: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    ended: VecDeque<Ended>,
    last_number: u64,
    under_way: BTreeMap<u64, (Instant, UnderWay)>,
    last_key: u64,
    /// How many looks found that calls were missing.
    missing: u64,
}

/// Sees calls, from its first look on all that are kept.
#[derive(Debug)]
pub struct Reader {
    recent: Arc<Recent>,
    seen: u64,
    missing: u64,
}

/// A call that is listed as under way until this is dropped.
#[derive(Debug)]
pub struct Listed {
    recent: Arc<Recent>,
    key: u64,
}

impl Default for Recent {
    fn default() -> Recent {
        Recent {
            readers: AtomicUsize::new(0),
            listed: AtomicUsize::new(0),
            short: Pace::of(SHORT),
            notable: Pace::of(NOTABLE),
            kept: Mutex::default(),
            is_missing: AtomicBool::new(false),
        }
    }
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn miss(&self) {
        // Read first: a write costs all other threads.
        if !self.is_missing.load(Relaxed) {
            self.is_missing.store(true, Relaxed);
        }
    }

    /// True while there is a reader.
    pub fn is_read(&self) -> bool {
        self.readers.load(Relaxed) > 0
    }

    /// A new reader.
    pub fn reader(self: &Arc<Self>) -> Reader {
        self.readers.fetch_add(1, Relaxed);
        Reader { recent: self.clone(), seen: 0, missing: self.lock().missing }
    }

    /// Keeps a call that ends `now` and took so long, if there is room for it.
    pub fn ended(
        &self,
        now: Instant,
        took: Duration,
        outcome: Outcome,
        call: impl FnOnce() -> Call,
    ) {
        let is_notable = took >= LONG || outcome.is_failure();
        let pace = if is_notable { &self.notable } else { &self.short };
        if !pace.takes(now) {
            self.miss();
            return;
        }
        let call = call().bounded();
        let ended =
            Ended { number: 0, call, began: since_1970(took), millis: millis(took), outcome };
        let mut kept = self.lock();
        kept.last_number += 1;
        if kept.ended.len() == KEPT {
            kept.ended.pop_front();
        }
        let number = kept.last_number;
        kept.ended.push_back(Ended { number, ..ended });
    }

    /// Lists a call that has run for so long; `None` if there is no room.
    pub fn list(self: &Arc<Self>, ran: Duration, call: impl FnOnce() -> Call) -> Option<Listed> {
        if self.listed.load(Relaxed) >= LISTED {
            self.miss();
            return None;
        }
        let (call, began) = (call().bounded(), since_1970(ran));
        let mut kept = self.lock();
        kept.last_key += 1;
        let key = kept.last_key;
        kept.under_way.insert(key, (Instant::now() - ran, UnderWay { key, call, began }));
        self.listed.store(kept.under_way.len(), Relaxed);
        drop(kept);
        Some(Listed { recent: self.clone(), key })
    }
}

impl Reader {
    /// What is new, and all calls under way.
    pub fn look(&mut self) -> Look {
        let mut kept = self.recent.lock();
        kept.missing += u64::from(self.recent.is_missing.swap(false, Relaxed));
        let long = kept.under_way.values().filter(|(since, _)| since.elapsed() >= LONG);
        let ended = kept.ended.iter().filter(|ended| ended.number > self.seen).cloned();
        let look = Look {
            ended: ended.collect(),
            under_way: long.map(|(_, call)| call.clone()).collect(),
            is_sample: kept.missing != self.missing,
        };
        (self.seen, self.missing) = (kept.last_number, kept.missing);
        look
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.recent.readers.fetch_sub(1, Relaxed);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut kept = self.recent.lock();
        kept.under_way.remove(&self.key);
        self.recent.listed.store(kept.under_way.len(), Relaxed);
    }
}

impl Outcome {
    /// True if the daemon or the plugin failed to answer.
    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Status(500..))
    }

    /// True for any end but an answer to a request that was in order.
    pub fn is_error(self) -> bool {
        matches!(self, Outcome::Status(400..) | Outcome::Cancelled)
    }
}

impl Call {
    /// The call with a name that is not too long.
    fn bounded(mut self) -> Call {
        for text in [&mut self.plugin, &mut self.name] {
            if text.len() > NAME_MAX {
                text.truncate(text.floor_char_boundary(NAME_MAX));
                text.push('…');
            }
        }
        self
    }
}

/// The time so long ago, in milliseconds since 1970.
fn since_1970(ago: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.saturating_sub(ago).as_millis()).unwrap_or(u64::MAX)
}

/// A duration in milliseconds, with two digits.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 100.0
}
