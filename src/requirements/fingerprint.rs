//! The fingerprint of all requirements.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Requirement, Wanted};

/// The files that decide what a directory of source code installs.
const PROJECT_FILES: [&str; 3] = ["pyproject.toml", "setup.py", "setup.cfg"];

impl Wanted {
    /// Returns a hash over all requirements in their order, their owners, the sources, the interpreter `python` and,
    /// for requirements that name a path, size and time of the files that decide what is installed from there.
    ///
    /// The same in every process of one build of the daemon.
    pub fn fingerprint(&self, python: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (crate::VERSION, python).hash(&mut hasher);
        for party in &self.parties {
            party.owner.hash(&mut hasher);
            party.requires_python.as_ref().map(ToString::to_string).hash(&mut hasher);
            party.requirements.len().hash(&mut hasher);
            for requirement in &party.requirements {
                requirement.text.hash(&mut hasher);
                if let Some(path) = requirement.path() {
                    stamps(&path).hash(&mut hasher);
                }
            }
        }
        self.sources.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// Returns size and time of `path`, or of the project files in it.
fn stamps(path: &Path) -> Vec<Option<(u64, u128)>> {
    let stamp = |path: &Path| {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let time = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some((metadata.len(), time.as_nanos()))
    };
    let inner = PROJECT_FILES.iter().map(|name| stamp(&path.join(name)));
    std::iter::once(stamp(path)).chain(inner).collect()
}

impl Requirement {
    /// The path that it names, if it names one.
    pub fn path(&self) -> Option<PathBuf> {
        super::ground::path_of(self.url()?)
    }
}
