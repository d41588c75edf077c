//! A command that is a program: it takes the client's place, with its terminal, directory and environment.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use super::caller::Caller;
use crate::failure::{Failure, Kind};
use crate::lifecycle::Response;
use crate::wire::Program;

/// Replaces this process by the program in an answer; returns only if that fails.
pub(super) fn become_one(response: Response, caller: &Caller) -> Result<ExitCode, Failure> {
    let bytes = response.bytes().map_err(|error| caller.failed(&error))?;
    let Program { executable, arguments } = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(Kind::Bug, format!("cannot read the program: {error}")))?;
    caller.console.rest();
    let error = Command::new(&executable).args(arguments).exec();
    Err(Failure::environment(format!("cannot run {}: {error}", executable.display()))
        .hint("Run `skills-daemon doctor`."))
}
