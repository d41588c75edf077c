//! The installed packages, as a change sees them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;

use super::{Aside, Fault, Settled, State, Upgrade};
use crate::failure::Failure;
use crate::lockfile::Lock;
use crate::requirements::{Party, Sources, Wanted};
use crate::runtime::Followed;
use crate::solver::{Explanation, Verdict};
use crate::venv::{Generation, Hold};
use crate::wire::deps::{self, PackageChange};

/// What carries a change out; all methods but [`explain`](Packages::explain) block.
pub(in crate::daemon) trait Packages: Send + Sync + 'static {
    /// Compares `wanted` with what is installed; needs neither network nor process.
    ///
    /// # Errors
    /// A requirement or what is installed cannot be read.
    fn check(&self, wanted: &Wanted) -> Result<Verdict, Failure>;

    /// Waits until no other process changes packages, and keeps them from it until the file is closed.
    ///
    /// # Errors
    /// Another process does not come to an end.
    fn turn(&self) -> Result<File, Fault>;

    /// Resolves `wanted`; the versions of the present lock are kept where that will do, except those of `upgrade`.
    ///
    /// # Errors
    /// There is no solution, or it cannot be found.
    fn lock(
        &self,
        wanted: &Wanted,
        upgrade: &Upgrade,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Locked, Fault>;

    /// Finds out why `wanted` has no solution.
    fn explain(&self, wanted: Wanted) -> BoxFuture<'static, Result<Explanation, Fault>>;

    /// Makes an environment of `locked`, beside the one in use.
    ///
    /// # Errors
    /// A package cannot be fetched or built, or the disk is full.
    fn build(&self, locked: &Locked, progress: &(dyn Fn(&str) + Sync)) -> Result<Built, Fault>;

    /// Returns the packages that are new, gone or of another version in `built` and that one of the `imported` files
    /// belongs to.
    fn outdated(&self, built: &Built, imported: &BTreeSet<PathBuf>) -> Vec<String>;

    /// Puts the lock in place and, if there is one, the environment that was built of it.
    ///
    /// # Errors
    /// A file cannot be written.
    fn swap(&self, locked: &Locked, built: Option<Built>) -> Result<(), Fault>;

    /// Takes note that this process imports from another environment now.
    fn followed(&self, to: &Followed);

    /// Returns what was set aside when the last process ended.
    fn recall(&self) -> Vec<Aside>;

    /// Returns the requirements that the lock in force was made for.
    fn settled(&self) -> Settled;

    /// Keeps what is set aside for the next process.
    fn remember(&self, aside: &[Aside]);

    /// Ends what runs and refuses more: the daemon stops.
    fn cancel(&self);

    /// Returns what is wanted, locked and installed.
    ///
    /// # Errors
    /// What is installed cannot be read.
    fn report(&self, state: &State) -> Result<deps::Dependencies, Failure>;

    /// Returns the requirements of the plugin at `path`.
    ///
    /// # Errors
    /// Its manifest cannot be used.
    fn party(&self, path: &Path) -> Result<Party, Failure>;

    /// Returns the ways from the parties of `wanted` to `package`.
    ///
    /// # Errors
    /// The name is invalid, or what is installed cannot be read.
    fn why(&self, wanted: &Wanted, package: &str) -> Result<deps::Why, Failure>;

    /// Removes the environments that no process uses.
    ///
    /// # Errors
    /// They cannot be listed.
    fn prune(&self) -> Result<deps::Pruned, Failure>;
}

/// A resolution that is not in place yet.
#[derive(Debug)]
pub(in crate::daemon) struct Locked {
    pub(in crate::daemon) lock: Lock,
    /// How it differs from what is installed.
    pub(in crate::daemon) changes: Vec<PackageChange>,
    /// The installed packages with files that are missing or changed.
    pub(in crate::daemon) damaged: Vec<String>,
    /// True if the environment in use was built of another lock, or is damaged.
    pub(in crate::daemon) differs: bool,
    pub(in crate::daemon) sources: Sources,
    /// Keeps other processes from changing the packages meanwhile.
    pub(in crate::daemon) _turn: Option<File>,
}

/// An environment that is not in use yet.
#[derive(Debug)]
pub(in crate::daemon) struct Built {
    pub(in crate::daemon) to: Followed,
    /// The environment, kept from being removed.
    pub(in crate::daemon) generation: Option<(Generation, Hold)>,
}
