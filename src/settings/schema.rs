//! The JSON Schema of `config.toml`, for editors.

use serde_json::{Map, Value, json};

use super::table::{ANY, Kind, ROWS, Row};

/// The absolute paths that a setting may have.
const PATH: &str = "^(/|~/|~$)";
/// The URLs of indexes.
const URL: &str = "^(https|http|file)://\\S*$";
/// The origins of pages.
const ORIGIN: &str = "^[A-Za-z][A-Za-z0-9+.-]*://([^/*?#@\\s]+|\\*)$";
/// A service over HTTP.
const ENDPOINT: &str = "^https?://[^\\s/]\\S*$";
/// The addresses to listen on.
const HOST: &str = "^(localhost|[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$";

/// Returns the schema of the whole file.
pub fn document() -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.toml of skills-daemon",
    });
    let below = section(&ROWS.iter().map(|row| (row.key, row)).collect::<Vec<_>>());
    if let (Some(root), Value::Object(below)) = (root.as_object_mut(), below) {
        root.extend(below);
    }
    root
}

/// Returns the schema of a table with these settings, each with its key in it.
fn section(rows: &[(&str, &Row)]) -> Value {
    let mut properties = Map::new();
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().filter_map(|(key, _)| key.split('.').next()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let own = rows.iter().find(|(key, _)| *key == name).map(|(_, row)| leaf(row));
        let inner: Vec<(&str, &Row)> = rows
            .iter()
            .filter_map(|(key, row)| Some((key.strip_prefix(name)?.strip_prefix('.')?, *row)))
            .collect();
        properties.insert(name.to_owned(), own.unwrap_or_else(|| section(&inner)));
    }
    match properties.remove(ANY) {
        // Any other key in the table of a plugin is the plugin's own.
        Some(mut plugin) => {
            plugin["additionalProperties"] = json!(true);
            json!({"type": "object", "additionalProperties": plugin})
        }
        None => json!({"type": "object", "properties": properties, "additionalProperties": false}),
    }
}

fn leaf(row: &Row) -> Value {
    let mut schema = of_kind(row.kind);
    let default = format!("value = {}", row.default).parse::<toml::Table>().ok();
    let default = default.and_then(|table| serde_json::to_value(table.get("value")?).ok());
    let restart = if row.restarts { "; a restart applies it" } else { "" };
    schema["description"] = json!(format!("{}{restart}", row.meaning));
    if let Some(default) = default {
        schema["default"] = default;
    }
    schema
}

fn of_kind(kind: Kind) -> Value {
    let list =
        |pattern: &str| json!({"type": "array", "items": {"type": "string", "pattern": pattern}});
    match kind {
        Kind::Number(least, u64::MAX) => json!({"type": "integer", "minimum": least}),
        Kind::Number(least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        Kind::Switch => json!({"type": "boolean"}),
        Kind::Text => json!({"type": "string"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::Level(words) => {
            let small = words.iter().map(|word| word.to_lowercase());
            let words: Vec<String> = words.iter().map(ToString::to_string).chain(small).collect();
            json!({"type": "string", "enum": words})
        }
        Kind::Host => json!({"type": "string", "pattern": HOST}),
        Kind::Url => json!({"type": "string", "pattern": URL}),
        Kind::Endpoint => json!({"type": "string", "pattern": ENDPOINT}),
        Kind::Urls => list(URL),
        Kind::Paths => list(PATH),
        Kind::Constraints => json!({
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "string", "pattern": PATH},
            ]
        }),
        Kind::Tools => json!({
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        }),
        Kind::Origins => list(ORIGIN),
        Kind::Automatic => json!({"enum": [true, false, "auto"]}),
        Kind::Variables => {
            json!({"type": "object", "additionalProperties": {"type": "string"}})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::settings::Settings;
    use std::path::Path;

    /// Values at and beyond the bounds of all kinds.
    const SAMPLES: [&str; 36] = [
        "-1",
        "0",
        "1",
        "32",
        "33",
        "999",
        "1000",
        "65535",
        "65536",
        "1000000",
        "1000001",
        "1048576",
        "1048577",
        "2678400",
        "2678401",
        "true",
        "1.5",
        "[]",
        "[1]",
        "{}",
        "{ a = 1 }",
        "{ A = 'b' }",
        "'DEBUG'",
        "'debug'",
        "'loud'",
        "'localhost'",
        "'::1'",
        "'0.0.0.0'",
        "'https://h/simple'",
        "['https://h/simple']",
        "['h']",
        "['/a', '~/b']",
        "'/a'",
        "'all'",
        "'changes'",
        "1979-05-27",
    ];

    /// Whether a value is valid, by the keywords that are used here.
    fn is_valid(schema: &Value, value: &Value) -> bool {
        let of_type = |name: &str| match name {
            "integer" => value.is_i64() || value.is_u64(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            _ => value.is_object(),
        };
        let all =
            |values: Vec<&Value>, schema: &Value| values.iter().all(|it| is_valid(schema, it));
        let number = value.as_f64().unwrap_or_default();
        let text = value.as_str().unwrap_or_default();
        let (items, object) = (value.as_array(), value.as_object());
        schema.as_object().unwrap().iter().all(|(keyword, is)| match keyword.as_str() {
            "$schema" | "title" | "description" | "default" => true,
            "type" => of_type(is.as_str().unwrap()),
            "minimum" => number >= is.as_f64().unwrap(),
            "maximum" => number <= is.as_f64().unwrap(),
            "enum" => is.as_array().unwrap().contains(value),
            "pattern" => regex::Regex::new(is.as_str().unwrap()).unwrap().is_match(text),
            "items" => all(items.map(|it| it.iter().collect()).unwrap_or_default(), is),
            "anyOf" => is.as_array().unwrap().iter().any(|schema| is_valid(schema, value)),
            "properties" => object
                .into_iter()
                .flatten()
                .all(|(key, value)| is.get(key).is_none_or(|schema| is_valid(schema, value))),
            "additionalProperties" => object.into_iter().flatten().all(|(key, value)| {
                let listed = schema["properties"].get(key).is_some();
                listed || *is == json!(true) || (is.is_object() && is_valid(is, value))
            }),
            other => panic!("the test does not know {other}"),
        })
    }

    #[test]
    fn the_schema_accepts_what_is_read() {
        let schema = document();
        let keys = ROWS.iter().map(|row| (row.key.replace(ANY, "jira"), Some(row.kind)));
        let others = ["prot", "agents.tool", "plugins.jira.url", "plugins.jira.limits.memry"];
        let keys = keys.chain(others.into_iter().map(|key| (key.to_owned(), None)));
        for (key, kind) in keys {
            for sample in SAMPLES {
                let table: toml::Table = format!("{key} = {sample}").parse().unwrap();
                let json = serde_json::to_value(&table).unwrap();
                let env = Environment::default().with("HOME", "/h");
                let read = Settings::resolve(table, Path::new("/c"), &env);
                let read = read.is_ok_and(|settings| settings.unknown.is_empty());
                let is_top = !key.contains('.');
                // As variables, settings of the top level may be texts; editors need not offer that.
                let is_lenient = match kind {
                    Some(Kind::Switch) => matches!(sample, "0" | "1"),
                    Some(Kind::Text) => !sample.starts_with(['\'', '[', '{']),
                    _ => false,
                };
                // An array is a file name's directory neither here nor there; a date has a type of its own in TOML.
                if (is_top && is_lenient) || sample == "1979-05-27" {
                    continue;
                }
                assert_eq!(is_valid(&schema, &json), read, "{key} = {sample}");
            }
        }
    }
}
