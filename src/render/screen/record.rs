//! One record as `key: value` lines, nested ones indented below their key.

use serde_json::Value;

use super::super::{python, wrap};
use super::{Fields, Screen, cell, records};

/// The widest key behind which values are aligned, in columns.
const WIDEST_KEY: usize = 24;
/// Indentation of nested values, in columns.
const INDENT: usize = 2;
/// The narrowest remaining terminal for nested values, which are shown in one line below it; in columns.
const NARROWEST: usize = 24;

impl Screen<'_> {
    /// Returns the lines of a record's fields.
    pub(super) fn record(&self, fields: &Fields) -> Vec<String> {
        let flat = fields.iter().filter(|(_, value)| self.is_flat(value));
        let widths = flat.map(|(name, _)| wrap::visible(&cell::one_line(name)) + 1);
        let column = widths.filter(|width| *width <= WIDEST_KEY).max().unwrap_or(0) + 1;
        fields.iter().flat_map(|(name, value)| self.field(name, value, column)).collect()
    }

    /// True for a value on the line of its key.
    fn is_flat(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) => !items.iter().any(|item| self.nests(item)),
            other => !self.nests(other),
        }
    }

    /// True for a value on lines of its own.
    fn nests(&self, value: &Value) -> bool {
        let has_items = match value {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        has_items && self.width >= NARROWEST + INDENT
    }

    fn field(&self, name: &str, value: &Value, column: usize) -> Vec<String> {
        let bold = self.style.bold;
        let key = format!("{bold}{}:{}", cell::one_line(name), self.style.reset);
        if self.is_flat(value) {
            return self.flat(&wrap::padded(&key, column), value, column);
        }
        let inner = Screen { width: self.width - INDENT, ..*self };
        let nested = match value {
            Value::Object(fields) => inner.record(fields),
            Value::Array(items) => match records(items) {
                Some(records) => inner.list(&records),
                None => items.iter().flat_map(|item| inner.flat("- ", item, 2)).collect(),
            },
            _ => Vec::new(),
        };
        let indent = " ".repeat(INDENT);
        let mut lines = vec![key];
        for line in nested.iter().flat_map(|lines| lines.split('\n')) {
            lines.push(if line.is_empty() { String::new() } else { format!("{indent}{line}") });
        }
        lines
    }

    /// Returns the lines of `value` behind `start`, all of its lines but the first indented by `column`.
    fn flat(&self, start: &str, value: &Value, column: usize) -> Vec<String> {
        let (dim, reset) = (self.style.dim, self.style.reset);
        let text = match value {
            Value::String(text) => text.trim_end().to_owned(),
            Value::Null => format!("{dim}None{reset}"),
            Value::Array(_) | Value::Object(_) => cell::inline(value),
            other => python::str(other),
        };
        let text = if text.is_empty() { format!("{dim}-{reset}") } else { text };
        let mut begun = start.to_owned();
        // A key that is too long for the column is followed by a space too.
        if !begun.ends_with(' ') {
            begun.push(' ');
        }
        let mut lines = Vec::new();
        for line in text.lines() {
            lines.push(wrap::hanging(&format!("{begun}{line}"), column, self.width));
            begun = " ".repeat(column);
        }
        lines
    }
}
