//! The virtual environment: wanted against actual.
//!
//! All plugins share one, created by `uv` with the embedded interpreter. It is whole if it has its stamp, which is
//! written last; one without a stamp, or with another interpreter's, is created again. A failed install changes
//! nothing, so a plugin whose requirements cannot be met does not affect the others.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::paths::{self, Paths};
use crate::requirements::CORE;
use crate::uv::{Progress, Uv, UvError};

const STAMP: &str = ".skills-daemon.json";

/// The base interpreter of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The base interpreter's executable.
    pub executable: PathBuf,
    /// `X.Y.Z`.
    pub version: String,
}

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
    directory: PathBuf,
    python: PathBuf,
}

impl Venv {
    /// Returns the environment of `paths`, in any state.
    pub fn at(paths: &Paths) -> Venv {
        Venv { directory: paths.venv(), python: paths.venv_python() }
    }

    /// The environment's own interpreter.
    pub fn python(&self) -> &Path {
        &self.python
    }

    /// Returns the state of the environment, compared with `base`.
    pub fn state(&self, base: &Base) -> State {
        if !self.directory.exists() {
            return State::Missing;
        }
        let stamp = fs::read(self.directory.join(STAMP))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Base>(&bytes).ok());
        let Some(stamp) = stamp else {
            return State::Broken("it was never finished".to_owned());
        };
        if &stamp != base {
            return State::Broken(format!(
                "it was made of Python {} ({}), not of Python {} ({})",
                stamp.version,
                stamp.executable.display(),
                base.version,
                base.executable.display()
            ));
        }
        if !self.directory.join("pyvenv.cfg").is_file() {
            return State::Broken("pyvenv.cfg is gone".to_owned());
        }
        if !self.python.is_file() {
            return State::Broken(format!("{} is gone", self.python.display()));
        }
        State::Whole
    }

    /// Creates the environment if it is missing or broken, and installs [`CORE`].
    pub fn ensure(&self, base: &Base, uv: &Uv, progress: Progress) -> Result<(), Failure> {
        let whole = match self.state(base) {
            State::Whole => true,
            State::Missing => false,
            State::Broken(why) => {
                progress(&format!("creating the virtual environment again: {why}"));
                self.set_aside().map_err(|error| paths::unwritable(&self.directory, &error))?;
                false
            }
        };
        if !whole {
            progress(&format!("creating a virtual environment with Python {}", base.version));
            uv.venv(&base.executable, &self.directory, progress)?;
        }
        let damaged = self.damaged();
        if !damaged.is_empty() {
            progress(&format!("reinstalling packages with missing files: {}", damaged.join(", ")));
        }
        uv.install(&self.python, &CORE.map(str::to_owned), &damaged, progress)
            .map_err(core_failed)?;
        if !whole {
            self.write_stamp(base).map_err(|error| paths::unwritable(&self.directory, &error))?;
        }
        Ok(())
    }

    /// Installs the requirements of all plugins, `(id, requirements)` each; returns those that cannot be installed.
    ///
    /// All together first; where that fails, one plugin after the other on top of those that fit, so that only
    /// conflicting ones are left out.
    pub fn install(
        &self,
        uv: &Uv,
        wanted: &[(u64, Vec<String>)],
        progress: Progress,
    ) -> Vec<(u64, UvError)> {
        let core = || CORE.iter().map(ToString::to_string);
        let together: Vec<String> = core()
            .chain(wanted.iter().flat_map(|(_, requirements)| requirements.clone()))
            .collect();
        match wanted {
            [] => return Vec::new(),
            [(id, requirements)] => {
                let outcome = uv.install(&self.python, &together, &[], progress);
                let failed = outcome.err().map(|error| (*id, error.about(requirements)));
                return failed.into_iter().collect();
            }
            _ if uv.install(&self.python, &together, &[], progress).is_ok() => return Vec::new(),
            _ => {}
        }
        let mut accepted: Vec<String> = core().collect();
        let mut left_out = Vec::new();
        for (id, requirements) in wanted {
            let mut attempt = accepted.clone();
            attempt.extend(requirements.iter().cloned());
            match uv.install(&self.python, &attempt, &[], progress) {
                Ok(()) => accepted = attempt,
                Err(error) => left_out.push((*id, error.about(requirements))),
            }
        }
        left_out
    }

    /// Returns the installed packages with missing files, as after an interrupted clean-up.
    fn damaged(&self) -> Vec<String> {
        let Some(site_packages) = self.site_packages() else { return Vec::new() };
        let entries = fs::read_dir(&site_packages).into_iter().flatten().flatten();
        let mut damaged: Vec<String> = entries
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "dist-info"))
            .filter(|entry| {
                let record = fs::read_to_string(entry.path().join("RECORD")).unwrap_or_default();
                let tops: BTreeSet<&str> = record
                    .lines()
                    .filter_map(|line| line.split([',', '/']).next())
                    .filter(|top| !top.is_empty() && !top.starts_with(['.', '"']))
                    .collect();
                tops.iter().any(|top| !site_packages.join(top).exists())
            })
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                Some(name.split_once('-')?.0.to_owned())
            })
            .collect();
        damaged.sort();
        damaged
    }

    /// Returns the directory of installed packages, if there is one.
    pub fn site_packages(&self) -> Option<PathBuf> {
        let lib = fs::read_dir(self.directory.join("lib")).ok()?;
        lib.flatten().map(|entry| entry.path().join("site-packages")).find(|path| path.is_dir())
    }

    /// Renames the environment, then deletes it, so that no half-deleted one is ever in its place.
    fn set_aside(&self) -> io::Result<()> {
        let aside = self.directory.with_extension(format!("old-{}", std::process::id()));
        fs::rename(&self.directory, &aside)?;
        if aside.is_dir() { fs::remove_dir_all(aside) } else { fs::remove_file(aside) }
    }

    fn write_stamp(&self, base: &Base) -> io::Result<()> {
        let text = serde_json::to_vec(base).map_err(io::Error::other)?;
        let staged = self.directory.join(format!("{STAMP}.new"));
        fs::write(&staged, text)?;
        fs::rename(staged, self.directory.join(STAMP))
    }
}

/// Returns the failure of installing [`CORE`], whose requirements themselves are satisfiable.
fn core_failed(error: UvError) -> Failure {
    match error {
        UvError::NoSolution { wanted, output } => {
            UvError::Failed { action: format!("installing {wanted}"), output }.into()
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stamped_environment_of_the_same_interpreter_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths {
            home: dir.path().into(),
            runtime: dir.path().into(),
            config: dir.path().into(),
            bin: dir.path().into(),
        };
        let venv = Venv::at(&paths);
        let base = Base { executable: "/usr/bin/python3".into(), version: "3.11.7".into() };
        assert_eq!(venv.state(&base), State::Missing);
        fs::create_dir_all(paths.venv().join("bin")).unwrap();
        assert_eq!(venv.state(&base), State::Broken("it was never finished".into()));
        venv.write_stamp(&base).unwrap();
        assert_eq!(venv.state(&base), State::Broken("pyvenv.cfg is gone".into()));
        fs::write(paths.venv().join("pyvenv.cfg"), "").unwrap();
        assert!(
            matches!(venv.state(&base), State::Broken(why) if why.ends_with("bin/python is gone"))
        );
        fs::write(paths.venv_python(), "").unwrap();
        assert_eq!(venv.state(&base), State::Whole);
        let other = Base { version: "3.12.1".into(), ..base };
        assert!(matches!(venv.state(&other), State::Broken(why) if why.contains("3.11.7")));
        venv.set_aside().unwrap();
        assert_eq!(venv.state(&other), State::Missing);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
