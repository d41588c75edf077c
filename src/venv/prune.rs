//! Removing generations that nothing uses.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::generation::Hold;
use super::stamp::Stamp;
use super::{Venv, bytecode};

impl Venv {
    /// Removes the generations that are not live and that no process uses, and what crashes left; returns how many
    /// generations were removed.
    ///
    /// A whole one that was built from the lock in force stays: a crash came between the lock and the link.
    pub fn prune(&self) -> usize {
        let lock = self.lock().ok().flatten().map(|lock| lock.digest());
        let is_next = |directory: &Path| {
            let stamp = Stamp::read(directory);
            stamp.is_some_and(|stamp| stamp.lock.is_some() && stamp.lock == lock)
        };
        let is_behind = self.live().is_none_or(|live| live.lock() != lock.as_deref());
        let mut removed = 0;
        for directory in self.directories() {
            if self.is_live(&directory) || (is_behind && is_next(&directory)) {
                continue;
            }
            // It is in use if it cannot be locked.
            let Ok(_hold) = Hold::exclusive(&directory) else { continue };
            match remove(&directory) {
                Ok(()) => removed += 1,
                Err(error) => {
                    tracing::warn!(directory = %directory.display(), %error, "cannot be removed");
                }
            }
        }
        self.prune_bytecode();
        self.prune_staged();
        removed
    }

    /// Removes the bytecode of generations that are gone.
    fn prune_bytecode(&self) {
        let generations = self.paths.venvs();
        let entries = fs::read_dir(bytecode::place(&self.paths.pycache(), &generations));
        for entry in entries.into_iter().flatten().flatten() {
            if !generations.join(entry.file_name()).exists() {
                // What cannot be removed is tried again the next time.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Removes the locks and links that processes staged which ended before they removed them.
    fn prune_staged(&self) {
        let entries = fs::read_dir(&self.paths.runtime).into_iter().flatten().flatten();
        for entry in entries {
            if owner_of_staged(&entry.file_name()).is_some_and(|pid| !lives(pid)) {
                // What cannot be removed is tried again the next time.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Returns the process that staged the file: of `pylock.PID.toml`, `pylock.toml.PID.new` and `venv.PID.new`.
fn owner_of_staged(name: &OsStr) -> Option<i32> {
    let name = name.to_str()?;
    let number = match name.strip_prefix("pylock.") {
        Some(rest) => match rest.strip_prefix("toml.") {
            Some(rest) => rest.strip_suffix(".new")?,
            None => rest.strip_suffix(".toml")?,
        },
        None => name.strip_prefix("venv.")?.strip_suffix(".new")?,
    };
    number.parse().ok()
}

fn lives(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None).is_ok()
}

/// Removes a generation: from its stamp on it is a leftover.
fn remove(directory: &Path) -> io::Result<()> {
    Stamp::remove(directory)?;
    fs::remove_dir_all(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staged_files_carry_the_id_of_their_process() {
        for (name, pid) in [
            ("pylock.12.toml", Some(12)),
            ("pylock.toml.12.new", Some(12)),
            ("venv.12.new", Some(12)),
            ("pylock.toml", None),
            ("pylock.dev.toml", None),
            ("venv", None),
            ("venv.new", None),
        ] {
            assert_eq!(owner_of_staged(OsStr::new(name)), pid, "{name}");
        }
    }
}
