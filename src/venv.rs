//! The virtual environment: generations built from a lock, one of them live.
//!
//! All plugins share one environment. A generation is `venvs/ID/`, built whole beside the others and never changed
//! afterwards; `venv` is a symbolic link to the live one, swapped by one rename. A generation is whole if it has its
//! stamp, which is written last and removed first; what has none is a leftover. The lock (`pylock.toml`) is the truth
//! and the environment follows it: it is replaced before the link, so that after a crash between the two the next start
//! finishes the swap.
//!
//! Each process that uses a generation holds a shared lock on it, builders and their `uv` included; one that is not held
//! and is not live may be removed.

mod adopt;
mod build;
mod bytecode;
mod checked;
mod compile;
mod generation;
mod markers;
mod prepare;
mod prune;
mod resolve;
mod stamp;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::lockfile::{Lock, LockError};
use crate::paths::Paths;

pub use build::{BuildError, Order};
pub use bytecode::link_stdlib;
pub use checked::Checked;
pub use generation::{Generation, Hold};
pub use markers::markers_of;
pub use prepare::Standing;
pub use resolve::Request;
pub use stamp::Base;

/// State of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Whole, and of the wanted interpreter.
    Whole,
    /// Not created yet.
    Missing,
    /// Unusable, with the reason.
    Broken(String),
}

/// The environment of a runtime directory.
#[derive(Clone, Debug)]
pub struct Venv {
    paths: Paths,
}

impl Venv {
    /// Returns the environment of `paths`, in any state.
    pub fn at(paths: &Paths) -> Venv {
        Venv { paths: paths.clone() }
    }

    /// The environment's own interpreter.
    pub fn python(&self) -> PathBuf {
        self.paths.venv_python()
    }

    /// Returns the live generation, if it is whole.
    pub fn live(&self) -> Option<Generation> {
        Generation::open(&self.live_directory()?).ok()
    }

    /// Returns the live generation and a hold on it.
    pub fn enter(&self) -> Option<(Generation, Hold)> {
        // It may be replaced and removed before it is held, but not again and again.
        (0..10).find_map(|_| {
            let generation = self.live()?;
            let hold = generation.hold().ok()?;
            Some((generation, hold))
        })
    }

    /// Returns the state of the environment, compared with `base`.
    pub fn state(&self, base: &Base) -> State {
        let Some(directory) = self.live_directory() else {
            return match fs::symlink_metadata(self.paths.venv()) {
                Err(_) => State::Missing,
                Ok(link) if link.is_symlink() => State::Broken("its directory is gone".to_owned()),
                Ok(_) => State::Broken("it is not a directory".to_owned()),
            };
        };
        let found = Generation::open(&directory).and_then(|it| it.fits(base));
        found.map_or_else(State::Broken, |()| State::Whole)
    }

    /// Returns the lock in force.
    ///
    /// # Errors
    /// The file cannot be read, or is no lock.
    pub fn lock(&self) -> Result<Option<Lock>, LockError> {
        Lock::read(&self.paths.pylock())
    }

    /// Returns the directory of installed packages of the live generation, if there is one.
    pub fn site_packages(&self) -> Option<PathBuf> {
        generation::site_packages(&self.live_directory()?)
    }

    /// Makes `lock` the lock in force and `generation`, which was built from it, live.
    ///
    /// # Errors
    /// The runtime directory cannot be written: then what was in force still is, or the next start finishes this.
    pub fn commit(&self, generation: &Generation, lock: &Lock) -> io::Result<()> {
        lock.write(&self.paths.pylock())?;
        self.activate(generation)
    }

    /// Makes `generation` live.
    ///
    /// # Errors
    /// The runtime directory cannot be written; the same generation as before is live.
    pub fn activate(&self, generation: &Generation) -> io::Result<()> {
        self.adopt()?;
        let link = self.paths.venv();
        let staged = link.with_extension(format!("{}.new", std::process::id()));
        match fs::remove_file(&staged) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Relative, so that it holds in a runtime directory that was moved.
        let target = generation.directory().strip_prefix(&self.paths.runtime);
        std::os::unix::fs::symlink(target.unwrap_or(generation.directory()), &staged)?;
        fs::rename(staged, &link)?;
        durable::sync_directory_of(&link)
    }

    /// Returns the directory that `venv` leads to.
    fn live_directory(&self) -> Option<PathBuf> {
        let link = self.paths.venv();
        let directory = match fs::read_link(&link) {
            Ok(target) => self.paths.runtime.join(target),
            Err(_) => link,
        };
        directory.is_dir().then_some(directory)
    }

    /// Returns the directories of all generations, whole or not.
    fn directories(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.paths.venvs()).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    }

    /// Returns a whole generation of `base` that was built from a lock with this digest.
    fn built_from(&self, base: &Base, digest: &str) -> Option<Generation> {
        let generations =
            self.directories().into_iter().filter_map(|it| Generation::open(&it).ok());
        generations.into_iter().find(|it| it.lock() == Some(digest) && it.fits(base).is_ok())
    }

    fn is_live(&self, directory: &Path) -> bool {
        self.live_directory().is_some_and(|live| live == directory)
    }
}
