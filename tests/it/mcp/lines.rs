//! The Model Context Protocol in lines, by `skills-client mcp`.

use std::fs;

use serde_json::{Value, json};

use super::{CANCELLED, ROUTER, home};
use crate::harness::mcp::{Lines, text};
use crate::harness::{Home, eventually, plugin_code};

#[test]
fn in_lines_a_daemon_is_started_and_asks_as_over_http() {
    let home = home();
    home.control(&["stop"]).ok();
    let mut agent = Lines::start(&home, &["notes"], Some(json!({"elicitation": {}})));
    let list = agent.request(1, "tools/list", json!({}));
    assert!(list.to_string().contains("\"order\""), "{list}");
    agent.ask(2, "tools/call", json!({"name": "order", "arguments": {"name": "Ada"}}));
    for answer in [json!({"size": "small"}), json!({"answer": true})] {
        let question = agent.next(|message| message["method"] == "elicitation/create");
        let result = json!({"action": "accept", "content": answer});
        agent.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}));
    }
    assert_eq!(text(&agent.end_of(2)), "small for Ada");
    agent.send(&json!("no message"));
    let refused = agent.next(|message| message.get("error").is_some());
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    agent.end().ok();
    home.client(&["mcp", "nots"]).fails_with(1).complains("Did you mean `notes`?");
}

#[test]
fn in_lines_of_the_new_era_subscriptions_report_a_reload() {
    let home = home();
    let mut agent = Lines::start(&home, &["db"], None);
    let prefix = "io.modelcontextprotocol";
    let meta = json!({
        format!("{prefix}/protocolVersion"): "2026-07-28",
        format!("{prefix}/clientInfo"): {"name": "test", "version": "1"},
        format!("{prefix}/clientCapabilities"): {}});
    let found = agent.request(1, "server/discover", json!({"_meta": meta}));
    assert!(found["supportedVersions"].to_string().contains("2026-07-28"), "{found}");
    agent.ask(
        2,
        "subscriptions/listen",
        json!({"_meta": meta, "notifications": {"toolsListChanged": true}}),
    );
    agent.next(|message| message["method"] == "notifications/subscriptions/acknowledged");
    let more = format!("{ROUTER}\n@router.get('/more')\ndef more() -> int:\n    return 1\n");
    home.plugin("db", &plugin_code("db", &more), "");
    agent.next(|message| message["method"] == "notifications/tools/list_changed");
    let list = agent.request(3, "tools/list", json!({"_meta": meta}));
    assert!(list.to_string().contains("\"more\""), "{list}");
    agent.end().ok();
}

const WAITING: &str = r#"
import os
import time
from pathlib import Path


def wait(name: str) -> int:
    (Path.home() / f"began-{name}").touch()
    while not (Path.home() / "go").exists():
        time.sleep(0.01)
    return os.getpid()


def pid() -> int:
    return os.getpid()
"#;

#[test]
fn in_lines_a_session_goes_on_through_a_restart_and_a_crash() {
    let home = Home::new();
    home.plugin("slow", WAITING, r#"{"name": "slow"}"#);
    home.client(&["slow", "--help"]).ok();
    let mut agent = Lines::start(&home, &["slow"], Some(json!({})));
    let began = |name: &str| {
        let file = home.path().join(format!("began-{name}"));
        eventually("the call", || file.exists().then_some(()));
    };
    let old = home.pid();
    agent.ask(1, "tools/call", json!({"name": "wait", "arguments": {"name": "a"}}));
    began("a");
    let restart = home.command(crate::harness::CONTROL, &["restart"]);
    let restart = crate::harness::Running::start(restart);
    restart.end().ok();
    assert_ne!(home.pid(), old);
    // The old one may still take it, or leave it to the new one.
    agent.ask(2, "tools/call", json!({"name": "pid", "arguments": {}}));
    home.write("go", "");
    let mut messages = agent.to_all(&[1, 2]);
    // From here on it is the new one's.
    agent.ask(3, "tools/call", json!({"name": "pid", "arguments": {}}));
    messages.extend(agent.to_all(&[3]));
    let pids = |id: u64| {
        let own = messages.iter().filter(|message| message["id"] == id);
        own.map(|message| text(&message["result"])).collect::<Vec<_>>()
    };
    assert_eq!(pids(1), [old.to_string()], "the old one finishes its call");
    assert!(pids(2) == [old.to_string()] || pids(2) == [home.pid().to_string()], "{messages:?}");
    assert_eq!(pids(3), [home.pid().to_string()]);
    let changed = |message: &Value| message["method"] == "notifications/tools/list_changed";
    assert!(messages.iter().any(changed), "{messages:?}");

    fs::remove_file(home.path().join("go")).unwrap();
    agent.ask(4, "tools/call", json!({"name": "wait", "arguments": {"name": "b"}}));
    began("b");
    home.signal(nix::sys::signal::Signal::SIGKILL);
    let lost = agent.end_of(4);
    assert_eq!(lost["isError"], true, "{lost}");
    assert!(text(&lost).contains("whether it took effect is not known"), "{lost}");
    let pid = text(&agent.request(5, "tools/call", json!({"name": "pid", "arguments": {}})));
    assert_eq!(pid, home.pid().to_string());
    agent.end().ok();
}

#[test]
fn in_lines_a_call_is_cancelled_by_a_notification() {
    let home = Home::new();
    home.plugin("slow", CANCELLED, r#"{"name": "slow"}"#);
    home.client(&["slow", "--help"]).ok();
    let mut agent = Lines::start(&home, &["slow"], Some(json!({})));
    agent.ask(1, "tools/call", json!({"name": "wait", "arguments": {}}));
    eventually("the call", || home.path().join("began").exists().then_some(()));
    agent.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 1, "reason": "enough"}}));
    eventually("its end", || home.path().join("cancelled").exists().then_some(()));
    assert_eq!(agent.request(2, "ping", json!({})), json!({}));
    agent.end().ok();
}

#[test]
fn plugins_of_which_nothing_is_known_are_loaded_for_a_session_that_waits_for_none() {
    let home = Home::new();
    home.control(&["start"]).ok();
    home.plugin("new", "def go() -> int:\n    return 1\n", r#"{"name": "new"}"#);
    home.control(&["reload"]).ok();
    home.control(&["stop"]).ok();
    home.plugin("new", "def gone() -> int:\n    return 1\n", r#"{"name": "new"}"#);
    let mut agent = Lines::start(&home, &[], Some(json!({})));
    let names = |list: &Value| {
        let tools = list["tools"].as_array().unwrap().iter();
        tools.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut list = agent.request(1, "tools/list", json!({}));
    // Those of the daemon's own plugin are not among them.
    while names(&list) != ["new_gone"] {
        assert!(names(&list).iter().all(|name| name == "new_go"), "{list}");
        agent.next(|message| message["method"] == "notifications/tools/list_changed");
        list = agent.request(2, "tools/list", json!({}));
    }
    assert_eq!(text(&agent.request(3, "tools/call", json!({"name": "new_gone"}))), "1");
    agent.end().ok();
}
