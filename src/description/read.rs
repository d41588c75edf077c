//! From what a plugin reports to its description.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Command, Description, Location, Parameter};
use crate::routes::{Documented, Route};

/// What the host reports about a freshly loaded plugin.
#[derive(Clone, Debug, Deserialize)]
pub struct Described {
    /// The plugin's `name`.
    pub name: String,
    /// The plugin's `version`.
    pub version: String,
    /// The plugin's `description`.
    pub description: String,
    /// All routes, in order of declaration.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// FastAPI's OpenAPI document, all paths below the plugin's prefix; absent when FastAPI could not make one.
    pub openapi: Option<Value>,
    /// The paths as they were declared, convertors included, of those that OpenAPI writes in another way.
    #[serde(default)]
    pub declared: HashMap<String, String>,
    /// Why there is no OpenAPI document.
    #[serde(default)]
    pub openapi_error: Option<String>,
}

impl Described {
    /// The description with its commands read out of the OpenAPI document.
    pub fn into_description(self, examples: Vec<String>) -> Description {
        let prefix = format!("/{}", self.name);
        let below = |path: &str| {
            let declared = self.declared.get(path).map_or(path, String::as_str);
            match declared.strip_prefix(&prefix).unwrap_or(declared) {
                "" => "/".to_owned(),
                below => below.to_owned(),
            }
        };
        let openapi = self.openapi.as_ref();
        let mut commands = openapi.map(|openapi| commands_of(openapi, below)).unwrap_or_default();
        for command in &mut commands {
            let route = route_of(&self.routes, command);
            command.why_fastapi = why_fastapi(route);
            if let Some(documented) = route.and_then(|route| route.documented.as_ref()) {
                add_documentation(command, documented);
            }
        }
        Description {
            name: self.name,
            version: self.version,
            description: self.description,
            commands,
            examples,
        }
    }
}

/// The route that answers `command`.
fn route_of<'r>(routes: &'r [Route], command: &Command) -> Option<&'r Route> {
    let path = command.path.as_str();
    let answers = |route: &&Route| {
        let methods = route.methods.as_ref();
        route.path.as_deref().is_some_and(|own| own == path || (own.is_empty() && path == "/"))
            && methods.is_none_or(|methods| methods.contains(&command.method))
    };
    routes.iter().find(answers)
}

/// Adds what the handler's docstring says and the OpenAPI document does not.
fn add_documentation(command: &mut Command, documented: &Documented) {
    for parameter in command.parameters.iter_mut().filter(|each| each.description.is_empty()) {
        if let Some(text) = documented.parameters.get(&parameter.name) {
            parameter.description.clone_from(text);
        }
    }
    if let Some(text) = &documented.text {
        (command.summary, command.description, command.examples) =
            split_docstring(&command.summary, text);
    }
}

/// Why requests for a route always go through FastAPI; `None` where they need not.
fn why_fastapi(route: Option<&Route>) -> Option<String> {
    match route {
        Some(route) if route.plan.is_some() => None,
        Some(route) => Some(route.why.clone().unwrap_or_default()),
        None => Some("it is not among the plugin's routes".to_owned()),
    }
}

fn commands_of(openapi: &Value, below: impl Fn(&str) -> String) -> Vec<Command> {
    const METHODS: [&str; 8] =
        ["get", "post", "put", "patch", "delete", "head", "options", "trace"];
    let Some(paths) = openapi.get("paths").and_then(Value::as_object) else { return Vec::new() };
    paths
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().into_iter().flatten().map(move |(method, op)| (path, method, op))
        })
        .filter(|(_, method, _)| METHODS.contains(&method.as_str()))
        .map(|(path, method, operation)| command_of(openapi, &below(path), method, operation))
        .collect()
}

fn command_of(document: &Value, path: &str, method: &str, operation: &Value) -> Command {
    let text =
        |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (summary, description, examples) = split_docstring(&text("summary"), &text("description"));
    let mut parameters: Vec<Parameter> = operation
        .get("parameters")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|parameter| parameter_of(document, parameter))
        .collect();
    parameters.extend(body_fields(document, operation));
    Command {
        path: path.to_owned(),
        method: method.to_ascii_uppercase(),
        operation_id: text("operationId"),
        summary,
        description,
        examples,
        parameters,
        has_body: operation.get("requestBody").is_some(),
        why_fastapi: None,
    }
}

fn parameter_of(document: &Value, parameter: &Value) -> Option<Parameter> {
    let location = Location::deserialize(parameter.get("in")?).ok()?;
    let schema = resolved(document, parameter.get("schema").unwrap_or(&Value::Null));
    let text = |value: &Value| value.get("description").and_then(Value::as_str).map(str::to_owned);
    Some(Parameter {
        name: parameter.get("name")?.as_str()?.to_owned(),
        location,
        required: parameter.get("required").and_then(Value::as_bool).unwrap_or(false),
        description: text(parameter).or_else(|| text(&schema)).unwrap_or_default(),
        schema,
    })
}

