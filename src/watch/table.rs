//! Which directories concern which subjects, which of them are watched, and which subjects are polled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::change::{Change, Kind};
use super::settle::Settle;
use super::{Entries, LOST_FOR, POLL_EVERY, Place, Reason};

/// All subjects.
pub(super) struct Table<K> {
    pub(super) settle: Settle<K>,
    /// The directories, by real path, with the subjects that they concern.
    directories: HashMap<PathBuf, Vec<(K, Entries)>>,
    /// The directories of each subject.
    subjects: BTreeMap<K, BTreeSet<PathBuf>>,
    /// The directories that the system watches.
    pub(super) watched: BTreeSet<PathBuf>,
    /// The directories of each subject whose changes are not reported.
    unreported: BTreeMap<K, BTreeMap<PathBuf, Reason>>,
    /// When events were lost the last time.
    lost: Option<Instant>,
}

impl<K: Ord + Clone> Table<K> {
    pub(super) fn new() -> Table<K> {
        Table {
            settle: Settle::new(),
            directories: HashMap::new(),
            subjects: BTreeMap::new(),
            watched: BTreeSet::new(),
            unreported: BTreeMap::new(),
            lost: None,
        }
    }

    /// Replaces the places of `subject`; returns the directories that are to be watched, and no longer.
    pub(super) fn replace(
        &mut self,
        subject: &K,
        places: Vec<Place>,
    ) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let wanted: BTreeSet<PathBuf> =
            places.iter().map(|place| place.directory.clone()).collect();
        let before = self.subjects.insert(subject.clone(), wanted.clone()).unwrap_or_default();
        for directory in &before {
            self.drop_subject(directory, subject);
        }
        for Place { directory, entries } in places {
            self.directories.entry(directory).or_default().push((subject.clone(), entries));
        }
        let missing = wanted.into_iter().filter(|it| !self.watched.contains(it)).collect();
        (missing, self.unused(&before))
    }

    /// Forgets subjects other than `kept`; returns the directories that are no longer to be watched.
    pub(super) fn keep_only(&mut self, kept: &BTreeSet<K>) -> Vec<PathBuf> {
        let gone: Vec<(K, BTreeSet<PathBuf>)> =
            self.subjects.extract_if(.., |subject, _| !kept.contains(subject)).collect();
        let mut unused = Vec::new();
        for (subject, directories) in gone {
            self.unreported.remove(&subject);
            for directory in &directories {
                self.drop_subject(directory, &subject);
            }
            unused.extend(self.unused(&directories));
        }
        unused
    }

    fn drop_subject(&mut self, directory: &Path, subject: &K) {
        if let Some(of_directory) = self.directories.get_mut(directory) {
            of_directory.retain(|(known, _)| known != subject);
            if of_directory.is_empty() {
                self.directories.remove(directory);
            }
        }
    }

    /// Takes those of `directories` that concern no subject out of the watched ones.
    fn unused(&mut self, directories: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let is_unused = |it: &&PathBuf| !self.directories.contains_key(*it);
        let unused: Vec<PathBuf> = directories.iter().filter(is_unused).cloned().collect();
        unused.into_iter().filter(|directory| self.watched.remove(directory)).collect()
    }

    /// Takes a change of an entry.
    pub(super) fn changed(&mut self, change: &Change, now: Instant) {
        let Change { path, kind } = change;
        if matches!(kind, Kind::Vanished | Kind::Directory) {
            self.forget_below(path, now);
        }
        let Some(parent) = path.parent() else { return };
        for (subject, entries) in self.directories.get(parent).into_iter().flatten() {
            if !entries.accept(path, *kind) {
                continue;
            }
            match kind {
                Kind::Written => self.settle.written(subject, path, now),
                Kind::Touched => self.settle.touched(subject, now),
                Kind::Whole | Kind::Directory | Kind::Vanished => {
                    self.settle.whole(subject, path, now);
                }
            }
        }
    }

    /// The watches at and below `path` are of a directory that is gone; one that is there now needs others.
    fn forget_below(&mut self, path: &Path, now: Instant) {
        let below = self.watched.range(path.to_owned()..);
        let stale: Vec<PathBuf> = below.take_while(|it| it.starts_with(path)).cloned().collect();
        for directory in stale {
            self.watched.remove(&directory);
            for (subject, _) in self.directories.get(&directory).into_iter().flatten() {
                self.settle.whole(subject, &directory, now);
            }
        }
    }

    /// Events were lost: every subject may have changed.
    pub(super) fn lost(&mut self, now: Instant) {
        self.lost = Some(now);
        for subject in self.subjects.keys() {
            self.settle.touched(subject, now);
        }
    }

    /// Sets the directories of `subject` whose changes are not reported.
    pub(super) fn poll(&mut self, subject: &K, reasons: BTreeMap<PathBuf, Reason>) {
        if reasons.is_empty() {
            self.unreported.remove(subject);
        } else {
            self.unreported.insert(subject.clone(), reasons);
        }
    }

    fn has_lost(&self, now: Instant) -> bool {
        self.lost.is_some_and(|lost| now < lost + LOST_FOR)
    }

    /// True if any subject is polled.
    pub(super) fn polls(&self, now: Instant) -> bool {
        !self.unreported.is_empty() || self.has_lost(now)
    }

    /// The subjects that are polled.
    pub(super) fn polled(&self, now: Instant) -> BTreeSet<K> {
        if self.has_lost(now) {
            return self.subjects.keys().cloned().collect();
        }
        self.unreported.keys().cloned().collect()
    }

    /// Returns what is polled, and why.
    pub(super) fn report(&self, now: Instant) -> Option<String> {
        let mut by_reason: BTreeMap<&Reason, BTreeSet<&PathBuf>> = BTreeMap::new();
        for (directory, reason) in self.unreported.values().flatten() {
            by_reason.entry(reason).or_default().insert(directory);
        }
        let seconds = POLL_EVERY.as_secs();
        let mut reports: Vec<String> = Vec::new();
        if self.has_lost(now) {
            reports.push(format!(
                "changes of files were lost: all are polled every {seconds} s for {} s",
                LOST_FOR.as_secs()
            ));
        }
        reports.extend(by_reason.iter().filter_map(|(reason, directories)| {
            let first = directories.first()?.display();
            let others = match directories.len() - 1 {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            Some(format!("{first}{others} polled every {seconds} s: {reason}"))
        }));
        (!reports.is_empty()).then(|| reports.join("; "))
    }
}
