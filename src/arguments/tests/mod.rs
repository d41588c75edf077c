//! The rules of the command line, tried on descriptions like those of real plugins.

mod failures;
mod inputs;
mod recorded;
mod routes;
mod syntax;
mod timeouts;

use serde_json::{Value, json};

use super::*;
use crate::command::{Command, Location, Parameter};
use crate::failure::Kind;

/// `METHOD /path name:type name!:type …`: `!` for required, a type after `:`, `@` before a place that is not
/// the query; path parameters are added from the path.
fn command(line: &str) -> Command {
    let mut parts = line.split_whitespace();
    let method = parts.next().unwrap().to_owned();
    let path = parts.next().unwrap().to_owned();
    let parameter = |name: &str, kind: &str, location, required| Parameter {
        name: name.to_owned(),
        location,
        required,
        schema: match kind.strip_suffix("[]") {
            Some(items) => json!({"type": "array", "items": {"type": items}}),
            None => json!({"anyOf": [{"type": "null"}, {"type": kind}]}),
        },
        description: String::new(),
    };
    let in_path = path
        .split('/')
        .filter_map(|part| part.split_once('{')?.1.split(['}', ':']).next())
        .map(|name| parameter(name, "string", Location::Path, true));
    let mut parameters: Vec<Parameter> = in_path.collect();
    for part in parts.filter(|part| *part != "BODY") {
        let (part, location) = match part.split_once('@') {
            Some((part, "body")) => (part, Location::Body),
            Some((part, "header")) => (part, Location::Header),
            Some((part, _)) => (part, Location::Cookie),
            None => (part, Location::Query),
        };
        let (name, kind) = part.split_once(':').unwrap_or((part, "string"));
        let (name, required) = match name.strip_suffix('!') {
            Some(name) => (name, true),
            None => (name, false),
        };
        parameters.push(parameter(name, kind, location, required));
    }
    let has_body = line.contains("@body") || line.contains("BODY");
    Command { path: path.into(), method, parameters, has_body, ..Command::default() }
}

fn plugin(name: &str, lines: &[&str]) -> Description {
    Description {
        name: name.to_owned(),
        commands: lines.iter().map(|line| command(line)).collect(),
        ..Description::default()
    }
}

fn jira() -> Description {
    plugin(
        "jira",
        &[
            "GET /issue/{key} fields expand format",
            "POST /create project! summary! type! description priority labels",
            "PATCH /issue/{key} summary priority labels assignee",
            "GET /search jql! maxResults:integer startAt:integer fields format",
            "POST /comment/{key} text!",
            "GET /comments/{key} limit:integer format",
            "POST /link from! to! type!",
            "GET /link/types",
            "POST /weblink/{key} url! title",
            "GET /weblinks/{key}",
            "DELETE /weblink/{key}/{link_id}",
            "POST /attachment/{key} filename! content!",
            "DELETE /attachment/{attachment_id}",
            "POST /component project! name! description lead",
            "GET /component/{component_id} format",
            "DELETE /component/{component_id}",
            "GET /project/{key} format",
            "GET /project/{key}/components format",
            "GET /status/{name} format",
            "GET /user format",
            "GET /user/me format",
            "POST /watcher/{key} username!",
            "DELETE /watcher/{key}/{username}",
            "GET /workflow/{issue_type:path}",
            "POST /workflow/discover/{key}",
            "POST /transition/{key} target! comment",
        ],
    )
}

fn serena() -> Description {
    plugin(
        "serena",
        &[
            "GET /find pattern! kind path body:boolean depth:integer exact:boolean",
            "GET /memory/list folder",
            "GET /memory/read name!",
            "POST /memory/write name! content!",
            "POST /edit/replace symbol! file! body!",
            "GET /_debug",
        ],
    )
}

fn typed(line: &[&str]) -> Vec<String> {
    line.iter().map(|argument| (*argument).to_owned()).collect()
}

/// Resolves a line without inputs and without a method.
fn resolved(description: &Description, line: &[&str]) -> Result<Resolved, Failure> {
    resolve(description, &Line { arguments: &typed(line), ..Line::default() })
}

fn ok(description: &Description, line: &[&str]) -> Resolved {
    resolved(description, line).unwrap_or_else(|failure| panic!("{line:?}: {failure}"))
}

fn err(description: &Description, line: &[&str]) -> Failure {
    match resolved(description, line) {
        Ok(resolved) => panic!("{line:?}: {resolved:?}"),
        Err(failure) => failure,
    }
}

/// The body of a call as JSON.
fn body(resolved: &Resolved) -> Option<Value> {
    resolved.request.body.clone().map(Value::Object)
}

/// `METHOD path?name=value&…`, nothing encoded; segments with a slash in them are shown with `%2F`.
fn shown(resolved: &Resolved) -> String {
    let request = &resolved.request;
    let segments: Vec<String> =
        request.segments.iter().map(|segment| segment.replace('/', "%2F")).collect();
    let query: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{} {}{mark}{}", request.method, segments.join("/"), query.join("&"))
}

#[track_caller]
fn sends(description: &Description, line: &[&str], request: &str) {
    let resolved = ok(description, line);
    assert_eq!(shown(&resolved), request, "{line:?}");
    assert_eq!(resolved.warnings, Vec::<String>::new(), "{line:?}");
}
