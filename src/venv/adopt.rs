//! Taking over the environment of a release without generations: a real directory in the place of the link.

use std::fs;
use std::io;
use std::path::Path;

use super::generation::Hold;
use super::markers::markers_of;
use super::stamp::{Stamp, base_of_earlier_release};
use super::{Generation, Venv};
use crate::paths::Paths;

impl Venv {
    /// Makes a real directory in the place of the link a generation, which the link then leads to.
    ///
    /// A process of the earlier release that uses it goes on: its paths lead through the link.
    ///
    /// # Errors
    /// The runtime directory cannot be written.
    pub(super) fn adopt(&self) -> io::Result<()> {
        let link = self.paths.venv();
        match fs::symlink_metadata(&link) {
            Ok(metadata) if metadata.is_dir() => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(()),
        }
        let name = format!("adopted-{}", std::process::id());
        let directory = self.paths.venvs().join(&name);
        fs::create_dir_all(self.paths.venvs())?;
        // Both change places in one step: the link is made where the directory is to be, with a target that is
        // right from its final place.
        remove_leftover(&directory)?;
        std::os::unix::fs::symlink(Path::new("venvs").join(name), &directory)?;
        exchange(&directory, &link)?;
        move_bytecode(&self.paths, &link, &directory);
        stamp(&directory);
        Ok(())
    }
}

/// Stamps an adopted environment; one that was not whole gets none, and is a leftover.
fn stamp(directory: &Path) {
    let Some(base) = base_of_earlier_release(directory) else { return };
    let stamped = markers_of(&directory.join("bin/python")).and_then(|markers| {
        let _hold = Hold::shared(directory)?;
        Stamp { base, directory: directory.to_owned(), markers, lock: None }.write(directory)
    });
    if let Err(error) = stamped {
        tracing::warn!(%error, "the virtual environment of the earlier release cannot be used");
    }
}

/// Removes what an earlier process with the same id left.
fn remove_leftover(directory: &Path) -> io::Result<()> {
    match fs::symlink_metadata(directory) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(directory),
        Ok(_) => fs::remove_file(directory),
        Err(_) => Ok(()),
    }
}

/// Bytecode lies under the path of its source.
fn move_bytecode(paths: &Paths, from: &Path, to: &Path) {
    let cache = paths.pycache();
    let (from, to) = (super::bytecode::place(&cache, from), super::bytecode::place(&cache, to));
    if let Some(parent) = to.parent() {
        // Without it the first import is slower.
        let _ = fs::create_dir_all(parent).and_then(|()| fs::rename(from, &to));
    }
}

/// Has two entries change places.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    Ok(renameat2(AT_FDCWD, a, AT_FDCWD, b, RenameFlags::RENAME_EXCHANGE)?)
}

/// Has two entries change places, in three steps where the system has no single one.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    let aside = a.with_extension("aside");
    fs::rename(a, &aside)?;
    fs::rename(b, a)?;
    fs::rename(aside, b)
}

impl Generation {
    /// True for the environment of a release without locks.
    pub fn is_adopted(&self) -> bool {
        self.lock().is_none()
    }
}
