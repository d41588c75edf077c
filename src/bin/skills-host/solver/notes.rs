//! What the resolver's questions to the indexes brought to light.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skills_daemon::failure::{Failure, Kind};
use uv_normalize::PackageName;
use uv_pep440::Version;

use super::distribution::Distribution;

/// What the resolver's questions brought to light.
#[derive(Default)]
pub(super) struct Notes {
    /// The metadata that was read.
    read: Mutex<BTreeMap<(PackageName, Version), Arc<Distribution>>>,
    /// The packages whose metadata cannot be read, and why; taken to require nothing.
    unread: Mutex<BTreeMap<PackageName, String>>,
    /// The first request that failed.
    failed: Mutex<Option<String>>,
}

impl Notes {
    pub(super) fn read(&self, distribution: Distribution) {
        let key = (distribution.name.clone(), distribution.version.clone());
        lock(&self.read).insert(key, Arc::new(distribution));
    }

    pub(super) fn unread(&self, name: &PackageName, reason: String) {
        lock(&self.unread).insert(name.clone(), reason);
    }

    pub(super) fn failed(&self, cause: impl FnOnce() -> String) {
        lock(&self.failed).get_or_insert_with(cause);
    }

    /// Returns a version of a package, if its metadata was read.
    pub(super) fn version(&self, name: PackageName, version: Version) -> Option<Arc<Distribution>> {
        lock(&self.read).get(&(name, version)).cloned()
    }

    /// Returns why the metadata of a package could not be read.
    pub(super) fn why_unread(&self, name: &PackageName) -> Option<String> {
        lock(&self.unread).get(name).cloned()
    }

    /// Returns the versions of a package whose metadata was read, newest first.
    pub(super) fn versions(&self, name: &PackageName) -> Vec<Arc<Distribution>> {
        let read = lock(&self.read);
        let of_name = read.iter().rev().filter(|((of, _), _)| of == name);
        of_name.map(|(_, distribution)| distribution.clone()).collect()
    }

    /// Returns the first failure.
    pub(super) fn failure(&self) -> Result<(), Failure> {
        match &*lock(&self.failed) {
            None => Ok(()),
            Some(error) => Err(Failure::new(
                Kind::Unavailable,
                format!("cannot read the package index: {error}"),
            )),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
