//! JSON Schemas that stand by themselves: taken out of an OpenAPI document with all they refer to.
//!
//! Every schema here is valid JSON Schema 2020-12 on its own. What it refers to lies in its `$defs`, nested
//! references and recursive models included.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Where OpenAPI keeps schemas.
const COMPONENTS: &str = "#/components/schemas/";
/// Where JSON Schema keeps them.
const DEFINITIONS: &str = "#/$defs/";
/// Keywords whose value is data, not a schema.
const DATA: [&str; 6] = ["const", "default", "enum", "example", "examples", "required"];
/// Keywords whose value is an object of schemas by name.
const NAMED: [&str; 4] = ["$defs", "dependentSchemas", "patternProperties", "properties"];

/// `schema` of the OpenAPI document `document`, made to stand by itself.
///
/// A reference at the top is followed, so that type, choices and fields are there to read.
pub fn standalone(document: &Value, schema: &Value) -> Value {
    let mut whole = followed(document, schema);
    let mut wanted = redirect(&mut whole);
    let mut definitions = Map::new();
    while let Some(name) = wanted.pop_first() {
        if definitions.contains_key(&name) {
            continue;
        }
        let component = document.pointer(&format!("/components/schemas/{}", escaped(&name)));
        let mut definition = component.cloned().unwrap_or(Value::Bool(true));
        wanted.extend(redirect(&mut definition));
        definitions.insert(name, definition);
    }
    if let Some(whole) = whole.as_object_mut().filter(|_| !definitions.is_empty()) {
        whole.insert("$defs".to_owned(), Value::Object(definitions));
    }
    whole
}

/// An object schema with `properties`, each of which stands by itself, and which becomes one with them.
pub fn object<'a>(
    properties: impl IntoIterator<Item = (&'a str, Value)>,
    required: &[&str],
    more: bool,
) -> Value {
    let (mut fields, mut definitions) = (Map::new(), Map::new());
    for (name, mut schema) in properties {
        if let Some(Value::Object(own)) =
            schema.as_object_mut().and_then(|schema| schema.shift_remove("$defs"))
        {
            // Of one document: what has the same name is the same.
            definitions.extend(own);
        }
        fields.entry(name).or_insert(schema);
    }
    let mut whole = json!({"type": "object", "properties": fields});
    if !required.is_empty() {
        whole["required"] = json!(required);
    }
    if !more {
        whole["additionalProperties"] = json!(false);
    }
    if !definitions.is_empty() {
        whole["$defs"] = Value::Object(definitions);
    }
    whole
}

/// `schema` with its own `$ref` followed, and that of a single `allOf`, which is how FastAPI writes enums.
pub fn followed(document: &Value, schema: &Value) -> Value {
    let target = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref"));
    let Some(pointer) = target.and_then(Value::as_str).and_then(|text| text.strip_prefix('#'))
    else {
        return schema.clone();
    };
    let mut found = document.pointer(pointer).cloned().unwrap_or(Value::Null);
    if let (Some(found), Some(own)) = (found.as_object_mut(), schema.as_object()) {
        for (key, value) in own.iter().filter(|(key, _)| *key != "$ref" && *key != "allOf") {
            found.insert(key.clone(), value.clone());
        }
    }
    found
}

/// Points the references in `schema` to its own definitions; returns the names of those it refers to.
fn redirect(schema: &mut Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut found = |reference: &mut String| {
        if let Some(name) = reference.strip_prefix(COMPONENTS) {
            names.insert(name.replace("~1", "/").replace("~0", "~"));
            *reference = format!("{DEFINITIONS}{name}");
        }
    };
    visit(schema, &mut |keywords| {
        if let Some(Value::String(reference)) = keywords.get_mut("$ref") {
            found(reference);
        }
        let mapping = keywords.get_mut("discriminator").and_then(|it| it.get_mut("mapping"));
        for target in mapping.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            if let Value::String(reference) = target {
                found(reference);
            }
        }
    });
    names
}

/// Calls `found` with the keywords of `schema`, and of each schema below it.
pub fn visit(schema: &mut Value, found: &mut impl FnMut(&mut Map<String, Value>)) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| visit(schema, found)),
        Value::Object(keywords) => {
            found(keywords);
            for (keyword, value) in keywords.iter_mut() {
                match (keyword.as_str(), value) {
                    (keyword, Value::Object(schemas)) if NAMED.contains(&keyword) => {
                        schemas.values_mut().for_each(|schema| visit(schema, found));
                    }
                    (keyword, _) if DATA.contains(&keyword) => {}
                    (_, value) => visit(value, found),
                }
            }
        }
        _ => {}
    }
}

/// A name as a token of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({"components": {"schemas": {
            "Node": {"type": "object", "properties": {
                "$ref": {"type": "string"},
                "colour": {"$ref": "#/components/schemas/Colour"},
                "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}},
                "default": {"$ref": "#/components/schemas/Data"}},
            "Colour": {"type": "string", "enum": ["red"]},
            "Unused": {"type": "null"},
        }}})
    }

    #[test]
    fn nested_and_recursive_references_become_own_definitions() {
        let schema = json!({"$ref": "#/components/schemas/Node", "description": "d"});
        let alone = standalone(&document(), &schema);
        assert_eq!(alone["type"], "object");
        assert_eq!(alone["description"], "d");
        assert_eq!(alone["properties"]["colour"]["$ref"], "#/$defs/Colour");
        let names: Vec<&String> = alone["$defs"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["Colour", "Node"]);
        assert_eq!(
            alone["$defs"]["Node"]["properties"]["children"]["items"]["$ref"],
            "#/$defs/Node"
        );
        // Neither a property of that name nor data is a reference.
        assert_eq!(alone["properties"]["$ref"]["type"], "string");
        assert_eq!(alone["default"]["$ref"], "#/components/schemas/Data");
    }

    #[test]
    fn what_refers_to_nothing_stays_as_it_is() {
        let schema = json!({"type": "integer", "exclusiveMaximum": 10.5});
        assert_eq!(standalone(&document(), &schema), schema);
        let lost = standalone(&document(), &json!({"items": {"$ref": "#/components/schemas/No"}}));
        assert_eq!(lost["$defs"]["No"], true);
    }

    #[test]
    fn an_object_shares_the_definitions_of_its_properties() {
        let tree =
            standalone(&document(), &json!({"items": {"$ref": "#/components/schemas/Node"}}));
        let whole = object([("a", tree.clone()), ("b", tree), ("c", json!({}))], &["a"], false);
        assert_eq!(whole["properties"]["b"], json!({"items": {"$ref": "#/$defs/Node"}}));
        assert_eq!(whole["$defs"].as_object().unwrap().len(), 2);
        assert_eq!(
            (&whole["required"], &whole["additionalProperties"]),
            (&json!(["a"]), &json!(false))
        );
    }
}
