//! Limits of time of a call: by the plugin's manifest, by the user's settings, and by `--timeout`.

use serde_json::{Value, json};

use crate::harness::{Home, eventually, plugin_code};

/// Handlers that wait until the file `go` is there, and note how they ended.
const SLOW: &str = "
import asyncio, os, time
from fastapi import Depends, Request

def note(text):
    with open(os.environ['HOME'] + '/notes', 'a') as notes:
        notes.write(text + '\\n')

def may_go():
    return os.path.exists(os.environ['HOME'] + '/go')

async def for_ever(name):
    note(name + ' began')
    try:
        while not may_go():
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        note(name + ' cancelled')
        raise
    finally:
        note(name + ' ended')
    return name

@router.get('/direct')
async def direct():
    return await for_ever('direct')

@router.get('/through')
async def through(request: Request):
    return await for_ever('through')

async def resource():
    try:
        yield 'resource'
    finally:
        note('resource closed')

@router.get('/depends')
async def depends(request: Request, resource: str = Depends(resource)):
    return await for_ever('depends')

@router.get('/listens')
async def listens(request: Request):
    note('listens began')
    try:
        while not may_go():
            await asyncio.sleep(0.01)
    finally:
        note(f'disconnected: {await request.is_disconnected()}')

@router.get('/thread')
def thread():
    note('thread began')
    while not may_go():
        time.sleep(0.01)
    note('thread ended')
    return 'thread'

@router.get('/own')
async def own(timeout: int = 0):
    return {'timeout': timeout}

@router.get('/quick')
async def quick():
    return 'quick'
";

const LIMITED: &str = r#"{"daemon": {"timeout": 1, "timeouts": {"quick": 60}}}"#;

/// Waits until the handlers have noted `text`.
#[track_caller]
fn noted(home: &Home, text: &str) {
    let has = || home.read("notes").filter(|notes| notes.lines().any(|line| line == text));
    eventually(text, has);
}

#[track_caller]
fn is_late(answer: &Value, plugin: &str, limit: &str) {
    assert_eq!(answer["success"], json!(false));
    assert_eq!(answer["error"], json!(format!("{plugin} gave no answer within {limit} s")));
    assert_eq!(answer["kind"], json!("timeout"));
}

#[test]
fn a_late_answer_is_a_504_and_its_coroutine_is_cancelled() {
    let home = Home::new();
    home.plugin("slow", &plugin_code("slow", SLOW), LIMITED);
    home.client(&["slow", "quick"]).ok();
    for handler in ["direct", "through", "depends"] {
        let answer = home.get(&format!("/slow/{handler}"));
        assert_eq!(answer.status, 504, "{answer:?}");
        is_late(&answer.json(), "slow", "1");
        assert!(answer.json()["hint"].as_str().unwrap().contains("[plugins.slow]"));
        noted(&home, &format!("{handler} cancelled"));
        noted(&home, &format!("{handler} ended"));
    }
    noted(&home, "resource closed");
    assert_eq!(home.get("/slow/listens").status, 504);
    noted(&home, "disconnected: True");
    let late = home.client(&["slow", "direct"]);
    late.fails_with(1).says("slow gave no answer within 1 s").says("Hint: ");
    assert_eq!(home.get("/slow/quick").json(), json!("quick"));
}

#[test]
fn a_def_handler_is_answered_for_and_runs_on() {
    let home = Home::new();
    home.plugin("slow", &plugin_code("slow", SLOW), "");
    home.write(".config/skills-daemon/config.toml", "[plugins.slow]\ntimeout = 1\n");
    home.client(&["slow", "quick"]).ok();
    assert_eq!(home.get("/slow/thread").status, 504);
    home.client(&["slow", "thread"]).fails_with(1).says("gave no answer within 1 s");
    home.write("go", "");
    noted(&home, "thread ended");
    home.client(&["slow", "thread"]).ok().says("thread");
    home.control(&["stop"]).ok();
    home.wait_for_end();
    let is_of_the_thread = |record: &&Value| record.to_string().contains("whose thread runs on");
    assert_eq!(home.log().iter().filter(is_of_the_thread).count(), 2, "one for each call");
}

#[test]
fn a_timeout_of_the_caller_limits_one_call() {
    let home = Home::new();
    home.plugin("slow", &plugin_code("slow", SLOW), "");
    home.client(&["slow", "quick", "--timeout", "60"]).ok().quietly().says("quick");
    let lines = [
        &["--timeout", "0.5", "slow", "direct"][..],
        &["slow", "direct", "--timeout", "0.5"],
        &["slow", "--timeout=0.5", "thread"],
    ];
    for line in lines {
        let late = home.client(line);
        late.fails_with(1).says("slow gave no answer within 0.5 s").says("--timeout SECONDS");
        let late = home.client(&[&["--json"], line].concat());
        is_late(&late.fails_with(1).json(), "slow", "0.5");
    }
    noted(&home, "direct cancelled");
    home.write("go", "");
    home.client(&["slow", "direct", "--timeout", "soon"]).fails_with(2).says("--timeout is `soon`");
    home.client(&["--timeout"]).fails_with(2).complains("--timeout needs a number");
}

#[test]
fn a_command_keeps_its_own_option_timeout() {
    let home = Home::new();
    home.plugin("slow", &plugin_code("slow", SLOW), "");
    let own = home.client(&["--json", "slow", "own", "--timeout", "5"]);
    assert_eq!(own.ok().quietly().json(), json!({"timeout": 5}));
    let own = home.client(&["--json", "--timeout", "60", "slow", "own", "--timeout", "7"]);
    assert_eq!(own.ok().quietly().json(), json!({"timeout": 7}));
}

#[test]
fn a_load_counts_towards_the_timeout_of_a_caller() {
    let home = Home::new();
    let code = "
import os, time
while not os.path.exists(os.environ['HOME'] + '/go'):
    time.sleep(0.01)
@router.get('/x')
async def x():
    return 'x'
";
    home.plugin("late", &plugin_code("late", code), "");
    home.client(&["--timeout", "1", "late", "x"]).fails_with(1).says("gave no answer within 1 s");
    home.write("go", "");
    home.client(&["late", "x"]).ok().says("x");
}

#[test]
fn a_client_ends_at_its_timeout_whatever_it_waits_for() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    // Another program starts or stops the daemon, and hangs.
    home.control(&["stop"]).ok();
    let lock =
        skills_daemon::lifecycle::start_lock::StartLock::acquire(&home.paths(), || {}).unwrap();
    let late = home.client(&["--timeout", "0.5", "demo", "hello"]);
    late.fails_with(1).complains("demo gave no answer within 0.5 s");
    drop(lock);
    home.client(&["--timeout", "60", "demo", "hello"]).ok();
}
