//! A value in one line, as short as it still says something.

use serde_json::{Map, Value};

use super::super::{python, strip_ansi};

/// Fields that stand for the whole record, the most telling first.
const NAMES: [&str; 7] = ["displayName", "name", "title", "label", "key", "value", "id"];
/// A record that is shorter than this is shown whole; in characters.
const SHORT: usize = 24;
/// No more of a value is looked at: nothing that is longer fits a cell; in characters.
const LONGEST: usize = 500;

/// `value` in one line: nothing for null, a list's items with commas, a record by its name or its fields.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        Value::Bool(_) | Value::Number(_) => python::str(value),
        Value::Array(items) => joined(items.iter().map(inline)),
        Value::Object(fields) => {
            let whole = whole(fields);
            let name =
                || NAMES.iter().find_map(|name| fields.get(*name).filter(|name| tells(name)));
            match name().filter(|_| fields.len() == 1 || whole.chars().count() > SHORT) {
                Some(name) => inline(name),
                None => whole,
            }
        }
    }
}

/// True for what a cell can hold without hiding most of it: no list of records that have no names.
pub(super) fn is_enough_for(value: &Value) -> bool {
    let is_short = |item: &Value| match item {
        Value::Object(fields) => fields.is_empty() || name(fields).is_some(),
        Value::Array(_) => false,
        _ => true,
    };
    value.as_array().is_none_or(|items| items.iter().all(is_short))
}

/// What a record is called.
fn name(fields: &Map<String, Value>) -> Option<&Value> {
    NAMES.iter().find_map(|name| fields.get(*name).filter(|name| tells(name)))
}

/// True for a value that can stand for a record.
fn tells(value: &Value) -> bool {
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

/// `text` without colours, line breaks and whatever else would move the cursor.
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
