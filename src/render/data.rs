//! The data of a successful answer as text.

use serde_json::{Map, Value};

use crate::console::Style;

use super::python;

/// A tool's description is cut to this many characters.
const LONGEST_DESCRIPTION: usize = 60;
/// An issue's summary is cut to this many characters.
const LONGEST_SUMMARY: usize = 50;
/// Number of matches of a memory that are shown.
const MOST_SNIPPETS: usize = 3;

/// Returns `data`, of any shape, as text.
pub(super) fn text(data: &Value, style: &Style) -> String {
    let Style { green, yellow, reset, .. } = style;
    match data {
        Value::Null => format!("{green}OK{reset}"),
        Value::String(text) => format!("{green}{text}{reset}"),
        Value::Array(items) if items.is_empty() => format!("{yellow}No results{reset}"),
        Value::Array(items) => {
            items.iter().map(|each| item(each, style)).collect::<Vec<_>>().join("\n")
        }
        Value::Object(fields) => object(fields, style),
        Value::Bool(_) | Value::Number(_) => python::str(data),
    }
}

/// True for an object with a special form.
pub(super) fn is_known(fields: &Map<String, Value>) -> bool {
    fields.contains_key("active_project") || fields.contains_key("recipes")
}

fn object(fields: &Map<String, Value>, style: &Style) -> String {
    let Style { green, bold, reset, .. } = style;
    if let Some(project) = fields.get("active_project") {
        return format!("Project: {green}{}{reset}", python::str(project));
    }
    if let Some(recipes) = fields.get("recipes") {
        let names = match recipes {
            Value::Array(names) => names.iter().map(python::str).collect::<Vec<_>>().join(", "),
            Value::Object(groups) => groups.keys().cloned().collect::<Vec<_>>().join(", "),
            other => python::str(other),
        };
        return format!("{bold}Recipes:{reset} {names}");
    }
    let lines =
        fields.iter().map(|(name, value)| format!("{bold}{name}:{reset} {}", python::str(value)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns one item of a list in the form that its fields suggest.
pub(super) fn item(item: &Value, style: &Style) -> String {
    let Value::Object(fields) = item else { return python::str(item) };
    let has = |name: &str| fields.contains_key(name);
    if has("memory") && has("snippets") {
        memory(fields, style)
    } else if has("description") && !has("kind") {
        tool(fields, style)
    } else if has("key") && has("fields") {
        issue(fields, style)
    } else if has("name_path") || has("kind") {
        symbol(item, style)
    } else {
        python::one_line(item)
    }
}

fn memory(fields: &Map<String, Value>, style: &Style) -> String {
    let Style { cyan, dim, reset, .. } = style;
    let name = shown(fields.get("memory"), "?");
    let count = shown(fields.get("match_count"), "0");
    let mut text = format!("{cyan}{name}{reset} {dim}({count} matches){reset}");
    let snippets = fields.get("snippets").and_then(Value::as_array).into_iter().flatten();
    for snippet in snippets.take(MOST_SNIPPETS) {
        text.push_str(&format!("\n  {dim}{}{reset}", python::str(snippet)));
    }
    text
}

fn tool(fields: &Map<String, Value>, style: &Style) -> String {
    let Style { cyan, dim, reset, .. } = style;
    let name = shown(fields.get("name"), "?");
    let mut text = present(fields.get("description"));
    if text.chars().count() > LONGEST_DESCRIPTION {
        text = cut(&text, LONGEST_DESCRIPTION - 3) + "...";
    }
    format!("{cyan}{name:30}{reset} {dim}{text}{reset}")
}

fn issue(fields: &Map<String, Value>, style: &Style) -> String {
    let Style { cyan, reset, .. } = style;
    let key = shown(fields.get("key"), "?");
    let details = fields.get("fields");
    let summary = present(details.and_then(|details| details.get("summary")));
    let status = details.and_then(|details| details.get("status"));
    let status = shown(status.and_then(|status| status.get("name")), "?");
    format!("{cyan}{key:15}{reset} {status:15} {}", cut(&summary, LONGEST_SUMMARY))
}

fn symbol(item: &Value, style: &Style) -> String {
    let Style { cyan, dim, reset, .. } = style;
    let file = either(item, "relative_path", "file").map(python::str).unwrap_or_default();
    let line = item.get("body_location").and_then(|place| place.get("start_line"));
    let mut text = format!(
        "{cyan}{}{reset} {dim}({}) {file}:{}{reset}",
        symbol_name(item),
        kind(item),
        shown(line, "0"),
    );
    for child in item.get("children").and_then(Value::as_array).into_iter().flatten() {
        let place = either(child, "body_location", "location");
        let line = place.and_then(|place| either(place, "start_line", "line"));
        text.push_str(&format!(
            "\n  {dim}├─{reset} {} {dim}({}) :{}{reset}",
            symbol_name(child),
            kind(child),
            shown(line, "0"),
        ));
    }
    text
}

fn symbol_name(item: &Value) -> String {
    shown(either(item, "name_path", "name"), "?")
}

/// Returns the kind of a symbol: a name, or that of a number of the Language Server Protocol.
fn kind(item: &Value) -> String {
    let kind = item.get("kind");
    let name = match kind.and_then(Value::as_u64) {
        Some(1) => "File",
        Some(2) => "Module",
        Some(3) => "Namespace",
        Some(4) => "Package",
        Some(5) => "Class",
        Some(6) => "Method",
        Some(7) => "Property",
        Some(8) => "Field",
        Some(9) => "Constructor",
        Some(10) => "Enum",
        Some(11) => "Interface",
        Some(12) => "Function",
        Some(13) => "Variable",
        Some(14) => "Constant",
        Some(22) => "Struct",
        Some(23) => "Event",
        _ => return shown(kind, ""),
    };
    name.to_owned()
}

/// Returns the field `first` if it is truthy, else the field `second`.
fn either<'a>(item: &'a Value, first: &str, second: &str) -> Option<&'a Value> {
    item.get(first).filter(|value| python::truthy(value)).or_else(|| item.get(second))
}

fn shown(value: Option<&Value>, absent: &str) -> String {
    value.map_or_else(|| absent.to_owned(), python::str)
}

/// Returns `value` as text, empty for null.
fn present(value: Option<&Value>) -> String {
    shown(value.filter(|value| !value.is_null()), "")
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
