//! The search for the party at fault where the resolver cannot tell: a package that does not build, say.
//!
//! If the first `n` parties fail and the first `n - 1` do not, the last of the `n` is at fault, so that the senior
//! ones win here, too.

use crate::requirements::Party;

/// A binary search over prefixes of the parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Search {
    /// This many of the first parties do not fail.
    good: usize,
    /// This many of them do.
    bad: usize,
    /// How those fail.
    output: String,
    /// True if each attempt has to build, too.
    pub(super) builds: bool,
}

/// The next step of a search.
pub(super) enum Found {
    /// Make the next attempt, with [`size`](Search::size) parties.
    Try,
    /// The party with this index fails, with the output of `uv`.
    Culprit(usize, String),
}

impl Search {
    /// A search among `parties`, which fail together.
    pub(super) fn among(parties: &[Party], output: String, builds: bool) -> Search {
        Search { good: 0, bad: parties.len(), output, builds }
    }

    /// The number of parties of the attempt in progress.
    pub(super) fn size(&self) -> usize {
        self.good.midpoint(self.bad)
    }

    /// Takes the outcome of the attempt in progress.
    pub(super) fn learn(&mut self, outcome: Result<(), String>) {
        let size = self.size();
        match outcome {
            Ok(()) => self.good = size,
            Err(output) => (self.bad, self.output) = (size, output),
        }
    }

    /// The next step.
    pub(super) fn next(&self) -> Found {
        if self.bad - self.good <= 1 {
            return Found::Culprit(self.bad.saturating_sub(1), self.output.clone());
        }
        Found::Try
    }
}
