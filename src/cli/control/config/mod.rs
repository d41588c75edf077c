//! `skills-daemon config`: the settings in `config.toml`. Works without a daemon, and with a broken file.
//!
//! - `show`: each value with its origin.
//! - `change`: `set` and `unset`.
//! - `edit`: the file in an editor.

mod change;
mod edit;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Context;
use crate::failure::Failure;
use crate::settings::{Settings, parsed, schema};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show each setting with its value and its origin: default, file or environment
    Show(show::Arguments),
    /// Set a value in config.toml
    ///
    /// Comments and order are kept. A value that is TOML is taken as that (5, true, ['a', 'b']), any other as text. The
    /// whole file is checked before it is written.
    #[command(after_help = "\
Examples:
  skills-daemon config set log_level DEBUG
  skills-daemon config set agents.ask_before destructive
  skills-daemon config set plugins.jira.timeout 60")]
    Set(change::Set),
    /// Remove a value from config.toml, so that its default holds
    Unset(change::Unset),
    /// Edit config.toml with $VISUAL or $EDITOR; it is checked before it takes effect
    Edit,
    /// Print the path of config.toml, which may not exist
    Path,
    /// Print the JSON Schema of config.toml, for editors
    Schema,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Show(arguments) => return show::run(context, arguments),
        Command::Set(arguments) => change::set(context, arguments)?,
        Command::Unset(arguments) => change::unset(context, arguments)?,
        Command::Edit => return edit::run(context),
        Command::Path => context.print(&context.paths.config_file().display().to_string()),
        Command::Schema => context.print_json(&schema::document())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Resolves the text of a changed `config.toml` as the daemon will; variables hide nothing that is wrong in it.
///
/// # Errors
/// It is invalid.
fn checked(context: &Context, text: &str) -> Result<Settings, Failure> {
    let file = context.paths.config_file();
    let settings = Settings::resolve(parsed(text, &file)?, &file, &context.env.home_only())?;
    settings.dependencies.sources()?;
    Ok(settings)
}
