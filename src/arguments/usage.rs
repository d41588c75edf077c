//! Usage lines of commands, and the names of their groups.

use crate::command::{Command, Location};
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
