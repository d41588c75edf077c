//! The change of the installed packages as a state machine, and what carries its effects out.
//!
//! A change brings the environment to what all plugins require together: check, lock, build, swap. Its
//! [`transition`](State::transition) is a pure function: a [`State`] and an [`Input`] give the next state and the
//! [`Effect`]s to carry out. Nothing there reads a clock, a file or an index.
//!
//! Invariants:
//! - At most one change is under way; whatever arrives meanwhile makes exactly one more.
//! - Of parties that cannot live together, the junior one is set aside, and the others are satisfied.
//! - A party stays set aside only while the reason holds: the same requirements of the same parties. A change of any
//!   of them, or an order, tries it again.
//! - Nothing is set aside for a reason that time may mend (no network, a full disk): the change fails as a whole, what
//!   is installed stays, and it is tried again.
//!
//! To add an input or a step: a variant here, an arm in [`transition`](self), and rows in [`table`](self), which
//! `cargo test --lib dependencies -- --nocapture` prints.

mod aside;
mod conduct;
mod disk;
#[cfg(test)]
pub(super) mod fake;
mod handle;
mod packages;
mod report;
mod search;
mod site;
#[cfg(test)]
mod table;
mod transition;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::failure::Failure;
use crate::requirements::{Owner, Party, Wanted};
use crate::solver::{Explanation, Verdict};
use crate::wire::deps;
pub(super) use aside::{Aside, Reason};
pub(super) use conduct::Replacement;
pub(super) use handle::{Dependencies, Means};
pub(super) use packages::Packages;
use search::Search;
pub(super) use site::Site;

/// First pause before a change that failed is tried again.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// Longest pause before a change that failed is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(1800);

/// What is wanted, what is satisfied, and what is under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) asked: Asked,
    /// The number of the last request for a change, and that of the last one for which a change has begun.
    pub(super) requests: Requests,
    pub(super) step: Step,
    /// The change after the present one.
    pub(super) next: Option<Order>,
    /// The parties that cannot be satisfied.
    pub(super) aside: Vec<Aside>,
    /// The parties that what is installed satisfies.
    pub(super) satisfied: Vec<Party>,
    /// The requirements by owner that were satisfied when the last change ended: in a conflict they stay.
    pub(super) settled: Settled,
    /// Why the last change failed as a whole.
    pub(super) failure: Option<Failure>,
    /// The number of changes in a row that failed for a reason that time may mend.
    pub(super) attempts: u32,
}

/// Requirements by the name of their owner.
pub(super) type Settled = BTreeMap<String, Vec<String>>;

/// Numbers of requests for a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    pub(super) last: u64,
    pub(super) begun: u64,
}

/// What the plugins require.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// By seniority, each plugin in the version that is to be loaded.
    pub(super) wanted: Wanted,
    /// The requirements of versions that serve and are to be replaced; in force while the new ones are set aside.
    pub(super) serving: Vec<Party>,
}

/// The step in progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Step {
    /// None.
    #[default]
    Idle,
    /// Comparing requirements with what is installed.
    Checking(Change),
    /// Resolving.
    Locking(Change),
    /// Finding out why there is no solution.
    Explaining(Change, String),
    /// Making a new environment.
    Building(Change),
    /// Putting it in place.
    Swapping(Change),
    /// Waiting for a process that imports the new versions.
    Replacing,
}

/// A change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Change {
    pub(super) order: Order,
    /// What it is to satisfy, by seniority.
    pub(super) parties: Vec<Party>,
    /// True for the first check, which includes what was set aside.
    pub(super) includes_aside: bool,
    /// Serving versions whose requirements are given up.
    pub(super) given_up: BTreeSet<Owner>,
    /// True once a package could not be installed.
    pub(super) builds: bool,
    /// The search for the party at fault.
    pub(super) search: Option<Search>,
}

/// What a change is to do beyond satisfying what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Resolve even if everything is satisfied.
    pub(super) resolves: bool,
    /// Try again what was set aside.
    pub(super) again: bool,
    /// Write the lock only.
    pub(super) locks_only: bool,
    /// What to take the newest versions of.
    pub(super) upgrade: Upgrade,
}

