//! Decides when a change counts.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::installed::State;

/// First pause after a restart that failed.
const PAUSE_MIN: Duration = Duration::from_secs(30);
/// Longest pause after a restart that failed.
const PAUSE_MAX: Duration = Duration::from_secs(1800);

/// A difference for which this process is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The file with this index.
    File(usize),
    /// A package, and its version in this process.
    Package(String, String),
}

impl Change {
    pub(super) fn text(&self, files: &[PathBuf]) -> String {
        match self {
            Change::File(index) => format!("{} was replaced", files[*index].display()),
            Change::Package(name, version) => format!("{name} {version} was replaced"),
        }
    }
}

/// Decides when a change counts.
pub(super) struct Detector {
    /// What this process uses.
    used: State,
    last: State,
    /// The state of the last attempt that failed, and when to try it again.
    failed: Option<(State, Instant)>,
    pause: Duration,
}

impl Detector {
    pub(super) fn new(used: State) -> Detector {
        Detector { last: used.clone(), used, failed: None, pause: PAUSE_MIN }
    }

    /// True if `state` has other packages than this process uses.
    pub(super) fn has_other_packages(&self, state: &State) -> bool {
        self.used.packages != state.packages
    }

    /// Returns the change for which to restart now; `imported` are the top-level names of imported modules, without which
    /// packages are not compared.
    pub(super) fn look(
        &mut self,
        state: State,
        imported: Option<&BTreeSet<String>>,
        now: Instant,
    ) -> Option<Change> {
        let is_stable = state == self.last;
        self.last = state;
        if self.last.packages.folder != self.used.packages.folder {
            self.used.packages = self.last.packages.clone();
        }
        if !is_stable {
            return None;
        }
        if let Some(imported) = imported {
            // What is not imported cannot be in an older form.
            let used = &mut self.used.packages.packages;
            used.retain(|_, package| !package.tops.is_disjoint(imported));
            for (name, package) in &self.last.packages.packages {
                used.entry(name.clone()).or_insert_with(|| package.clone());
            }
        }
        let change = self.file().or_else(|| imported.and_then(|_| self.package()))?;
        match &self.failed {
            Some((state, again)) if *state == self.last && now < *again => None,
            _ => Some(change),
        }
    }

    fn file(&self) -> Option<Change> {
        // A file that is gone is not replaced yet.
        let mut files = self.used.files.iter().zip(&self.last.files);
        files.position(|(used, now)| now.is_some() && now != used).map(Change::File)
    }

    fn package(&self) -> Option<Change> {
        let (used, last) = (&self.used.packages.packages, &self.last.packages.packages);
        let changed = used.iter().find(|(name, package)| last.get(*name) != Some(*package));
        changed.map(|(name, package)| Change::Package(name.clone(), package.version.clone()))
    }

    /// True if the last state is that from which this process was started, after a failed restart.
    pub(super) fn is_undone(&self) -> bool {
        self.failed.is_some() && self.file().is_none() && self.package().is_none()
    }

    /// The restart for the last state failed.
    pub(super) fn failed(&mut self, now: Instant) {
        let is_same = self.failed.as_ref().is_some_and(|(state, _)| *state == self.last);
        self.pause = if is_same { (self.pause * 2).min(PAUSE_MAX) } else { PAUSE_MIN };
        self.failed = Some((self.last.clone(), now + self.pause));
    }
}

#[cfg(test)]
mod tests {
    use super::super::TICK;
    use super::super::installed::{Installed, Package, Stamp};
    use super::*;

    fn stamp(inode: u64) -> Option<Stamp> {
        Some(Stamp { inode, size: 1, modified: (0, 0) })
    }

    fn state(file: Option<Stamp>, packages: &[(&str, &str)]) -> State {
        let package = |name: &str, it: &str| Package::new(it, &format!("{name}/__init__.py,,\n"));
        let packages = packages.iter().map(|(name, it)| ((*name).into(), package(name, it)));
        let packages = Installed { folder: "/venvs/1".into(), packages: packages.collect() };
        State { files: vec![file], packages }
    }

