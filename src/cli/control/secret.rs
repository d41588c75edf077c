//! `skills-daemon secret`: the secrets of plugins in `secrets.toml`. A value comes from the terminal or stdin only, and
//! is never printed.

use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Context;
use crate::agents::file;
use crate::failure::{Failure, Kind};
use crate::manifest::check_name;
use crate::reports::{Asks, Question};
use crate::settings::edit;
use crate::settings::secrets::{self, Secrets};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Store a secret, which is asked for at the terminal or read from stdin
    ///
    /// Plugins get it with `skills_daemon.stored_secret(NAME)`. The plugin is loaded again if it is running.
    Set(Name),
    /// List the names of all secrets, without their values
    List(Output),
    /// Remove a secret
    Remove(Name),
}

#[derive(Args)]
struct Name {
    /// The plugin that may read it
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Args)]
struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = context.paths.secrets_file();
    // Refused before anything is asked for.
    let text = secrets::read(&path)?;
    let secrets = Secrets::parsed(&text, &path)?;
    match &arguments.command {
        Command::Set(Name { plugin, name }) => {
            check(plugin, name).map_err(|error| Failure::new(Kind::Usage, error))?;
            let value = value(context, plugin, name)?;
            let key = [plugin.clone(), name.clone()];
            let edited = edit::set(&text, &key, value.into()).map_err(|message| {
                Failure::environment(format!("{}: {message}", path.display()))
            })?;
            write(context, &edited)?;
            context.print(&format!("stored: {name} of {plugin} ({})", path.display()));
        }
        Command::Remove(Name { plugin, name }) => {
            let own = secrets.of(plugin);
            if !own.0.contains_key(name) {
                let error = format!("{plugin} has no secret `{name}`");
                return Err(
                    Failure::new(Kind::NotFound, error).available(own.0.into_keys().collect())
                );
            }
            // The last one goes with its table.
            let key = [plugin.clone(), name.clone()];
            let key = if own.0.len() == 1 { &key[..1] } else { &key[..] };
            let edited = edit::unset(&text, key).map_err(|message| {
                Failure::environment(format!("{}: {message}", path.display()))
            })?;
            write(context, &edited.unwrap_or(text))?;
            context.print(&format!("removed: {name} of {plugin} ({})", path.display()));
        }
        Command::List(Output { json: true }) => {
            let names = |it: &secrets::OfPlugin| json!(it.0.keys().collect::<Vec<_>>());
            let all: Map<String, Value> =
                secrets.0.iter().map(|(plugin, own)| (plugin.clone(), names(own))).collect();
            context.print_json(&all)?;
        }
        Command::List(_) => list(context, &secrets),
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks the names of a secret that is to be stored.
fn check(plugin: &str, name: &str) -> Result<(), String> {
    check_name(plugin)?;
    if name.is_empty() || name.contains(char::is_control) {
        return Err(format!("{name:?} cannot be a secret's name"));
    }
    Ok(())
}

fn list(context: &Context, secrets: &Secrets) {
    if secrets.0.is_empty() {
        context.print("No secrets are stored.");
    }
    for (plugin, own) in &secrets.0 {
        let names: Vec<&str> = own.0.keys().map(String::as_str).collect();
        context.print(&format!("{plugin}: {}", names.join(", ")));
    }
}

/// Returns the value of a secret: a line from the terminal, which does not show it, or all of stdin.
fn value(context: &Context, plugin: &str, name: &str) -> Result<String, Failure> {
    let usage = |error: String| {
        let hint = format!("Pipe it in: `pass jira | skills-daemon secret set {plugin} {name}`.");
        Failure::new(Kind::Usage, error).hint(hint)
    };
    let cannot_read = |error: io::Error| usage(format!("cannot read the secret: {error}"));
    let value = if io::stdin().is_terminal() {
        let question = Question {
            number: 0,
            prompt: format!("{name} of {plugin}"),
            asks: Asks::Secret,
            default: None,
            key: None,
            more: false,
        };
        context.console.ask(&question).map_err(cannot_read)?.unwrap_or_default()
    } else {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(cannot_read)?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        line.strip_suffix('\r').unwrap_or(line).to_owned()
    };
    if value.is_empty() {
        return Err(usage("the secret is empty: nothing was stored".into()));
    }
    Ok(value)
}

/// Writes the file, as valid and as private as it was.
fn write(context: &Context, text: &str) -> Result<(), Failure> {
    let path = context.paths.secrets_file();
    Secrets::parsed(text, &path)?;
    file::write(&path, text, secrets::MODE)
}
