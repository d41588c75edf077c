//! One document out of several: components that differ but share a name get new ones.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::object;
use crate::command::schema::escaped;

/// Renames the components of `own` that `whole` has under the same name with other content, and what refers to
/// them: `Issue` of the plugin `jira` becomes `jira-Issue`.
pub(super) fn rename_components(own: &mut Value, whole: &Value, plugin: &str) {
    let mut references = HashMap::new();
    let mut schemes = HashMap::new();
    let sections = own.get("components").and_then(Value::as_object).into_iter().flatten();
    for (section, components) in sections {
        for (name, component) in components.as_object().into_iter().flatten() {
            let taken = whole.pointer(&format!("/components/{section}/{}", escaped(name)));
            if taken.is_some_and(|other| other != component) {
                let new = format!("{plugin}-{name}");
                if section == "securitySchemes" {
                    schemes.insert(name.clone(), new.clone());
                }
                references.insert(
                    format!("#/components/{section}/{name}"),
                    (section.clone(), name.clone(), new),
                );
            }
        }
    }
    if references.is_empty() {
        return;
    }
    for (section, name, new) in references.values() {
        let components = own.pointer_mut(&format!("/components/{section}"));
        if let Some(components) = components.and_then(Value::as_object_mut)
            && let Some(component) = components.shift_remove(name)
        {
            components.insert(new.clone(), component);
        }
    }
    let references = references
        .into_iter()
        .map(|(old, (section, _, new))| (old, format!("#/components/{section}/{new}")))
        .collect();
    redirect(own, &references, &schemes);
}

/// Adds the paths, components and tags of `own` to `whole`.
pub(super) fn add(whole: &mut Value, own: Value, plugin: &str, description: &str) {
    let Value::Object(mut own) = own else { return };
    if let (Some(Value::Object(paths)), Some(all)) = (own.remove("paths"), object(whole, "paths")) {
        all.extend(paths);
    }
    if let (Some(Value::Object(sections)), Some(all)) =
        (own.remove("components"), object(whole, "components"))
    {
        for (section, components) in sections {
            let target = all.entry(section).or_insert_with(|| json!({}));
            if let (Value::Object(components), Some(target)) = (components, target.as_object_mut())
            {
                target.extend(components);
            }
        }
    }
    let mut tags = vec![json!({"name": capitalized(plugin), "description": description})];
    if let Some(Value::Array(more)) = own.remove("tags") {
        tags.extend(more);
    }
    if let Some(all) = whole.get_mut("tags").and_then(Value::as_array_mut) {
        for tag in tags {
            if !all.iter().any(|other| other["name"] == tag["name"]) {
                all.push(tag);
            }
        }
    }
}

/// The tag that the routes of a plugin have, as Python's `str.capitalize` makes it.
pub(super) fn capitalized(name: &str) -> String {
    let lower = name.to_lowercase();
    let mut letters = lower.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Points every `$ref`, mapping of a discriminator and security requirement to the new name.
fn redirect(
    value: &mut Value,
    references: &HashMap<String, String>,
    schemes: &HashMap<String, String>,
) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                match (key.as_str(), &mut *field) {
                    ("$ref", Value::String(text)) => renew(text, references),
                    ("mapping", Value::Object(targets)) => {
                        for target in targets.values_mut() {
                            match target {
                                Value::String(text) => renew(text, references),
                                // A property that has this name.
                                other => redirect(other, references, schemes),
                            }
                        }
                    }
                    ("security", Value::Array(requirements)) => {
                        for requirement in requirements.iter_mut().filter_map(Value::as_object_mut)
                        {
                            *requirement = std::mem::take(requirement)
                                .into_iter()
                                .map(|(name, scopes)| {
                                    (schemes.get(&name).cloned().unwrap_or(name), scopes)
                                })
                                .collect();
                        }
                    }
                    _ => redirect(field, references, schemes),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                redirect(item, references, schemes);
            }
        }
        _ => {}
    }
}

fn renew(text: &mut String, references: &HashMap<String, String>) {
    if let Some(new) = references.get(text) {
        text.clone_from(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(name: &str, title: &str) -> Value {
        json!({
            "paths": {format!("/{name}/x"): {"get": {
                "security": [{"Key": []}],
                "schema": {"$ref": "#/components/schemas/Issue"},
                "discriminator": {"mapping": {"i": "#/components/schemas/Issue"}},
                "shared": {"$ref": "#/components/schemas/Same"},
            }}},
            "components": {
                "schemas": {"Issue": {"title": title}, "Same": {"title": "same"}},
                "securitySchemes": {"Key": {"type": "apiKey", "name": title}},
            },
        })
    }

    #[test]
    fn components_of_one_name_and_other_content_both_survive() {
        let mut whole = json!({"tags": []});
        for (name, title) in [("a", "first"), ("b", "second"), ("c", "first")] {
            let mut own = plugin(name, title);
            rename_components(&mut own, &whole, name);
            add(&mut whole, own, name, "described");
        }
        let schemas = &whole["components"]["schemas"];
        assert_eq!(schemas["Issue"]["title"], json!("first"));
        assert_eq!(schemas["b-Issue"]["title"], json!("second"));
        assert_eq!(schemas.as_object().unwrap().len(), 3);
        let route = &whole["paths"]["/b/x"]["get"];
        assert_eq!(route["schema"]["$ref"], json!("#/components/schemas/b-Issue"));
        assert_eq!(route["discriminator"]["mapping"]["i"], route["schema"]["$ref"]);
        assert_eq!(route["shared"]["$ref"], json!("#/components/schemas/Same"));
        assert_eq!(route["security"], json!([{"b-Key": []}]));
        let third = &whole["paths"]["/c/x"]["get"]["schema"]["$ref"];
        assert_eq!(*third, json!("#/components/schemas/Issue"));
        assert_eq!(whole["tags"].as_array().unwrap().len(), 3);
        assert_eq!(whole["tags"][1], json!({"name": "B", "description": "described"}));
    }
}
