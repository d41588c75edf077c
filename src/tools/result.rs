//! The schema of a tool's structured result.
//!
//! The Model Context Protocol had structured results that are objects only, up to the revision 2025-11-25. A result of
//! another type is the field [`FIELD`] of one, as in other servers.

use serde_json::{Map, Value, json};

use crate::command::schema;

/// The field of a result that is no object by itself.
pub const FIELD: &str = "result";

/// The structured result of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Structured {
    /// JSON Schema 2020-12 of an object.
    pub schema: Map<String, Value>,
    /// True if the result is its field [`FIELD`].
    pub is_wrapped: bool,
}

impl Structured {
    /// The structured result whose schema is `output`.
    pub fn of(output: &Value) -> Structured {
        let mut output = output.clone();
        loosen(&mut output);
        match output {
            Value::Object(schema) if schema.get("type") == Some(&json!("object")) => {
                Structured { schema, is_wrapped: false }
            }
            output => Structured { schema: wrapped(output), is_wrapped: true },
        }
    }

    /// The structured result that `value` is.
    pub fn value(&self, value: Value) -> Value {
        if self.is_wrapped { json!({FIELD: value}) } else { value }
    }
}

/// Leaves out what a result need not be, for clients that refuse one that differs: a `float` that is no number is
/// `null` in JSON, and a `datetime` without a time zone is no `date-time`.
fn loosen(schema: &mut Value) {
    schema::visit(schema, &mut |keywords| {
        if keywords.get("type") == Some(&json!("number")) {
            keywords.insert("type".into(), json!(["number", "null"]));
        }
        if matches!(keywords.get("format").and_then(Value::as_str), Some("date-time" | "time")) {
            keywords.shift_remove("format");
        }
    });
}

fn wrapped(mut inner: Value) -> Map<String, Value> {
    // References are to the definitions of the whole.
    let definitions = inner.as_object_mut().and_then(|inner| inner.shift_remove("$defs"));
    let mut whole = Map::new();
    whole.insert("type".into(), json!("object"));
    whole.insert("properties".into(), json!({FIELD: inner}));
    whole.insert("required".into(), json!([FIELD]));
    whole.extend(definitions.map(|definitions| ("$defs".into(), definitions)));
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_takes_what_results_are_in_json() {
        let schema = json!({"type": "object", "properties": {
            "type": {"type": "number"},
            "at": {"type": "string", "format": "date-time", "default": {"type": "number"}},
            "on": {"type": "string", "format": "date"},
        }});
        let loose = Value::Object(Structured::of(&schema).schema);
        assert_eq!(loose["properties"]["type"]["type"], json!(["number", "null"]));
        assert_eq!(
            loose["properties"]["at"],
            json!({"type": "string", "default": {"type": "number"}})
        );
        assert_eq!(loose["properties"]["on"]["format"], "date");
    }

    #[test]
    fn only_objects_stand_by_themselves() {
        let object = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"type": "integer"}}});
        let structured = Structured::of(&object);
        assert_eq!(
            (&Value::Object(structured.schema.clone()), structured.is_wrapped),
            (&object, false)
        );
        assert_eq!(structured.value(json!({"a": 1})), json!({"a": 1}));

        let list = json!({"type": "array", "items": {"$ref": "#/$defs/A"},
            "$defs": {"A": {"type": "integer"}}});
        let structured = Structured::of(&list);
        assert_eq!(
            Value::Object(structured.schema.clone()),
            json!({"type": "object", "required": ["result"], "$defs": {"A": {"type": "integer"}},
                "properties": {"result": {"type": "array", "items": {"$ref": "#/$defs/A"}}}})
        );
        assert_eq!(structured.value(json!([1])), json!({"result": [1]}));
    }
}
