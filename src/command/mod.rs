//! A command: one method of one route, its parameters, and how its handler is called.
//!
//! The one model of a command. Everything that reads one (route table, binding, argument parser, help,
//! completion, tools) uses these types; nothing else describes a parameter. Pure data: no Python, no I/O.

pub mod plan;
pub mod schema;
pub mod template;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use plan::{Kind, Plan, Range, Slot};
pub use template::{PathTemplate, Segment};

/// One method of one route.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Path below the plugin's prefix: `/issue/{key}`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: PathTemplate,
    /// HTTP method in capitals.
    pub method: String,
    /// FastAPI's operation id.
    pub operation_id: String,
    /// One line; may be empty.
    pub summary: String,
    /// The text below the summary, without its examples; may be empty.
    pub description: String,
    /// Whole shell lines.
    pub examples: Vec<String>,
    /// Parameters in order of declaration.
    pub parameters: Vec<Parameter>,
    /// Parameters that the OpenAPI document leaves out, and that only requests over HTTP can give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Parameter>,
    /// True if the command reads a request body.
    pub has_body: bool,
    /// The body as a whole, if it is JSON and no object; it has the name [`BODY`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<Parameter>>,
    /// The name of the parameter that is the caller's stdin, which is the body; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// True if it is no tool for agents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept_from_agents: bool,
    /// What it is besides.
    #[serde(default, skip_serializing_if = "Purpose::is_command")]
    pub purpose: Purpose,
    /// What the client runs itself, on the caller's terminal; absent for what the daemon calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
    /// JSON Schema 2020-12 of a successful result, by itself; absent where its type is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Index of the route that answers it, in [`Description::routes`](crate::description::Description::routes).
    pub route: usize,
    /// How its handler is called.
    pub calling: Calling,
}

/// The name of a body that has no fields.
pub const BODY: &str = "body";

/// What a function is called for.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To do something.
    #[default]
    Command,
    /// To read what agents know by a URI.
    Resource {
        /// Its URI, or a template for several: `notes://{name}`.
        uri: String,
        /// Its media type, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
    },
    /// To write messages for a model.
    Prompt,
}

impl Purpose {
    fn is_command(&self) -> bool {
        *self == Purpose::Command
    }
}

/// A function that is run as a program.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// `package.module:function`.
    pub reference: String,
    /// True if it reads the words of the command line itself, from `sys.argv`.
    pub takes_words: bool,
    /// Directories in front of its `sys.path`.
    pub path: Vec<String>,
}

/// How a handler is called.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calling {
    /// By its plan, where the route is certain; through FastAPI elsewhere.
    Direct(Plan),
    /// Through FastAPI, for this reason.
    Fastapi(String),
}

/// One parameter of a command.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name on the wire: the alias where there is one.
    pub name: String,
    /// Where the value is in a request.
    #[serde(rename = "in")]
    pub location: Location,
    /// True if there is no default.
    pub required: bool,
    /// JSON Schema 2020-12 of the value, by itself.
    pub schema: Value,
    /// Help text; may be empty.
    pub description: String,
}

