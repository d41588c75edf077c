//! What a plugin says of itself: its name and its commands with their parameters.
//!
//! Python describes a plugin once, when it is loaded; routes, argument parsing, help and OpenAPI are derived
//! from this data and nothing else knows a command's parameters. FastAPI's own OpenAPI document is the source
//! for routers (see [`Described`]), because it is public and stable where the router's internals are not.

mod read;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use read::Described;

/// A plugin and its commands.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The plugin's name: its URL prefix and its shell command.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// One line about the plugin; may be empty.
    pub description: String,
    /// Commands in order of declaration, one per method and path.
    pub commands: Vec<Command>,
    /// Examples from the manifest, whole shell lines.
    pub examples: Vec<String>,
}

/// One method of one path.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Path below the plugin's prefix, with its parameters in braces: `/issue/{key}`.
    pub path: String,
    /// HTTP method in capitals.
    pub method: String,
    /// FastAPI's operation id.
    pub operation_id: String,
    /// One line; may be empty.
    pub summary: String,
    /// The text below the summary, examples taken out; may be empty.
    pub description: String,
    /// Whole shell lines.
    pub examples: Vec<String>,
    /// Parameters in order of declaration.
    pub parameters: Vec<Parameter>,
    /// True if the command reads a request body.
    pub has_body: bool,
    /// Why requests for it always go through FastAPI; absent where those that fit its parameters call the
    /// handler directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_fastapi: Option<String>,
}

/// One parameter of a command.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name on the wire: the alias where there is one.
    pub name: String,
    /// Where the value goes.
    #[serde(rename = "in")]
    pub location: Location,
    /// True if there is no default.
    pub required: bool,
    /// JSON Schema of the value.
    pub schema: Value,
    /// Help text; may be empty.
    pub description: String,
}

/// Where a parameter's value goes.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A field of the JSON body.
    Body,
}

impl Command {
    /// The segments of the path, parameters in braces.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }

    /// The fixed segments before the first parameter, joined by a space: `issue`, `memory write`; `root` for `/`.
    pub fn name(&self) -> String {
        let fixed: Vec<&str> =
            self.segments().take_while(|segment| !segment.starts_with('{')).collect();
        if fixed.is_empty() { "root".to_owned() } else { fixed.join(" ") }
    }

    /// The first fixed segment, the group under which help lists the command.
    pub fn group(&self) -> &str {
        self.segments().next().filter(|segment| !segment.starts_with('{')).unwrap_or("root")
    }

    /// Parameters that go into the path.
    pub fn path_parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.location == Location::Path)
    }
}

impl Parameter {
    /// The JSON type, looking through `anyOf` with null; `string` where the schema names none.
    pub fn json_type(&self) -> &str {
        effective(&self.schema).get("type").and_then(Value::as_str).unwrap_or("string")
    }

    /// The schema behind an optional: the first branch of `anyOf` that is not null.
    pub fn effective_schema(&self) -> &Value {
        effective(&self.schema)
    }

    /// The default value, if it has one that is not null.
    pub fn default(&self) -> Option<&Value> {
        self.schema.get("default").filter(|value| !value.is_null())
    }
}

fn effective(schema: &Value) -> &Value {
    schema
        .get("anyOf")
        .and_then(Value::as_array)
        .and_then(|branches| {
            branches
                .iter()
                .find(|branch| branch.get("type").and_then(Value::as_str) != Some("null"))
        })
        .unwrap_or(schema)
}
