//! Usage lines of commands, and the names of their groups.

use serde_json::Value;

use crate::command::{Command, Location, Parameter};
use crate::description::Description;

/// Returns the positionals of `command`: `issue <key>`, `project <key> versions`, `root` for none.
fn form(command: &Command) -> String {
    let shown = command.path.named_segments().map(|segment| match segment.parameter() {
        Some(name) if segment.is_rest() => format!("<{name}…>"),
        Some(name) => format!("<{name}>"),
        None => segment.to_string().replace('{', "<").replace('}', ">"),
    });
    let parts: Vec<String> = shown.collect();
    if parts.is_empty() { "root".to_owned() } else { parts.join(" ") }
}

/// Returns the usage line of `command`: `jira search --jql <value> [options]`.
pub(crate) fn usage(plugin: &str, command: &Command) -> String {
    let mut parts = vec![plugin.to_owned()];
    if command.path.named_segments().next().is_some() {
        parts.push(form(command));
    }
    let options = || command.parameters.iter().filter(|p| p.location != Location::Path);
    parts.extend(options().filter(|p| p.required).map(|p| format!("--{} <value>", p.name)));
    if options().any(|parameter| !parameter.required) {
        parts.push("[options]".to_owned());
    }
    if command.program.as_ref().is_some_and(|program| program.takes_words) {
        parts.push("[arguments]".to_owned());
    }
    parts.join(" ")
}

/// The most options that a [`signature`] names, beside required ones.
const OPTIONS_MAX: usize = 4;
/// The longest list of choices in a [`signature`], in characters.
const CHOICES_MAX: usize = 26;

/// Returns the usage line of `command` with its options: `jira search --jql <text> [--max <integer>] [--full]`.
pub(crate) fn signature(plugin: &str, command: &Command) -> String {
    let mut parts = vec![plugin.to_owned()];
    if command.path.named_segments().next().is_some() {
        parts.push(form(command));
    }
    let options = command.parameters.iter().filter(|p| p.location != Location::Path);
    let (required, optional): (Vec<&Parameter>, Vec<&Parameter>) =
        options.partition(|parameter| parameter.required);
    parts.extend(required.into_iter().map(option));
    match optional.len() {
        0..=OPTIONS_MAX => parts.extend(optional.into_iter().map(|it| format!("[{}]", option(it)))),
        _ => parts.push("[options]".to_owned()),
    }
    if command.program.as_ref().is_some_and(|program| program.takes_words) {
        parts.push("[arguments]".to_owned());
    }
    parts.join(" ")
}

/// Returns an option with a placeholder for its value.
fn option(parameter: &Parameter) -> String {
    let schema = parameter.effective_schema();
    let choices = schema.get("enum").and_then(Value::as_array).map(|choices| {
        let texts =
            choices.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        texts.collect::<Vec<_>>().join("|")
    });
    match (parameter.json_type(), choices.filter(|it| it.chars().count() <= CHOICES_MAX)) {
        ("boolean", _) => format!("--{}", parameter.name),
        (_, Some(choices)) => format!("--{} <{choices}>", parameter.name),
        ("string", None) => format!("--{} <text>", parameter.name),
        ("array", None) => format!("--{} <value>…", parameter.name),
        ("object", None) => format!("--{} <json>", parameter.name),
        (kind, None) => format!("--{} <{kind}>", parameter.name),
    }
}

/// Returns the names of the groups of commands, each once in order of declaration, without internal ones (`_…`).
pub(crate) fn groups(description: &Description) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for group in description.commands.iter().map(Command::group) {
        if !group.starts_with('_') && !groups.iter().any(|listed| listed == group) {
            groups.push(group.to_owned());
        }
    }
    groups
}
