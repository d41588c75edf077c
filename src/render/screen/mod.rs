//! The data of a successful answer on a terminal: lists of records as tables, records as aligned fields.
//!
//! Without a terminal `data` shows the same answers in the form that scripts rely on. Its special lines are kept
//! here where they show more than a table: symbols with their children, memories with their places.
//!
//! Invariant: a table is never wider than the terminal. Where it cannot be narrow enough to be read, its records
//! stand below each other instead.

mod cell;
mod record;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::console::Style;

use super::data;
pub use rows::Rows;

/// A record of a list.
type Fields = Map<String, Value>;

/// Returns `data` for a terminal of `width` columns.
pub(super) fn text(data: &Value, style: &Style, width: usize) -> String {
    let screen = Screen { style, width };
    match data {
        Value::Array(items) => match records(items) {
            Some(records) => screen.list(&records).join("\n"),
            None => data::text(data, style),
        },
        Value::Object(fields) if !data::is_known(fields) && !fields.is_empty() => {
            screen.record(fields).join("\n")
        }
        _ => data::text(data, style),
    }
}

/// Style and remaining width of the terminal.
#[derive(Clone, Copy)]
struct Screen<'a> {
    style: &'a Style,
    width: usize,
}

impl Screen<'_> {
    /// Returns the lines of a list of records.
    fn list(&self, records: &[&Fields]) -> Vec<String> {
        let all_have = |names: &[&str]| {
            records.iter().all(|fields| names.iter().all(|name| fields.contains_key(*name)))
        };
        if all_have(&["memory", "snippets"]) || all_have(&["name_path"]) {
            let lines =
                |fields: &&Fields| data::item(&Value::Object((*fields).clone()), self.style);
            return records.iter().map(lines).collect();
        }
        let issues = all_have(&["key", "fields"]);
        let table = if issues { Some(table::of_issues(records)) } else { table::of(records) };
        if let Some(lines) = table.and_then(|table| table.lines(self.style, self.width)) {
            return lines;
        }
        let mut lines = Vec::new();
        for fields in records {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(self.record(fields));
        }
        lines
    }
}

/// Returns `items` as records; none if one of them is no object, or if all are empty.
fn records(items: &[Value]) -> Option<Vec<&Fields>> {
    let records: Option<Vec<&Fields>> = items.iter().map(Value::as_object).collect();
    records.filter(|records| records.iter().any(|fields| !fields.is_empty()))
}
