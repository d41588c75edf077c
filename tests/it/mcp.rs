//! Agents: the Model Context Protocol in both of its eras, over HTTP; in lines in `lines`.

mod lines;

use std::fs;

use serde_json::{Value, json};

use crate::harness::mcp::{Agent, text};
use crate::harness::{Answer, Home, Sent, eventually, plugin_code};

const CODE: &str = r##"
"""Notes of the team."""
import logging
import time
from dataclasses import dataclass
from typing import Literal
from skills_daemon import Image, Message, ask, confirm, form, progress, prompt, resource
from skills_daemon.commands import CommandError, command

logger = logging.getLogger("notes")


@dataclass
class Note:
    title: str
    tags: list[str]


@command
def show(title: str, tags: list[str] | None = None) -> Note:
    """Show a note.

    Args:
        title: Its title.
    """
    return Note(title, tags or [])


@command
def find(word: str) -> list[Note]:
    return [Note(word, [])]


@command(method="POST")
def loud(times: int = 2) -> str:
    print("printed")
    logger.warning("careful")
    with progress(times, "Counting") as bar:
        for _ in range(times):
            time.sleep(0.06)
            bar.advance()
    return "returned"


@command
def picture() -> list[str | Image]:
    return ["a picture", Image(b"\x89PNG")]


@command
def fail() -> None:
    raise CommandError("no such note", hint="List them.")


@command
def order(name: str | None = None) -> str:
    name = name or ask("Name", option="--name")
    fields = {"size": {"type": "string", "enum": ["small", "large"]}}
    size = form("Which?", {"type": "object", "properties": fields, "required": ["size"]})["size"]
    return f"{size} for {name}" if confirm("Sure?", True) else "nothing"


@resource("notes://{title}", media_type="text/markdown")
def note(title: str) -> str:
    """A note."""
    return f"# {title}"


@prompt
def review(style: Literal["short", "shy", "long"], text: str = "it") -> list[Message]:
    """Review a text."""
    return [Message(f"Review {text}, {style}."), Message("Sure.", "assistant")]
"##;

const ROUTER: &str = r#"
from skills_daemon import confirm
@router.get("/rows/{key}")
def row(key: str, limit: int = 5) -> dict:
    """Get a row."""
    return {"key": key, "limit": limit}

@router.delete("/rows/{key}")
def delete(key: str) -> dict:
    return {"deleted": key}

@router.delete("/tables/{name}")
def drop(name: str) -> dict:
    return {"dropped": confirm("Really?", option="--yes")}
"#;

