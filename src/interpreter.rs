//! The embedded CPython: finding the interpreter and its shared library.
//!
//! The host is linked against one `X.Y`. A dynamic loader left to itself may find another library of the same
//! name first, or none; so the launcher, which needs no Python, inspects interpreters (by a script that prints
//! JSON), takes the first that fits, and starts the host with that library's directory first.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::bounded;
use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::settings::{Setting, Settings};

/// The interpreter the host was linked against, if this build has a host.
pub const BUILD_PYTHON: Option<&str> = option_env!("SKILLS_BUILD_PYTHON");
/// Its version, `X.Y`.
pub const BUILD_VERSION: Option<&str> = option_env!("SKILLS_BUILD_PYTHON_VERSION");

const INSPECT: &str = include_str!("interpreter/inspect.py");
/// Time for one of them, on a slow disk too.
const INSPECT_MAX: Duration = Duration::from_secs(30);

/// An interpreter that was inspected.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Interpreter {
    /// The base interpreter's executable, behind virtual environments and shims.
    pub executable: PathBuf,
    /// `X.Y.Z`.
    pub version: String,
    /// Its shared library; `None` if it was built without one.
    pub library: Option<PathBuf>,
}

/// Error of inspecting an interpreter.
#[derive(Debug, Error)]
pub enum InspectError {
    /// It cannot be run.
    #[error("cannot run {executable}: {source}")]
    Run {
        /// The file.
        executable: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Its output is not that of the script.
    #[error("{executable} is not a Python interpreter: {message}")]
    Answer {
        /// The file.
        executable: PathBuf,
        /// The last line of its stderr, or the parser's error.
        message: String,
    },
}

impl Interpreter {
    /// Inspects the interpreter at `executable`.
    pub fn inspect(executable: &Path) -> Result<Interpreter, InspectError> {
        let mut command = Command::new(executable);
        command.args(["-I", "-S", "-c", INSPECT]);
        let output = bounded::output(&mut command, INSPECT_MAX)
            .map_err(|source| InspectError::Run { executable: executable.to_owned(), source })?;
        serde_json::from_slice(&output.stdout).map_err(|error| {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let message = stderr.lines().last().map_or(error.to_string(), str::to_owned);
            InspectError::Answer { executable: executable.to_owned(), message }
        })
    }

    /// Returns `X.Y` of the version.
    pub fn minor_version(&self) -> &str {
        self.version.rsplit_once('.').map_or(&self.version, |(minor, _)| minor)
    }

    /// True if this interpreter can replace the one that the host was built against.
    fn fits(&self, built: &str) -> bool {
        self.library.is_some() && self.minor_version() == built
    }

    /// Returns the directory of the shared library.
    pub fn library_dir(&self) -> Option<&Path> {
        self.library.as_deref().and_then(Path::parent)
    }
}

/// Returns the interpreter to embed: the configured one, else the one that the host was built against, else
/// another of the same `X.Y` on PATH.
///
/// # Errors
/// None fits; the failure names the Python that is needed.
pub fn find(settings: &Settings, env: &Environment) -> Result<Interpreter, Failure> {
    let Some(built) = BUILD_VERSION else {
        return Err(Failure::environment(
            "this build has no host: it was built without the `python` feature",
        )
        .hint("Build it again with default features, on a machine with Python 3.10 or newer."));
    };
    match &settings.python {
        Some(chosen) => configured(chosen, built),
        None => search(built, env),
    }
}

fn configured(chosen: &Setting<PathBuf>, built: &str) -> Result<Interpreter, Failure> {
    let hint = format!(
        "Set `python` (from {}) to a Python {built} with its shared library, or remove the setting.",
        chosen.source
    );
    let interpreter = Interpreter::inspect(&chosen.value)
        .map_err(|error| Failure::environment(error.to_string()).hint(&hint))?;
    if interpreter.fits(built) {
        return Ok(interpreter);
    }
    let why = if interpreter.library.is_none() { "has no shared library" } else { "does not fit" };
    Err(Failure::environment(format!(
        "{} is Python {} and {why}; this host was built against Python {built}",
        chosen.value.display(),
        interpreter.version
    ))
    .hint(hint))
}

fn search(built: &str, env: &Environment) -> Result<Interpreter, Failure> {
    let mut seen = HashSet::new();
    let on_path = [format!("python{built}"), "python3".to_owned(), "python".to_owned()]
        .into_iter()
        .flat_map(|name| env.programs(&name).collect::<Vec<_>>());
    BUILD_PYTHON
        .map(PathBuf::from)
        .into_iter()
        .chain(on_path)
        .filter(|candidate| seen.insert(candidate.clone()))
        .filter_map(|candidate| Interpreter::inspect(&candidate).ok())
        .find(|interpreter| interpreter.fits(built))
        .ok_or_else(|| {
            Failure::environment(format!(
                "no Python {built} with its shared library: this host was built against {}, and neither that nor \
                 any on PATH fits",
                BUILD_PYTHON.unwrap_or("one that is not recorded")
            ))
            .hint(format!(
                "Install Python {built} (with its shared library), set {} to one, or build skills-daemon again.",
                environment::PYTHON
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_interpreter_has_version_and_library() {
        let Some(built) = BUILD_PYTHON else { return };
        let interpreter = Interpreter::inspect(Path::new(built)).unwrap();
        assert_eq!(interpreter.minor_version(), BUILD_VERSION.unwrap());
        assert!(interpreter.library.unwrap().is_file());
        assert_eq!(interpreter.version.split('.').count(), 3);
    }

    #[test]
    fn a_program_that_is_no_interpreter_is_named() {
        let error = Interpreter::inspect(Path::new("/nonexistent/python")).unwrap_err().to_string();
        assert!(error.starts_with("cannot run /nonexistent/python: "), "{error}");
        let error = Interpreter::inspect(Path::new("/bin/false")).unwrap_err().to_string();
        assert!(error.contains("/bin/false is not a Python interpreter"), "{error}");
    }
}
