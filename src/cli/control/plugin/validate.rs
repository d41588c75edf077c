//! `skills-daemon plugin validate`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Context, listing};
use super::scratch::Scratch;
use super::{existing, no_plugin, outcome};
use crate::command::PathTemplate;
use crate::discovery::{self, Origin, PluginSource};
use crate::failure::{Failure, Kind};
use crate::lifecycle::Request;
use crate::manifest::{Manifest, ManifestError};
use crate::wire::{PluginEntry, PluginState, Plugins};

#[derive(Args)]
pub(super) struct Arguments {
    /// A manifest (*.json), a script (*.py), or the directory of a plugin
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A plugin that can be served.
#[derive(Serialize)]
struct Valid {
    success: bool,
    name: String,
    version: String,
    description: String,
    path: PathBuf,
    commands: Vec<CheckedCommand>,
    warnings: Vec<String>,
}

/// One of its commands.
#[derive(Serialize)]
struct CheckedCommand {
    method: String,
    path: String,
    summary: String,
    /// The reason for a call through FastAPI.
    why_fastapi: Option<String>,
}

/// Checks a plugin; exit status 1 if it cannot be served.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = existing(&arguments.path)?;
    let package = match path.is_dir() {
        true => discovery::package_directory(&path).ok_or_else(|| no_plugin(&path))?,
        false => path,
    };
    let source = PluginSource::at(package, Origin::Added);
    let problems = problems(&source.manifest);
    if !problems.is_empty() {
        let errors: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return refuse(context, arguments, &errors, None);
    }
    let manifest = Manifest::read(&source.manifest).ok().flatten().unwrap_or_default();
    let warnings = manifest.warnings(&source.manifest);
    let valid = match load(context, &source.path, warnings) {
        Ok(valid) => valid,
        Err(Failure { error, hint, kind: Kind::Plugin, .. }) => {
            return refuse(context, arguments, &[error], hint);
        }
        Err(failure) => return Err(failure),
    };
    if arguments.json {
        context.print_json(&valid)?;
    } else {
        print(context, &valid);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns all errors of the manifest; none where the file is missing.
fn problems(manifest: &Path) -> Vec<ManifestError> {
    let Err(error) = Manifest::read(manifest) else { return Vec::new() };
    let all = Manifest::problems_of(manifest);
    // A file that cannot be read has none by itself.
    if all.is_empty() { vec![error] } else { all }
}

fn refuse(
    context: &Context,
    arguments: &Arguments,
    errors: &[String],
    hint: Option<String>,
) -> Result<ExitCode, Failure> {
    if arguments.json {
        context.print_json(&json!({"success": false, "errors": errors, "hint": hint}))?;
        return Ok(ExitCode::FAILURE);
    }
    let style = context.console.out;
    for error in errors {
        context.print(&format!("{}Error:{} {error}", style.red, style.reset));
    }
    if let Some(hint) = hint {
        context.print(&format!("  {}Hint: {hint}{}", style.dim, style.reset));
    }
    Ok(ExitCode::FAILURE)
}

/// Loads the plugin in a temporary daemon.
fn load(context: &Context, path: &Path, mut warnings: Vec<String>) -> Result<Valid, Failure> {
    let scratch = Scratch::start(context, path)?;
    let own = &scratch.context;
    let gone = || {
        Failure::new(Kind::Plugin, "the daemon ended while it loaded the plugin")
            .hint("The plugin ends the process it is loaded into.")
    };
    let served: Plugins = own.ask(&Request::get("/plugins"))?.ok_or_else(gone)?;
    let plugins = listing::loaded(own)?;
    let status = outcome::at(&plugins, path).and_then(|plugin| plugin.status.as_ref());
    let status = status.ok_or_else(gone)?;
    if let PluginState::Failed(failure) = &status.state {
        return Err(Failure { kind: Kind::Plugin, ..failure.clone() });
    }
    let entry = served.plugins.into_iter().find(|entry| entry.name == status.name);
    let entry = entry.ok_or_else(gone)?;
    let document: Option<Value> =
        own.ask(&Request::get(&format!("/{}/openapi.json", entry.name)))?;
    warnings.extend(status.state.detail());
    warnings.extend(entry.warnings.iter().map(|warning| one_line(warning)));
    let commands = commands(&entry, &document.unwrap_or_default(), &mut warnings);
    if commands.is_empty() {
        warnings.push("the plugin has no commands".to_owned());
    }
    Ok(Valid {
        success: true,
        name: entry.name,
        version: entry.version,
        description: entry.description,
        path: path.to_owned(),
        commands,
        warnings,
    })
}

/// Returns the commands with the summaries of the plugin's OpenAPI document.
fn commands(
    entry: &PluginEntry,
    document: &Value,
    warnings: &mut Vec<String>,
) -> Vec<CheckedCommand> {
    let mut commands = Vec::new();
    for endpoint in &entry.endpoints {
        let path = PathTemplate::from(endpoint.path.as_str()).without_convertors();
        let operation = &document["paths"][path.as_str()][endpoint.method.to_lowercase()];
        let text = |key: &str| operation[key].as_str().unwrap_or_default();
        let first_line = text("description").trim().lines().next().unwrap_or_default();
        // Without a docstring the summary is made of the function's name.
        let made_of_name = folded(text("operationId")).contains(&folded(text("summary")));
        if made_of_name && first_line.is_empty() {
            warnings.push(format!("{} {} has no docstring", endpoint.method, endpoint.path));
        }
        let summary = if made_of_name { first_line } else { text("summary") };
        commands.push(CheckedCommand {
            method: endpoint.method.clone(),
            path: endpoint.path.clone(),
            summary: summary.to_owned(),
            why_fastapi: endpoint.why_fastapi.clone(),
        });
    }
    commands
}

/// Returns `text` without its line breaks.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the letters and digits of `text`, in which a name and a title made of it agree.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn print(context: &Context, valid: &Valid) {
    let style = context.console.out;
    let about = match valid.description.as_str() {
        "" => String::new(),
        text => format!(" - {text}"),
    };
    context.print(&format!("{}{}{} {}{about}", style.bold, valid.name, style.reset, valid.version));
    for command in &valid.commands {
        let how = match &command.why_fastapi {
            None => "direct".to_owned(),
            Some(why) => format!("not direct: {why}"),
        };
        let summary = match command.summary.as_str() {
            "" => String::new(),
            text => format!("  {text}"),
        };
        context.print(&format!(
            "  {:<7} {}{summary}  {}({how}){}",
            command.method, command.path, style.dim, style.reset
        ));
    }
    for warning in &valid.warnings {
        context.print(&format!("{}Warning:{} {warning}", style.yellow, style.reset));
    }
    context.print(&format!("{}It can be served.{}", style.green, style.reset));
}
