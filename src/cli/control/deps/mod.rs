//! `skills-daemon deps`: the packages that plugins require. The running daemon answers and changes them; it is started
//! if none runs.
//!
//! To add a subcommand: a variant with its help, an arm in [`run`], and a function that prints.

mod change;
mod list;
mod questions;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;

use super::Context;
use crate::failure::{Failure, Kind};
use crate::lifecycle::{self, Request};
use crate::wire::deps::Order;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List packages: wanted, locked, installed, and which plugin asked
    List(Output),
    /// Install what the plugins require; nothing is upgraded that need not be
    ///
    /// What was set aside is tried again, and damaged packages are repaired.
    Sync(Output),
    /// Choose versions and write the lock; `sync` installs them, and so does the next start
    Lock(Output),
    /// Install the newest versions that satisfy all plugins
    Upgrade(Upgrade),
    /// Show which plugin needs a package, and by which way
    Why(Why),
    /// List packages of which a newer version would satisfy all plugins
    Outdated(Output),
    /// Remove environments that are no longer used
    Prune(Output),
}

#[derive(Args)]
struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Upgrade {
    /// Names of packages; without any, all
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Why {
    /// The name of a package
    #[arg(value_name = "PACKAGE")]
    package: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand; exit status 1 if a plugin is set aside or the package is not there.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    match &arguments.command {
        Command::List(Output { json }) => list::run(context, *json),
        Command::Sync(Output { json }) => change::run(context, &Order::Sync, *json),
        Command::Lock(Output { json }) => change::run(context, &Order::Lock, *json),
        Command::Upgrade(Upgrade { packages, json }) => change::upgrade(context, packages, *json),
        Command::Why(Why { package, json }) => questions::why(context, package, *json),
        Command::Outdated(Output { json }) => questions::outdated(context, *json),
        Command::Prune(Output { json }) => questions::prune(context, *json),
    }
}

/// Installs what the plugins require; exit status 1 if a plugin is set aside.
pub(super) fn sync(context: &Context) -> Result<ExitCode, Failure> {
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    change::run(context, &Order::Sync, false)
}

/// Sends `request` to the daemon, which was running a moment ago.
fn ask<T: DeserializeOwned>(context: &Context, request: &Request) -> Result<T, Failure> {
    context.ask(request)?.ok_or_else(|| {
        Failure::new(Kind::Unavailable, "the daemon went away before it answered")
            .hint("Run `skills-daemon doctor`.")
    })
}
