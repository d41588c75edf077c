//! What a command answered that failed, as a text for a model.

use serde_json::Value;

use super::running::Outcome;
use crate::console::Style;
use crate::render::{self, Options};

/// Text for a model: no colours, no width.
pub(super) const PLAIN: Options = Options { json: false, style: Style::PLAIN, width: 0 };

/// What went wrong, as a text.
pub(super) fn text(outcome: &Outcome, value: Option<&Value>) -> String {
    let Some(value) = value else {
        let body = String::from_utf8_lossy(&outcome.body);
        return match body.trim() {
            "" => format!("Error: {}", outcome.status),
            text => render::strip_ansi(text),
        };
    };
    match value.get("detail") {
        Some(Value::Array(details)) => invalid(details),
        Some(Value::String(detail)) => format!("Error: {}", render::strip_ansi(detail)),
        Some(detail) => format!("Error: {detail}"),
        None => render::strip_ansi(&match value.get("error").and_then(Value::as_str) {
            Some(error) if value.get("success").is_none() => format!("Error: {error}"),
            _ => render::answer(value, &PLAIN),
        }),
    }
}

/// The text of a 422: one line for each argument.
fn invalid(details: &[Value]) -> String {
    let mut lines = vec!["Error: invalid arguments".to_owned()];
    for detail in details {
        let place = detail.get("loc").and_then(Value::as_array).map(Vec::as_slice);
        let within = place.and_then(|place| place.split_first()).map(|(_, within)| within);
        let names = within.unwrap_or_default().iter().map(|part| match part {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        let name = names.collect::<Vec<_>>().join(".");
        let message = detail.get("msg").and_then(Value::as_str).unwrap_or_default();
        match name.as_str() {
            "" => lines.push(format!("  {message}")),
            name => lines.push(format!("  `{name}`: {message}")),
        }
    }
    lines.push("Hint: the tool's inputSchema describes its arguments.".to_owned());
    lines.join("\n")
}
