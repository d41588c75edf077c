//! What plain functions write while they run reaches the shell that called, and their exit status is its own.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{CLIENT, Home, Output, Sent, eventually};

const CODE: &str = r#"
import asyncio, logging, os, sys, threading, time
from collections.abc import AsyncIterator
from skills_daemon import caller, progress
from skills_daemon.colors import red
from skills_daemon.commands import CommandError

log = logging.getLogger("talk")


def speak(name: str = "you") -> str:
    print("out 1")
    print("err 1", file=sys.stderr)
    sys.stdout.write("no line end")
    sys.stdout.flush()
    log.info("a record")
    print()
    print(red("red"))
    sys.stdout.buffer.write(b"\xff\x00raw\n")
    return f"hello {name}"


async def whisper():
    print("before")
    await asyncio.sleep(0)
    await asyncio.to_thread(print, "from a thread")
    print("after")


def variables() -> dict:
    return dict(caller().env)


def work() -> str:
    with progress(4, "Copying") as copying:
        for name in progress(["a", "b"], "Reading"):
            print(f"read {name}")
            copying.advance(2)
            time.sleep(0.2)
    return "done"


def silent():
    pass


def leave(status: int):
    print("leaving")
    sys.exit(status)


def leave_with_text():
    sys.exit("cannot go on")


async def leave_later():
    await asyncio.sleep(0)
    sys.exit(5)


def refuse():
    print("asked")
    raise CommandError("not today", hint="Try tomorrow.", exit_status=7)


def fail():
    raise LookupError("lost it")


def note(text: str):
    with open(os.path.expanduser("~/notes"), "a") as notes:
        notes.write(text + "\n")


async def wait_here():
    note("wait began")
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        note("wait cancelled")
        raise
    finally:
        note("wait ended")


def write_on():
    note("write began")
    try:
        while True:
            print("x" * 1000)
    finally:
        note(f"write ended: {caller().cancelled}")


def look():
    note("look began")
    while not caller().cancelled:
        time.sleep(0.005)
    note("look ended")


def big(megabytes: int):
    for _ in range(megabytes):
        sys.stdout.buffer.write(b"x" * 1_000_000)


def surroundings() -> dict:
    it = caller()
    return {
        "is_shell": it.is_shell,
        "directory": it.directory,
        "stdout": it.terminals.stdout,
        "columns": it.columns,
        "colors": it.colors,
        "language": it.language,
        "time_zone": it.time_zone,
        "traceparent": it.traceparent,
        "tracestate": it.tracestate,
        "isatty": sys.stdout.isatty(),
    }


def count(to: int):
    """Counts.

    Examples:
        talk count 3
    """
    for number in range(to):
        print(f"about to yield {number}", file=sys.stderr)
        yield {"number": number}
        print(f"yielded {number}")


async def stream_texts() -> AsyncIterator[str]:
    note("texts began")
    try:
        number = 0
        while True:
            yield f"text {number}"
            number += 1
            await asyncio.sleep(0.001)
    finally:
        note("texts ended")


def break_off():
    yield 1
    raise CommandError("no more", hint="Wait.", exit_status=9)


def fall_over():
    yield 1
    raise LookupError("lost")


def exit_midway():
    yield 1
    sys.exit(4)


async def nested() -> list:
    found = [caller().language, await asyncio.to_thread(lambda: caller().language)]
    return found + [await asyncio.create_task(one())]


async def one():
    return caller().language
"#;

