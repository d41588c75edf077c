//! Output recorded from the first client of these plugins, and shapes of answers beyond it.

use serde_json::json;

use super::*;
use crate::failure::Kind;

const PLAIN: Options = Options { json: false, style: Style::PLAIN, width: 0 };
const JSON: Options = Options { json: true, style: Style::PLAIN, width: 0 };
const COLORED: Options = Options { json: false, style: Style::COLORED, width: 0 };

#[test]
fn answers_look_as_they_were_recorded() {
    let rows = include_str!("../../tests/data/client_render.jsonl");
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let json = row["fmt"] == "json";
        let shown = answer(&row["result"], &Options { json, ..PLAIN });
        assert_eq!(shown, row["out"].as_str().unwrap(), "{} {}", row["case"], row["fmt"]);
        let colored = answer(&row["result"], &Options { json, ..COLORED });
        assert_eq!(strip_ansi(&colored), shown, "{} {}", row["case"], row["fmt"]);
    }
    assert_eq!(rows.lines().count(), 38);
}

#[test]
fn any_shape_of_answer_is_shown() {
    for (body, shown) in [
        (json!([1.5, true]), "1.5\nTrue"),
        (json!(null), "OK"),
        (json!(false), "False"),
        (json!({}), ""),
        (json!({"data": {"active_project": null}}), "Project: None"),
        (json!({"recipes": {"a": [1], "b": []}}), "Recipes: a, b"),
        (json!({"data": [{"description": null}]}), "?                              "),
        (json!({"data": [{"key": 1, "fields": 2}]}), "1               ?               "),
        (
            json!({"data": [{"kind": null, "children": [1, {}]}]}),
            "? (None) :0\n  ├─ ? () :0\n  ├─ ? () :0",
        ),
        (json!({"data": [{"memory": [], "snippets": null}]}), "[] (0 matches)"),
        (json!({"success": false}), "Error: Unknown"),
        (json!({"success": false, "error": {"a": null}, "hint": ""}), "Error: {'a': None}"),
        (
            json!({"detail": [1, {"loc": []}]}),
            "Error: Invalid parameters\n  --unknown: \n  --unknown: \n\nHint: Use --help to see required parameters",
        ),
        (json!({"detail": {"a": 1}}), "detail: {'a': 1}"),
        (json!({"error": "x"}), "error: x"),
    ] {
        assert_eq!(answer(&body, &PLAIN), shown, "{body}");
        answer(&body, &JSON);
        help(&body, &COLORED);
    }
}

#[test]
fn colours_mark_what_matters() {
    assert_eq!(
        answer(&json!({"success": false, "error": "boom", "hint": "try"}), &COLORED),
        "\u{1b}[91mError:\u{1b}[0m boom\n\u{1b}[2mHint: try\u{1b}[0m"
    );
    assert_eq!(answer(&json!({"data": {"a": 1}}), &COLORED), "\u{1b}[1ma:\u{1b}[0m 1");
    assert_eq!(answer(&json!("already \u{1b}[1mtext"), &PLAIN), "already \u{1b}[1mtext");
}

#[test]
fn a_failure_is_recognised_by_status_success_and_error() {
    for (body, status) in [
        (json!({"success": true}), 400),
        (json!({"success": false}), 200),
        (json!({"error": "Unknown command: x", "available": []}), 200),
        (json!({"error": {"code": 1}}), 200),
        (json!("text"), 500),
    ] {
        assert!(failed(&body, status), "{body} {status}");
    }
    for body in [
        json!({"success": true, "error": "kept for information"}),
        json!({"error": null}),
        json!({"error": ""}),
        json!({"error": false}),
        json!({"data": 1, "error": {}}),
        json!("error"),
        json!([{"error": "x"}]),
    ] {
        assert!(!failed(&body, 200), "{body}");
    }
}

