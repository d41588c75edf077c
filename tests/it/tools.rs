//! Commands as tools for agents, over HTTP and from the control program.

use serde_json::{Value, json};

use crate::harness::{Answer, Home, plugin_code};

const FUNCTIONS: &str = r#"
"""Notes."""
from typing import TextIO
from skills_daemon.commands import command


@command
def search_notes(text: str, limit: int = 5) -> dict:
    """Search notes.

    Args:
        text: What is looked for.
    """
    return {"text": text, "limit": limit}


@command
def count(data: TextIO) -> int:
    return len(data.read())


@command(agents=False)
def wipe() -> str:
    return "wiped"
"#;

const ROUTER: &str = r#"
from pydantic import BaseModel

class Issue(BaseModel):
    title: str
    parent: str | None = "none"

@router.get("/issue/{key}")
def issue(key: str, fields: list[str] = Query([])) -> dict:
    """Get an issue."""
    return {"key": key, "fields": fields}

@router.delete("/issue/{key}")
def delete(key: str) -> dict:
    return {"deleted": key}

@router.get("/hidden", openapi_extra={"x-agents": False})
def hidden() -> dict:
    return {"hidden": False}

@router.post("/issue")
def create(issue: Issue) -> dict:
    return issue.model_dump()
"#;

fn home() -> Home {
    let home = Home::new();
    home.plugin("notes", FUNCTIONS, r#"{"name": "notes"}"#);
    let router = format!("from fastapi import Query\n{}", plugin_code("jira", ROUTER));
    home.plugin("jira", &router, "");
    home.client(&["notes", "search-notes", "x"]).ok();
    home.client(&["jira", "issue", "A-1"]).ok();
    home
}

fn call(home: &Home, tool: &str, arguments: &Value) -> Answer {
    let kind = [("content-type", "application/json")];
    let body = arguments.to_string();
    Answer::of(home.port(), "POST", &format!("/tools/{tool}"), &kind, body.as_bytes())
}

#[test]
fn every_command_is_described_and_called_by_its_arguments() {
    let home = home();
    let tools = home.get("/tools?plugin=jira&plugin=notes").json();
    let names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    for name in
        ["jira_issue", "jira_issue_delete", "jira_issue_post", "notes_search-notes", "notes_count"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    let tool = |name: &str| tools.as_array().unwrap().iter().find(|tool| tool["name"] == name);
    let search = tool("notes_search-notes").unwrap();
    assert_eq!(search["inputSchema"]["properties"]["text"]["description"], "What is looked for.");
    assert_eq!(search["annotations"]["readOnlyHint"], true);
    assert_eq!(tool("jira_issue_delete").unwrap()["annotations"]["destructiveHint"], true);

    for (name, arguments, result) in [
        ("notes_search-notes", json!({"text": "a", "limit": 2}), json!({"text": "a", "limit": 2})),
        ("notes_count", json!({"data": "four"}), json!(4)),
        ("jira_issue", json!({"key": "A/1", "fields": ["a", "b"]}), json!(null)),
        (
            "jira_issue",
            json!({"key": "A-1", "fields": ["a", "b"]}),
            json!({"key": "A-1", "fields": ["a", "b"]}),
        ),
        (
            "jira_issue_post",
            json!({"title": "t", "parent": null}),
            json!({"title": "t", "parent": null}),
        ),
        ("jira_issue_post", json!({"title": "t"}), json!({"title": "t", "parent": "none"})),
    ] {
        let answer = call(&home, name, &arguments);
        match result {
            Value::Null => assert_eq!(answer.status, 404, "{answer:?}"),
            result => assert_eq!((answer.status, answer.json()), (200, result), "{name}"),
        }
    }
    let invalid = call(&home, "notes_search-notes", &json!({"limit": "x"}));
    assert_eq!(invalid.status, 422, "{invalid:?}");
    let unknown = call(&home, "notes_search-notes", &json!({"txt": "a"}));
    assert_eq!((unknown.status, &unknown.json()["hint"]), (400, &json!("Did you mean `text`?")));
    let none = call(&home, "notes_serch-notes", &json!({}));
    assert_eq!(
        (none.status, &none.json()["hint"]),
        (404, &json!("Did you mean `notes_search-notes`?"))
    );
    assert_eq!(call(&home, "jira_issue", &json!([])).status, 400);
}

#[test]
fn what_is_kept_from_agents_is_no_tool_and_a_command_all_the_same() {
    let home = home();
    home.plugin(
        "private",
        "def get_it() -> int:\n    return 1\n",
        r#"{"name": "private", "agents": false}"#,
    );
    home.write(
        ".config/skills-daemon/plugins/words.json",
        r#"{"name": "words", "commands": {
            "quote": {"call": "shlex:quote"}, "join": {"call": "shlex:join", "agents": false}}}"#,
    );
    home.control(&["reload"]).ok();
    let tools = home.get("/tools").text();
    assert!(tools.contains("words_quote") && tools.contains("notes_count"), "{tools}");
    for kept in ["notes_wipe", "jira_hidden", "private_get-it", "words_join"] {
        assert!(!tools.contains(kept), "{kept}");
        assert_eq!(call(&home, kept, &json!({})).status, 404, "{kept}");
    }
    assert_eq!(home.client(&["notes", "wipe"]).ok().stdout(), "wiped\n");
    assert_eq!(home.client(&["private", "get-it"]).ok().stdout(), "1\n");
}

#[test]
fn they_are_printed_as_the_apis_of_models_take_them() {
    let home = home();
    let printed = |api: &str| home.control(&["plugins", "--tools", api]).ok().json();
    let openai = printed("openai");
    assert_eq!(openai[0]["type"], "function");
    // Not those of the demo, which may still be loading.
    let own = |tools: &Value, name: fn(&Value) -> &Value| {
        let names = tools.as_array().unwrap().iter().map(|tool| name(tool).as_str().unwrap());
        names.filter(|name| !name.starts_with("demo")).map(str::to_owned).collect::<Vec<_>>()
    };
    let names = own(&openai, |tool| &tool["function"]["name"]);
    assert_eq!((names.len(), own(&printed("anthropic"), |tool| &tool["name"])), (5, names));
    assert!(printed("anthropic")[0]["input_schema"]["type"] == "object");
    home.control(&["plugins", "--tools", "xml"]).fails_with(2).complains("possible values");
    assert_eq!(home.get("/tools?format=xml").status, 400);
}
