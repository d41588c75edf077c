//! From a lock to an environment.

use std::fs::File;
use std::path::Path;

use super::Uv;
use super::call::Call;
use super::compile::{Staged, add_sources};
use super::error::UvError;
use super::step::Progress;
use crate::requirements::Sources;

/// An environment that is being made.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its directory.
    pub directory: &'a Path,
    /// A locked file: the lock outlives this process until the last call has ended.
    pub lock: &'a File,
}

impl Uv {
    /// Creates an empty virtual environment of the interpreter `python`.
    ///
    /// # Errors
    /// The directory cannot be written, or `python` makes none.
    pub fn venv(&self, python: &Path, place: Place, progress: Progress) -> Result<(), UvError> {
        let mut call = self.call(progress, &["venv", "--quiet", "--no-project"])?;
        // The directory has the lock in it.
        call.args(&["--allow-existing", "--prompt=skills-daemon"])
            .option("python", python)
            .args(&["--".as_ref(), place.directory.as_os_str()]);
        self.run_in(place, call, progress, || {
            format!("creating the virtual environment {}", place.directory.display())
        })
    }

    /// Installs exactly the packages of a lock, each file checked against its hash; those in `again` in any case.
    ///
    /// # Errors
    /// A package cannot be fetched or built, or a hash differs.
    pub fn sync(
        &self,
        place: Place,
        lock: &str,
        sources: &Sources,
        again: &[String],
        progress: Progress,
    ) -> Result<(), UvError> {
        let staged = Staged::create(&self.environment.locks, Some(lock))?;
        let arguments = ["pip", "sync", "--allow-empty-requirements", "--no-compile-bytecode"];
        let mut call = self.call(progress, &arguments)?;
        call.option("python", place.directory.join("bin/python"));
        for package in again {
            call.option("reinstall-package", package);
        }
        add_sources(&mut call, sources);
        call.args(&["--".as_ref(), staged.path.as_os_str()]);
        self.run_in(place, call, progress, || "installing the locked packages".to_owned())
    }

    /// Removes packages from the cache, so that they are fetched again.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn forget(&self, packages: &[String], progress: Progress) -> Result<(), UvError> {
        let mut call = self.call(progress, &["cache", "clean", "--quiet", "--"])?;
        call.args(packages);
        let (status, output) = self.run(call, progress)?;
        if status.success() {
            return Ok(());
        }
        let action = format!("removing {} from the package cache", packages.join(", "));
        Err(UvError::Failed { action, output })
    }

    fn run_in(
        &self,
        place: Place,
        mut call: Call,
        progress: Progress,
        action: impl FnOnce() -> String,
    ) -> Result<(), UvError> {
        let lock = place
            .lock
            .try_clone()
            .map_err(|source| UvError::File { path: place.directory.to_owned(), source })?;
        call.holding(lock);
        let (status, output) = self.run(call, progress)?;
        if status.success() { Ok(()) } else { Err(UvError::Failed { action: action(), output }) }
    }
}
