//! The bundled plugins that were called once: only their requirements are installed.
//!
//! They are known by name, because their path is another with each build of the daemon.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::state;

/// The names of bundled plugins that were called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called(BTreeSet<String>);

impl Called {
    /// Reads `file`; a missing or unusable one counts as empty, the latter with a warning.
    pub fn read(file: &Path) -> (Called, Option<String>) {
        state::read(file)
    }

    /// Notes a call; true if it is the first.
    pub fn note(&mut self, name: &str) -> bool {
        !self.0.contains(name) && self.0.insert(name.to_owned())
    }

    /// True if the requirements of a plugin count: of a bundled one, only once it was called.
    pub fn counts(&self, name: &str, is_bundled: bool) -> bool {
        !is_bundled || self.0.contains(name)
    }

    /// Writes `file` atomically, readable by the user only.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        state::write(file, self)
    }
}