fn talk() -> Home {
    let home = Home::new();
    home.plugin("talk", CODE, r#"{"name": "talk"}"#);
    home
}

fn bytes_of(home: &Home, line: &str) -> Vec<u8> {
    let output = home.command("/bin/sh", &["-c", line]).output().unwrap();
    output.stdout
}

#[test]
fn what_a_function_writes_is_the_callers_in_order_and_its_result_comes_last() {
    let home = talk();
    let line = format!("'{CLIENT}' talk speak --name Ada 2>/dev/null");
    let shown = b"out 1\nno line end\nred\n\xff\x00raw\nhello Ada\n";
    assert_eq!(bytes_of(&home, &line), shown);
    let spoken = home.client(&["talk", "speak"]);
    assert_eq!(spoken.ok().stderr(), "err 1\n");
    let verbose = home.client(&["-v", "talk", "speak"]);
    assert_eq!(verbose.ok().stderr(), "err 1\nINFO talk: a record\n");
    let colored = home.on_terminal(0, &["talk", "speak"], &[]);
    colored.ok().says("\x1b[91mred\x1b[0m");
    assert_eq!(home.client(&["talk", "whisper"]).ok().stdout(), "before\nfrom a thread\nafter\n");
    assert_eq!(home.client(&["talk", "silent"]).ok().quietly().stdout(), "");
    // Over HTTP it goes to the log.
    assert_eq!(home.get("/talk/silent").status, 405);
    let answer = home.http("POST", "/talk/speak", &[]);
    assert_eq!(answer.json(), json!("hello you"));
    home.control(&["stop"]).ok();
    let log = home.log();
    let logged = |text: &str| log.iter().filter(|record| record["message"] == text).count();
    assert_eq!((logged("out 1"), logged("a record")), (1, 5));
}

#[test]
fn an_exit_status_is_that_of_the_function() {
    let home = talk();
    let left = home.client(&["talk", "leave", "0"]);
    assert_eq!(left.ok().quietly().stdout(), "leaving\n");
    let left = home.client(&["talk", "leave", "3"]);
    assert_eq!((left.fails_with(3).stdout(), left.stderr()), ("leaving\n", ""));
    let text = home.client(&["talk", "leave-with-text"]);
    assert_eq!((text.fails_with(1).stdout(), text.stderr()), ("", "cannot go on\n"));
    home.client(&["talk", "leave-later"]).fails_with(5);
    let refused = home.client(&["talk", "refuse"]);
    assert_eq!(refused.fails_with(7).stdout(), "asked\n");
    assert_eq!(refused.stderr(), "Error: not today\nHint: Try tomorrow.\n");
    let failed = home.client(&["talk", "fail"]);
    assert_eq!(failed.fails_with(1).stdout(), "");
    assert_eq!(failed.stderr(), "Error: lost it\nHint: Check daemon logs for details\n");
    let verbose = home.client(&["-v", "talk", "fail"]);
    verbose.fails_with(1).complains("Traceback").complains("in fail").complains("LookupError");
    let json = home.client(&["--json", "talk", "fail"]);
    json.fails_with(1).says("lost it");
    home.client(&["talk", "silent"]).ok();
}

#[test]
fn a_caller_that_goes_ends_the_call() {
    let home = talk();
    home.client(&["talk", "silent"]).ok();
    let notes = |text: &str| {
        let noted = || home.read("notes").filter(|notes| notes.contains(text)).map(drop);
        eventually(text, noted);
    };
    let mut waiting = home.spawn_client(&["talk", "wait-here"]);
    notes("wait began");
    waiting.signal(Signal::SIGINT);
    assert_eq!(waiting.end().status().signal(), Some(Signal::SIGINT as i32));
    notes("wait cancelled");
    notes("wait ended");
    let mut looking = home.spawn_client(&["talk", "look"]);
    notes("look began");
    looking.signal(Signal::SIGKILL);
    notes("look ended");
    drop(looking);
    let line = format!("'{CLIENT}' talk write-on | head -1");
    let head = Output::of(home.command("/bin/sh", &["-c", &line]));
    assert_eq!(head.ok().quietly().stdout().len(), 1001);
    notes("write ended: True");
    let line = format!("('{CLIENT}' talk write-on; echo $? >&2) | head -1");
    let status = Output::of(home.command("/bin/sh", &["-c", &line]));
    assert_eq!(status.ok().stderr(), "141\n");
}

#[test]
fn a_connection_that_is_closed_cancels_a_function_over_http() {
    let home = talk();
    home.client(&["talk", "silent"]).ok();
    for (command, ends) in [("wait-here", "wait cancelled"), ("look", "look ended")] {
        let sent = Sent::new(home.port(), "POST", &format!("/talk/{command}"), &[], b"{}");
        let noted = |text: &str| {
            eventually(text, || home.read("notes").filter(|notes| notes.contains(text)).map(drop));
        };
        noted(&format!("{} began", command.split('-').next().unwrap()));
        drop(sent);
        noted(ends);
    }
}

#[test]
fn output_of_any_size_passes() {
    let home = talk();
    let line = format!("'{CLIENT}' talk big 50 | wc -c");
    assert_eq!(bytes_of(&home, &line), b"50000000\n");
}

#[test]
fn a_function_knows_its_caller() {
    let home = talk().with("LANG", "de_DE.UTF-8").with("TZ", "Europe/Berlin");
    home.client(&["talk", "silent"]).ok();
    let home = home.with("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let home = home.with("TRACESTATE", "vendor=1");
    let known = home.client(&["--json", "talk", "surroundings"]).ok().json();
    assert_eq!(
        known,
        json!({
            "is_shell": true,
            "directory": home.path(),
            "stdout": false,
            "columns": 0,
            "colors": false,
            "language": "de_DE.UTF-8",
            "time_zone": "Europe/Berlin",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "tracestate": "vendor=1",
            "isatty": false,
        })
    );
    let terminal = home.on_terminal(90, &["--json", "talk", "surroundings"], &[]);
    terminal.ok().says("\"columns\": 90").says("\"isatty\": true").says("\"colors\": true");
    let all = home.client(&["--json", "talk", "nested"]).ok().json();
    assert_eq!(all, json!(["de_DE.UTF-8", "de_DE.UTF-8", "de_DE.UTF-8"]));
    let headers = [("accept-language", "fr-CH, fr;q=0.9"), ("traceparent", "00-1-2-01")];
    let known = home.http("POST", "/talk/surroundings", &headers).json();
    assert_eq!(known["language"], "fr-CH");
    assert_eq!((&known["is_shell"], &known["directory"]), (&json!(false), &json!(null)));
}

#[test]
fn the_items_of_a_generator_are_shown_when_they_come() {
    let home = talk();
    let lines = "{\"number\":0}\nyielded 0\n{\"number\":1}\nyielded 1\n";
    let counted = home.client(&["--json", "talk", "count", "2"]);
    assert_eq!(counted.ok().stdout(), lines);
    assert_eq!(counted.stderr(), "about to yield 0\nabout to yield 1\n");
    home.client(&["talk", "count", "1"]).ok().says("number: 0");

    let mut texts = home.spawn_client(&["talk", "stream-texts"]);
    for number in 0..20 {
        assert_eq!(texts.line(), format!("text {number}"));
    }
    let noted = |text: &str| {
        let noted = || home.read("notes").filter(|notes| notes.contains(text)).map(drop);
        eventually(text, noted);
    };
    noted("texts began");
    texts.signal(Signal::SIGINT);
    noted("texts ended");
    assert_eq!(texts.end().status().signal(), Some(Signal::SIGINT as i32));
    let line = format!("'{CLIENT}' talk stream-texts | head -1");
    assert_eq!(bytes_of(&home, &line), b"text 0\n");

    let broken = home.client(&["talk", "break-off"]);
    assert_eq!(broken.fails_with(9).stdout(), "1\n");
    assert_eq!(broken.stderr(), "Error: no more\nHint: Wait.\n");
    home.client(&["talk", "fall-over"]).fails_with(1).complains("Error: lost");
    assert_eq!(home.client(&["talk", "exit-midway"]).fails_with(4).stderr(), "");

    // Over HTTP as the newest FastAPI answers: lines, or events where they are asked for.
    let get = |headers: &[(&str, &str)]| home.http("GET", "/talk/count?to=2", headers);
    let lines = get(&[]);
    assert_eq!(lines.header("content-type"), Some("application/jsonl"));
    assert_eq!(lines.text(), "{\"number\":0}\n{\"number\":1}\n");
    let events = get(&[("accept", "text/event-stream")]);
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert_eq!(events.text(), "data: {\"number\":0}\n\ndata: {\"number\":1}\n\n");
}

#[test]
fn a_function_gets_the_variables_that_its_manifest_lists_and_no_others() {
    let home = Home::new();
    let manifest = r#"{"name": "talk", "env": ["TALK_*", "EXACT"]}"#;
    home.plugin("talk", CODE, manifest);
    home.client(&["talk", "silent"]).ok();
    let variables = |home: &Home| home.client(&["--json", "talk", "variables"]).ok().json();
    assert_eq!(variables(&home), json!({}));
    let home = home.with("TALK_A", "1").with("TALK", "no").with("EXACT", "2").with("EXACTLY", "no");
    assert_eq!(variables(&home), json!({"TALK_A": "1", "EXACT": "2"}));
    home.plugin("talk", CODE, r#"{"name": "talk", "env": ["*"]}"#);
    home.control(&["reload"]).fails_with(1).says("env[0]").says("neither the name of a variable");
    home.plugin("talk", CODE, r#"{"name": "talk", "env": ["EXACT*"]}"#);
    home.control(&["reload"]).ok();
    assert_eq!(variables(&home), json!({"EXACT": "2", "EXACTLY": "no"}));
}

#[test]
fn progress_is_events_over_http_where_they_are_asked_for() {
    let home = talk();
    home.client(&["talk", "silent"]).ok();
    let accept = [("accept", "text/event-stream")];
    let worked = home.http("POST", "/talk/work", &accept);
    assert_eq!(worked.header("content-type"), Some("text/event-stream"));
    let text = worked.text();
    let first = text.split("\n\n").next().unwrap();
    let task = first.strip_prefix("event: progress\ndata: ").unwrap();
    let task: serde_json::Value = serde_json::from_str(task).unwrap();
    assert_eq!((&task["description"], &task["total"]), (&json!("Copying"), &json!(4.0)));
    assert!(text.ends_with("event: result\ndata: \"done\"\n\n"), "{text}");
    // Without progress, the answer is that for any caller.
    let plain = home.http("POST", "/talk/speak", &accept);
    assert_eq!(
        (plain.header("content-type"), plain.json()),
        (Some("application/json"), json!("hello you"))
    );
    assert_eq!(home.http("POST", "/talk/work", &[]).json(), json!("done"));
    let failed = home.http("POST", "/talk/fail", &accept);
    assert_eq!((failed.status, &failed.json()["error"]), (500, &json!("lost it")));
}

#[test]
fn progress_is_drawn_at_a_terminal_and_nowhere_else() {
    let home = talk();
    let worked = home.client(&["talk", "work"]);
    assert_eq!(worked.ok().quietly().stdout(), "read a\nread b\ndone\n");
    let drawn = home.on_terminal(80, &["talk", "work"], &[("NO_COLOR", "1")]);
    drawn.ok().says("Copying \u{2501}").says("Reading \u{2501}").says("50 %").says("read a\r\n");
    assert!(drawn.stdout().ends_with("done\r\n"), "{drawn:?}");
}
