//! The JSON Schemas in `manifests/`, which are those of the types that read and write the documents, and of
//! the table of settings.

use std::path::PathBuf;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};

use crate::description::Description;
use crate::manifest::Manifest;

fn schema<T: JsonSchema>() -> String {
    let generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let schema = generator.into_root_schema_for::<T>();
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

fn settings() -> String {
    serde_json::to_string_pretty(&crate::settings::schema::document()).unwrap() + "\n"
}

fn files() -> [(PathBuf, String); 3] {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("manifests");
    [
        (directory.join("manifest.schema.json"), schema::<Manifest>()),
        (directory.join("description.schema.json"), schema::<Description>()),
        (directory.join("config.schema.json"), settings()),
    ]
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    for (path, expected) in files() {
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        let remedy = "run `cargo test --lib write_schemas -- --ignored`";
        assert_eq!(published, expected, "{} is old: {remedy}", path.display());
    }
}

#[test]
#[ignore = "changes files of the repository; run by hand after a change of the types"]
fn write_schemas() {
    for (path, text) in files() {
        std::fs::write(path, text).unwrap();
    }
}
