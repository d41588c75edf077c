//! Directories of temporary daemons whose program was killed before it could remove them.

use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Removes the directories in `base` that are called `prefix` and the id of a process that has ended; a daemon whose
/// files are gone ends by itself.
pub(super) fn remove(base: &Path, prefix: &str) {
    let gone = |name: &str| {
        let pid = name.strip_prefix(prefix).and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
    };
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(gone) {
            // Fails for those of other users.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
