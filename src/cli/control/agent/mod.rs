//! `skills-daemon agent`: plugins in coding agents.
//!
//! - `setup`: what is to be done, in which order, after which questions.
//! - `edit`: a change of one settings file.
//! - `repair`: the change of an entry that calls another installation.
//! - `skills`: the changes of a directory of skills.
//! - `diff`: two texts as lines that were removed and added.

mod diff;
mod edit;
pub(super) mod repair;
mod setup;
mod skills;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Context;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make plugins known to an agent; shows each change and asks before it is made
    Setup(setup::Arguments),
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Setup(arguments) => setup::run(context, arguments),
    }
}