/// Where the value of a parameter is in a request.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// The path.
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
    /// The literal segments before the first parameter, joined by a space: `issue`, `memory write`; `root` for `/`.
    pub fn name(&self) -> String {
        let fixed: Vec<&str> = self.path.fixed_prefix().collect();
        if fixed.is_empty() { "root".to_owned() } else { fixed.join(" ") }
    }

    /// The first literal segment, the group under which help lists the command.
    pub fn group(&self) -> &str {
        self.path.fixed_prefix().next().unwrap_or("root")
    }

    /// Parameters that go into the path.
    pub fn path_parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.location == Location::Path)
    }

    /// The plan of a handler that is called directly.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.calling {
            Calling::Direct(plan) => Some(plan),
            Calling::Fastapi(_) => None,
        }
    }

    /// Why requests always go through FastAPI; `None` where those that satisfy the plan do not.
    pub fn why_fastapi(&self) -> Option<&str> {
        match &self.calling {
            Calling::Direct(plan) => plan.why_fastapi.as_deref(),
            Calling::Fastapi(why) => Some(why),
        }
    }

    /// The parameter that `slot` of the command's plan is of.
    pub fn parameter_of(&self, slot: &Slot) -> Option<&Parameter> {
        let count = self.parameters.len();
        match slot.parameter.checked_sub(count) {
            None => self.parameters.get(slot.parameter),
            Some(index) => self.hidden.get(index),
        }
    }

    /// True if values of a direct call are fields of the request's body.
    pub fn binds_body(&self) -> bool {
        let in_body = |slot| self.parameter_of(slot).is_some_and(|p| p.location == Location::Body);
        self.plan().is_some_and(|plan| plan.slots.iter().any(in_body))
    }

    /// True if a direct call begins after the request's body has come.
    pub fn awaits_body(&self) -> bool {
        self.plan().is_some_and(|plan| plan.reads_body) || self.binds_body()
    }

    /// JSON Schema 2020-12 of all parameters as the properties of one object, by itself.
    ///
    /// A body whose fields are not declared may have any.
    pub fn input(&self) -> Value {
        let described = |parameter: &Parameter| {
            let mut schema = parameter.schema.clone();
            if let Some(keywords) = schema.as_object_mut()
                && !parameter.description.is_empty()
            {
                keywords.insert("description".to_owned(), parameter.description.as_str().into());
            }
            schema
        };
        let parameters = || self.parameters.iter().chain(self.body.as_deref());
        let properties = parameters().map(|each| (each.name.as_str(), described(each)));
        let required: Vec<&str> =
            parameters().filter(|each| each.required).map(|each| &*each.name).collect();
        schema::object(properties, &required, self.takes_any_field())
    }

    /// True if the body declares no fields, so that any is one.
    pub fn takes_any_field(&self) -> bool {
        self.has_body
            && self.body.is_none()
            && !self.parameters.iter().any(|each| each.location == Location::Body)
    }
}

impl Default for Calling {
    fn default() -> Calling {
        Calling::Fastapi(String::new())
    }
}

impl Parameter {
    /// The JSON type, looking through `anyOf` with null; `string` where the schema names none.
    pub fn json_type(&self) -> &str {
        self.effective_schema().get("type").and_then(Value::as_str).unwrap_or("string")
    }

    /// The schema behind an optional: the first branch of `anyOf` that is not null.
    pub fn effective_schema(&self) -> &Value {
        let is_null = |branch: &Value| branch.get("type").and_then(Value::as_str) == Some("null");
        let branches = self.schema.get("anyOf").and_then(Value::as_array);
        branches
            .and_then(|branches| branches.iter().find(|branch| !is_null(branch)))
            .map_or(&self.schema, |branch| self.definition(branch))
    }

    /// What `schema`, a part of this parameter's, is or refers to.
    fn definition<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let pointer = schema.get("$ref").and_then(Value::as_str);
        pointer
            .and_then(|pointer| self.schema.pointer(pointer.strip_prefix('#')?))
            .unwrap_or(schema)
    }

    /// The default value, if it has one that is not null.
    pub fn default(&self) -> Option<&Value> {
        self.schema.get("default").filter(|value| !value.is_null())
    }

    /// True for a path of the file system, or a list of them.
    pub fn is_path(&self) -> bool {
        let schema = self.effective_schema();
        let items = schema.get("items").map(|items| self.definition(items));
        let is_path = |schema: &Value| schema.get("format").and_then(Value::as_str) == Some("path");
        is_path(schema) || items.is_some_and(is_path)
    }
}

impl Location {
    /// OpenAPI's name of the location, or `body`.
    pub fn as_str(self) -> &'static str {
        match self {
            Location::Path => "path",
            Location::Query => "query",
            Location::Header => "header",
            Location::Cookie => "cookie",
            Location::Body => "body",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(path: &str) -> Command {
        Command { path: path.into(), ..Command::default() }
    }

    #[test]
    fn a_name_ends_before_the_first_parameter() {
        assert_eq!(at("/memory/write/{name}").name(), "memory write");
        assert_eq!(
            (at("/v{major}/x").name().as_str(), at("/v{major}/x").group()),
            ("root", "root")
        );
        assert_eq!((at("/").name().as_str(), at("/issue/").group()), ("root", "issue"));
    }

    #[test]
    fn an_optional_enum_shows_its_choices() {
        let schema = json!({"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}],
            "$defs": {"Colour": {"type": "string", "enum": ["red"]}}});
        let parameter = Parameter {
            name: "c".into(),
            location: Location::Query,
            required: false,
            schema,
            description: String::new(),
        };
        assert_eq!(parameter.effective_schema()["enum"], json!(["red"]));
        let command = Command { parameters: vec![parameter], ..Command::default() };
        assert_eq!(command.input()["$defs"]["Colour"]["enum"], json!(["red"]));
        assert_eq!(command.input()["additionalProperties"], json!(false));
    }
}
