//! A value in one line, abbreviated.

use serde_json::{Map, Value};

use super::super::{python, strip_ansi};

/// Fields that stand for the whole record, the best first.
const NAMES: [&str; 7] = ["displayName", "name", "title", "label", "key", "value", "id"];
/// A record that is shorter than this is shown whole; in characters.
const SHORT: usize = 24;
/// The longest text of a value, in characters: a longer one fits no cell.
const LONGEST: usize = 500;

/// Returns `value` in one line: empty for null, a list's items with commas, a record by its name or its fields.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        Value::Bool(_) | Value::Number(_) => python::str(value),
        Value::Array(items) => joined(items.iter().map(inline)),
        Value::Object(fields) => {
            let whole = whole(fields);
            match name(fields).filter(|_| fields.len() == 1 || whole.chars().count() > SHORT) {
                Some(name) => inline(name),
                None => whole,
            }
        }
    }
}

/// True for a value that a cell can show: anything but a list of records without names.
pub(super) fn fits(value: &Value) -> bool {
    let is_short = |item: &Value| match item {
        Value::Object(fields) => fields.is_empty() || name(fields).is_some(),
        Value::Array(_) => false,
        _ => true,
    };
    value.as_array().is_none_or(|items| items.iter().all(is_short))
}

/// Returns the name of a record.
fn name(fields: &Map<String, Value>) -> Option<&Value> {
    NAMES.iter().find_map(|name| fields.get(*name).filter(|name| is_name(name)))
}

/// True for a value that can stand for a record.
fn is_name(value: &Value) -> bool {
    matches!(value, Value::String(text) if !text.is_empty()) || value.is_number()
}

fn whole(fields: &Map<String, Value>) -> String {
    let field = |(name, value): (&String, &Value)| format!("{}: {}", one_line(name), inline(value));
    match fields.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", joined(fields.iter().map(field))),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&part);
        if text.len() > LONGEST {
            break;
        }
    }
    cut(&text)
}

/// Returns `text` without colours, line breaks and other control characters.
pub(super) fn one_line(text: &str) -> String {
    let bare = strip_ansi(&cut(text));
    let printable = bare.chars().map(|c| if c.is_control() { ' ' } else { c });
    let line: String = printable.collect();
    line.trim().to_owned()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_value_is_one_line() {
        for (value, shown) in [
            (json!(null), ""),
            (json!(""), ""),
            (json!(true), "True"),
            (json!(1.50), "1.5"),
            (json!(" a\nb\tc\u{1b}[1m!\u{7} "), "a b c!"),
            (json!([]), ""),
            (json!(["a", 2, null]), "a, 2, "),
            (json!({}), ""),
            (json!({"a": 1, "b": "x"}), "{a: 1, b: x}"),
            (json!({"id": 10001, "name": "In Progress", "category": {"id": 4}}), "In Progress"),
            (json!({"name": "", "id": 5, "more": "and more, and even more"}), "5"),
            (
                json!([{"name": "backend", "description": "all of it", "id": 1}, {"name": "x"}]),
                "backend, x",
            ),
        ] {
            assert_eq!(inline(&value), shown, "{value}");
        }
        assert_eq!(inline(&json!("ü".repeat(9999))).chars().count(), LONGEST + 1);
        assert!(inline(&json!(vec!["x"; 9999])).chars().count() <= LONGEST + 2);
    }
}
