//! The failures of a call.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::step::shown;
use crate::failure::{Failure, Kind};

/// Error of a call of `uv`.
#[derive(Debug, Error)]
pub enum UvError {
    /// No `uv` that is new enough was found, and it could not be fetched.
    #[error("{found}, and installing it with {python} -m pip failed: {output}")]
    Missing {
        /// What was found: ``no `uv` on PATH``, `/usr/bin/uv 0.4.0 is older than 0.8.0`.
        found: String,
        /// The base interpreter.
        python: PathBuf,
        /// The end of pip's output.
        output: String,
    },
    /// It could not be run.
    #[error("cannot run {executable}: {source}")]
    Run {
        /// The executable.
        executable: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Input or output of a call cannot be written or read.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A constraint of the settings is not valid.
    #[error("invalid constraint `{text}`: {reason}")]
    Constraint {
        /// The constraint.
        text: String,
        /// The parser's error.
        reason: String,
    },
    /// The requirements have no solution: a package or version that does not exist, or a conflict.
    #[error("cannot install {wanted}: {output}")]
    NoSolution {
        /// The requirements.
        wanted: String,
        /// The end of uv's output.
        output: String,
    },
    /// A file system is full.
    #[error("{action} failed: no space left on the file system of {path} ({}): {output}", room(*.free, *.needed))]
    Full {
        /// The action that failed.
        action: String,
        /// A directory in the file system.
        path: PathBuf,
        /// The free space, in bytes.
        free: u64,
        /// The size of what was to be installed, in bytes, if it is known.
        needed: Option<u64>,
        /// The end of uv's output.
        output: String,
    },
    /// Any other failure: no network, a build that failed, a hash that differs.
    #[error("{action} failed: {output}")]
    Failed {
        /// The action that failed.
        action: String,
        /// The end of uv's output.
        output: String,
    },
}

fn room(free: u64, needed: Option<u64>) -> String {
    let free = shown(free);
    needed.map_or_else(
        || format!("{free} free"),
        |needed| format!("{free} free, the packages have {}", shown(needed)),
    )
}

impl UvError {
    /// Returns the error with `requirements` in place of all requirements of the call.
    #[must_use]
    pub fn about(self, requirements: &[String]) -> UvError {
        match self {
            UvError::NoSolution { output, .. } => {
                UvError::NoSolution { wanted: requirements.join(", "), output }
            }
            other => other,
        }
    }
}

impl From<UvError> for Failure {
    fn from(error: UvError) -> Failure {
        let text = error.to_string();
        match error {
            UvError::Missing { .. } => Failure::environment(text)
                .hint("Check the network, or install uv (https://docs.astral.sh/uv/) and run this again."),
            UvError::Run { .. } | UvError::File { .. } => Failure::environment(text),
            UvError::Constraint { .. } => Failure::environment(text)
                .hint("Correct `constraints` in config.toml; then run `skills-daemon reload`."),
            UvError::NoSolution { .. } => Failure::new(Kind::Plugin, text)
                .hint("Correct `dependencies` in manifest.json; then run `skills-daemon reload`."),
            UvError::Full { .. } => Failure::environment(text)
                .hint("Free some space; then run `skills-daemon reload`, or the command again."),
            UvError::Failed { .. } => Failure::environment(text).hint(
                "Check network, proxy and free disk space; then run `skills-daemon reload`, or the command again.",
            ),
        }
    }
}
