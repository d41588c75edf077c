//! From what the runtime reports of a plugin to its description.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Description, Route, Style, docstring};
use crate::command::plan::ReportedPlan;
use crate::command::{
    BODY, Calling, Command, Location, Parameter, Plan, Program, Purpose, Slot, schema,
};

/// What the runtime reports of a plugin that it has loaded.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Report {
    /// The plugin's `name`.
    pub name: String,
    /// The plugin's `version`.
    pub version: String,
    /// The plugin's `description`.
    pub description: String,
    /// How its handlers are written.
    #[serde(default)]
    pub style: Style,
    /// All routes, in order of declaration.
    #[serde(default)]
    pub routes: Vec<ReportedRoute>,
    /// FastAPI's OpenAPI document, all paths below the plugin's prefix; absent when FastAPI could not make one.
    pub openapi: Option<Value>,
    /// The paths as they were declared, convertors included, of those that OpenAPI writes in another way.
    #[serde(default)]
    pub declared: HashMap<String, String>,
    /// Commands that are programs.
    #[serde(default)]
    pub programs: Vec<ReportedProgram>,
    /// Resources and prompts.
    #[serde(default)]
    pub offered: Vec<ReportedOffer>,
    /// What was wrong and does not keep the plugin from serving.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One route, in order of declaration.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ReportedRoute {
    /// Path below the plugin's prefix, with convertors: `/files/{path:path}`; `None` if it is not known.
    pub path: Option<String>,
    /// Methods it answers; `None` for all.
    #[serde(default)]
    pub methods: Option<Vec<String>>,
    /// How to call it directly.
    #[serde(default)]
    pub plan: Option<ReportedPlan>,
    /// Why it cannot be called directly.
    #[serde(default)]
    pub why: Option<String>,
    /// The parameter that is the caller's stdin, which is the body of a request.
    #[serde(default)]
    pub stdin: Option<String>,
    /// What its handler's docstring has on parameters, if anything.
    #[serde(default)]
    pub documented: Option<Documented>,
}

/// A command that is a program.
#[derive(Clone, Debug, Deserialize)]
pub struct ReportedProgram {
    /// What is run.
    pub program: Program,
    /// An OpenAPI document with the command as its only operation.
    pub openapi: Value,
}

/// A resource or a prompt.
#[derive(Clone, Debug, Deserialize)]
pub struct ReportedOffer {
    /// Which of the two.
    pub purpose: Purpose,
    /// An OpenAPI document with its route as its only operation.
    pub openapi: Value,
}

/// A docstring that has a section on parameters, taken apart.
#[derive(Clone, Debug, Deserialize)]
pub struct Documented {
    /// The docstring without that section, if it is what describes the route.
    pub text: Option<String>,
    /// Help of parameters by their names in the request.
    pub parameters: HashMap<String, String>,
}

impl Report {
    /// The description: commands out of the OpenAPI document, each with the plan of its route.
    pub fn into_description(self, examples: Vec<String>) -> Description {
        let mut commands = self.visible();
        for command in &mut commands {
            self.complete(command);
        }
        let mut hidden = self.offered();
        let known: Vec<&Command> = commands.iter().chain(&hidden).collect();
        let rest = self.hidden(&known);
        hidden.extend(rest);
        commands.extend(self.programs());
        let routes = self.routes.into_iter();
        Description {
            routes: routes
                .map(|route| Route { path: route.path.map(Into::into), methods: route.methods })
                .collect(),
            name: self.name,
            version: self.version,
            description: self.description,
            style: self.style,
            commands,
            hidden,
            examples,
            warnings: self.warnings,
        }
    }

    /// The commands that are programs.
    fn programs(&self) -> Vec<Command> {
        let prefix = format!("/{}", self.name);
        let below = |path: &str| path.strip_prefix(&prefix).unwrap_or(path).to_owned();
        let commands = self.programs.iter().flat_map(|reported| {
            let mut commands = commands_of(&reported.openapi, below);
            for command in &mut commands {
                command.program = Some(reported.program.clone());
                command.route = self.routes.len();
                command.calling = Calling::Fastapi("it is a program".to_owned());
            }
            commands
        });
        commands.collect()
    }

    /// The resources and prompts.
    fn offered(&self) -> Vec<Command> {
        let prefix = format!("/{}", self.name);
        let below = |path: &str| path.strip_prefix(&prefix).unwrap_or(path).to_owned();
        let commands = self.offered.iter().flat_map(|reported| {
            let mut commands = commands_of(&reported.openapi, below);
            for command in &mut commands {
                self.complete(command);
                command.purpose = reported.purpose.clone();
            }
            commands
        });
        commands.collect()
    }

    /// The commands of the OpenAPI document.
    fn visible(&self) -> Vec<Command> {
        let prefix = format!("/{}", self.name);
        let below = |path: &str| {
            let declared = self.declared.get(path).map_or(path, String::as_str);
            match declared.strip_prefix(&prefix).unwrap_or(declared) {
                "" => "/".to_owned(),
                below => below.to_owned(),
            }
        };
        self.openapi.as_ref().map(|openapi| commands_of(openapi, below)).unwrap_or_default()
    }

    /// Adds what the command's route has and the OpenAPI document has not.
    fn complete(&self, command: &mut Command) {
        let answers = |route: &ReportedRoute| route.answers(command.path.as_str(), &command.method);
        let Some(index) = self.routes.iter().position(answers) else {
            command.route = self.routes.len();
            command.calling = Calling::Fastapi("it is not among the plugin's routes".to_owned());
            return;
        };
        let route = &self.routes[index];
        command.route = index;
        command.stdin.clone_from(&route.stdin);
        command.calling = calling(route, command);
        if let Some(documented) = &route.documented {
            document(command, documented);
        }
    }

