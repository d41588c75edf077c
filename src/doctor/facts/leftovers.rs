//! Files of programs that were killed before they could remove them.

use std::path::PathBuf;

use crate::environment;
use crate::lifecycle::abandoned;
use crate::lifecycle::locks;
use crate::paths::Paths;

/// Files that no process has any use for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Sockets and process ids, while no daemon lives.
    pub stale: Vec<PathBuf>,
    /// Directories of temporary daemons.
    pub abandoned: Vec<PathBuf>,
}

impl Leftovers {
    pub(super) fn collect(paths: &Paths) -> Leftovers {
        let files = [paths.socket(), paths.handover_socket(), paths.pid_file(), paths.tcp()];
        let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
        let stale = match locks::hosts(paths).is_empty() {
            true => files.into_iter().filter(is_there).collect(),
            false => Vec::new(),
        };
        let temporary = environment::temporary_directory();
        let mut abandoned = abandoned::directories(&temporary, abandoned::RUN);
        abandoned.extend(abandoned::directories(&paths.cache(), abandoned::CHECK));
        Leftovers { stale, abandoned }
    }
}
