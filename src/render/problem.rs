//! Answers that report an error: FastAPI's validation errors, and `success: false`.

use serde_json::Value;

use crate::console::Style;

use super::python;

/// Returns the text of an answer that reports an error; none if it reports none.
pub(super) fn text(body: &Value, style: &Style) -> Option<String> {
    if let Some(Value::Array(details)) = body.get("detail") {
        return Some(invalid(details, style));
    }
    let Style { red, dim, reset, .. } = style;
    if body.get("success") != Some(&Value::Bool(false)) {
        return None;
    }
    let error = body.get("error").map_or_else(|| "Unknown".to_owned(), python::str);
    let mut text = format!("{red}Error:{reset} {error}");
    if let Some(hint) = body.get("hint").filter(|hint| python::truthy(hint)) {
        text.push_str(&format!("\n{dim}Hint: {}{reset}", python::str(hint)));
    }
    Some(text)
}

/// Returns the option of a location `["body", "person", "name"]`, with the place in its value: `person.name`.
fn option(place: Option<&[Value]>) -> String {
    // The item of a list is named by the list: its index is not part of the command line.
    let names = place.unwrap_or_default().iter().filter(|part| !part.is_number());
    let names: Vec<String> = names.map(python::str).collect();
    match names.as_slice() {
        [] => "unknown".to_owned(),
        [whole] => whole.clone(),
        [_, within @ ..] => within.join("."),
    }
}

/// Returns the text of a 422: one line for each parameter.
fn invalid(details: &[Value], style: &Style) -> String {
    let Style { red, yellow, dim, reset, .. } = style;
    let mut lines = vec![format!("{red}Error:{reset} Invalid parameters")];
    for detail in details {
        let name = option(detail.get("loc").and_then(Value::as_array).map(Vec::as_slice));
        let expected = match detail.get("type").and_then(Value::as_str) {
            Some("missing") => {
                lines.push(format!("  {yellow}Missing required parameter:{reset} --{name}"));
                continue;
            }
            Some("string_type") => "expected string",
            Some("int_parsing") => "expected integer",
            Some("bool_parsing") => "expected true/false",
            _ => {
                let message = detail.get("msg").map(python::str).unwrap_or_default();
                lines.push(format!("  {yellow}--{name}:{reset} {message}"));
                continue;
            }
        };
        lines.push(format!("  {yellow}Invalid value for --{name}:{reset} {expected}"));
    }
    lines.push(String::new());
    lines.push(format!("{dim}Hint: Use --help to see required parameters{reset}"));
    lines.join("\n")
}
