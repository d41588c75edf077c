//! Help as text: of a plugin, of a command, and the error for an unknown one.
//!
//! Two layouts of the same facts: `page` for a terminal, `plain` for all other output. `signature` describes the
//! values of a parameter in both; to show another keyword of the JSON Schema, add it there.

mod page;
mod plain;
mod signature;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::console::Style;

use super::wrap;
use super::{Options, python};

/// Returns the text of an answer of `/{plugin}/help`; none for any other answer.
pub(super) fn text(body: &Value, options: &Options) -> Option<String> {
    let lines = if body.get("error").is_some() {
        unknown(body, options)
    } else if let Some(commands) = list(body, "commands") {
        match options.width {
            0 => plain::plugin(body, commands),
            _ => page::plugin(body, commands, options),
        }
    } else if body.get("parameters").is_some() {
        match options.width {
            0 => plain::command(body),
            _ => page::command(body, options),
        }
    } else {
        return None;
    };
    Some(lines.join("\n"))
}

fn unknown(body: &Value, options: &Options) -> Vec<String> {
    let Style { red, dim, reset, .. } = options.style;
    let mut lines = vec![format!("{red}Error:{reset} {}", field(body, "error"))];
    let available = texts(body, "available");
    if !available.is_empty() {
        let line = format!("{dim}Available: {}{reset}", available.join(", "));
        lines.push(wrap::hanging(&line, 11, options.width));
    }
    lines
}

/// Returns the routes of exactly the command's name, and those whose name begins with it.
fn routes(body: &Value) -> (Vec<&Value>, Vec<&Value>) {
    let name = field(body, "command");
    match list(body, "routes") {
        Some(routes) => routes.iter().partition(|each| field(each, "command") == name),
        None => (vec![body], Vec::new()),
    }
}

/// Returns the positionals of a command in a plugin's list: its path with spaces.
fn form(command: &Value) -> String {
    let path = field(command, "path");
    let parts: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| part.replace(":path}", "…}").replace('{', "<").replace('}', ">"))
        .collect();
    if parts.is_empty() { field(command, "name") } else { parts.join(" ") }
}

/// How a command that is a program is called.
const PROGRAM: &str = "A program that runs in your terminal";

/// True for the help of a command that is a program.
fn is_program(body: &Value) -> bool {
    body.get("program").is_some()
}

fn title(name: &str, about: &str) -> String {
    if about.is_empty() { name.to_owned() } else { format!("{name} - {about}") }
}

/// True for an empty default: null, no text, no items.
fn is_empty(default: &Value) -> bool {
    !python::truthy(default) && !default.is_boolean() && !default.is_number()
}

fn field(body: &Value, name: &str) -> String {
    body.get(name).filter(|value| !value.is_null()).map(python::str).unwrap_or_default()
}

fn list<'a>(body: &'a Value, name: &str) -> Option<&'a [Value]> {
    body.get(name).and_then(Value::as_array).map(Vec::as_slice)
}

fn texts(body: &Value, name: &str) -> Vec<String> {
    list(body, name).unwrap_or_default().iter().map(python::str).collect()
}
