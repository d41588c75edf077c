//! When each plugin came, kept over restarts and reloads: in a conflict, the later one is set aside.
//!
//! Bundled plugins have no rank: they give way to all others. A plugin that is gone is forgotten after [`KEPT`], so
//! that a folder that is moved away and back, or a file system that is mounted late, keeps its rank.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{Owner, Party, state};

/// How long a plugin that is gone keeps its rank.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The plugins by seniority, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seniority {
    plugins: Vec<Place>,
}

/// One plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Its directory or file.
    path: PathBuf,
    /// When it was found first, in seconds of Unix time.
    came: u64,
    /// Since when it is not found any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<u64>,
}

impl Seniority {
    /// Reads `file`; a missing or unusable one counts as empty, the latter with a warning.
    pub fn read(file: &Path) -> (Seniority, Option<String>) {
        state::read(file)
    }

    /// Writes `file` atomically, readable by the user only.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        state::write(file, self)
    }

    /// Notes which plugins there are, in order of discovery; true if that changes anything.
    pub fn note(&mut self, present: &[&Path], now: SystemTime) -> bool {
        let before = self.clone();
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let kept = |gone: u64| now.saturating_sub(gone) <= KEPT.as_secs();
        self.plugins.retain(|place| place.gone.is_none_or(kept));
        for place in &mut self.plugins {
            let is_present = present.contains(&place.path.as_path());
            place.gone = (!is_present).then(|| place.gone.unwrap_or(now));
        }
        for path in present {
            if self.rank(path).is_none() {
                self.plugins.push(Place { path: path.to_path_buf(), came: now, gone: None });
            }
        }
        *self != before
    }

    /// Returns when the plugin at `path` came.
    pub fn came(&self, path: &Path) -> Option<SystemTime> {
        let place = &self.plugins[self.rank(path)?];
        Some(UNIX_EPOCH + Duration::from_secs(place.came))
    }

    /// Sorts `parties` by seniority; those without a rank come last, in the order in which they are.
    pub fn sort(&self, parties: &mut [Party]) {
        let places = self.plugins.iter().enumerate();
        let ranks: BTreeMap<&Path, usize> =
            places.map(|(rank, place)| (place.path.as_path(), rank)).collect();
        parties.sort_by_key(|party| match &party.owner {
            Owner::Daemon => (0, 0),
            Owner::Plugin { path, .. } => match ranks.get(path.as_path()) {
                Some(rank) => (1, *rank),
                None => (2, 0),
            },
        });
    }

    fn rank(&self, path: &Path) -> Option<usize> {
        self.plugins.iter().position(|place| place.path == path)
    }
}
