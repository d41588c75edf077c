//! Help of plugins and commands, as `/{plugin}/help` answers it.
//!
//! Owns the JSON that scripts and agents read; the text that a person reads is made of it by
//! [`render`](crate::render). Everything comes from the [`Description`], so help needs no Python and no
//! running plugin. To tell more of a parameter, add the keyword of its JSON Schema to `KEYWORDS`.

use serde_json::{Map, Value, json};

use crate::arguments::{groups, usage};
use crate::description::{Command, Description, Location, Parameter};

/// What help tells of a parameter's JSON Schema, besides type and default.
const KEYWORDS: [&str; 12] = [
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "items",
    "examples",
];
/// A longer text among others is no choice but part of a sentence; in characters.
const LONGEST_CHOICE: usize = 19;

/// Help of a plugin: one entry for each method of each path, internal ones that begin with `_` left out.
pub fn plugin(description: &Description) -> Value {
    let name = &description.name;
    let entry = |command: &Command| {
        json!({
            "name": command.name(),
            "path": command.path,
            "summary": command.summary,
            "methods": [command.method],
        })
    };
    let public = description.commands.iter().filter(|command| !command.group().starts_with('_'));
    json!({
        "plugin": name,
        "description": description.description,
        "version": description.version,
        "commands": public.map(entry).collect::<Vec<_>>(),
        "examples": description.examples,
        "hint": format!("Run '{name} <command> --help' for the parameters of a command"),
    })
}

/// Help of `command`: `issue`, `memory write`, `memory/write` or a path as it is typed, `issue/PROJ-1`.
///
/// The best route fills the answer; where there are several, `routes` lists all of them. An unknown command
/// is answered by `{"error","available"}`, as the error.
pub fn command(description: &Description, command: &str) -> Result<Value, Value> {
    let Some((name, routes)) = find(description, command) else {
        return Err(json!({
            "error": format!("Unknown command: {}", command.trim()),
            "available": groups(description),
        }));
    };
    let Some(best) = routes.first() else { return Ok(Value::Null) };
    let mut help = route(description, best, &name);
    if routes.len() > 1 {
        let all = routes.iter().map(|each| Value::Object(route(description, each, &each.name())));
        help.insert("routes".to_owned(), all.collect());
    }
    Ok(Value::Object(help))
}

/// Help for `command`, or for the whole plugin where none is named; an unknown command's answer says so.
pub fn answer(description: &Description, command: Option<&str>) -> Value {
    match command {
        Some(name) => self::command(description, name).unwrap_or_else(|unknown| unknown),
        None => plugin(description),
    }
}

/// Help of a plugin that there is not.
pub fn unknown_plugin(name: &str, available: &[String]) -> Value {
    json!({"error": format!("Unknown plugin: {name}"), "available": available})
}

/// The name of what was asked for, and its routes, the best first; none if there is nothing of that name.
///
/// What is asked for may say more than help can use: `user bob` where there is only `user`. Words are then
/// dropped from its end.
fn find<'a>(description: &'a Description, asked: &str) -> Option<(String, Vec<&'a Command>)> {
    let words = asked.split(|c: char| c == '/' || c.is_whitespace());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let commands = || description.commands.iter();
    let root: Vec<&Command> = commands().filter(|command| command.name() == name).collect();
    if name == "root" && !root.is_empty() {
        return Some((name, root));
    }
    (1..=words.len()).rev().find_map(|count| {
        let words = words.get(..count)?;
        let name = words.join(" ");
        let begins = |command: &&Command| {
            let mut parts = command.segments().take_while(|part| !part.starts_with('{'));
            words.iter().all(|word| parts.next() == Some(word))
        };
        let mut routes: Vec<&Command> = commands().filter(begins).collect();
        if !routes.is_empty() {
            routes.sort_by_key(|command| command.name() != name);
            return Some((name, routes));
        }
        let routes: Vec<&Command> = commands().filter(|command| leads_to(command, words)).collect();
        routes.first().map(|best| (best.name(), routes.clone()))
    })
}

