//! Tools of descriptions like those of real plugins.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;
use crate::command::{Location, Parameter, Program};

fn parameter(name: &str, location: Location, schema: Value) -> Parameter {
    let required = location == Location::Path;
    Parameter { name: name.into(), location, required, schema, description: "About it".into() }
}

fn command(method: &str, path: &str, parameters: Vec<Parameter>) -> Command {
    let has_body = parameters.iter().any(|each| each.location == Location::Body);
    let summary = format!("{method} {path}");
    Command {
        method: method.into(),
        path: path.into(),
        summary,
        parameters,
        has_body,
        ..Command::default()
    }
}

fn description(name: &str, commands: Vec<Command>) -> Description {
    Description { name: name.into(), commands, ..Description::default() }
}

#[test]
fn names_are_unique_and_such_as_all_apis_take() {
    let program = Program { reference: "m:f".into(), takes_words: true, path: Vec::new() };
    let plugin = description(
        "my.jira",
        vec![
            command("GET", "/issue/{key}", vec![]),
            command("DELETE", "/issue/{key}", vec![]),
            command("GET", "/issue/{key}/links", vec![]),
            command("POST", "/memory/write/{name}", vec![]),
            command("GET", &format!("/{}", "x".repeat(90)), vec![]),
            command("GET", &format!("/{}/y", "x".repeat(90)), vec![]),
            command("GET", "/_internal", vec![]),
            Command { program: Some(program), ..command("POST", "/repl", vec![]) },
            Command { kept_from_agents: true, ..command("POST", "/secret", vec![]) },
        ],
    );
    let tools = of(&plugin);
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let long = |end: &str| format!("my_jira_{}{end}", "x".repeat(56 - end.len()));
    assert_eq!(
        names,
        [
            "my_jira_issue",
            "my_jira_issue_delete",
            "my_jira_issue_links",
            "my_jira_memory_write",
            &long(""),
            &long("_get")
        ]
    );
    assert_eq!(tools[4].command, 4);
    let effects = |at: usize| {
        let Effect { reads_only, destroys, is_idempotent } = tools[at].effect;
        (reads_only, destroys, is_idempotent)
    };
    assert_eq!(effects(0), (true, false, true));
    assert_eq!(effects(1), (false, true, true));
    assert_eq!(effects(3), (false, false, false));
}

#[test]
fn formats_have_the_same_schema_under_the_names_of_each_api() {
    let mut one =
        command("GET", "/x", vec![parameter("n", Location::Query, json!({"type": "integer"}))]);
    one.examples = vec!["p x --n 1".into()];
    one.output = Some(json!({"type": "object"}));
    let tool = of(&description("p", vec![one])).remove(0);
    assert_eq!(tool.description, "GET /x\n\nExamples:\np x --n 1");
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "About it"}},
        "additionalProperties": false,
    });
    assert_eq!(Format::OpenAi.of(&tool)["function"]["parameters"], schema);
    assert_eq!(Format::Anthropic.of(&tool)["input_schema"], schema);
    let mcp = Format::Mcp.of(&tool);
    assert_eq!((&mcp["inputSchema"], &mcp["outputSchema"]), (&schema, &json!({"type": "object"})));
    assert_eq!(mcp["annotations"]["readOnlyHint"], json!(true));
    let list = Tool { output: Some(json!({"type": "array"})), ..tool };
    let wrapped = &Format::Mcp.of(&list)["outputSchema"]["properties"]["result"];
    assert_eq!(wrapped, &json!({"type": "array"}));
    for name in Format::NAMES {
        assert!(name.parse::<Format>().is_ok());
    }
    assert!("xml".parse::<Format>().unwrap_err().contains("openai"));
}

