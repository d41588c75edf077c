//! `skills-daemon plugin`: creating, checking, adding and removing plugins. One module per subcommand.
//!
//! - `added`: the directory of the plugins that `add` adds and `remove` removes.
//! - `outcome`: the reload after a change there.
//! - `scratch`: a daemon of its own for `validate`.
//! - `templates`: the files that `new` writes.

mod add;
mod added;
mod new;
mod outcome;
mod remove;
mod scratch;
mod templates;
mod validate;

pub(super) use scratch::within;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Context;
use crate::failure::{Failure, Kind};

const SCHEMA: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/manifest.schema.json"));

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add a plugin, at any path, to those that the daemon serves
    Add(add::Arguments),
    /// Undo `plugin add`
    Remove(remove::Arguments),
    /// Create a plugin: code, manifest, tests
    New(new::Arguments),
    /// Check a plugin by loading it in a daemon of its own, its startup() and connect() included
    Validate(validate::Arguments),
    /// Print the JSON Schema of manifests, for editors
    Schema,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Add(arguments) => add::run(context, arguments),
        Command::Remove(arguments) => remove::run(context, arguments),
        Command::New(arguments) => new::run(context, arguments),
        Command::Validate(arguments) => validate::run(context, arguments),
        Command::Schema => {
            context.print(SCHEMA.trim_end());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Returns `path` without links and relative parts.
fn existing(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::Usage,
            _ => Kind::Environment,
        };
        Failure::new(kind, format!("cannot find a plugin at {}: {error}", path.display()))
            .hint("Name a manifest (*.json), a script (*.py) or the directory of a plugin.")
    })
}

/// Returns the failure of a directory that is not a plugin.
fn no_plugin(directory: &Path) -> Failure {
    let error = format!(
        "{} is not a plugin: neither it nor a `skills_plugin/` in it has an `__init__.py` or a `manifest.json`",
        directory.display()
    );
    Failure::new(Kind::Usage, error).hint("`skills-daemon plugin new NAME` creates one.")
}
