//! The OpenAPI document of the whole daemon.
//!
//! Each plugin brings the document that FastAPI generates for it; the daemon's own routes are written down in
//! `own.json`. Here they become one document ([`document`]): paths never collide, because each plugin has its
//! prefix, and where components do, [`merge`] renames. To document a route of the daemon's, add it to `own.json`.

mod merge;

use serde_json::{Map, Value, json};

use crate::registry::{Entry, Snapshot};

const OWN: &str = include_str!("own.json");

/// The document of all that is served at the moment of `snapshot`; plugins that do not serve are named in it.
pub fn document(snapshot: &Snapshot) -> Value {
    let mut whole: Value = serde_json::from_str(OWN).expect("a test reads own.json");
    whole["info"]["version"] = json!(crate::VERSION);
    for metadata in snapshot.metadata() {
        let Some(text) = &metadata.openapi else { continue };
        let Ok(mut own) = serde_json::from_str::<Value>(text) else { continue };
        let name = &metadata.description.name;
        merge::rename_components(&mut own, &whole, name);
        merge::add(&mut whole, own, name, &metadata.description.description);
    }
    let failed: Vec<String> = snapshot
        .entries
        .iter()
        .filter(|entry| entry.served.is_none())
        .filter_map(Entry::failed)
        .map(|plugin| format!("- `{}` does not serve: {}", plugin.name, plugin.error))
        .collect();
    if !failed.is_empty() {
        let text = whole["info"]["description"].as_str().unwrap_or_default();
        whole["info"]["description"] = json!(format!("{text}\n\n{}", failed.join("\n")));
    }
    whole
}

/// The tag of the operations of a plugin.
pub fn tag(plugin: &str) -> String {
    merge::capitalized(plugin)
}

/// The object at `key` of an object, made if it is not there.
fn object<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Map<String, Value>> {
    value.as_object_mut()?.entry(key).or_insert_with(|| json!({})).as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_own_document_is_json_with_an_operation_id_for_each_route() {
        let whole = document(&Snapshot::default());
        assert_eq!(whole["info"]["version"], json!(crate::VERSION));
        for (path, item) in whole["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["operationId"].is_string(), "{method} {path}");
            }
        }
    }
}
