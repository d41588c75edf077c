//! When changed files are whole, as plain data: changes and times in, settled subjects out.
//!
//! A file is whole when it was closed, moved to its place or removed: a moment of quiet then is enough, a longer one
//! while many files change. A file that is still being written is waited for, with a limit, because a program may keep
//! one open for ever.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The quiet after the last change of a few files.
pub(super) const QUIET: Duration = Duration::from_millis(15);
/// The quiet after the last change of many files, as a version control system or a copy makes them.
pub(super) const BURST_QUIET: Duration = Duration::from_millis(100);
/// The number of changes from which they are many.
pub(super) const BURST: usize = 8;
/// The quiet after the last write to a file that was not closed. Only Linux reports that a file was closed.
pub(super) const OPEN_QUIET: Duration =
    Duration::from_millis(if cfg!(target_os = "linux") { 2000 } else { 200 });
/// The longest time from the first change until the subject counts as settled.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// The most open files that are kept in mind for a subject.
const OPEN_MAX: usize = 1024;

/// The subjects whose files change.
pub(super) struct Settle<K> {
    pending: BTreeMap<K, Pending>,
}

/// The changes of one subject.
struct Pending {
    first: Instant,
    last: Instant,
    changes: usize,
    /// Files that are being written, with the time of the last write.
    open: HashMap<PathBuf, Instant>,
}

impl Pending {
    /// When the subject is settled if nothing else happens.
    fn due(&self) -> Instant {
        let quiet = if self.changes < BURST { QUIET } else { BURST_QUIET };
        let closed = self.last + quiet;
        let due = match self.open.values().max() {
            Some(written) => closed.max(*written + OPEN_QUIET),
            None => closed,
        };
        due.min(self.first + LIMIT)
    }
}

impl<K: Ord + Clone> Settle<K> {
    pub(super) fn new() -> Settle<K> {
        Settle { pending: BTreeMap::new() }
    }

    fn pending(&mut self, subject: &K, now: Instant) -> &mut Pending {
        let new = || Pending { first: now, last: now, changes: 0, open: HashMap::new() };
        self.pending.entry(subject.clone()).or_insert_with(new)
    }

    /// A file of `subject` is being written.
    pub(super) fn written(&mut self, subject: &K, file: &Path, now: Instant) {
        let pending = self.pending(subject, now);
        pending.last = now;
        if pending.open.len() < OPEN_MAX {
            pending.open.insert(file.to_owned(), now);
        }
    }

    /// A file of `subject` is whole, or gone.
    pub(super) fn whole(&mut self, subject: &K, file: &Path, now: Instant) {
        let pending = self.pending(subject, now);
        pending.last = now;
        pending.changes += 1;
        pending.open.remove(file);
    }

    /// Something of `subject` changed that does not concern whether a file is whole.
    pub(super) fn touched(&mut self, subject: &K, now: Instant) {
        self.pending(subject, now).last = now;
    }

    /// The time when the next subject is settled.
    pub(super) fn next(&self) -> Option<Instant> {
        self.pending.values().map(Pending::due).min()
    }

    /// Takes the subjects that are settled.
    pub(super) fn take(&mut self, now: Instant) -> BTreeSet<K> {
        self.pending.extract_if(.., |_, pending| pending.due() <= now).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something that happens to the file `a` or `b`.
    #[derive(Clone, Copy)]
    enum Step {
        Written(&'static str),
        Whole(&'static str),
    }
    use Step::{Whole, Written};

    const OPEN: u64 = OPEN_QUIET.as_millis() as u64;

    /// Returns the time at which a subject is settled, in milliseconds, after steps at these times.
    fn settled(steps: &[(u64, Step)]) -> u64 {
        let start = Instant::now();
        let mut settle = Settle::new();
        for (at, step) in steps {
            let now = start + Duration::from_millis(*at);
            assert!(settle.take(now).is_empty(), "settled before {at}");
            match step {
                Written(file) => settle.written(&(), Path::new(file), now),
                Whole(file) => settle.whole(&(), Path::new(file), now),
            }
        }
        let due = settle.next().unwrap();
        assert!(settle.take(due - Duration::from_millis(1)).is_empty());
        assert_eq!(settle.take(due).len(), 1);
        assert!(settle.next().is_none() && settle.take(due).is_empty());
        (due - start).as_millis() as u64
    }

    #[test]
    fn a_file_that_is_whole_is_read_soon_and_one_that_is_written_is_waited_for() {
        let burst: Vec<(u64, Step)> = (0..BURST as u64).map(|at| (at, Whole("a"))).collect();
        let endless: Vec<(u64, Step)> = (0..1000).map(|at| (at * 10, Whole("a"))).collect();
        let held: Vec<(u64, Step)> = (0..100).map(|at| (at * 100, Written("a"))).collect();
        for (steps, expected) in [
            // A save: emptied, written, closed.
            (&[(0, Written("a")), (1, Written("a")), (2, Whole("a"))][..], 17),
            // An atomic save, or a removal.
            (&[(0, Whole("a"))], 15),
            (&[(0, Whole("a")), (10, Whole("b"))], 25),
            // In pieces: not before it is closed.
            (&[(0, Written("a")), (900, Written("a")), (1000, Whole("a"))], 1015),
            (&[(0, Written("a")), (1, Whole("b")), (1000, Whole("a"))], 1015),
            // Never closed: a longer quiet.
            (&[(0, Written("a"))], OPEN),
            (&[(0, Written("a")), (1, Whole("b"))], OPEN),
            // Moved away while it is open.
            (&[(0, Written("a")), (5, Whole("a"))], 20),
            (&burst, BURST as u64 - 1 + 100),
            // Without end: the limit.
            (&endless, 10_000),
            (&held, 10_000),
        ] {
            if cfg!(target_os = "linux") {
                assert_eq!(settled(steps), expected);
            }
        }
    }

    #[test]
    fn each_subject_settles_for_itself() {
        let start = Instant::now();
        let mut settle = Settle::new();
        settle.written(&"slow", Path::new("a"), start);
        settle.whole(&"fast", Path::new("b"), start);
        assert_eq!(settle.take(start + QUIET), BTreeSet::from(["fast"]));
        assert_eq!(settle.next(), Some(start + OPEN_QUIET));
    }
}
