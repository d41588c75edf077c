//! `skills-daemon doctor`.
//!
//! - `print`: what was found, for a person.
//! - `mend`: carries out fixes.
//!
//! Works without any place: without a home directory, say. Nothing is written without `--fix` or `--bundle`.

mod mend;
mod print;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Context;
use crate::console::Console;
use crate::doctor::{self, Check, Facts, Verdict, bundle};
use crate::environment::Environment;
use crate::failure::{Failure, Kind};

#[derive(Args)]
pub(super) struct Arguments {
    /// Carry out the remedies that are safe; asks before each
    #[arg(long, conflicts_with_all = ["json", "bundle"])]
    fix: bool,
    /// Answer all questions with yes
    #[arg(long, short, requires = "fix")]
    yes: bool,
    /// Print JSON: a list of checks
    #[arg(long)]
    json: bool,
    /// Exit with status 1 for warnings, too
    #[arg(long)]
    strict: bool,
    /// Write an archive for a bug report, without secrets and names, to a new file
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

/// The program and what it works on.
struct Doctor<'a> {
    env: &'a Environment,
    console: Console,
    /// The places, or why there are none.
    context: Result<&'a Context, Failure>,
}

/// Runs the checks; exit status 0 if none failed, 1 otherwise.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (env, console) = (&context.env, context.console);
    Doctor { env, console, context: Ok(context) }.run(arguments)
}

/// Runs the checks that need no places; `failure` is one of what they find.
pub(super) fn run_without_places(
    failure: Failure,
    env: &Environment,
    console: Console,
    arguments: &Arguments,
) -> Result<ExitCode, Failure> {
    if failure.kind == Kind::Usage {
        return Err(failure);
    }
    Doctor { env, console, context: Err(failure) }.run(arguments)
}

impl Doctor<'_> {
    fn run(&self, arguments: &Arguments) -> Result<ExitCode, Failure> {
        let (facts, mut checks) = self.examine();
        if arguments.json {
            self.print_json(&checks)?;
        } else {
            self.print(&checks);
        }
        if let Some(file) = &arguments.bundle {
            let parts = bundle::parts(&facts, &checks, self.env);
            bundle::write(file, &parts)?;
            self.print_bundle(file, &parts);
        }
        if arguments.fix
            && let Some(after) = self.mend(&checks, arguments.yes)?
        {
            checks = after;
        }
        if !arguments.json {
            self.print_summary(&checks, arguments.fix);
        }
        let is_broken = match doctor::worst(&checks) {
            Verdict::Ok => false,
            Verdict::Warning => arguments.strict,
            Verdict::Failed => true,
        };
        Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn examine(&self) -> (Facts, Vec<Check>) {
        let places = self.context.as_ref().map(|context| context.paths.clone());
        let facts = Facts::collect(places.map_err(Failure::clone), self.env);
        let checks = doctor::examine(&facts);
        (facts, checks)
    }
}
