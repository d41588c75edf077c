//! Help as it is set on a terminal.

use serde_json::{Value, json};

use super::super::strip_ansi;
use super::super::wrap::visible;
use super::*;

fn kinds() -> Value {
    json!({
        "plugin": "demo", "command": "kinds", "path": "/demo/kinds/{word}", "summary": "Take a parameter of every kind and give them back.",
        "description": "A longer text, which says a little more than the summary does and is wrapped.", "methods": ["GET"],
        "parameters": [
            {"name": "word", "in": "path", "required": true, "type": "string"},
            {"name": "number", "in": "query", "required": true, "type": "integer", "description": "A whole number", "minimum": 1, "maximum": 50},
            {"name": "flag", "in": "query", "required": false, "type": "boolean", "default": false, "description": "Yes or no"},
            {"name": "wrap", "in": "query", "required": false, "type": "boolean", "default": true, "description": "Wrap it"},
            {"name": "format", "in": "query", "required": false, "type": "string", "default": "json", "description": "Output format: json, human", "enum": ["json", "human"]},
            {"name": "expand", "in": "query", "required": false, "type": "string", "enum": ["changelog", "transitions", "operations"]},
            {"name": "tag", "in": "query", "required": false, "type": "array", "items": {"type": "string"}, "default": [], "description": "May be given more than once, each time with another of the many tags that there are"},
            {"name": "aVeryLongNameOfAnOption", "in": "body", "required": false, "type": "object", "description": "課題のキーを指定して詳細を取得します"},
        ],
        "usage": "demo kinds <word> --number <value> [options]", "examples": ["demo kinds word --number 7"],
    })
}

fn set(body: &Value, width: usize) -> String {
    super::text(body, &Options { width, ..Options::default() }).unwrap()
}

#[test]
fn a_command_is_set_in_two_columns() {
    insta::assert_snapshot!(set(&kinds(), 60), @"
    demo kinds - Take a parameter of every kind and give them
    back.

    A longer text, which says a little more than the summary
    does and is wrapped.

    Usage: demo kinds <word> --number <value> [options]

    Arguments:
      <word> TEXT          [required]

    Options:
      --number INTEGER     A whole number [required] [1 to 50]
      --flag               Yes or no
      --[no-]wrap          Wrap it [default: true]
      --format json|human  Output format [default: json]
      --expand TEXT        [one of: changelog, transitions,
                           operations]
      --tag TEXT…          May be given more than once, each
                           time with another of the many tags
                           that there are
      --aVeryLongNameOfAnOption JSON
                           課題のキーを指定して詳細を取得します

    Examples:
      demo kinds word --number 7

    HTTP: GET /demo/kinds/{word}
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal_or_than_can_be_read() {
    for width in 36..300 {
        let text = set(&kinds(), width);
        let widest = text.lines().map(visible).max().unwrap();
        assert!(widest <= width.min(100), "{width}: {widest}\n{text}");
    }
    for width in 1..36 {
        set(&kinds(), width);
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let colored = Options { width: 60, style: Style::COLORED, ..Options::default() };
    let text = super::text(&kinds(), &colored).unwrap();
    assert_eq!(strip_ansi(&text), set(&kinds(), 60));
    assert!(
        text.contains("  \u{1b}[1m\u{1b}[96m--number\u{1b}[0m \u{1b}[2mINTEGER\u{1b}[0m"),
        "{text:?}"
    );
}

fn listed(paths: &[&str]) -> Value {
    let commands: Vec<Value> = paths
        .iter()
        .map(|line| {
            let (method, path) = line.split_once(' ').unwrap();
            json!({"name": "x", "path": path, "summary": "Does it.", "methods": [method]})
        })
        .collect();
    json!({"plugin": "p", "version": "1.0", "description": "D", "commands": commands, "hint": "H"})
}

#[test]
fn many_commands_are_grouped_by_their_first_word() {
    let few = ["GET /issue/{key}", "POST /issue", "GET /status"];
    insta::assert_snapshot!(set(&listed(&few), 80), @"
    p - D
    Version 1.0

    Usage: p <command> [arguments] [options]

    Commands:
      issue <key>  GET   Does it.
      issue        POST  Does it.
      status       GET   Does it.

    H
    ");
    let many: Vec<&str> = [few.as_slice(), &["GET /memory/list", "POST /memory/{a}/{b}"]]
        .concat()
        .into_iter()
        .chain(["GET /a", "GET /b", "GET /c", "GET /d", "GET /e", "GET /f", "DELETE /g"])
        .collect();
    insta::assert_snapshot!(set(&listed(&many), 80), @"
    p - D
    Version 1.0

    Usage: p <command> [arguments] [options]

    Commands:
      status          GET     Does it.
      a               GET     Does it.
      b               GET     Does it.
      c               GET     Does it.
      d               GET     Does it.
      e               GET     Does it.
      f               GET     Does it.
      g               DELETE  Does it.

    issue:
      issue <key>     GET     Does it.
      issue           POST    Does it.

    memory:
      memory list     GET     Does it.
      memory <a> <b>  POST    Does it.

    H
    ");
}
