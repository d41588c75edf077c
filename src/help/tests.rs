//! Help as scripts read it.

use super::*;
use crate::command::{Location, Parameter};

fn described() -> Description {
    let of = |method: &str, path: &str, parameters: Vec<Parameter>| Command {
        path: path.into(),
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
        ..Description::default()
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
fn parameters_have_their_wire_names() {
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
fn a_command_is_found_by_its_name_with_spaces() {
    let paths = ["/my  files/{key}", "/my  files/all", "/ /x", "/ /{key}"];
    let commands = paths.map(|path| Command {
        path: path.into(),
        method: "GET".to_owned(),
        ..Command::default()
    });
    let description = Description { commands: commands.to_vec(), ..Description::default() };
    for (command, path) in commands.iter().zip(paths) {
        let help = self::command(&description, &command.name()).unwrap();
        assert!(help["path"].as_str().unwrap().ends_with(path), "{path}: {help}");
    }
    assert!(command(&description, "  ").is_err());
}

#[test]
fn an_unknown_command_is_answered_by_the_available_ones() {
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