/// The fields of a JSON object body, as parameters.
fn body_fields(document: &Value, operation: &Value) -> Vec<Parameter> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema");
    let Some(schema) = schema.map(|schema| resolved(document, schema)) else { return Vec::new() };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&Map::new())
        .iter()
        .map(|(name, field)| {
            let schema = resolved(document, field);
            Parameter {
                name: name.clone(),
                location: Location::Body,
                required: required.contains(&name.as_str()),
                description: schema
                    .get("description")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                schema,
            }
        })
        .collect()
}

/// `schema` with its own `$ref` followed, and that of a single `allOf`, which is how FastAPI writes enums.
fn resolved(document: &Value, schema: &Value) -> Value {
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

/// Parts a docstring, as FastAPI hands it over, into summary, text and example lines.
///
/// FastAPI's `summary` is made from the function's name unless the author gave one; the docstring's first line
/// says more, so it wins. Examples are the lines of a closing `Examples:` section.
fn split_docstring(summary: &str, docstring: &str) -> (String, String, Vec<String>) {
    let mut lines = docstring.trim().lines();
    let first = lines.next().map(str::trim).unwrap_or_default();
    let summary = if first.is_empty() { summary } else { first };
    let (mut text, mut examples, mut in_examples) = (Vec::new(), Vec::new(), false);
    for line in lines {
        let bare = line.trim();
        let heading = bare.trim_end_matches(':').to_ascii_lowercase();
        if heading == "example" || heading == "examples" {
            in_examples = true;
        } else if in_examples && !bare.is_empty() && !line.starts_with([' ', '\t']) {
            in_examples = false;
            text.push(line);
        } else if in_examples {
            let example = bare.trim_start_matches("$ ");
            if !example.is_empty() && !example.starts_with(['#', '`']) {
                examples.push(example.to_owned());
            }
        } else {
            text.push(line);
        }
    }
    (summary.to_owned(), text.join("\n").trim().to_owned(), examples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn described(openapi: Value) -> Description {
        let described = Described {
            name: "p".into(),
            version: "1".into(),
            description: String::new(),
            routes: Vec::new(),
            openapi: Some(openapi),
            declared: [("/p/files/{path}".into(), "/p/files/{path:path}".into())].into(),
            openapi_error: None,
        };
        described.into_description(Vec::new())
    }

    #[test]
    fn one_command_per_method_and_path_with_its_parameters() {
        let description = described(json!({
            "paths": {"/p/issue/{key}": {
                "get": {"operationId": "get_issue", "summary": "Issue",
                    "description": "Get an issue.\n\nLong text.\n\nExamples:\n    p issue A-1  \n",
                    "parameters": [
                        {"name": "key", "in": "path", "required": true, "schema": {"type": "string"}},
                        {"name": "maxResults", "in": "query", "required": false, "description": "how many",
                         "schema": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 5}}]},
                "patch": {"operationId": "p", "summary": "Patch", "requestBody": {"content": {"application/json":
                    {"schema": {"$ref": "#/components/schemas/Body"}}}}}
            }},
            "components": {"schemas": {"Body": {"required": ["colour"], "properties": {
                "colour": {"$ref": "#/components/schemas/Colour"}}},
                "Colour": {"type": "string", "enum": ["red"]}}}
        }));
        let [get, patch] = description.commands.as_slice() else { panic!("{description:?}") };
        assert_eq!((get.method.as_str(), get.name().as_str()), ("GET", "issue"));
        assert_eq!(get.summary, "Get an issue.");
        assert_eq!(get.description, "Long text.");
        assert_eq!(get.examples, ["p issue A-1"]);
        assert_eq!(get.parameters[1].json_type(), "integer");
        assert_eq!(get.parameters[1].default(), Some(&json!(5)));
        assert!(patch.has_body);
        assert_eq!(patch.parameters[0].location, Location::Body);
        assert!(patch.parameters[0].required);
        assert_eq!(patch.parameters[0].schema["enum"], json!(["red"]));
    }

    #[test]
    fn paths_are_as_declared_and_below_the_prefix() {
        let get = json!({"get": {"operationId": "g", "summary": "G"}});
        let description = described(json!({"paths": {"/p/files/{path}": get, "/p": get}}));
        let paths: Vec<_> = description.commands.iter().map(|c| c.path.as_str()).collect();
        assert_eq!(paths, ["/files/{path:path}", "/"]);
    }

    #[test]
    fn text_after_an_examples_section_is_text_again() {
        let (summary, text, examples) =
            split_docstring("Name", "Do it.\n\nExample:\n    $ p do\n\nNote: careful.");
        assert_eq!((summary.as_str(), text.as_str()), ("Do it.", "Note: careful."));
        assert_eq!(examples, ["p do"]);
    }
}