fn home() -> Home {
    let home = Home::new();
    home.plugin("notes", CODE, r#"{"name": "notes"}"#);
    home.plugin("db", &plugin_code("db", ROUTER), "");
    home.client(&["notes", "find", "x"]).ok();
    home.client(&["db", "rows", "x"]).ok();
    home
}

#[test]
fn both_eras_list_the_same_tools_and_call_them() {
    let home = home();
    let old = Agent::of_session(&home, "/mcp", json!({}));
    let new = Agent::without_session(&home, "/mcp", json!({}));
    for agent in [&old, &new] {
        let names = agent.names("tools");
        for name in ["notes_show", "notes_order", "db_rows", "db_rows_delete"] {
            assert!(names.iter().any(|own| own == name), "{name}: {names:?}");
        }
        let note = agent.call("notes_show", json!({"title": "a", "tags": ["b"]}));
        assert_eq!(note["structuredContent"], json!({"title": "a", "tags": ["b"]}), "{note}");
        let text: Value = serde_json::from_str(&text(&note)).unwrap();
        assert_eq!(text, note["structuredContent"]);
        let notes = agent.call("notes_find", json!({"word": "w"}));
        let wrapped = json!({"result": [{"title": "w", "tags": []}]});
        assert_eq!(notes["structuredContent"], wrapped, "{notes}");
        let row = agent.call("db_rows", json!({"key": "k", "limit": null}));
        assert_eq!(crate::harness::mcp::text(&row), r#"{"key":"k","limit":5}"#);
    }
    let one = Agent::without_session(&home, "/mcp/db", json!({}));
    assert_eq!(one.names("tools"), ["rows", "rows_delete", "tables"]);
    let list = one.request("tools/list", json!({})).end;
    assert_eq!((&list["ttlMs"], &list["cacheScope"]), (&json!(60_000), &json!("private")));
    let hints = |at: usize| list["tools"][at]["annotations"].clone();
    assert_eq!(hints(0)["readOnlyHint"], true);
    assert_eq!(
        (&hints(1)["destructiveHint"], &hints(1)["idempotentHint"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        crate::harness::mcp::text(&one.call("rows_delete", json!({"key": "k"}))),
        r#"{"deleted":"k"}"#
    );
    let unknown = home.http("POST", "/mcp/dbb", &[]);
    assert_eq!((unknown.status, &unknown.json()["hint"]), (404, &json!("Did you mean `db`?")));
}

#[test]
fn failures_name_the_argument_and_the_remedy() {
    let home = home();
    let agent = Agent::without_session(&home, "/mcp", json!({}));
    for (tool, arguments, said) in [
        ("notes_fail", json!({}), "Error: no such note\nHint: List them."),
        ("notes_show", json!({}), "Error: invalid arguments\n  `title`: Field required\n"),
        ("notes_show", json!({"titel": "x"}), "`titel`"),
        (
            "db_rows",
            json!({"key": "k", "limit": "x"}),
            "  `limit`: Input should be a valid integer",
        ),
    ] {
        let result = agent.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result}");
        assert!(text(&result).contains(said), "{result}");
    }
    let unknown = agent.request("tools/call", json!({"name": "notes_shwo", "arguments": {}}));
    assert_eq!(unknown.end["code"], -32602);
    assert!(unknown.end["message"].as_str().unwrap().contains("Did you mean `notes_show`?"));
}

#[test]
fn what_a_call_reports_comes_before_its_result() {
    let home = home();
    let agent = Agent::without_session(&home, "/mcp", json!({}));
    let meta = json!({"progressToken": "t", "io.modelcontextprotocol/logLevel": "warning"});
    let call = json!({"name": "notes_loud", "arguments": {"times": 2}, "_meta": meta});
    let reply = agent.request("tools/call", call);
    let of = |method: &str| {
        let own = reply.before.iter().filter(|message| message["method"] == method);
        own.map(|message| message["params"].clone()).collect::<Vec<_>>()
    };
    let done: Vec<f64> = of("notifications/progress")
        .iter()
        .map(|it| {
            assert_eq!((&it["total"], &it["message"]), (&json!(2.0), &json!("Counting")), "{it}");
            it["progress"].as_f64().unwrap()
        })
        .collect();
    assert!(done.len() >= 2 && done.is_sorted() && done[0] == 0.0, "{done:?}");
    let records = of("notifications/message");
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((&records[0]["level"], &records[0]["data"]), (&json!("warning"), &json!("careful")));
    assert_eq!(text(&reply.end), "printed|returned");
    let quiet = agent.request("tools/call", json!({"name": "notes_loud", "arguments": {}}));
    assert!(quiet.before.is_empty(), "{quiet:?}");
    let picture = agent.call("notes_picture", json!({}));
    assert_eq!(picture["content"][1]["mimeType"], "image/png", "{picture}");
}

#[test]
fn a_call_that_asks_goes_on_with_the_answers() {
    let home = home();
    let agent = Agent::without_session(&home, "/mcp/notes", json!({"elicitation": {}}));
    let call = |more: Value| {
        let mut request = json!({"name": "order", "arguments": {}});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        agent.request("tools/call", request)
    };
    let accept = |content: Value| json!({"action": "accept", "content": content});
    let first = call(json!({})).end;
    assert_eq!(first["resultType"], "input_required", "{first}");
    let asked = &first["inputRequests"]["name"];
    assert_eq!(asked["params"]["message"], "Name");
    let second = call(json!({"requestState": first["requestState"],
        "inputResponses": {"name": accept(json!({"answer": "Ada"}))}}))
    .end;
    assert_eq!(second["resultType"], "input_required", "{second}");
    let again = call(json!({"requestState": first["requestState"], "inputResponses": {}})).end;
    assert_eq!(again["code"], -32602, "an old state");
    let wrong = call(json!({"requestState": second["requestState"],
        "inputResponses": {"question-2": accept(json!({"size": 5, "x": 1}))}}))
    .end;
    assert_eq!(
        wrong["resultType"], "input_required",
        "only one of the choices is an answer: {wrong}"
    );
    let third = call(json!({"requestState": wrong["requestState"],
        "inputResponses": {"question-2": accept(json!({"size": "large"}))}}))
    .end;
    assert_eq!(
        third["inputRequests"]["question-3"]["params"]["requestedSchema"]["properties"]["answer"]["default"],
        true
    );
    let end = call(json!({"requestState": third["requestState"],
        "inputResponses": {"question-3": accept(json!({"answer": true}))}}))
    .end;
    assert_eq!(text(&end), "large for Ada", "{end}");

    let mute = Agent::without_session(&home, "/mcp/notes", json!({}));
    let result = mute.call("order", json!({}));
    assert_eq!(text(&result), "Error: Name: no answer was given\nHint: Give --name.");
}

#[test]
fn resources_and_prompts_of_plain_functions() {
    let home = home();
    for agent in [
        Agent::of_session(&home, "/mcp/notes", json!({})),
        Agent::without_session(&home, "/mcp/notes", json!({})),
    ] {
        let templates = agent.request("resources/templates/list", json!({})).end;
        let template = &templates["resourceTemplates"][0];
        assert_eq!(template["uriTemplate"], "notes://{title}");
        assert_eq!(
            (&template["name"], &template["description"]),
            (&json!("note"), &json!("A note."))
        );
        let read = agent.request("resources/read", json!({"uri": "notes://a%20b"})).end;
        let contents =
            json!([{"uri": "notes://a%20b", "mimeType": "text/markdown", "text": "# a b"}]);
        assert_eq!(read["contents"], contents);
        assert_eq!(agent.names("prompts"), ["review"]);
        let prompt = agent
            .request("prompts/get", json!({"name": "review", "arguments": {"style": "short"}}));
        assert_eq!(prompt.end["messages"][0]["content"]["text"], "Review it, short.");
        assert_eq!(prompt.end["messages"][1]["role"], "assistant");
        let wrong =
            agent.request("prompts/get", json!({"name": "review", "arguments": {"style": "x"}}));
        assert_eq!(wrong.end["code"], -32602, "{wrong:?}");
        let completion = agent.request(
            "completion/complete",
            json!({
            "ref": {"type": "ref/prompt", "name": "review"},
            "argument": {"name": "style", "value": "sh"}}),
        );
        assert_eq!(completion.end["completion"]["values"], json!(["short", "shy"]));
    }
    // Neither is a command.
    assert!(!home.client(&["notes", "--help"]).ok().stdout().contains("review"));
}

#[test]
fn many_tools_are_three_for_a_search() {
    let home = home();
    let code: String = (0..40)
        .map(|at| format!("def act_{at}(thing: str) -> str:\n    'Act {at} on a thing.'\n    return thing + '{at}'\n\n"))
        .collect();
    home.plugin(
        "many",
        &format!("{code}\ndef polish(shoe: str) -> str:\n    'Polish a shoe.'\n    return shoe\n"),
        r#"{"name": "many"}"#,
    );
    home.control(&["reload"]).ok();
    let agent = Agent::without_session(&home, "/mcp", json!({}));
    assert_eq!(agent.names("tools"), ["search_commands", "describe_command", "call_command"]);
    let about = agent.request("server/discover", json!({})).end["instructions"].clone();
    assert!(about.as_str().unwrap().contains("Find one with search_commands"), "{about}");
    let found = text(&agent.call("search_commands", json!({"query": "polish shoes", "limit": 3})));
    assert!(found.starts_with("many_polish(shoe): Polish a shoe."), "{found}");
    let described = text(&agent.call("describe_command", json!({"name": "many_polish"})));
    assert!(described.contains("\"inputSchema\""), "{described}");
    for arguments in [json!({"shoe": "left"}), json!("{\"shoe\": \"left\"}")] {
        let called =
            agent.call("call_command", json!({"name": "many_polish", "arguments": arguments}));
        assert_eq!(text(&called), "left", "{called}");
    }
    let unknown = agent.call("call_command", json!({"name": "many_polsh"}));
    assert!(text(&unknown).contains("Did you mean `many_polish`?"), "{unknown}");
    // By its own name it can be called, too.
    assert_eq!(text(&agent.call("many_act-3", json!({"thing": "x"}))), "x3");
    let all = Agent::without_session(&home, "/mcp?tools=all", json!({}));
    assert!(all.names("tools").len() > 40);
    let some = Agent::without_session(&home, "/mcp?tools=db,many_polish", json!({}));
    assert_eq!(some.names("tools"), ["db_rows", "db_rows_delete", "db_tables", "many_polish"]);
    home.write(".config/skills-daemon/config.toml", "[agents]\ntools = 'all'\n");
    eventually("the setting", || (agent.names("tools").len() > 40).then_some(()));
}

#[test]
fn a_session_outlives_a_reload_and_a_restart() {
    let home = home();
    let agent = Agent::of_session(&home, "/mcp/db", json!({}));
    assert_eq!(agent.names("tools"), ["rows", "rows_delete", "tables"]);
    let more = format!("{ROUTER}\n@router.get('/more')\ndef more() -> int:\n    return 1\n");
    home.plugin("db", &plugin_code("db", &more), "");
    eventually("the new tool", || agent.names("tools").contains(&"more".to_owned()).then_some(()));
    let pid = home.pid();
    home.control(&["restart"]).ok();
    assert_ne!(home.pid(), pid);
    assert_eq!(text(&agent.call("more", json!({}))), "1");
    let files = || fs::read_dir(home.runtime().join("state/mcp")).unwrap().count();
    assert_eq!(files(), 1);
    let session = agent.session().to_owned();
    let ended = home.http("DELETE", "/mcp/db", &[("mcp-session-id", &session)]);
    assert_eq!((ended.status, files()), (204, 0), "{ended:?}");
}

#[test]
fn a_client_that_goes_cancels_its_call() {
    let home = Home::new();
    home.plugin("slow", CANCELLED, r#"{"name": "slow"}"#);
    home.client(&["slow", "--help"]).ok();
    let prefix = "io.modelcontextprotocol";
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "wait", "arguments": {}, "_meta": {
            format!("{prefix}/protocolVersion"): "2026-07-28",
            format!("{prefix}/clientInfo"): {"name": "test", "version": "1"},
            format!("{prefix}/clientCapabilities"): {}}}});
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "wait"),
    ];
    let sent = Sent::new(home.port(), "POST", "/mcp/slow", &headers, body.to_string().as_bytes());
    eventually("the call", || home.path().join("began").exists().then_some(()));
    drop(sent);
    eventually("its end", || home.path().join("cancelled").exists().then_some(()));
}

