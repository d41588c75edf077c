//! Watching directories: batches of subjects whose files changed and are whole.
//!
//! A subject is whatever the caller calls by a key `K`; the caller names the directories that concern it, one by one, and
//! which of their entries count. Nothing here knows what a subject is, or reads a file: that something changed means
//! that it is worth a look.
//!
//! Where the system cannot report changes (the kernel's limit of watches is reached, a directory is on a network file
//! system, events were lost), the subject is polled: it is in a batch every [`POLL_EVERY`]. [`Watcher::polled`] has the
//! reasons.
//!
//! - [`change`]: what happened to one entry, from the events of the system.
//! - [`settle`]: when changed files are whole.
//! - [`table`]: which directories concern which subjects, and which of them are watched.
//! - [`network`]: file systems that other machines change.

mod change;
mod network;
mod settle;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

pub use change::Kind;
use table::Table;

/// How often a subject is in a batch that cannot be watched.
pub const POLL_EVERY: Duration = Duration::from_secs(2);
/// How long all subjects are polled after events were lost.
const LOST_FOR: Duration = Duration::from_secs(60);

/// A directory that concerns a subject; what lies in its own directories does not.
#[derive(Clone, Debug)]
pub struct Place {
    /// The directory.
    pub directory: PathBuf,
    /// The entries that count.
    pub entries: Entries,
}

/// Which entries of a directory count.
#[derive(Clone, Debug)]
pub enum Entries {
    /// Those of these names, whatever happens to them.
    Named(BTreeSet<OsString>),
    /// Those that this function accepts, by path and change.
    Which(fn(&Path, Kind) -> bool),
}

impl Entries {
    /// The entry `name`.
    pub fn named(name: impl Into<OsString>) -> Entries {
        Entries::Named(BTreeSet::from([name.into()]))
    }

    fn accept(&self, path: &Path, kind: Kind) -> bool {
        match self {
            Entries::Named(names) => path.file_name().is_some_and(|name| names.contains(name)),
            Entries::Which(accepts) => accepts(path, kind),
        }
    }
}

/// What the watcher, its thread and its batches share.
struct Shared<K> {
    table: Mutex<Table<K>>,
    /// Wakes [`Batches::next`].
    changed: Notify,
}

impl<K> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, Table<K>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watched directories. Its methods wait for the thread that reads events: call them where blocking is allowed.
pub struct Watcher<K> {
    shared: Arc<Shared<K>>,
    /// The system's watches; none if it has no more.
    system: Result<Mutex<RecommendedWatcher>, String>,
    /// The most directories that are watched.
    watches_max: usize,
}

/// The settled subjects.
pub struct Batches<K> {
    shared: Arc<Shared<K>>,
    polled_at: Instant,
}

/// Returns a watcher of at most `watches_max` directories, and its batches.
pub fn new<K: Ord + Clone + Send + 'static>(watches_max: usize) -> (Watcher<K>, Batches<K>) {
    let shared = Arc::new(Shared { table: Mutex::new(Table::new()), changed: Notify::new() });
    let of_events = shared.clone();
    let system = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let now = Instant::now();
        let mut table = of_events.lock();
        match event {
            Ok(event) if event.need_rescan() => table.lost(now),
            Ok(event) => {
                for change in change::of(event) {
                    table.changed(&change, now);
                }
            }
            Err(_) => table.lost(now),
        }
        drop(table);
        of_events.changed.notify_one();
    });
    let system = system.map(Mutex::new).map_err(|error| error.to_string());
    let batches = Batches { shared: shared.clone(), polled_at: Instant::now() };
    (Watcher { shared, system, watches_max }, batches)
}