    #[test]
    fn a_change_counts_once_it_is_stable() {
        let now = Instant::now();
        let package = |version: &str| Some(Change::Package("x".into(), version.into()));
        let begin = || state(stamp(1), &[("x", "1")]);
        for (looks, change) in [
            (vec![begin(), begin()], None),
            (vec![state(stamp(2), &[("x", "1")])], None),
            (vec![state(stamp(2), &[("x", "1")]); 2], Some(Change::File(0))),
            (vec![state(stamp(2), &[("x", "1")]), state(stamp(3), &[("x", "1")])], None),
            (vec![state(None, &[("x", "1")]); 2], None),
            (vec![state(stamp(1), &[("x", "2")]); 2], package("1")),
            (vec![state(stamp(1), &[]); 2], package("1")),
            (vec![state(stamp(1), &[]), begin(), begin()], None),
            (vec![state(stamp(1), &[("x", "1"), ("y", "1")]); 2], None),
        ] {
            let mut detector = Detector::new(begin());
            let imported = BTreeSet::from(["x".to_owned()]);
            let found: Vec<_> = looks
                .iter()
                .filter_map(|it| detector.look(it.clone(), Some(&imported), now))
                .collect();
            assert_eq!(found, Vec::from_iter(change), "{looks:?}");
        }
    }

    #[test]
    fn another_environment_is_no_change_but_a_change_in_it_is() {
        let (mut detector, now) = (Detector::new(state(stamp(1), &[("x", "1")])), Instant::now());
        let imported = BTreeSet::from(["x".to_owned()]);
        let mut look = |version: &str| {
            let mut other = state(stamp(1), &[("x", version)]);
            other.packages.folder = "/venvs/2".into();
            detector.look(other, Some(&imported), now)
        };
        for _ in 0..3 {
            assert_eq!(look("2"), None);
        }
        assert_eq!(look("3"), None);
        assert_eq!(look("3"), Some(Change::Package("x".into(), "2".into())));
    }

    #[test]
    fn a_package_counts_from_its_import_on() {
        let now = Instant::now();
        let mut detector = Detector::new(state(stamp(1), &[("x", "1")]));
        let mut look = |version: &str, imported: &[&str]| {
            let imported = imported.iter().map(|it| (*it).to_owned()).collect();
            let state = || state(stamp(1), &[("x", version)]);
            let found = (0..2).filter_map(|_| detector.look(state(), Some(&imported), now)).next();
            found.map(|change| change.text(&[]))
        };
        assert_eq!(look("2", &["y"]), None);
        // Imported in the second version, which has not changed since.
        assert_eq!(look("2", &["x"]), None);
        assert_eq!(look("3", &["x"]).as_deref(), Some("x 2 was replaced"));
    }

    #[test]
    fn a_package_that_was_added_counts_from_then_on() {
        let mut detector = Detector::new(state(stamp(1), &[]));
        let now = Instant::now();
        let imported = BTreeSet::from(["y".to_owned()]);
        for _ in 0..2 {
            assert_eq!(detector.look(state(stamp(1), &[("y", "1")]), Some(&imported), now), None);
        }
        assert_eq!(detector.look(state(stamp(1), &[("y", "2")]), Some(&imported), now), None);
        let change = Change::Package("y".into(), "1".into());
        let now = detector.look(state(stamp(1), &[("y", "2")]), Some(&imported), now);
        assert_eq!(now, Some(change));
    }

    #[test]
    fn a_failure_is_tried_again_after_a_growing_pause_or_another_change() {
        let (mut detector, mut now) = (Detector::new(state(stamp(1), &[])), Instant::now());
        let replaced = || state(stamp(2), &[]);
        detector.look(replaced(), None, now);
        for pause in [PAUSE_MIN, PAUSE_MIN * 2, PAUSE_MIN * 4] {
            assert_eq!(detector.look(replaced(), None, now), Some(Change::File(0)));
            detector.failed(now);
            now += pause - TICK;
            assert_eq!(detector.look(replaced(), None, now), None);
            now += TICK;
        }
        assert_eq!(detector.look(replaced(), None, now), Some(Change::File(0)));
        detector.failed(now);
        detector.look(state(stamp(3), &[]), None, now);
        assert_eq!(detector.look(state(stamp(3), &[]), None, now), Some(Change::File(0)));
        assert!(!detector.is_undone());
        detector.look(state(stamp(1), &[]), None, now);
        assert!(detector.is_undone());
    }
}
