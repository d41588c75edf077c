//! `skills-daemon stop`.

use std::process::ExitCode;

use super::Context;
use crate::failure::Failure;
use crate::lifecycle::stop::{self, Ended};

pub(super) fn run(context: &Context) -> Result<ExitCode, Failure> {
    let ended = stop::stop(&context.paths, &context.env, &context.console)?;
    context.print(match ended {
        Ended::NotRunning => "The daemon was not running.",
        Ended::Cleanly => "The daemon has stopped.",
        Ended::Killed => "The daemon did not stop in time and was killed.",
    });
    Ok(ExitCode::SUCCESS)
}