impl<K: Ord + Clone + Send + 'static> Watcher<K> {
    /// Replaces the places of `subject`; returns true if a directory is watched that was not, so that what happened in
    /// it before went unnoticed.
    pub fn set(&self, subject: &K, places: Vec<Place>) -> bool {
        let places = places.into_iter().filter_map(|place| {
            // One directory may be reached by several paths, but has one watch.
            Some(Place { directory: place.directory.canonicalize().ok()?, ..place })
        });
        let places: Vec<Place> = places.collect();
        let directories: BTreeSet<PathBuf> =
            places.iter().map(|place| place.directory.clone()).collect();
        let (missing, unused) = self.shared.lock().replace(subject, places);
        self.end(unused);
        let mut reasons = BTreeMap::new();
        let mut is_new = false;
        for directory in missing {
            match self.begin(&directory) {
                Ok(()) => is_new = true,
                Err(reason) => {
                    reasons.insert(directory, reason);
                }
            }
        }
        for directory in directories {
            if let Some(kind) = network::kind(&directory) {
                reasons.insert(directory, Reason::Network(kind));
            }
        }
        self.shared.lock().poll(subject, reasons);
        self.shared.changed.notify_one();
        is_new
    }

    /// Forgets subjects other than `kept`.
    pub fn keep_only(&self, kept: &BTreeSet<K>) {
        let unused = self.shared.lock().keep_only(kept);
        self.end(unused);
    }

    /// The number of directories that are watched.
    pub fn watches(&self) -> usize {
        self.shared.lock().watched.len()
    }

    /// Returns the directories that are polled, and why, as text for a person; `None` while all changes are reported.
    pub fn polled(&self) -> Option<String> {
        self.shared.lock().report(Instant::now())
    }

    /// Watches `directory`. Its lock is not held meanwhile: the thread that reads events needs it.
    fn begin(&self, directory: &Path) -> Result<(), Reason> {
        let system = self.system.as_ref().map_err(|error| Reason::Refused(error.clone()))?;
        if self.shared.lock().watched.len() >= self.watches_max {
            return Err(Reason::TooMany(self.watches_max));
        }
        let mut system = system.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the first event of its removal.
        self.shared.lock().watched.insert(directory.to_owned());
        system.watch(directory, RecursiveMode::NonRecursive).map_err(|error| {
            self.shared.lock().watched.remove(directory);
            match error.kind {
                ErrorKind::MaxFilesWatch => Reason::Limit,
                _ => Reason::Refused(error.to_string()),
            }
        })
    }

    fn end(&self, directories: Vec<PathBuf>) {
        let Ok(system) = &self.system else { return };
        let mut system = system.lock().unwrap_or_else(PoisonError::into_inner);
        for directory in directories {
            // Fails for a directory that is gone, whose watch went with it.
            let _ = system.unwatch(&directory);
        }
    }
}

/// Why changes of a directory are not reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The kernel has no more watches.
    Limit,
    /// More directories than the daemon watches.
    TooMany(usize),
    /// It is on a network file system of this kind.
    Network(&'static str),
    /// The system refuses.
    Refused(String),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Limit => f.write_str(
                "the kernel's limit of watches is reached (sysctl fs.inotify.max_user_watches)",
            ),
            Reason::TooMany(most) => write!(f, "more than {most} directories would be watched"),
            Reason::Network(kind) => write!(f, "of a network file system ({kind})"),
            Reason::Refused(error) => write!(f, "watching is not possible: {error}"),
        }
    }
}

impl<K: Ord + Clone> Batches<K> {
    /// Waits until files of subjects have changed and are whole, or until they are polled, and returns the subjects.
    pub async fn next(&mut self) -> BTreeSet<K> {
        loop {
            let now = Instant::now();
            let (batch, wake) = {
                let mut table = self.shared.lock();
                let mut batch = table.settle.take(now);
                let polls = table.polls(now);
                if polls && now >= self.polled_at + POLL_EVERY {
                    self.polled_at = now;
                    batch.extend(table.polled(now));
                }
                let poll = polls.then(|| self.polled_at + POLL_EVERY);
                (batch, table.settle.next().into_iter().chain(poll).min())
            };
            if !batch.is_empty() {
                return batch;
            }
            let due = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.shared.changed.notified() => {}
            }
        }
    }
}
