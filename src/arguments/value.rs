//! Text converted to values: numbers and truth values as clients of these plugins have always sent them.

use serde_json::{Number, Value};

use crate::command::{Location, Parameter};

/// Python's limit on the digits of an integer.
const MOST_DIGITS: usize = 4300;

/// True for `-5` and `-.5e3`, which are values although they begin like options.
pub(super) fn is_negative_number(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|number| {
        number.starts_with(|first: char| first.is_ascii_digit() || first == '.')
            && number.parse::<f64>().is_ok()
    })
}

/// Returns the truth value that FastAPI reads in `text`, if any.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "t" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Returns a truth value as Python writes it.
pub(super) fn python_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Returns `text` as it is sent for a number or a truth value: `007` as `7`, `yes` as `True`.
pub(super) fn normalized(text: &str) -> String {
    if let Some(integer) = integer(text) {
        return integer;
    }
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" => python_bool(true).to_owned(),
        "false" | "no" => python_bool(false).to_owned(),
        _ => text.to_owned(),
    }
}

/// Returns `text` as it is sent in query or header for `parameter`.
pub(super) fn plain(parameter: &Parameter, text: &str) -> String {
    match item_type(parameter) {
        "integer" | "boolean" => normalized(text),
        _ => text.to_owned(),
    }
}

/// Converts `text` to JSON for `parameter`: for a list a list, of one unless the text is a JSON array.
pub(super) fn json(parameter: &Parameter, text: &str) -> Value {
    let kind = item_type(parameter);
    if !is_list(parameter) {
        return json_of(kind, text);
    }
    match serde_json::from_str(text) {
        // `["a"]` is a list of texts, `[1]` may well be one of them.
        Ok(Value::Array(items)) if kind != "string" || items.iter().all(Value::is_string) => {
            Value::Array(items)
        }
        _ => Value::Array(vec![json_of(kind, text)]),
    }
}

/// Converts `text` to JSON of type `kind`; text of another type stays text, which the plugin refuses.
fn json_of(kind: &str, text: &str) -> Value {
    let found = match kind {
        "integer" => integer(text).and_then(|digits| digits.parse().ok()).map(Value::Number),
        "number" => text
            .trim()
            .parse()
            .ok()
            .or_else(|| text.trim().parse().ok().and_then(Number::from_f64))
            .map(Value::Number),
        "boolean" => truth(text).map(Value::Bool),
        "object" => serde_json::from_str(text).ok().filter(Value::is_object),
        "array" => serde_json::from_str(text).ok().filter(Value::is_array),
        _ => None,
    };
    found.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Returns the syntax error of `text` if `parameter` takes only JSON.
pub(super) fn json_error(parameter: &Parameter, text: &str) -> Option<String> {
    let is_json = parameter.location == Location::Body && item_type(parameter) == "object";
    serde_json::from_str::<Value>(text).err().filter(|_| is_json).map(|error| error.to_string())
}

/// Converts `text` to JSON of the type that it looks like.
pub(super) fn json_of_unknown(text: &str) -> Value {
    match normalized(text).as_str() {
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        other => integer(other)
            .and_then(|digits| digits.parse().ok())
            .map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// True if `parameter` takes several values.
pub(super) fn is_list(parameter: &Parameter) -> bool {
    parameter.json_type() == "array"
}

/// True if any text is a value of `parameter`.
pub(super) fn is_text(parameter: &Parameter) -> bool {
    item_type(parameter) == "string"
}

/// True if a value of `parameter` may be long enough for a file: text, or JSON, outside of the path.
pub(super) fn is_free(parameter: &Parameter) -> bool {
    parameter.location != Location::Path && matches!(item_type(parameter), "string" | "object")
}

/// True if `parameter` can stand without a value.
pub(super) fn is_boolean(parameter: &Parameter) -> bool {
    parameter.json_type() == "boolean"
}

/// Returns the JSON type of one value: that of the items for a list.
fn item_type(parameter: &Parameter) -> &str {
    if !is_list(parameter) {
        return parameter.json_type();
    }
    let items = parameter.effective_schema().get("items");
    items.and_then(|items| items.get("type")).and_then(Value::as_str).unwrap_or("string")
}

/// Returns the digits that Python's `int()` reads in `text`: signs, leading zeros and single underscores allowed.
fn integer(text: &str) -> Option<String> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let groups = || digits.split('_');
    if !groups().all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let digits = groups().collect::<String>();
    if digits.len() > MOST_DIGITS {
        return None;
    }
    match digits.trim_start_matches('0') {
        "" => Some("0".to_owned()),
        significant if negative => Some(format!("-{significant}")),
        significant => Some(significant.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_values_are_sent_as_python_reads_them() {
        for (typed, sent) in [
            ("007", "7"),
            (" -0012 ", "-12"),
            ("-0", "0"),
            ("+5", "5"),
            ("1_000", "1000"),
            ("1__0", "1__0"),
            ("_1", "_1"),
            ("1.50", "1.50"),
            ("", ""),
            ("-", "-"),
            ("YES", "True"),
            ("no", "False"),
            ("on", "on"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(normalized(typed), sent, "{typed:?}");
        }
        assert_eq!(normalized(&"1".repeat(5000)).len(), 5000);
    }

    #[test]
    fn only_numbers_are_negative_numbers() {
        for text in ["-5", "-0.5", "-.5", "-1e9", "-5."] {
            assert!(is_negative_number(text), "{text}");
        }
        for text in ["5", "-", "--5", "-inf", "-nan", "-5x", "-.", "-7d", "-x", ""] {
            assert!(!is_negative_number(text), "{text}");
        }
    }
}