#[test]
fn a_failure_of_the_daemon_lists_the_available_names() {
    let unknown = Failure::new(Kind::NotFound, "Unknown command: x")
        .hint("Did you mean 'y'?")
        .available(vec!["y".into(), "z".into()]);
    assert_eq!(
        failure(&unknown, &PLAIN),
        "Error: Unknown command: x\nHint: Did you mean 'y'?\nAvailable: y, z"
    );
    let json: Value = serde_json::from_str(&failure(&unknown, &JSON)).unwrap();
    assert_eq!(json["kind"], "not_found");
    assert_eq!(failure(&Failure::new(Kind::Bug, "x"), &PLAIN), "Error: x");
}

#[test]
fn help_of_a_plugin_lists_its_commands() {
    let body = json!({
        "plugin": "jira", "description": "Issues", "version": "1.0.0",
        "commands": [
            {"name": "issue", "path": "/issue/{key}", "summary": "Get issue details by key.", "methods": ["GET"]},
            {"name": "issue", "path": "/issue/{key}", "summary": "Update issue fields.", "methods": ["PATCH"]},
            {"name": "workflow", "path": "/workflow/{t:path}", "summary": "", "methods": ["GET"]},
            {"name": "root", "path": "/", "summary": "All.", "methods": ["GET"]},
        ],
        "examples": ["jira issue A-1"], "hint": "Run it",
    });
    let text = "\
jira - Issues
Version: 1.0.0

Commands:
  issue <key>          [GET]   Get issue details by key.
  issue <key>          [PATCH] Update issue fields.
  workflow <t…>        [GET]
  root                 [GET]   All.

Examples:
  jira issue A-1

Run it";
    assert_eq!(help(&body, &PLAIN), text);
    assert_eq!(strip_ansi(&help(&body, &COLORED)), text);
    assert_eq!(serde_json::from_str::<Value>(&help(&body, &JSON)).unwrap(), body);
}

fn route(command: &str, method: &str) -> Value {
    json!({
        "plugin": "jira", "command": command, "operationId": "x", "path": "/jira/issue/{key}",
        "summary": "Get it.", "description": "Long text.", "methods": [method],
        "parameters": [
            {"name": "key", "in": "path", "required": true, "type": "string"},
            {"name": "format", "in": "query", "required": false, "description": "Output format: a, b",
             "default": "a", "enum": ["a", "b"]},
            {"name": "kind", "in": "query", "required": false, "default": false, "enum": ["x", "y"]},
        ],
        "usage": "jira issue <key> [options]", "examples": ["jira issue A-1"],
    })
}

const ROUTE: &str = "\
jira issue - Get it.
Long text.

Usage: jira issue <key> [options]

Path: /jira/issue/{key}  Methods: GET

Parameters:
  --key                  [required]
  --format               [optional] Output format: a, b (default: a)
  --kind                 [optional] (one of: x, y) (default: False)

Examples:
  jira issue A-1";

#[test]
fn help_of_a_command_shows_all_its_routes() {
    let mut body = route("issue", "GET");
    assert_eq!(help(&body, &PLAIN), ROUTE);
    assert_eq!(strip_ansi(&help(&body, &COLORED)), ROUTE);
    body["routes"] =
        json!([route("issue", "GET"), route("issue", "PATCH"), route("issue types", "GET")]);
    let all = format!(
        "{ROUTE}\n\n{}\n\nCommands:\n  jira issue <key> [options] [GET]\n      Get it.",
        ROUTE.replace("GET", "PATCH")
    );
    assert_eq!(help(&body, &PLAIN), all);
}

#[test]
fn help_of_a_group_lists_its_commands() {
    let mut body = route("memory", "GET");
    body["routes"] = json!([route("memory list", "GET"), route("memory write", "POST")]);
    assert_eq!(
        help(&body, &PLAIN),
        "jira memory\n\nCommands:\n  jira issue <key> [options] [GET]\n      Get it.\n  \
         jira issue <key> [options] [POST]\n      Get it."
    );
}

#[test]
fn help_of_an_unknown_command_lists_the_available_ones() {
    let body = json!({"error": "Unknown command: X", "available": ["a", "b"]});
    assert_eq!(help(&body, &PLAIN), "Error: Unknown command: X\nAvailable: a, b");
    assert_eq!(help(&json!({"error": "x", "available": []}), &PLAIN), "Error: x");
    assert_eq!(help(&json!({"detail": "Not Found"}), &PLAIN), "detail: Not Found");
}
