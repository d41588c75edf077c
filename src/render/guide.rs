//! Help as text: of a plugin, of a command, and the answer that there is none.

use serde_json::Value;

use crate::console::Style;

use super::wrap::{self, visible};
use super::{Options, python};

/// Names are padded to at most this many columns; a longer one pushes its own line.
const WIDEST_NAME: usize = 36;
/// Names are padded to at least this many columns.
const NARROWEST_NAME: usize = 20;

/// The text of an answer of `/{plugin}/help`; none if it is none.
pub(super) fn text(body: &Value, options: &Options) -> Option<String> {
    let lines = if body.get("error").is_some() {
        unknown(body, options)
    } else if let Some(commands) = list(body, "commands") {
        plugin(body, commands, options)
    } else if body.get("parameters").is_some() {
        command(body, options)
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

fn plugin(body: &Value, commands: &[Value], options: &Options) -> Vec<String> {
    let Style { cyan, dim, bold, reset, .. } = options.style;
    let title =
        title(&format!("{bold}{}{reset}", field(body, "plugin")), &field(body, "description"));
    let mut lines = vec![wrap::hanging(&title, 0, options.width)];
    if !field(body, "version").is_empty() {
        lines.push(format!("{dim}Version: {}{reset}", field(body, "version")));
    }
    lines.extend([String::new(), format!("{bold}Commands:{reset}")]);
    let rows: Vec<[String; 3]> =
        commands.iter().map(|each| [form(each), methods(each), field(each, "summary")]).collect();
    let names = widest(rows.iter().map(|[name, ..]| name), NARROWEST_NAME);
    let methods = widest(rows.iter().map(|[_, methods, _]| methods), 0);
    for [name, method, summary] in rows {
        // Spaces come after the colour, where they can be cut off.
        let room = " ".repeat(methods - visible(&method));
        let line = format!("  {cyan}{name:names$}{reset} {dim}{method}{reset}{room} {summary}");
        lines.push(wrap::hanging(line.trim_end(), names + methods + 4, options.width));
    }
    lines.extend(examples(body, options));
    let hint = field(body, "hint");
    if !hint.is_empty() {
        lines.extend([String::new(), format!("{dim}{hint}{reset}")]);
    }
    lines
}

/// A command: its routes of that very name in full, what else its name begins as a list.
fn command(body: &Value, options: &Options) -> Vec<String> {
    let Style { cyan, dim, bold, reset, .. } = options.style;
    let name = field(body, "command");
    let routes = list(body, "routes").unwrap_or_default();
    let own = |each: &&Value| field(each, "command") == name;
    let mut lines = Vec::new();
    if routes.is_empty() {
        lines.extend(route(body, options));
    }
    for each in routes.iter().filter(own) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(route(each, options));
    }
    let others: Vec<&Value> = routes.iter().filter(|each| !own(each)).collect();
    if others.is_empty() {
        return lines;
    }
    if lines.is_empty() {
        lines.push(format!("{bold}{} {name}{reset}", field(body, "plugin")));
    }
    lines.extend([String::new(), format!("{bold}Commands:{reset}")]);
    for each in others {
        lines.push(format!(
            "  {cyan}{}{reset} {dim}{}{reset}",
            field(each, "usage"),
            methods(each)
        ));
        let summary = field(each, "summary");
        if !summary.is_empty() {
            lines.push(wrap::hanging(&format!("      {summary}"), 6, options.width));
        }
    }
    lines
}

fn route(body: &Value, options: &Options) -> Vec<String> {
    let Style { dim, bold, reset, .. } = options.style;
    let width = options.width;
    let name = format!("{bold}{} {}{reset}", field(body, "plugin"), field(body, "command"));
    let mut lines = vec![wrap::hanging(&title(&name, &field(body, "summary")), 0, width)];
    if !field(body, "description").is_empty() {
        lines.push(wrap::text(&field(body, "description"), width));
    }
    if !field(body, "usage").is_empty() {
        let usage = format!("{bold}Usage:{reset} {}", field(body, "usage"));
        lines.extend([String::new(), wrap::hanging(&usage, 7, width)]);
    }
    let methods = texts(body, "methods").join(", ");
    let path = format!("{dim}Path: {}  Methods: {methods}{reset}", field(body, "path"));
    lines.extend([String::new(), path]);
    let parameters = list(body, "parameters").unwrap_or_default();
    if !parameters.is_empty() {
        lines.extend([String::new(), format!("{bold}Parameters:{reset}")]);
        lines.extend(parameters.iter().map(|each| parameter(each, options)));
    }
    lines.extend(examples(body, options));
    lines
}

fn parameter(body: &Value, options: &Options) -> String {
    let Style { red, dim, reset, .. } = options.style;
    let width = NARROWEST_NAME;
    let need = match body.get("required") {
        Some(Value::Bool(true)) => format!("{red}required{reset}"),
        _ => format!("{dim}optional{reset}"),
    };
    let mut line = format!("  --{:width$} [{need}]", field(body, "name"));
    let indent = visible(&line) + 1;
    let about = field(body, "description");
    if !about.is_empty() {
        line.push_str(&format!(" {}", about.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    // A help text that lists the choices need not be repeated.
    let choices: Vec<String> =
        texts(body, "enum").into_iter().filter(|choice| !about.contains(choice)).collect();
    if !choices.is_empty() {
        line.push_str(&format!(" {dim}(one of: {}){reset}", texts(body, "enum").join(", ")));
    }
    if let Some(default) = body.get("default").filter(|default| !is_nothing(default)) {
        line.push_str(&format!(" {dim}(default: {}){reset}", python::str(default)));
    }
    wrap::hanging(&line, indent, options.width)
}

/// True for a default that says nothing: null, no text, no items.
fn is_nothing(default: &Value) -> bool {
    !python::truthy(default) && !default.is_boolean() && !default.is_number()
}

fn examples(body: &Value, options: &Options) -> Vec<String> {
    let Style { cyan, bold, reset, .. } = options.style;
    let examples = texts(body, "examples");
    if examples.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), format!("{bold}Examples:{reset}")];
    lines.extend(examples.iter().map(|example| format!("  {cyan}{example}{reset}")));
    lines
}

/// What is typed for a command of a plugin's list: its path with spaces.
fn form(command: &Value) -> String {
    let path = field(command, "path");
    let parts: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| part.replace(":path}", "…}").replace('{', "<").replace('}', ">"))
        .collect();
    if parts.is_empty() { field(command, "name") } else { parts.join(" ") }
}

fn methods(command: &Value) -> String {
    let methods = texts(command, "methods");
    if methods.is_empty() { String::new() } else { format!("[{}]", methods.join(", ")) }
}

fn title(name: &str, about: &str) -> String {
    if about.is_empty() { name.to_owned() } else { format!("{name} - {about}") }
}

fn widest<'a>(texts: impl Iterator<Item = &'a String>, least: usize) -> usize {
    texts.map(|text| visible(text).min(WIDEST_NAME)).max().unwrap_or(0).max(least)
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
