//! Results other than JSON: bytes, files, rows of a stream, and where they are written.

use std::fs;

use serde_json::json;

use crate::harness::{Home, plugin_code};

const CODE: &str = r#"
import json, sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from skills_daemon import caller
from skills_daemon.commands import CommandError, command


@command
def get_image(size: int = 4) -> bytes:
    print("drawing", file=sys.stderr)
    return b"PNG\x00\xff" + b"x" * size


@command
async def get_view() -> memoryview:
    return memoryview(b"ab\xff")


@command(sends_file=True)
def report(name: str = "report.txt") -> Path:
    (caller().directory / "report.txt").write_text("the report\n")
    return Path(name)


@command
def where() -> Path:
    return Path("a/b")


@command
def get_data() -> dict:
    return {"a": [1, 2]}


@command
def refuse() -> bytes:
    raise CommandError("not today")


@command
def rows(count: int = 3) -> Iterator[dict]:
    for number in range(count):
        yield {"name": f"row {number}", "size": number * 1000}


@command
async def half() -> AsyncIterator[bytes]:
    yield {"n": 1}
    raise CommandError("broken", exit_status=9)
"#;

const ROUTER: &str = r#"
from fastapi.responses import StreamingResponse

@router.get("/events")
def events():
    def each():
        yield ": a comment\n\n"
        yield "event: tick\nid: 1\ndata: {\"n\": 1}\n\n"
        yield "data: two\ndata: lines\n\n"
    return StreamingResponse(each(), media_type="text/event-stream")

@router.get("/lines")
def lines():
    return StreamingResponse(iter(["{\"a\": 1}\n", "{\"a\": 2}\n"]), media_type="application/jsonl")
"#;

fn art() -> Home {
    let home = Home::new();
    home.plugin("art", CODE, r#"{"name": "art"}"#);
    home.client(&["art", "get-data"]).ok();
    home
}

#[test]
fn bytes_go_out_as_they_are_and_to_a_terminal_only_as_a_file() {
    let home = art();
    let piped = std::process::Command::new("/bin/sh")
        .args(["-c", &format!("'{}' art get-image --size 2 2>/dev/null", crate::harness::CLIENT)])
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert_eq!(piped.stdout, b"PNG\0\xffxx");
    let shown = home.on_terminal(80, &["art", "get-image"], &[("NO_COLOR", "1")]);
    shown.fails_with(2).says("the result is binary (application/octet-stream)").says("--output");
    assert!(!shown.stdout().contains("PNG"), "{shown:?}");
    let written = home.on_terminal(80, &["art", "get-image", "--output", "it.png"], &[]);
    assert_eq!(written.ok().stdout(), "drawing\r\n");
    assert_eq!(fs::read(home.path().join("it.png")).unwrap(), b"PNG\0\xffxxxx");
    home.client(&["--output", "view", "art", "get-view"]).ok().quietly();
    assert_eq!(fs::read(home.path().join("view")).unwrap(), b"ab\xff");
    let answer = home.get("/art/get-image?size=0");
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.body, b"PNG\0\xff");
    let content = &home.get("/art/openapi.json").json()["paths"]["/art/get-image"]["get"]["responses"]
        ["200"]["content"];
    assert!(content["application/octet-stream"].is_object(), "{content}");
}

#[test]
fn a_path_is_a_text_unless_the_command_sends_the_file() {
    let home = art();
    assert_eq!(home.client(&["art", "where"]).ok().stdout(), "a/b\n");
    assert_eq!(home.client(&["art", "report"]).ok().stdout(), "the report\n");
    home.client(&["art", "report", "--name", "no-such"]).fails_with(1).complains("No such file");
}

#[test]
fn any_result_can_be_written_to_a_file_whole_or_not_at_all() {
    let home = art();
    home.client(&["art", "get-data", "--output", "data.txt"]).ok().quietly();
    assert_eq!(home.read("data.txt").unwrap(), "a: [1, 2]\n");
    home.client(&["--json", "art", "get-data", "--output=data.txt"]).ok().quietly();
    let text = home.read("data.txt").unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json!({"a": [1, 2]}));
    home.client(&["art", "refuse", "--output", "data.txt"]).fails_with(1).complains("not today");
    assert_eq!(home.read("data.txt").unwrap(), text);
    home.client(&["art", "rows", "--json", "--output", "rows"]).ok().quietly();
    assert_eq!(home.read("rows").unwrap().lines().count(), 3);
    home.client(&["art", "get-data", "--output", "no/dir"])
        .fails_with(3)
        .complains("cannot write no/dir: No such file or directory");
    home.client(&["art", "get-data", "--output"]).fails_with(2).says("--output needs a file");
}

#[test]
fn records_of_a_stream_are_rows_on_a_terminal_and_lines_elsewhere() {
    let home = art();
    let rows = home.on_terminal(40, &["art", "rows", "--count", "2"], &[("NO_COLOR", "1")]);
    assert_eq!(
        rows.ok().stdout().replace('\r', ""),
        "name                                size\nrow 0                                  0\nrow 1                               1000\n"
    );
    let lines = home.client(&["--json", "art", "rows", "--count", "2"]);
    assert_eq!(lines.ok().stdout().lines().count(), 2);
    let broken = home.client(&["art", "half"]);
    assert_eq!(broken.fails_with(9).stdout(), "n: 1\n");
    broken.complains("Error: broken");
}

#[test]
fn streams_of_routers_are_shown_as_they_come_and_as_data_with_json() {
    let home = Home::new();
    home.plugin("feed", &plugin_code("feed", ROUTER), "");
    let raw = home.client(&["feed", "events"]);
    raw.ok().says("event: tick\nid: 1\ndata: {\"n\": 1}\n\n");
    let data = home.client(&["--json", "feed", "events"]);
    assert_eq!(data.ok().stdout(), "{\"n\":1}\n\"two\\nlines\"\n");
    assert_eq!(home.client(&["feed", "lines"]).ok().stdout(), "{\"a\": 1}\n{\"a\": 2}\n");
}
