//! `skills-daemon doctor`.

use std::process::ExitCode;

use clap::Args;

use super::Context;
use crate::doctor::{self, Facts, Verdict};
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the checks; exit status 0 if none failed, 1 otherwise.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let checks = doctor::examine(&Facts::collect(&context.paths, &context.env));
    let failed = checks.iter().filter(|check| check.verdict == Verdict::Failed).count();
    if arguments.json {
        context.print_json(&checks)?;
    } else {
        let style = context.console.out;
        for check in &checks {
            let (color, word) = match check.verdict {
                Verdict::Ok => (style.green, "ok"),
                Verdict::Warning => (style.yellow, "warning"),
                Verdict::Failed => (style.red, "failed"),
            };
            context.print(&format!(
                "{color}{word:<8}{} {}{}{}: {}",
                style.reset, style.bold, check.name, style.reset, check.evidence
            ));
            if let Some(remedy) = &check.remedy {
                context.print(&format!("         {}{remedy}{}", style.dim, style.reset));
            }
        }
        context.print(&match failed {
            0 => "Nothing is broken.".to_owned(),
            1 => "1 check failed.".to_owned(),
            _ => format!("{failed} checks failed."),
        });
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