#[test]
fn each_argument_goes_to_its_place() {
    let any = json!({"type": "string"});
    let command = command(
        "POST",
        "/v{major}/files/{path:path}",
        vec![
            parameter("major", Location::Path, any.clone()),
            parameter("path", Location::Path, any.clone()),
            parameter("tags", Location::Query, json!({"type": "array"})),
            parameter("dry", Location::Query, json!({"type": "boolean"})),
            parameter("x-token", Location::Header, any.clone()),
            parameter("session", Location::Cookie, any.clone()),
            parameter("text", Location::Body, any.clone()),
            parameter("note", Location::Body, any),
        ],
    );
    let arguments = |value: Value| match value {
        Value::Object(arguments) => arguments,
        other => panic!("{other}"),
    };
    let request = composed(
        &command,
        arguments(json!({
            "major": 2, "path": "a/b", "tags": ["x", 1], "dry": true, "x-token": "t", "session": "s",
            "text": {"a": 1}, "note": null,
        })),
    )
    .unwrap()
    .request;
    assert_eq!(request.segments, ["v2", "files", "a", "b"]);
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    assert_eq!(request.path, owned(&[("major", "2"), ("path", "a/b")]));
    assert_eq!(request.query, owned(&[("tags", "x"), ("tags", "1"), ("dry", "true")]));
    assert_eq!(
        (request.headers[0].0.as_str(), &request.headers[0].1),
        ("x-token", &"t".parse().unwrap())
    );
    assert_eq!(request.cookies, owned(&[("session", "s")]));
    assert_eq!(Value::from(request.body.unwrap()), json!({"text": {"a": 1}, "note": null}));

    let least = composed(&command, arguments(json!({"major": "1", "path": "x", "dry": null})))
        .unwrap()
        .request;
    assert_eq!((least.query.len(), least.body), (0, Some(Map::new())));
    let refused = |value| composed(&command, arguments(value)).unwrap_err();
    assert_eq!(refused(json!({"major": 1})).error, "argument `path` is missing");
    assert_eq!(refused(json!({"major": null, "path": "x"})).error, "argument `major` is missing");
    let unknown = refused(json!({"major": 1, "path": "x", "txet": 1}));
    assert_eq!(unknown.hint.as_deref(), Some("Did you mean `text`?"));
}

#[test]
fn a_body_without_declared_fields_takes_any() {
    let any = Command { has_body: true, ..command("POST", "/any", vec![]) };
    let arguments = Map::from_iter([("a".to_owned(), json!([1]))]);
    assert_eq!(composed(&any, arguments.clone()).unwrap().request.body, Some(arguments));
}

#[test]
fn what_a_command_reads_from_stdin_is_an_argument() {
    let sum = Command { stdin: Some("data".into()), ..command("POST", "/sum", vec![]) };
    let tool = of(&description("p", vec![sum.clone()])).remove(0);
    assert_eq!(tool.input["properties"]["data"]["type"], "string");
    let arguments = Map::from_iter([("data".to_owned(), json!("text"))]);
    assert_eq!(composed(&sum, arguments).unwrap().stdin.as_deref(), Some("text"));
    assert_eq!(composed(&sum, Map::new()).unwrap().stdin.as_deref(), Some(""));
}

#[test]
fn names_are_unique_over_all_plugins_and_bare_in_one() {
    let plugin = |name, path| Arc::new(description(name, vec![command("GET", path, vec![])]));
    let (first, second) = (plugin("a", "/b/c"), plugin("a_b", "/c"));
    let names = |catalog: &Catalog| -> Vec<String> {
        catalog.entries().iter().map(|entry| entry.tool.name.clone()).collect()
    };
    let both = Catalog::of_all([first.clone(), second]);
    assert_eq!(names(&both), ["a_b_c", "a_b_c_get"]);
    assert_eq!(both.find("a_b_c_get").unwrap().plugin.name, "a_b");
    assert_eq!((both.find("a_b").is_none(), both.nearest("a_b_d")), (true, Some("a_b_c")));
    assert_eq!(names(&Catalog::of_one(first)), ["b_c"]);
}
