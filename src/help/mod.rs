//! Help of plugins and commands, as `/{plugin}/help` answers it.
//!
//! Owns the JSON that scripts and agents read; the text that a person reads is made of it by
//! [`render`](crate::render). Everything comes from the [`Description`], so help needs no Python and no
//! running plugin. To tell more of a parameter, add the keyword of its JSON Schema to `KEYWORDS` in
//! `parameter`.

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

/// Help of a plugin: one entry for each method of each path, internal ones that begin with `_` left out.
pub fn plugin(description: &Description) -> Value {
    let name = &description.name;
    let entry = |command: &Command| {
        json!({
            "name": command.name(),
            "path": command.path,
            "summary": command.summary,
            "methods": [command.method],
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

/// Help of `command`: `issue`, `memory write`, `memory/write` or a path as it is typed, `issue/PROJ-1`.
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

/// Help for `command`, or for the whole plugin where none is named; an unknown command's answer says so.
pub fn answer(description: &Description, command: Option<&str>) -> Value {
    match command {
        Some(name) => self::command(description, name).unwrap_or_else(|unknown| unknown),
        None => plugin(description),
    }
}

/// The command that help is asked for in a command line: the words before the first option.
pub fn asked(arguments: &[String]) -> Option<String> {
    let words = arguments.iter().map(String::as_str).take_while(|word| !word.starts_with('-'));
    let words: Vec<&str> = words.collect();
    (!words.is_empty()).then(|| words.join("/"))
}

/// What to say beside the help of a plugin that cannot be asked for it now.
pub fn outdated(failure: &Failure) -> String {
    format!("This help is from when the plugin was last loaded. {}", failure.error)
}

/// Help of a plugin that there is not.
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
        "methods": [command.method],
        "parameters": command.parameters.iter().map(parameter::help).collect::<Vec<_>>(),
        "usage": usage(plugin, command),
        "examples": command.examples,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
