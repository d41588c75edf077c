//! Help of plugins and commands: the answers of `/{plugin}/help`.
//!
//! Owns the JSON that scripts and agents read; [`render`](crate::render) turns it into text. Everything comes
//! from the [`Description`], so help needs no Python and no running plugin. To show another property of
//! parameters, add the keyword of its JSON Schema to `KEYWORDS` in `parameter`.

mod find;
mod parameter;
#[cfg(test)]
mod tests;

pub use parameter::choices;
use serde_json::{Map, Value, json};

use crate::arguments::{groups, usage};
use crate::command::Command;
use crate::description::Description;
use crate::failure::Failure;

/// Returns the help of a plugin: one entry for each method of each path, internal ones that begin with `_` left out.
pub fn plugin(description: &Description) -> Value {
    let name = &description.name;
    let entry = |command: &Command| {
        json!({
            "name": command.name(),
            "path": command.path,
            "summary": command.summary,
            "methods": methods(command),
        })
    };
    let public = description.commands.iter().filter(|command| !command.group().starts_with('_'));
    json!({
        "plugin": name,
        "description": description.description,
        "version": description.version,
        "commands": public.map(entry).collect::<Vec<_>>(),
        "examples": description.examples,
        "hint": format!("Run '{name} <command> --help' for the parameters of a command"),
    })
}

/// Returns the help of `command`: `issue`, `memory write`, `memory/write` or a path as it is typed, `issue/PROJ-1`.
///
/// The best route fills the answer; where there are several, `routes` lists all of them. An unknown command
/// is answered by `{"error","available"}`, as the error.
pub fn command(description: &Description, command: &str) -> Result<Value, Value> {
    let Some((name, routes)) = find::routes(description, command) else {
        return Err(json!({
            "error": format!("Unknown command: {}", command.trim()),
            "available": groups(description),
        }));
    };
    let Some(best) = routes.first() else { return Ok(Value::Null) };
    let mut help = route(description, best, &name);
    if routes.len() > 1 {
        let all = routes.iter().map(|each| Value::Object(route(description, each, &each.name())));
        help.insert("routes".to_owned(), all.collect());
    }
    Ok(Value::Object(help))
}

/// Returns the help of `command`, or of the plugin where none is named; for an unknown command, the error.
pub fn answer(description: &Description, command: Option<&str>) -> Value {
    match command {
        Some(name) => self::command(description, name).unwrap_or_else(|unknown| unknown),
        None => plugin(description),
    }
}

/// Returns the command that a line with `--help` names: the words before the first option.
pub fn asked(arguments: &[String]) -> Option<String> {
    let words = arguments.iter().map(String::as_str).take_while(|word| !word.starts_with('-'));
    let words: Vec<&str> = words.collect();
    (!words.is_empty()).then(|| words.join("/"))
}

/// Returns the warning beside the stored help of a plugin that does not load now.
pub fn outdated(failure: &Failure) -> String {
    format!("This help is from when the plugin was last loaded. {}", failure.error)
}

/// Returns the answer for an unknown plugin.
pub fn unknown_plugin(name: &str, available: &[String]) -> Value {
    json!({"error": format!("Unknown plugin: {name}"), "available": available})
}

fn route(description: &Description, command: &Command, name: &str) -> Map<String, Value> {
    let plugin = &description.name;
    let fields = json!({
        "plugin": plugin,
        "command": name,
        "operationId": format!("{plugin}_{}", command.operation_id),
        "path": format!("/{plugin}{}", command.path),
        "summary": command.summary,
        "description": command.description,
        "methods": methods(command),
        "parameters": command.parameters.iter().map(parameter::help).collect::<Vec<_>>(),
        "usage": usage(plugin, command),
        "examples": command.examples,
    });
    let Value::Object(mut fields) = fields else { return Map::new() };
    if let Some(program) = &command.program {
        fields.insert("program".to_owned(), program.reference.as_str().into());
    }
    fields
}

/// The methods by which a command is called; none for a program, which is not served over HTTP.
fn methods(command: &Command) -> Vec<&str> {
    command.program.is_none().then_some(command.method.as_str()).into_iter().collect()
}
