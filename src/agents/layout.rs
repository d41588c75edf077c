//! The layout of JSON that is inserted: that of the text around it.

use serde_json::Value;

use super::splice::line_start;

/// Indentation where the text has none to follow.
pub(super) const INDENT: &str = "  ";

/// Returns the whitespace at the start of the line of `at`.
pub(super) fn indent_of(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..at];
    &line[..line.len() - line.trim_start().len()]
}

/// Returns one step of indentation.
pub(super) fn unit(text: &str) -> &str {
    let indents = text.lines().map(|line| &line[..line.len() - line.trim_start().len()]);
    let indented = text.lines().zip(indents).filter(|(line, _)| line.trim_start().starts_with('"'));
    indented.map(|(_, indent)| indent).find(|indent| !indent.is_empty()).unwrap_or(INDENT)
}

/// Returns `value` on several lines, the later ones behind `indent`; lists of texts stay on one line.
pub(super) fn pretty(value: &Value, indent: &str, unit: &str, line_break: &str) -> String {
    let Value::Object(fields) = value else { return compact(value) };
    let inner = format!("{indent}{unit}");
    let field = |(name, value): (&String, &Value)| {
        let name = Value::from(name.as_str());
        format!("{line_break}{inner}{name}: {}", pretty(value, &inner, unit, line_break))
    };
    let fields: Vec<String> = fields.iter().map(field).collect();
    format!("{{{}{line_break}{indent}}}", fields.join(","))
}

/// Returns `value` on one line; an object that is not empty has a space behind its brace, which marks it as new.
pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                format!("{}: {}", Value::from(name.as_str()), compact(value))
            };
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(compact).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