/// The packages to upgrade.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// None: a version changes only if a requirement makes it.
    #[default]
    Nothing,
    /// These.
    Packages(BTreeSet<String>),
    /// All.
    All,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    /// The plugins require this; the number is that of the request.
    Wanted(Asked, Order, u64),
    /// A change was ordered.
    Ordered(Order),
    /// The comparison with what is installed has ended.
    Checked(Result<Verdict, Failure>),
    /// The resolution has ended; true if the lock has other packages than are installed.
    Locked(Result<bool, Fault>),
    /// The explanation has ended.
    Explained(Result<Explanation, Fault>),
    /// The new environment is there, or not.
    Built(Result<(), Fault>),
    /// It is in place; true if a package that is imported has another version there.
    Swapped(Result<bool, Fault>),
    /// The pause after a failure is over.
    PauseOver,
    /// No new process could take over.
    Kept(Failure),
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// The requirements have no solution.
    NoSolution(String),
    /// A package does not build, or cannot be fetched: the indexes show which.
    Build(String),
    /// Time may mend it: no network, a full disk.
    Passing(Failure),
    /// Anything else.
    Other(Failure),
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// Compare these with what is installed.
    Check(Vec<Party>),
    /// Resolve these.
    Lock(Vec<Party>, Upgrade),
    /// Find out why these have no solution.
    Explain(Vec<Party>),
    /// Make an environment of the last resolution.
    Build,
    /// Put lock and environment in place; only the lock if nothing was built.
    Swap,
    /// Have a new process take over.
    Replace,
    /// Report how the plugins stand.
    Report,
    /// Write down what is set aside.
    Remember,
    /// Begin the pause until the next attempt.
    Pause(Duration),
    /// The change has ended, as a whole without success if there is a failure.
    End(Option<Failure>),
}

/// How a party stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    /// What is installed satisfies it.
    Satisfied,
    /// A change for it is under way.
    Pending,
    /// It cannot be satisfied.
    SetAside(Failure),
    /// The last change failed.
    Failed(Failure),
}

impl State {
    /// A state in which `aside` was found out, and `settled` satisfied before.
    pub(super) fn new(aside: Vec<Aside>, settled: Settled) -> State {
        State { aside, settled, ..State::default() }
    }

    /// True for a party that was satisfied when the last change ended.
    fn is_settled(&self, party: &Party) -> bool {
        self.settled.get(&party.owner.to_string()).is_some_and(|known| *known == party.texts())
    }

    /// True while it is not certain that no party has to give way to another.
    fn is_choosing(&self) -> bool {
        matches!(self.step, Step::Checking(_) | Step::Locking(_) | Step::Explaining(..))
    }

    /// How `party` stands.
    pub(super) fn standing(&self, party: &Party) -> Standing {
        if self.satisfied.contains(party) {
            // Another one may need what makes it impossible.
            let waits = self.is_choosing() && !self.is_settled(party);
            return if waits { Standing::Pending } else { Standing::Satisfied };
        }
        if let Some(aside) = self.aside.iter().find(|aside| aside.party == *party) {
            return Standing::SetAside(aside.failure());
        }
        let is_known = self.asked.wanted.parties.contains(party);
        match (&self.step, &self.failure) {
            (Step::Idle | Step::Replacing, Some(failure)) if is_known => {
                let wanted = party.texts().join(", ");
                let error = format!("{wanted} cannot be installed: {}", failure.error);
                Standing::Failed(Failure { error, ..failure.clone() })
            }
            _ => Standing::Pending,
        }
    }

    /// True while a new process is waited for.
    pub(super) fn is_replacing(&self) -> bool {
        self.step == Step::Replacing
    }

    /// The step in progress, as it is reported.
    pub(super) fn phase(&self) -> Option<deps::Phase> {
        Some(match self.step {
            Step::Idle => return None,
            Step::Checking(_) => deps::Phase::Checking,
            Step::Locking(_) => deps::Phase::Resolving,
            Step::Explaining(..) => deps::Phase::Explaining,
            Step::Building(_) => deps::Phase::Installing,
            Step::Swapping(_) => deps::Phase::Swapping,
            Step::Replacing => deps::Phase::Replacing,
        })
    }
}

impl Order {
    /// Tries again what was set aside.
    pub(super) fn again() -> Order {
        Order { again: true, ..Order::default() }
    }

    /// One order in place of both.
    fn and(self, other: Order) -> Order {
        Order {
            resolves: self.resolves || other.resolves,
            again: self.again || other.again,
            locks_only: self.locks_only && other.locks_only,
            upgrade: self.upgrade.and(other.upgrade),
        }
    }
}

impl From<deps::Order> for Order {
    fn from(order: deps::Order) -> Order {
        let own = Order { resolves: true, again: true, ..Order::default() };
        match order {
            deps::Order::Sync => own,
            deps::Order::Lock => Order { locks_only: true, ..own },
            deps::Order::Upgrade(packages) if packages.is_empty() => {
                Order { upgrade: Upgrade::All, ..own }
            }
            deps::Order::Upgrade(packages) => {
                Order { upgrade: Upgrade::Packages(packages.into_iter().collect()), ..own }
            }
        }
    }
}

impl Upgrade {
    fn and(self, other: Upgrade) -> Upgrade {
        match (self, other) {
            (Upgrade::All, _) | (_, Upgrade::All) => Upgrade::All,
            (Upgrade::Nothing, it) | (it, Upgrade::Nothing) => it,
            (Upgrade::Packages(mut one), Upgrade::Packages(other)) => {
                one.extend(other);
                Upgrade::Packages(one)
            }
        }
    }
}