/// True if `words` are a whole path of `command`, values in the place of its parameters.
fn leads_to(command: &Command, words: &[&str]) -> bool {
    let parts: Vec<&str> = command.segments().collect();
    let rest = parts.last().is_some_and(|part| part.ends_with(":path}"));
    let long_enough = parts.len() == words.len() || (rest && parts.len() < words.len());
    // A parameter at the very beginning would lead from any word to its command.
    let named = parts.first().is_some_and(|part| !part.starts_with('{'));
    let fits = |(part, word): (&&str, &&str)| part.contains('{') || part == word;
    named && long_enough && parts.iter().zip(words).all(fits)
}

fn route(description: &Description, command: &Command, name: &str) -> Map<String, Value> {
    let plugin = &description.name;
    let fields = json!({
        "plugin": plugin,
        "command": name,
        "operationId": format!("{plugin}_{}", command.operation_id),
        "path": format!("/{plugin}{}", command.path),
        "summary": command.summary,
        "description": command.description,
        "methods": [command.method],
        "parameters": command.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "usage": usage(plugin, command),
        "examples": command.examples,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let mut told = Map::new();
    told.insert("name".to_owned(), parameter.name.clone().into());
    told.insert("in".to_owned(), place(parameter.location).into());
    told.insert("required".to_owned(), parameter.required.into());
    told.insert("type".to_owned(), parameter.json_type().into());
    if !parameter.description.is_empty() {
        told.insert("description".to_owned(), parameter.description.clone().into());
    }
    if let Some(default) = parameter.default() {
        told.insert("default".to_owned(), default.clone());
    }
    for keyword in KEYWORDS {
        let value = [parameter.effective_schema(), &parameter.schema]
            .into_iter()
            .find_map(|schema| schema.get(keyword));
        if let Some(value) = value {
            told.insert(keyword.to_owned(), value.clone());
        }
    }
    if !told.contains_key("enum")
        && parameter.json_type() == "string"
        && let Some(choices) = choices(&parameter.description)
    {
        told.insert("enum".to_owned(), choices.into());
    }
    Value::Object(told)
}

fn place(location: Location) -> &'static str {
    match location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
        Location::Body => "body",
    }
}