#[test]
fn what_settings_want_consent_for_is_asked_first() {
    let home = home();
    home.write(".config/skills-daemon/config.toml", "[agents]\nask_before = 'destructive'\n");
    let mute = Agent::without_session(&home, "/mcp/db", json!({}));
    let refused = eventually("the setting", || {
        let result = mute.call("rows_delete", json!({"key": "k"}));
        (result["isError"] == true).then_some(result)
    });
    assert!(text(&refused).contains("needs the person's consent"), "{refused}");
    assert_eq!(text(&mute.call("rows", json!({"key": "k"}))), r#"{"key":"k","limit":5}"#);
    let agent = Agent::without_session(&home, "/mcp/db", json!({"elicitation": {}}));
    let asked = agent.call("rows_delete", json!({"key": "k"}));
    let message = &asked["inputRequests"]["consent"]["params"]["message"];
    assert_eq!(message, r#"Run rows_delete with {"key":"k"}?"#, "{asked}");
    for (answer, said) in
        [(true, r#"{"deleted":"k"}"#), (false, "Error: the person did not consent to rows_delete")]
    {
        let accept = json!({"action": "accept", "content": {"answer": answer}});
        let reply = agent.request(
            "tools/call",
            json!({"name": "rows_delete",
            "arguments": {"key": "k"}, "inputResponses": {"consent": accept}}),
        );
        assert_eq!(text(&reply.end), said);
    }

    // What the call itself asks comes after, and consent is not asked for again.
    let drop = |more: Value| {
        let mut request = json!({"name": "tables", "arguments": {"name": "t"}});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        agent.request("tools/call", request).end
    };
    let accept = json!({"action": "accept", "content": {"answer": true}});
    let asked = drop(json!({"inputResponses": {"consent": accept}}));
    assert!(asked["inputRequests"]["yes"].is_object(), "{asked}");
    let state = asked["requestState"].clone();
    let done = drop(json!({"requestState": state, "inputResponses": {"yes": accept}}));
    assert_eq!(text(&done), r#"{"dropped":true}"#, "{done}");
}

#[test]
fn foreign_pages_are_refused_and_calls_are_in_the_log_without_values() {
    let home = home();
    for (name, value) in [("host", "evil.example"), ("origin", "http://evil.example")] {
        let body = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(Answer::of(home.port(), "POST", "/mcp", &[(name, value)], body).status, 403);
    }
    assert_eq!(home.http("POST", "/-/mcp", &[]).status, 403);
    let agent = Agent::without_session(&home, "/mcp", json!({}));
    agent.call("notes_show", json!({"title": "a private title"}));
    agent.call("notes_fail", json!({}));
    let calls = eventually("the log", || {
        let log = home.log();
        let own = log.into_iter().filter(|line| line["message"] == "agent_call");
        let own: Vec<Value> = own.collect();
        (own.len() == 2).then_some(own)
    });
    assert_eq!((&calls[0]["name"], &calls[0]["outcome"]), (&json!("notes_show"), &json!("ok")));
    assert_eq!((&calls[1]["plugin"], &calls[1]["outcome"]), (&json!("notes"), &json!("error")));
    assert!(calls[0]["bytes_in"].as_u64() > Some(20) && calls[0]["bytes_out"].as_u64() > Some(20));
    assert!(!serde_json::to_string(&home.log()).unwrap().contains("a private title"));
}

const CANCELLED: &str = r#"
import asyncio
from pathlib import Path


async def wait() -> str:
    (Path.home() / "began").touch()
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        (Path.home() / "cancelled").touch()
        raise
    return "waited"
"#;

#[test]
fn bodies_that_are_no_objects_are_one_argument() {
    let home = Home::new();
    let routes = r#"
from datetime import datetime
from pydantic import BaseModel

class Event(BaseModel):
    name: str
    at: datetime = datetime(2026, 1, 2)
    size: float = float("nan")

@router.post("/events")
def events(events: list[Event], times: int = 1) -> int:
    return times * len(events)

@router.get("/maybe")
def maybe(mode: str = "a", tags: list[str] = []) -> dict:
    return {"mode": mode, "tags": tags}

@router.get("/event")
def event() -> Event:
    return Event(name="x")

@router.get("/event/{key}/parts")
def parts(key: str) -> list[str]:
    return [key]
"#;
    home.plugin("log", &plugin_code("log", routes), "");
    home.client(&["log", "--help"]).ok();
    let agent = Agent::without_session(&home, "/mcp/log", json!({}));
    let names = agent.names("tools");
    assert!(names.contains(&"event_parts".to_owned()), "{names:?}");
    let list = agent.request("tools/list", json!({})).end["tools"].clone();
    let tool = |name: &str| list.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    let input = &tool("events")["inputSchema"];
    assert_eq!(input["required"], json!(["body"]), "{input}");
    let two = json!({"body": [{"name": "a"}, {"name": "b"}], "times": 2});
    assert_eq!(text(&agent.call("events", two)), "4");
    assert_eq!(text(&agent.call("maybe", json!({"mode": "b"}))), r#"{"mode":"b","tags":[]}"#);
    let tags = agent.call("maybe", json!({"body": ["x"]}));
    assert_eq!(text(&tags), r#"{"mode":"a","tags":["x"]}"#);
    let wrong = agent.call("events", json!({"body": {"name": "a"}}));
    assert!(text(&wrong).contains("Input should be a valid list"), "{wrong}");
    assert_eq!(
        home.client(&["log", "events", "--body", r#"[{"name": "a"}]"#]).ok().stdout(),
        "1\n"
    );

    let output = tool("event")["outputSchema"]["properties"].clone();
    assert_eq!(output["size"]["type"], json!(["number", "null"]), "{output}");
    assert_eq!(output["at"].get("format"), None, "{output}");
    let event = agent.call("event", json!({}))["structuredContent"].clone();
    assert_eq!((&event["at"], &event["size"]), (&json!("2026-01-02T00:00:00"), &json!(null)));
}