    /// The commands of routes that are in none of `visible`.
    fn hidden(&self, visible: &[&Command]) -> Vec<Command> {
        let mut hidden: Vec<Command> = Vec::new();
        for (index, route) in self.routes.iter().enumerate() {
            let (Some(path), Some(methods)) = (&route.path, &route.methods) else { continue };
            for method in methods {
                let is_known = visible.iter().copied().chain(&hidden).any(|known| {
                    known.method == *method && route.answers(known.path.as_str(), method)
                });
                if !is_known {
                    let mut command = Command {
                        path: path.as_str().into(),
                        method: method.clone(),
                        route: index,
                        ..Command::default()
                    };
                    command.calling = calling(route, &mut command);
                    hidden.push(command);
                }
            }
        }
        hidden
    }
}

impl ReportedRoute {
    /// True if it has the path and takes the method.
    fn answers(&self, path: &str, method: &str) -> bool {
        self.path.as_deref().is_some_and(|own| own == path || (own.is_empty() && path == "/"))
            && self.methods.as_ref().is_none_or(|all| all.iter().any(|own| own == method))
    }
}

/// How `command` of `route` is called; parameters that the plan alone has become hidden ones.
fn calling(route: &ReportedRoute, command: &mut Command) -> Calling {
    let Some(plan) = &route.plan else {
        return Calling::Fastapi(route.why.clone().unwrap_or_default());
    };
    let slots = plan.parameters.iter().map(|slot| {
        let is_meant = |own: &Parameter| own.location == slot.location && own.name == slot.name;
        let known = command.parameters.iter().chain(&command.hidden).position(is_meant);
        let parameter = known.unwrap_or_else(|| {
            command.hidden.push(Parameter {
                name: slot.name.clone(),
                location: slot.location,
                required: slot.required,
                schema: Value::Bool(true),
                description: String::new(),
            });
            command.parameters.len() + command.hidden.len() - 1
        });
        Slot { parameter, required: slot.required, kind: slot.kind.clone() }
    });
    let slots = slots.collect();
    Calling::Direct(Plan {
        number: plan.number,
        begins_on_loop: plan.begins_on_loop,
        is_complete: plan.is_complete,
        reads_body: plan.reads_body,
        why_fastapi: route.why.clone(),
        slots,
    })
}

/// Adds what the handler's docstring has and the OpenAPI document has not.
fn document(command: &mut Command, documented: &Documented) {
    for parameter in command.parameters.iter_mut().filter(|each| each.description.is_empty()) {
        if let Some(text) = documented.parameters.get(&parameter.name) {
            parameter.description.clone_from(text);
        }
    }
    if let Some(text) = &documented.text {
        (command.summary, command.description, command.examples) =
            docstring::split(&command.summary, text);
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
    let (summary, description, examples) = docstring::split(&text("summary"), &text("description"));
    let declared = operation.get("parameters").and_then(Value::as_array);
    let mut parameters: Vec<Parameter> = declared
        .into_iter()
        .flatten()
        .filter_map(|parameter| parameter_of(document, parameter))
        .collect();
    parameters.extend(body_fields(document, operation));
    Command {
        path: path.into(),
        method: method.to_ascii_uppercase(),
        kept_from_agents: operation.get("x-agents") == Some(&Value::Bool(false)),
        operation_id: text("operationId"),
        summary,
        description,
        examples,
        parameters,
        has_body: operation.get("requestBody").is_some(),
        body: whole_body(document, operation).map(Box::new),
        output: output(document, operation),
        ..Command::default()
    }
}

fn parameter_of(document: &Value, parameter: &Value) -> Option<Parameter> {
    let location = Location::deserialize(parameter.get("in")?).ok()?;
    let schema =
        schema::standalone(document, parameter.get("schema").unwrap_or(&Value::Bool(true)));
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
    let Some(body) = schema.map(|schema| schema::followed(document, schema)) else {
        return Vec::new();
    };
    let required: Vec<&str> = body
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let fields = body.get("properties").and_then(Value::as_object);
    fields
        .unwrap_or(&Map::new())
        .iter()
        .map(|(name, field)| {
            let schema = schema::standalone(document, field);
            let text = schema.get("description").and_then(Value::as_str);
            Parameter {
                name: name.clone(),
                location: Location::Body,
                required: required.contains(&name.as_str()),
                description: text.unwrap_or_default().to_owned(),
                schema,
            }
        })
        .collect()
}

/// A JSON body that is no object, as a parameter.
fn whole_body(document: &Value, operation: &Value) -> Option<Parameter> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    let schema = schema::standalone(document, schema);
    let kinds = schema.get("anyOf").and_then(Value::as_array);
    let is_other = |schema: &Value| match schema.get("type").and_then(Value::as_str) {
        Some(kind) => kind != "object",
        None => false,
    };
    let is_other = match kinds {
        Some(kinds) => kinds.iter().all(is_other),
        None => is_other(&schema),
    };
    let required = operation.pointer("/requestBody/required") == Some(&Value::Bool(true));
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = description.to_owned();
    is_other.then(|| Parameter {
        name: BODY.to_owned(),
        location: Location::Body,
        required,
        description,
        schema,
    })
}

/// The schema of the first successful JSON answer; `None` where it has no keyword but title and description.
fn output(document: &Value, operation: &Value) -> Option<Value> {
    let answers = operation.get("responses")?.as_object()?;
    let (_, answer) = answers.iter().find(|(status, _)| status.starts_with('2'))?;
    let schema = answer.pointer("/content/application~1json/schema")?;
    let is_typed = schema.as_object().is_some_and(|keywords| {
        keywords.keys().any(|keyword| keyword != "title" && keyword != "description")
    });
    is_typed.then(|| schema::standalone(document, schema))
}
