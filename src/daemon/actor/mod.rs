//! The life of one plugin as a state machine: what serves × what comes next.
//!
//! [`transition`](State::transition) is a pure function: a [`State`] and an [`Event`] give the next state and the
//! [`Effect`]s to carry out. Nothing here reads a clock, a file or a plugin; a version is a number, and a reason is
//! whatever `F` is. [`plugins`](super::plugins) carries the effects out beside it and reports back with events.
//!
//! Invariants:
//! - At most one version serves, and a new one replaces it only when it is ready.
//! - A version that was imported is unloaded exactly once, after it was replaced, withdrawn or found outdated.
//! - Of an exclusive plugin, a version is imported only when no other is alive, or one that will not end.
//! - A load during a load queues exactly one more attempt, whatever number of times it is asked for.
//! - A version that exceeded a deadline may still arrive, as long as no later attempt has begun.
//!
//! To add an event or a state: a variant here, an arm in [`transition`](self), and rows in [`table`](self), which
//! `cargo test --lib actor -- --nocapture` prints.

#[cfg(test)]
mod table;
mod transition;
#[cfg(test)]
mod walk;

use std::collections::BTreeMap;
use std::fmt;

/// Number of a version of a plugin, unique in a daemon; a later attempt has a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u64);

/// What serves and what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State<F> {
    /// The version that answers requests.
    pub(super) serves: Option<Version>,
    /// What happens, or happened last, beside it.
    pub(super) next: Next<F>,
    /// Versions without a future, and what each still does.
    pub(super) ending: BTreeMap<Version, Ending>,
    /// Two versions cannot be alive at once.
    pub(super) exclusive: bool,
}

/// What a version without a future still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is being imported; it is unloaded once that returns.
    Importing,
    /// The same, or hooks that run, after a deadline: nothing waits for it.
    Late,
    /// It is being unloaded.
    Unloading,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next<F> {
    /// Nothing.
    Idle,
    /// The first version is loaded at the first request.
    Asleep,
    /// Requirements of a version are being installed.
    Installing(Attempt),
    /// Files of an exclusive version are being compiled, while the one before it serves.
    Checking(Attempt),
    /// The versions before an exclusive one are being unloaded.
    Clearing(Attempt),
    /// A version is being imported.
    Importing(Attempt),
    /// The hooks of a version run, or its description is being written.
    Starting(Attempt),
    /// The last attempt came to nothing.
    Failed(Why, F),
    /// Nothing ever again, unless the plugin was removed and is found again.
    Ended(End),
}

/// An attempt to load a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The version.
    pub(super) version: Version,
    /// The version to load after it.
    pub(super) queued: Option<Version>,
}

/// Why the last attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its manifest, requirements or code.
    Broken,
    /// A plugin that was found earlier has its name.
    NameTaken,
    /// Its import exceeded its deadline and has not returned.
    LateImport(Version),
    /// Its hooks exceeded their deadline and have not returned.
    LateStart(Version),
}

/// Why a plugin ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is no longer found.
    Removed,
    /// The daemon stops.
    Stopped,
}

/// What happened to a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event<F> {
    /// A version is to be loaded: the plugin was found, or a reload was asked for.
    Load(Version),
    /// A reload was asked for, but the manifest cannot be used.
    Refused(F),
    /// A request for a plugin that may be asleep.
    Wake(Version),
    /// The requirements are installed.
    Installed(Version),
    /// The files compile.
    Checked(Version),
    /// The import returned, and the plugin has its name.
    Imported(Version),
    /// The import returned, but a plugin that was found earlier has its name.
    Denied(Version, F),
    /// Installing, compiling or importing failed.
    Broke(Version, F),
    /// The hooks have run.
    Started(Version),
    /// Description and wrapper are written.
    Described(Version),
    /// The import or the hooks have exceeded their deadline.
    Overdue(Version, F),
    /// A plugin that was found earlier takes the name of this version.
    NameLost(Version, F),
    /// The name that another plugin had is free.
    NameFree(Version),
    /// The version has ended.
    Unloaded(Version),
    /// The version did not end in its time and is left behind.
    Abandoned(Version),
    /// The plugin is no longer found.
    Removed,
    /// The daemon stops.
    Stopped,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Install the requirements, together with those of all other plugins.
    Install(Version),
    /// Compile the files of the version.
    Check(Version),
    /// Import the version and take its name.
    Import(Version),
    /// Run `startup()` and `connect()`.
    Start(Version),
    /// Write description and wrapper.
    Describe(Version),
    /// Answer requests with this version from now on.
    Serve(Version),
    /// Answer no requests with this version any more.
    Withdraw(Version),
    /// Let the version finish its requests, run `shutdown()` and end it.
    Unload(Version),
    /// Forget the plugin.
    Forget,
}

impl<F> State<F> {
    /// A plugin of which nothing is loaded yet.
    pub(super) fn new() -> State<F> {
        State { serves: None, next: Next::Idle, ending: BTreeMap::new(), exclusive: false }
    }

    /// A plugin that is loaded at its first request.
    pub(super) fn asleep() -> State<F> {
        State { next: Next::Asleep, ..State::new() }
    }

    /// The version that is being loaded, or may still arrive.
    pub(super) fn expected(&self) -> Option<Version> {
        match self.next {
            Next::Installing(attempt)
            | Next::Checking(attempt)
            | Next::Clearing(attempt)
            | Next::Importing(attempt)
            | Next::Starting(attempt) => Some(attempt.version),
            Next::Failed(Why::LateImport(version) | Why::LateStart(version), _) => Some(version),
            Next::Idle | Next::Asleep | Next::Failed(..) | Next::Ended(_) => None,
        }
    }

    /// The version to load after the present attempt.
    pub(super) fn queued(&self) -> Option<Version> {
        match self.next {
            Next::Installing(attempt)
            | Next::Checking(attempt)
            | Next::Clearing(attempt)
            | Next::Importing(attempt)
            | Next::Starting(attempt) => attempt.queued,
            _ => None,
        }
    }

    /// The version whose name is certain because it was imported, beside the one that serves.
    pub(super) fn starting(&self) -> Option<Version> {
        match self.next {
            Next::Starting(Attempt { version, .. }) | Next::Failed(Why::LateStart(version), _) => {
                Some(version)
            }
            _ => None,
        }
    }

    /// True while nothing is being loaded.
    pub(super) fn is_settled(&self) -> bool {
        !matches!(
            self.next,
            Next::Installing(_)
                | Next::Checking(_)
                | Next::Clearing(_)
                | Next::Importing(_)
                | Next::Starting(_)
        )
    }

    /// True if the state refers to `version`.
    pub(super) fn mentions(&self, version: Version) -> bool {
        let known = [self.serves, self.expected(), self.queued()];
        known.contains(&Some(version)) || self.ending.contains_key(&version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}
