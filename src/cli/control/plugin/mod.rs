//! `skills-daemon plugin`: the life of a plugin before and after the daemon has it. One module per subcommand.
//!
//! - `shelf`: the directory into which `add` puts plugins and from which `remove` takes them.
//! - `outcome`: what a running daemon makes of a change there.
//! - `scratch`: a daemon of its own for `validate`.
//! - `templates`: what `new` writes.

mod add;
mod new;
mod outcome;
mod remove;
mod scratch;
mod shelf;
mod templates;
mod validate;

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
    /// Have the daemon serve a plugin, wherever it lies
    Add(add::Arguments),
    /// Undo `plugin add`
    Remove(remove::Arguments),
    /// Begin a plugin: code, manifest, tests
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

/// `path` without links and relative parts.
fn existing(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::Usage,
            _ => Kind::Environment,
        };
        Failure::new(kind, format!("cannot find a plugin at {}: {error}", path.display()))
            .hint("Name a manifest (*.json) or the directory of a plugin.")
    })
}

/// The failure of a directory that is no plugin.
fn no_plugin(directory: &Path) -> Failure {
    let error = format!(
        "{} is no plugin: there is neither `__init__.py` nor `manifest.json` in it, nor in a `skills_plugin/`",
        directory.display()
    );
    Failure::new(Kind::Usage, error).hint("`skills-daemon plugin new NAME` begins one.")
}