/// The choices that a help text lists, `Output format: json, human`; plugins tell them this way.
fn choices(text: &str) -> Option<Vec<String>> {
    let (_, list) = text.split_once(':')?;
    let choices: Vec<&str> = list.split(',').map(str::trim).collect();
    let is_choice = |choice: &&str| {
        (1..=LONGEST_CHOICE).contains(&choice.chars().count()) && !choice.contains([' ', ':'])
    };
    let listed = choices.len() > 1 && choices.iter().all(is_choice);
    listed.then(|| choices.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Description {
        let of = |method: &str, path: &str, parameters: Vec<Parameter>| Command {
            path: path.to_owned(),
            method: method.to_owned(),
            operation_id: format!("op_{}", method.to_lowercase()),
            summary: format!("{method} {path}."),
            parameters,
            ..Command::default()
        };
        let key = Parameter {
            name: "key".into(),
            location: Location::Path,
            required: true,
            schema: json!({"type": "string", "title": "Key"}),
            description: String::new(),
        };
        let format = Parameter {
            name: "format".into(),
            location: Location::Query,
            required: false,
            schema: json!({"type": "string", "default": "json"}),
            description: "Output format: json, human".into(),
        };
        let limit = Parameter {
            name: "maxResults".into(),
            location: Location::Query,
            required: true,
            schema: json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}),
            description: String::new(),
        };
        Description {
            name: "jira".into(),
            version: "1.2".into(),
            description: "Issues".into(),
            commands: vec![
                of("GET", "/issue/{key}", vec![key.clone(), limit, format]),
                of("PATCH", "/issue/{key}", vec![key.clone()]),
                of("GET", "/user/me", Vec::new()),
                of("GET", "/user", Vec::new()),
                of("GET", "/memory/list", Vec::new()),
                of("POST", "/memory/write", Vec::new()),
                of("GET", "/project/{key}/versions", vec![key]),
                of("GET", "/_debug", Vec::new()),
                of("GET", "/", Vec::new()),
            ],
            examples: vec!["jira issue A-1".into()],
        }
    }

    #[test]
    fn a_plugin_lists_each_method_of_each_path() {
        let help = plugin(&described());
        assert_eq!(help["commands"].as_array().unwrap().len(), 8);
        assert_eq!(
            help["commands"][1],
            json!({"name": "issue", "path": "/issue/{key}", "summary": "PATCH /issue/{key}.", "methods": ["PATCH"]})
        );
        assert_eq!(help["examples"], json!(["jira issue A-1"]));
        let keys: Vec<&String> = help.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["plugin", "description", "version", "commands", "examples", "hint"]);
    }

    #[test]
    fn a_command_tells_its_parameters_by_their_wire_names() {
        let help = command(&described(), "issue").unwrap();
        assert_eq!(help["command"], "issue");
        assert_eq!(help["operationId"], "jira_op_get");
        assert_eq!(help["path"], "/jira/issue/{key}");
        assert_eq!(help["methods"], json!(["GET"]));
        assert_eq!(help["usage"], "jira issue <key> --maxResults <value> [options]");
        assert_eq!(
            help["parameters"],
            json!([
                {"name": "key", "in": "path", "required": true, "type": "string"},
                {"name": "maxResults", "in": "query", "required": true, "type": "integer", "minimum": 1},
                {"name": "format", "in": "query", "required": false, "type": "string",
                 "description": "Output format: json, human", "default": "json",
                 "enum": ["json", "human"]},
            ])
        );
        let routes = help["routes"].as_array().unwrap();
        assert_eq!(routes.len(), 2);
        assert_eq!(routes[1]["methods"], json!(["PATCH"]));
        assert!(routes[1].get("routes").is_none());
    }

    #[test]
    fn a_command_is_found_by_name_by_path_and_by_what_is_typed() {
        let described = described();
        let found = |asked: &str| {
            let help = command(&described, asked).unwrap();
            let routes = help.get("routes").and_then(Value::as_array).map_or(1, Vec::len);
            let text = |key: &str| help[key].as_str().unwrap().to_owned();
            (text("command"), text("path"), routes)
        };
        let is = |command: &str, path: &str, routes| (command.to_owned(), path.to_owned(), routes);
        assert_eq!(found("memory write"), is("memory write", "/jira/memory/write", 1));
        assert_eq!(found("memory/write/"), is("memory write", "/jira/memory/write", 1));
        assert_eq!(found("memory"), is("memory", "/jira/memory/list", 2));
        assert_eq!(found("issue/PROJ-1"), is("issue", "/jira/issue/{key}", 2));
        assert_eq!(found("issue PROJ-1"), is("issue", "/jira/issue/{key}", 2));
        assert_eq!(found("user"), is("user", "/jira/user", 2));
        assert_eq!(found("user bob"), is("user", "/jira/user", 2));
        assert_eq!(found("project/P/versions"), is("project", "/jira/project/{key}/versions", 1));
        assert_eq!(found("root"), is("root", "/jira/", 1));
        assert_eq!(found("_debug"), is("_debug", "/jira/_debug", 1));
    }

    #[test]
    fn an_unknown_command_is_answered_by_what_there_is() {
        let available = json!(["issue", "user", "memory", "project", "root"]);
        assert_eq!(
            command(&described(), "isue/x"),
            Err(json!({"error": "Unknown command: isue/x", "available": available}))
        );
        for asked in ["", "/", "\0", "日本", "{key}"] {
            assert!(command(&described(), asked).is_err(), "{asked:?}");
        }
        assert_eq!(
            unknown_plugin("x", &["a".into()]),
            json!({"error": "Unknown plugin: x", "available": ["a"]})
        );
    }

    #[test]
    fn choices_are_listed_not_told_in_a_sentence() {
        assert_eq!(choices("Format: a, b").unwrap(), ["a", "b"]);
        for text in ["a, b", "Type: Bug, 'Technical task'", "Time: 10:00, 11:00", "One: a", "X: a,"]
        {
            assert_eq!(choices(text), None, "{text}");
        }
    }
}
