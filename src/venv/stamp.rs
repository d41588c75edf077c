//! The stamp of a generation: what it was made of. With it the generation is whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uv_pep508::MarkerEnvironment;

use crate::durable;

/// Its name; earlier releases have the same, with the base interpreter alone.
const NAME: &str = ".skills-daemon.json";

/// The base interpreter of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The base interpreter's executable.
    pub executable: PathBuf,
    /// `X.Y.Z`.
    pub version: String,
}

impl Base {
    /// `X.Y` of the version.
    pub fn minor_version(&self) -> &str {
        self.version.rsplit_once('.').map_or(&self.version, |(minor, _)| minor)
    }
}

/// What a generation was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stamp {
    #[serde(flatten)]
    pub(super) base: Base,
    /// Its own path: scripts in `bin/` name it.
    pub(super) directory: PathBuf,
    /// What the markers of requirements are compared with.
    pub(super) markers: MarkerEnvironment,
    /// The digest of its lock; `None` for an environment of a release without locks.
    pub(super) lock: Option<String>,
}

impl Stamp {
    /// Reads the stamp in `directory`; `None` if it has none.
    pub(super) fn read(directory: &Path) -> Option<Stamp> {
        serde_json::from_slice(&fs::read(directory.join(NAME)).ok()?).ok()
    }

    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        durable::write(&directory.join(NAME), &text)
    }

    /// Removes the stamp in `directory`, which is a leftover from then on.
    pub(super) fn remove(directory: &Path) -> io::Result<()> {
        match fs::remove_file(directory.join(NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Returns the base interpreter that a release without locks wrote into the stamp of `directory`.
pub(super) fn base_of_earlier_release(directory: &Path) -> Option<Base> {
    serde_json::from_slice(&fs::read(directory.join(NAME)).ok()?).ok()
}
