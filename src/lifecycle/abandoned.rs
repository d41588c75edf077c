//! Directories of temporary daemons whose program was killed before it could remove them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, geteuid};

/// Prefix of the directories of `skills-daemon run`; a process id follows.
pub const RUN: &str = "skills-run-";
/// Prefix of the directories of checks of plugins; a process id follows.
pub const CHECK: &str = "check-";

/// Returns the user's own directories in `base` that are called `prefix` and the id of a process that has ended.
pub fn directories(base: &Path, prefix: &str) -> Vec<PathBuf> {
    let gone = |name: &str| {
        let pid = name.strip_prefix(prefix).and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| pid > 0 && kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
    };
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let is_own = |entry: &fs::DirEntry| {
        entry.metadata().is_ok_and(|it| it.is_dir() && it.uid() == geteuid().as_raw())
    };
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(gone));
    named.filter(is_own).map(|entry| entry.path()).collect()
}

/// Removes them; a daemon whose files are gone ends by itself.
pub fn remove(base: &Path, prefix: &str) {
    for directory in directories(base, prefix) {
        // It may be removed by another program at the same time.
        let _ = fs::remove_dir_all(directory);
    }
}
