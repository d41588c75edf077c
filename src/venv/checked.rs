//! What was found to fit together at the last check, so that the next one need not look again.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Generation;
use crate::durable;
use crate::installed::{Fingerprint, fingerprint};
use crate::lockfile::Lock;
use crate::paths::Paths;
use crate::requirements::Wanted;

/// Fingerprints of requirements, lock and installed packages that were found to fit together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    wanted: String,
    lock: Option<String>,
    site: Fingerprint,
    generation: PathBuf,
}

impl Checked {
    /// Returns the fingerprints of the present state.
    ///
    /// # Errors
    /// The directory of packages cannot be listed.
    pub fn of(
        wanted: &Wanted,
        lock: Option<&Lock>,
        generation: &Generation,
    ) -> io::Result<Checked> {
        Ok(Checked {
            wanted: digest(wanted),
            lock: lock.map(Lock::digest),
            site: fingerprint(generation.site_packages())?,
            generation: generation.directory().to_owned(),
        })
    }

    /// Reads the fingerprints of the last check; `None` without one.
    pub fn read(paths: &Paths) -> Option<Checked> {
        serde_json::from_slice(&fs::read(paths.dependencies()).ok()?).ok()
    }

    /// Writes the fingerprints, for the next check.
    ///
    /// # Errors
    /// The directory of state cannot be written.
    pub fn write(&self, paths: &Paths) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        durable::write(&paths.dependencies(), &text)
    }

    /// True if the installed packages of `generation` are those of the check, whatever is wanted.
    pub fn has_site(&self, generation: &Generation) -> bool {
        self.generation == generation.directory()
            && fingerprint(generation.site_packages()).is_ok_and(|site| site == self.site)
    }
}

/// Returns a digest of all that is wanted, by whom, in order.
fn digest(wanted: &Wanted) -> String {
    let mut hasher = DefaultHasher::new();
    for party in &wanted.parties {
        party.owner.hash(&mut hasher);
        for requirement in &party.requirements {
            requirement.text.hash(&mut hasher);
        }
        party.requires_python.as_ref().map(ToString::to_string).hash(&mut hasher);
    }
    let sources = &wanted.sources;
    (&sources.index, &sources.extra_indexes, &sources.constraints).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
