//! Building a generation.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;

use super::generation::{self, Generation, Hold};
use super::markers::markers_of;
use super::stamp::{Base, Stamp};
use super::{Venv, bytecode, compile};
use crate::failure::Failure;
use crate::installed::{Damage, Depth, Installed, damaged};
use crate::lockfile::{Lock, Locked};
use crate::paths;
use crate::requirements::Sources;
use crate::uv::{Place, Progress, Step, Uv, UvError};

/// How Rust programs print the error of a full file system, and that of a user's quota, in any language.
const NO_SPACE: [&str; 2] = ["(os error 28)", "(os error 122)"];

/// What a generation is built of.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The base interpreter.
    pub base: &'a Base,
    /// The packages.
    pub lock: &'a Lock,
    /// Where they come from.
    pub sources: &'a Sources,
}

/// Error of building a generation; nothing of it is left, and nothing else has changed.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A call of `uv` failed.
    #[error(transparent)]
    Uv(#[from] UvError),
    /// A file or directory cannot be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// What `uv` wrote is no lock.
    #[error("cannot read the lock that uv wrote: {0}")]
    Lock(String),
    /// What was installed is not what the lock names.
    #[error("the installed packages differ from the lock: {0}")]
    Differs(String),
    /// Files are damaged, though they were fetched again.
    #[error("damaged files were installed: {}", Damage::list(.0))]
    Damaged(Vec<Damage>),
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Failure {
        match error {
            BuildError::Uv(error) => error.into(),
            BuildError::File { path, source } => paths::unwritable(&path, &source),
            BuildError::Lock(_) | BuildError::Differs(_) | BuildError::Damaged(_) => {
                Failure::environment(error.to_string())
                    .hint("Run `uv cache clean`, then the command again.")
            }
        }
    }
}

impl Venv {
    /// Builds a generation beside the live one, and verifies every file of it.
    ///
    /// Bytecode of packages that the live one has too is carried over.
    ///
    /// # Errors
    /// It cannot be built. Nothing of it is left.
    pub fn build(
        &self,
        uv: &Uv,
        order: Order,
        progress: Progress,
    ) -> Result<(Generation, Hold), BuildError> {
        let digest = order.lock.digest();
        let site = Site::create(&self.paths.venvs(), &digest)?;
        let directory = site.directory.clone();
        let file = |source| BuildError::File { path: directory.clone(), source };
        site.fill(uv, order, progress)
            .map_err(|error| self.for_lack_of_space(error, order.lock, uv))?;
        let markers = markers_of(&directory.join("bin/python")).map_err(file)?;
        let base = order.base.clone();
        let stamp = Stamp { base, directory: directory.clone(), markers, lock: Some(digest) };
        stamp.write(&directory).map_err(file)?;
        let generation = Generation::open(&directory).map_err(BuildError::Differs)?;
        let hold = site.keep();
        if let Some(live) = self.live() {
            bytecode::carry(&self.paths, &live, &generation);
        }
        compile::begin(&self.paths, &generation);
        Ok((generation, hold))
    }

    /// Returns `error` as [`UvError::Full`] if it is for lack of space.
    ///
    /// Only its output shows that: what was written before it failed may be removed already.
    fn for_lack_of_space(&self, error: BuildError, lock: &Lock, uv: &Uv) -> BuildError {
        let BuildError::Uv(UvError::Failed { action, output }) = error else { return error };
        let places = [self.paths.venvs(), uv.cache()];
        let fullest = places
            .into_iter()
            .filter_map(|path| paths::free_space(&path).map(|free| (free, path)))
            .min()
            .filter(|_| NO_SPACE.iter().any(|number| output.contains(number)));
        BuildError::Uv(match fullest {
            None => UvError::Failed { action, output },
            Some((free, path)) => {
                let needed = Some(lock.size()).filter(|size| *size > 0);
                UvError::Full { action, path, free, needed, output }
            }
        })
    }
}

/// The directory of a generation that is being built, removed when it is dropped.
struct Site {
    directory: PathBuf,
    hold: Option<Hold>,
}

impl Site {
    /// Creates a directory with a name of its own, which no other generation ever had.
    fn create(venvs: &Path, digest: &str) -> Result<Site, BuildError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            |source| BuildError::File { path, source }
        };
        fs::create_dir_all(venvs).map_err(file(venvs))?;
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!("{}-{start:x}", digest.get(..8).unwrap_or(digest));
        let directory = venvs.join(name);
        fs::create_dir(&directory).map_err(file(&directory))?;
        let mut site = Site { directory, hold: None };
        site.hold = Some(Hold::shared(&site.directory).map_err(file(&site.directory))?);
        Ok(site)
    }

    fn fill(&self, uv: &Uv, order: Order, progress: Progress) -> Result<(), BuildError> {
        let Order { base, lock, sources } = order;
        let hold = self.hold.as_ref().expect("it is held until it is kept");
        let place = Place { directory: &self.directory, lock: hold.file() };
        progress(Step::Creating { python: base.version.clone() });
        uv.venv(&base.executable, place, progress)?;
        progress(installing(lock));
        uv.sync(place, &lock.text, sources, &[], progress)?;
        progress(Step::Verifying { packages: lock.packages.len() });
        let damages = self.verify(lock)?;
        if damages.is_empty() {
            return Ok(());
        }
        // The cache may hold the same damage: files in an environment are links to it.
        let packages: Vec<String> = damages.into_iter().map(|damage| damage.package).collect();
        progress(Step::Repairing { packages: packages.clone() });
        uv.forget(&packages, progress)?;
        uv.sync(place, &lock.text, sources, &packages, progress)?;
        let damages = self.verify(lock)?;
        if damages.is_empty() { Ok(()) } else { Err(BuildError::Damaged(damages)) }
    }

    /// Compares what is installed with the lock, and each file with its hash; returns the damaged packages.
    fn verify(&self, lock: &Lock) -> Result<Vec<Damage>, BuildError> {
        let file = |source| BuildError::File { path: self.directory.clone(), source };
        let site_packages = generation::site_packages(&self.directory)
            .ok_or_else(|| BuildError::Differs("lib/ is missing".to_owned()))?;
        let installed = Installed::read(&site_packages).map_err(file)?;
        let mut missing = lock.packages.iter().filter(|(name, locked)| {
            let mut packages = installed.packages.values();
            let found = packages.find(|package| package.name.as_ref() == name.as_str());
            let version = found.map(|package| package.version.to_string());
            version.is_none() || locked.version.is_some() && locked.version != version
        });
        if let Some((name, locked)) = missing.next() {
            return Err(BuildError::Differs(format!("{name} {} is missing", locked.shown())));
        }
        damaged(&site_packages, Depth::Hash).map_err(file)
    }

    fn keep(mut self) -> Hold {
        self.hold.take().expect("it is held until it is kept")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.hold.is_some() {
            // What cannot be removed has no stamp, and is removed at the next start.
            let _ = Stamp::remove(&self.directory);
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

fn installing(lock: &Lock) -> Step {
    let version = |(name, locked): (&String, &Locked)| (name.clone(), locked.shown().to_owned());
    Step::Installing { packages: lock.packages.iter().map(version).collect(), bytes: lock.size() }
}
