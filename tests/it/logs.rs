//! The daemon's log: log records and prints of plugins, with plugin and request; and reading it.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{CONTROL, Home, Running, eventually, plugin_code};

const TALKATIVE: &str = "
import logging, sys, threading
from skills_daemon.logging import logger

@router.get('/sync')
def sync():
    logging.getLogger('mine.sync').warning('standard %s', 'logging')
    print('printed')
    print('to stderr', file=sys.stderr)
    logger.info('structured', k=1, text='x')
    return {}

@router.get('/async')
async def asynchronous():
    logging.getLogger('mine.async').error('on the loop')
    return {}

@router.get('/boom')
def boom():
    raise LookupError('lost it')
";

/// The record with `message`, once it is written.
fn record(home: &Home, message: &str) -> Value {
    eventually(message, || home.log().into_iter().find(|record| record["message"] == message))
}

#[test]
fn all_output_of_a_plugin_is_logged_with_plugin_and_request() {
    let home = Home::new();
    home.plugin("talk", &plugin_code("talk", TALKATIVE), "");
    home.control(&["start"]).ok();
    for (target, id) in
        [("/talk/sync", "id-sync"), ("/talk/async", "id-async"), ("/talk/boom", "id-boom")]
    {
        home.http("GET", target, &[("x-request-id", id)]);
    }
    for (message, level, logger, id) in [
        ("standard logging", "WARN", "mine.sync", "id-sync"),
        ("printed", "INFO", "stdout", "id-sync"),
        ("to stderr", "WARN", "stderr", "id-sync"),
        ("structured", "INFO", "skills-daemon", "id-sync"),
        ("on the loop", "ERROR", "mine.async", "id-async"),
    ] {
        let record = record(&home, message);
        assert_eq!(record["level"], level, "{record}");
        assert_eq!(record["logger"], logger, "{record}");
        assert_eq!(record["plugin"], "talk", "{record}");
        assert_eq!(record["request_id"], id, "{record}");
    }
    let context = record(&home, "structured")["context"].as_str().unwrap().to_owned();
    assert_eq!(
        serde_json::from_str::<Value>(&context).unwrap(),
        serde_json::json!({"k": 1, "text": "x"})
    );

    let exception = eventually("the traceback", || {
        home.log().into_iter().find(|record| record["exception"].as_str().is_some())
    });
    assert_eq!(
        (&exception["request_id"], &exception["plugin"]),
        (&"id-boom".into(), &"talk".into())
    );
    let traceback = exception["exception"].as_str().unwrap();
    assert!(traceback.starts_with("Traceback"), "{traceback}");
    assert!(
        traceback.contains("in boom\n") && traceback.contains("LookupError: lost it"),
        "{traceback}"
    );

    let read = home.control(&["logs"]);
    read.ok().quietly().says("WARN  [talk] standard logging").says("    LookupError: lost it");
    let last = home.control(&["logs", "-n", "1", "--json"]);
    assert_eq!(last.ok().stdout().lines().count(), 1);
    last.json();
}

#[test]
fn the_log_can_be_followed() {
    let home = Home::new();
    home.control(&["logs"]).fails_with(3).complains("no log file yet").complains("Hint: ");
    // Before there is a daemon, across its restart, until it is interrupted.
    let mut follow = Running::start(home.command(CONTROL, &["logs", "--follow"]));
    home.control(&["start"]).ok();
    assert!(follow.line_with("daemon started").contains(&format!("pid={}", home.pid())));
    home.control(&["restart"]).ok();
    // The old one finishes its requests meanwhile, so either may be the first to write.
    let lines = follow.lines_with(&["daemon started", "daemon stopped"]);
    assert!(lines[0].contains(&format!("pid={}", home.pid())), "{lines:?}");
    home.client(&["demo", "wait", "--seconds", "0"]).ok();
    follow.line_with("waiting");
    follow.signal(Signal::SIGINT);
    assert_eq!(follow.end().status().signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn the_level_decides_what_is_logged() {
    let home = Home::new().with("SKILLS_DAEMON_LOG_LEVEL", "ERROR");
    home.plugin("talk", &plugin_code("talk", TALKATIVE), "");
    home.client(&["talk", "sync"]).ok();
    home.client(&["talk", "async"]).ok();
    home.control(&["stop"]).ok();
    let messages: Vec<Value> =
        home.log().into_iter().map(|record| record["message"].clone()).collect();
    assert_eq!(messages, ["on the loop"]);
}

#[test]
fn a_clients_call_is_logged_as_the_request_it_came_down_to() {
    let home = Home::new();
    let code = "@router.delete('/item/{key}')\ndef item(key: str):\n    1 / 0\n";
    home.plugin("shop", &plugin_code("shop", code), "");
    home.client(&["shop", "item", "A-1"]).fails_with(1).says("division by zero");
    home.control(&["stop"]).ok();
    let log = home.log();
    // It waits for the plugin's load, which makes it a slow one on a busy machine.
    let messages = [json!("request"), json!("slow_request")];
    let request = log.iter().find(|record| messages.contains(&record["message"])).unwrap();
    assert_eq!(request["method"], json!("DELETE"));
    assert_eq!((&request["path"], &request["status"]), (&json!("/shop/item/A-1"), &json!(500)));
}
