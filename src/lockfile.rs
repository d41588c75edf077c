//! The lock: one joint resolution, as a `pylock.toml` (PEP 751) that `uv` writes and installs from.
//!
//! Versions and hashes are `uv`'s; the table `[tool.skills-daemon]` records which owner asked for what, and for which
//! interpreter the resolution was made. The lock decides what is installed: an environment follows it, never the other
//! way round.

mod diff;
mod format;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::durable;
use crate::installed::Installed;

pub use diff::{Change, Diff};
pub use why::{Route, why};

/// The lock.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// The file as `uv` wrote it, with the table of this module added.
    pub text: String,
    /// The packages by normalized name.
    pub packages: BTreeMap<String, Locked>,
    /// The table of this module.
    pub origin: Origin,
}

/// One package of a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Locked {
    /// The version; `None` if the lock leaves it to a directory or URL.
    pub version: Option<String>,
    /// The URL or path that it comes from, if not from an index.
    pub url: Option<String>,
    /// The hashes of its files, `sha256:…`; one of them is that of the file that is installed.
    pub hashes: BTreeSet<String>,
    /// The size of the smallest wheel, else of the source distribution, in bytes, if the index reports it.
    pub size: Option<u64>,
}

/// `[tool.skills-daemon]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The version of the daemon that wrote it.
    pub daemon: String,
    /// The interpreter's `X.Y.Z`.
    pub python: String,
    /// `sys_platform` and `platform_machine` of the interpreter: `linux x86_64`.
    pub platform: String,
    /// Requirements by owner.
    pub wanted: BTreeMap<String, Vec<String>>,
}

impl Origin {
    /// True if a lock with this origin installs what it names for Python `minor`, `X.Y`; one without an origin may.
    pub fn is_for(&self, minor: &str) -> bool {
        let of_minor = self.python.strip_prefix(minor);
        self.python.is_empty() || of_minor.is_some_and(|rest| rest.starts_with('.'))
    }
}

/// Error of reading a lock.
#[derive(Debug, Error)]
pub enum LockError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is no lock.
    #[error("{path} is not a valid lock: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The parser's error.
        reason: String,
    },
}

impl Lock {
    /// Reads the lock at `path`; `None` without one.
    ///
    /// # Errors
    /// The file cannot be read, or is no lock.
    pub fn read(path: &Path) -> Result<Option<Lock>, LockError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LockError::Read { path: path.to_owned(), source }),
        };
        let invalid = |reason| LockError::Invalid { path: path.to_owned(), reason };
        Lock::parse(text).map(Some).map_err(invalid)
    }

    /// Parses the text of a lock.
    ///
    /// # Errors
    /// The text is no lock; with the parser's message.
    pub fn parse(text: String) -> Result<Lock, String> {
        let (packages, origin) = format::parse(&text)?;
        Ok(Lock { text, packages, origin })
    }

    /// Returns the lock with `origin` in place of its own.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Lock {
        Lock { text: format::with_origin(&self.text, &origin), packages: self.packages, origin }
    }

    /// Returns a lock of the installed versions without files: as a preference for a resolution, not for an install.
    pub fn of_installed(installed: &Installed) -> Lock {
        let packages: BTreeMap<String, Locked> = installed
            .packages
            .values()
            .filter(|package| package.url.is_none())
            .map(|package| {
                let version = Some(package.version.to_string());
                (package.name.to_string(), Locked { version, ..Locked::default() })
            })
            .collect();
        Lock { text: format::of_versions(&packages), packages, origin: Origin::default() }
    }

    /// Writes the lock to `path` in place of any other, or leaves that one.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        durable::write(path, self.text.as_bytes())
    }

    /// Returns a digest of the packages: locks with the same one install the same.
    pub fn digest(&self) -> String {
        format::digest(&self.packages)
    }

    /// Returns what changes from this lock to `to`.
    pub fn diff(&self, to: &Lock) -> Diff {
        Diff::between(&self.packages, &to.packages)
    }

    /// The size of all packages, as far as it is known, in bytes.
    pub fn size(&self) -> u64 {
        self.packages.values().filter_map(|package| package.size).sum()
    }
}
