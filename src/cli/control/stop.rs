//! `skills-daemon stop`.

use std::process::ExitCode;

use super::Context;
use crate::failure::Failure;
use crate::lifecycle::stop::{self, Ended};

pub(super) fn run(context: &Context) -> Result<ExitCode, Failure> {
    let ended = stop::stop(&context.paths, &context.env, &context.console)?;
    context.print(&match ended {
        Ended::NotRunning => "The daemon was not running.".to_owned(),
        Ended::Cleanly(cut) if cut.is_empty() => "The daemon has stopped.".to_owned(),
        Ended::Cleanly(cut) => format!("The daemon has stopped; {cut}."),
        Ended::Killed(_) => {
            "The daemon did not stop in time and was killed, with all that was under way."
                .to_owned()
        }
    });
    Ok(ExitCode::SUCCESS)
}
