//! One generation: a whole environment that is never changed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use uv_pep508::MarkerEnvironment;

use super::markers;
use super::stamp::{Base, Stamp};

/// The file that each user of a generation has locked.
const IN_USE: &str = ".in-use";

/// A whole environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    directory: PathBuf,
    site_packages: PathBuf,
    stamp: Stamp,
}

/// Keeps a generation from being removed, until dropped.
#[derive(Debug)]
pub struct Hold {
    /// Its lock is shared.
    file: File,
}

impl Generation {
    /// Opens the generation in `directory`.
    ///
    /// # Errors
    /// It is not whole; with the reason.
    pub(super) fn open(directory: &Path) -> Result<Generation, String> {
        let Some(stamp) = Stamp::read(directory) else {
            return Err("it was never finished".to_owned());
        };
        if stamp.directory != directory {
            return Err(format!("it was made as {}", stamp.directory.display()));
        }
        let site_packages = site_packages(directory).ok_or("lib/ is gone")?;
        let stamp = Stamp { markers: markers::refreshed(stamp.markers), ..stamp };
        Ok(Generation { directory: directory.to_owned(), site_packages, stamp })
    }

    /// Returns why it cannot be used with `base`.
    pub(super) fn fits(&self, base: &Base) -> Result<(), String> {
        let made_of = &self.stamp.base;
        if made_of != base {
            return Err(format!(
                "it was made of Python {} ({}), not of Python {} ({})",
                made_of.version,
                made_of.executable.display(),
                base.version,
                base.executable.display()
            ));
        }
        for needed in ["pyvenv.cfg", "bin/python"] {
            let path = self.directory.join(needed);
            if !path.is_file() {
                return Err(format!("{} is gone", path.display()));
            }
        }
        Ok(())
    }

    /// The base interpreter that it was made of.
    pub fn base(&self) -> &Base {
        &self.stamp.base
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.directory.join("bin/python")
    }

    /// Its directory of installed packages.
    pub fn site_packages(&self) -> &Path {
        &self.site_packages
    }

    /// What the markers of requirements are compared with.
    pub fn markers(&self) -> &MarkerEnvironment {
        &self.stamp.markers
    }

    /// The digest of the lock that it was built from; `None` for an environment of a release without locks.
    pub fn lock(&self) -> Option<&str> {
        self.stamp.lock.as_deref()
    }

    /// Keeps it from being removed.
    ///
    /// # Errors
    /// It is being removed, or its directory cannot be written.
    pub fn hold(&self) -> io::Result<Hold> {
        let hold = Hold::shared(&self.directory)?;
        // Its removal begins with the stamp, under an exclusive lock.
        match Stamp::read(&self.directory) {
            Some(_) => Ok(hold),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "it is being removed")),
        }
    }
}

impl Hold {
    /// Keeps the generation until the process ends.
    pub fn for_life(self) {
        // The kernel closes the file with the process.
        Box::leak(Box::new(self.file));
    }

    /// Locks the directory of a generation, whole or not, together with others.
    pub(super) fn shared(directory: &Path) -> io::Result<Hold> {
        let file = lock_file(directory)?;
        file.try_lock_shared()?;
        Ok(Hold { file })
    }

    /// Locks the directory of a generation unless another process uses it.
    pub(super) fn exclusive(directory: &Path) -> io::Result<Hold> {
        let file = lock_file(directory)?;
        file.try_lock()?;
        Ok(Hold { file })
    }

    /// The locked file: a process that inherits it holds the lock too.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn lock_file(directory: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(IN_USE))
}

/// Returns the directory of packages of the environment in `directory`.
pub(super) fn site_packages(directory: &Path) -> Option<PathBuf> {
    let lib = fs::read_dir(directory.join("lib")).ok()?;
    lib.flatten().map(|entry| entry.path().join("site-packages")).find(|path| path.is_dir())
}
