//! A plugin that writes files into its own directory: loaded again for that a few times, not for ever.
//!
//! Plain data over observed changes. A file that code of the daemon's process has written since the change before was not
//! edited by a person.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

/// How often in a row a plugin is loaded again for files that it has written itself.
const LOADS_MAX: u32 = 3;

/// The changes of one plugin that it has made itself.
#[derive(Clone, Debug)]
pub(super) struct Churn {
    /// How many loads in a row such changes have led to.
    row: u32,
    /// The files for which it is not loaded again.
    held: BTreeSet<PathBuf>,
    /// When the last change was decided on.
    since: Instant,
}

/// What a change leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The plugin is loaded again.
    Load,
    /// Nothing; this begins with this change, if `is_new`.
    Hold { is_new: bool },
}

impl Churn {
    /// A plugin of which no change is known before `now`.
    pub(super) fn new(now: Instant) -> Churn {
        Churn { row: 0, held: BTreeSet::new(), since: now }
    }

    /// Decides on a change of `files` at `now`; `written` is when this process wrote which of them last.
    pub(super) fn change(
        &mut self,
        files: &BTreeSet<PathBuf>,
        written: &BTreeMap<PathBuf, Instant>,
        now: Instant,
    ) -> Decision {
        let since = std::mem::replace(&mut self.since, now);
        let is_own = |file: &PathBuf| written.get(file).is_some_and(|at| *at >= since);
        let edited: BTreeSet<&PathBuf> = files.iter().filter(|file| !is_own(file)).collect();
        if files.is_empty() || !edited.is_empty() {
            self.row = 0;
            self.held.retain(|file| !edited.contains(file));
            return Decision::Load;
        }
        if files.is_subset(&self.held) {
            return Decision::Hold { is_new: false };
        }
        if self.row < LOADS_MAX {
            self.row += 1;
            return Decision::Load;
        }
        self.row = 0;
        self.held.extend(files.iter().cloned());
        Decision::Hold { is_new: true }
    }

    /// The files for which the plugin is not loaded again.
    pub(super) fn held(&self) -> &BTreeSet<PathBuf> {
        &self.held
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LOAD: Decision = Decision::Load;
    const NEW: Decision = Decision::Hold { is_new: true };
    const HOLD: Decision = Decision::Hold { is_new: false };

    #[test]
    fn a_plugin_is_loaded_three_times_in_a_row_for_what_it_writes() {
        // The files that changed; those in capitals were written by the plugin.
        for (changes, expected) in [
            (vec!["A"; 6], vec![LOAD, LOAD, LOAD, NEW, HOLD, HOLD]),
            (vec!["a"; 6], vec![LOAD; 6]),
            (vec![""; 6], vec![LOAD; 6]),
            // A person's edit between them begins again.
            (vec!["A", "A", "A", "b", "A", "A", "A", "A"], [vec![LOAD; 7], vec![NEW]].concat()),
            (vec!["A", "A", "A", "bA", "A"], vec![LOAD; 5]),
            // Held files stay held beside an edit of another, and are edited by a person too.
            (vec!["A", "A", "A", "A", "b", "A"], vec![LOAD, LOAD, LOAD, NEW, LOAD, HOLD]),
            (vec!["A", "A", "A", "A", "a", "A"], vec![LOAD, LOAD, LOAD, NEW, LOAD, LOAD]),
            // Another file that it writes.
            (vec!["A", "A", "A", "A", "AB"], vec![LOAD, LOAD, LOAD, NEW, LOAD]),
            (vec!["A", "B", "A", "B", "B", "A"], vec![LOAD, LOAD, LOAD, NEW, HOLD, LOAD]),
        ] {
            let (begin, second) = (Instant::now(), Duration::from_secs(1));
            let mut churn = Churn::new(begin);
            let mut now = begin;
            let mut written = BTreeMap::new();
            let mut decide = |files: &str| {
                let own = files.chars().filter(char::is_ascii_uppercase);
                written.extend(own.map(|file| (PathBuf::from(file.to_string()), now)));
                now += second;
                let files = files.chars().map(|file| PathBuf::from(file.to_string()));
                // Earlier writes of a file do not count.
                let files: BTreeSet<PathBuf> = files
                    .map(|file| PathBuf::from(file.to_string_lossy().to_uppercase()))
                    .collect();
                churn.change(&files, &written, now)
            };
            let decided: Vec<Decision> = changes.iter().map(|files| decide(files)).collect();
            assert_eq!(decided, expected, "{changes:?}");
        }
    }
}
