//! Help without a terminal: one line for each command and each parameter, of any length, that can be searched.

use serde_json::Value;

use super::super::python;
use super::super::wrap::{padded, visible};
use super::signature::Signature;
use super::{PROGRAM, field, form, is_empty, is_program, list, texts, title};

/// Names are padded to at most this many columns; a longer one pushes its own line.
const WIDEST_NAME: usize = 36;
/// Names are padded to at least this many columns.
const NARROWEST_NAME: usize = 20;

/// Help of a plugin.
pub(super) fn plugin(body: &Value, commands: &[Value]) -> Vec<String> {
    let mut lines = vec![title(&field(body, "plugin"), &field(body, "description"))];
    if !field(body, "version").is_empty() {
        lines.push(format!("Version: {}", field(body, "version")));
    }
    lines.extend([String::new(), "Commands:".to_owned()]);
    let rows: Vec<[String; 3]> =
        commands.iter().map(|each| [form(each), methods(each), field(each, "summary")]).collect();
    let widest = |column: usize, least: usize| {
        let texts = rows.iter().filter_map(|row| row.get(column));
        texts.map(|text| visible(text).min(WIDEST_NAME)).max().unwrap_or(0).max(least)
    };
    let (names, methods) = (widest(0, NARROWEST_NAME), widest(1, 0));
    for [name, method, summary] in &rows {
        let line = format!("  {} {} {summary}", padded(name, names), padded(method, methods));
        lines.push(line.trim_end().to_owned());
    }
    lines.extend(examples(body));
    let hint = field(body, "hint");
    if !hint.is_empty() {
        lines.extend([String::new(), hint]);
    }
    lines
}

/// Help of a command: the routes of exactly its name in full, those of longer names as a list.
pub(super) fn command(body: &Value) -> Vec<String> {
    let (own, others) = super::routes(body);
    let mut lines = Vec::new();
    for each in own {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(route(each));
    }
    if others.is_empty() {
        return lines;
    }
    if lines.is_empty() {
        lines.push(format!("{} {}", field(body, "plugin"), field(body, "command")));
    }
    lines.extend([String::new(), "Commands:".to_owned()]);
    for each in others {
        lines.push(format!("  {} {}", field(each, "usage"), methods(each)));
        let summary = field(each, "summary");
        if !summary.is_empty() {
            lines.push(format!("      {summary}"));
        }
    }
    lines
}

fn route(body: &Value) -> Vec<String> {
    let name = format!("{} {}", field(body, "plugin"), field(body, "command"));
    let mut lines = vec![title(&name, &field(body, "summary"))];
    if !field(body, "description").is_empty() {
        lines.push(field(body, "description"));
    }
    if !field(body, "usage").is_empty() {
        lines.extend([String::new(), format!("Usage: {}", field(body, "usage"))]);
    }
    let methods = texts(body, "methods").join(", ");
    let path = match is_program(body) {
        true => PROGRAM.to_owned(),
        false => format!("Path: {}  Methods: {methods}", field(body, "path")),
    };
    lines.extend([String::new(), path]);
    let parameters = list(body, "parameters").unwrap_or_default();
    if !parameters.is_empty() {
        lines.extend([String::new(), "Parameters:".to_owned()]);
        lines.extend(parameters.iter().map(parameter));
    }
    lines.extend(examples(body));
    lines
}

fn parameter(body: &Value) -> String {
    let width = NARROWEST_NAME;
    let need = match body.get("required") {
        Some(Value::Bool(true)) => "required",
        _ => "optional",
    };
    let mut line = format!("  --{:width$} [{need}]", field(body, "name"));
    let about = field(body, "description");
    if !about.is_empty() {
        line.push_str(&format!(" {}", about.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    let takes = Signature::of(body).phrases();
    if !takes.is_empty() {
        line.push_str(&format!(" ({})", takes.join(", ")));
    }
    // Not repeated where the description lists the choices.
    if texts(body, "enum").iter().any(|choice| !about.contains(choice)) {
        line.push_str(&format!(" (one of: {})", texts(body, "enum").join(", ")));
    }
    if let Some(default) = body.get("default").filter(|default| !is_empty(default)) {
        line.push_str(&format!(" (default: {})", python::str(default)));
    }
    line
}

fn examples(body: &Value) -> Vec<String> {
    let examples = texts(body, "examples");
    if examples.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Examples:".to_owned()];
    lines.extend(examples.iter().map(|example| format!("  {example}")));
    lines
}

fn methods(command: &Value) -> String {
    let methods = texts(command, "methods");
    if methods.is_empty() { String::new() } else { format!("[{}]", methods.join(", ")) }
}
