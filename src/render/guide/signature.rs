//! The values of a parameter as text: type, choices and limits.

use serde_json::Value;

use super::super::python;
use super::{field, texts};

/// The widest list of choices in a placeholder, in columns.
const WIDEST_CHOICES: usize = 26;

/// The type, choices and limits of a parameter.
pub(super) struct Signature<'a> {
    /// The schema of one value: the parameter's, or that of a list's items.
    item: &'a Value,
    /// True if it may be given more than once.
    repeated: bool,
    body: &'a Value,
}

impl<'a> Signature<'a> {
    /// The signature of a parameter in an answer of `/{plugin}/help`.
    pub(super) fn of(body: &'a Value) -> Signature<'a> {
        let repeated = field(body, "type") == "array";
        let item = body.get("items").filter(|items| repeated && items.is_object());
        Signature { item: item.unwrap_or(body), repeated, body }
    }

    /// True for a switch, which needs no value.
    pub(super) fn is_switch(&self) -> bool {
        self.kind() == "boolean" && !self.repeated
    }

    /// Returns the placeholder for the value on a terminal: `INTEGER`, `red|green`, `TEXT…`; empty for a switch.
    pub(super) fn placeholder(&self) -> String {
        if self.is_switch() {
            return String::new();
        }
        let choices = self.choices();
        let joined = choices.join("|");
        let placeholder = if !choices.is_empty() && joined.chars().count() <= WIDEST_CHOICES {
            joined
        } else {
            match (self.kind().as_str(), field(self.item, "format").as_str()) {
                ("object", _) => "JSON".to_owned(),
                ("string" | "array" | "", "") => "TEXT".to_owned(),
                ("string", format) => format.to_uppercase(),
                (kind, _) => kind.to_uppercase(),
            }
        };
        if self.repeated { format!("{placeholder}…") } else { placeholder }
    }

    /// True if the [`placeholder`](Signature::placeholder) names all choices.
    pub(super) fn shows_choices(&self) -> bool {
        let choices = self.choices();
        !choices.is_empty() && self.placeholder().trim_end_matches('…') == choices.join("|")
    }

    /// Returns the allowed values; empty if any value of the type is allowed.
    pub(super) fn choices(&self) -> Vec<String> {
        match texts(self.item, "enum") {
            choices if choices.is_empty() => texts(self.body, "enum"),
            choices => choices,
        }
    }

    /// Returns the limits of the values: `0 to 1000`, `at least 3 characters`, `matches ^[A-Z]+$`.
    pub(super) fn limits(&self) -> Vec<String> {
        let value = |name: &str| self.item.get(name).filter(|value| !value.is_null());
        let mut limits = Vec::new();
        match (value("minimum"), value("maximum")) {
            (Some(least), Some(most)) => {
                limits.push(format!("{} to {}", number(least), number(most)));
            }
            (Some(least), None) => limits.push(format!("at least {}", number(least))),
            (None, Some(most)) => limits.push(format!("at most {}", number(most))),
            (None, None) => {}
        }
        for (name, words) in [
            ("exclusiveMinimum", "more than"),
            ("exclusiveMaximum", "less than"),
            ("multipleOf", "a multiple of"),
        ] {
            limits.extend(value(name).map(|limit| format!("{words} {}", number(limit))));
        }
        let lengths = (
            value("minLength").and_then(Value::as_u64),
            value("maxLength").and_then(Value::as_u64),
        );
        let characters = |count: u64| if count == 1 { "character" } else { "characters" };
        match lengths {
            (Some(least), Some(most)) if least == most => {
                limits.push(format!("{most} {}", characters(most)));
            }
            (Some(least), Some(most)) => limits.push(format!("{least} to {most} characters")),
            (Some(least), None) => limits.push(format!("at least {least} {}", characters(least))),
            (None, Some(most)) => limits.push(format!("at most {most} {}", characters(most))),
            (None, None) => {}
        }
        limits.extend(value("pattern").map(|pattern| format!("matches {}", python::str(pattern))));
        limits
    }

    /// Returns type and limits as phrases; no phrase for the type text.
    pub(super) fn phrases(&self) -> Vec<String> {
        let format = field(self.item, "format");
        let kind = match self.kind().as_str() {
            "string" | "array" => format,
            "object" => "JSON object".to_owned(),
            kind => kind.to_owned(),
        };
        let mut phrases: Vec<String> =
            Some(kind).filter(|kind| !kind.is_empty()).into_iter().collect();
        phrases.extend(self.limits());
        if self.repeated {
            phrases.push("may be repeated".to_owned());
        }
        phrases
    }

    fn kind(&self) -> String {
        field(self.item, "type")
    }
}

/// Returns a limit without the `.0` that FastAPI's document has even for whole numbers.
fn number(limit: &Value) -> String {
    let shown = python::str(limit);
    shown.strip_suffix(".0").map(str::to_owned).unwrap_or(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_placeholders_and_phrases() {
        for (body, placeholder, phrases) in [
            (json!({"type": "string"}), "TEXT", ""),
            (json!({}), "TEXT", ""),
            (
                json!({"type": "integer", "minimum": 1.0, "maximum": 50}),
                "INTEGER",
                "integer, 1 to 50",
            ),
            (
                json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1.5}),
                "NUMBER",
                "number, more than 0, less than 1.5",
            ),
            (json!({"type": "integer", "minimum": 0.0}), "INTEGER", "integer, at least 0"),
            (
                json!({"type": "integer", "maximum": 9, "multipleOf": 3}),
                "INTEGER",
                "integer, at most 9, a multiple of 3",
            ),
            (json!({"type": "boolean"}), "", "boolean"),
            (json!({"type": "object"}), "JSON", "JSON object"),
            (json!({"type": "string", "format": "date-time"}), "DATE-TIME", "date-time"),
            (json!({"type": "string", "enum": ["a", "b"]}), "a|b", ""),
            (json!({"type": "string", "enum": ["a".repeat(20), "b".repeat(20)]}), "TEXT", ""),
            (
                json!({"type": "array", "items": {"type": "integer", "minimum": 1}}),
                "INTEGER…",
                "integer, at least 1, may be repeated",
            ),
            (json!({"type": "array", "items": {"enum": ["a", "b"]}}), "a|b…", "may be repeated"),
            (json!({"type": "array"}), "TEXT…", "may be repeated"),
            (
                json!({"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]+$"}),
                "TEXT",
                "1 to 5 characters, matches ^[a-z]+$",
            ),
            (json!({"type": "string", "minLength": 1}), "TEXT", "at least 1 character"),
            (json!({"type": "string", "maxLength": 2}), "TEXT", "at most 2 characters"),
            (json!({"type": "string", "minLength": 2, "maxLength": 2}), "TEXT", "2 characters"),
            (json!({"type": 5, "items": 1, "enum": 2, "minimum": null}), "5", "5"),
        ] {
            let signature = Signature::of(&body);
            assert_eq!(
                (signature.placeholder(), signature.phrases().join(", ")),
                (placeholder.into(), phrases.into()),
                "{body}"
            );
        }
    }
}
