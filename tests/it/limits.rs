//! Limits of connections: what is too large, too slow or too much is refused with an answer, and others are served.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::harness::{Answer, Home, LIMIT, eventually, plugin_code};

/// A daemon with `limits` in its configuration.
fn limited(limits: &str) -> Home {
    let home = Home::new();
    home.write(".config/skills-daemon/config.toml", &format!("[limits]\n{limits}\n"));
    home.client(&["demo", "hello"]).ok();
    home
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Reads up to the end of the connection; a reset is one, too.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => bytes,
    }
}

/// The status and the failure in the answer that ends a connection.
#[track_caller]
fn refusal(stream: TcpStream) -> (u16, Value) {
    let answer = Answer::parse(&rest(stream));
    assert_eq!(answer.header("connection"), Some("close"));
    (answer.status, answer.json())
}

/// Sends one request that keeps the connection open, and reads its answer.
fn health(stream: &mut TcpStream) {
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).unwrap();
        assert_ne!(length, 0, "the connection ended");
        answer.extend_from_slice(&piece[..length]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_head_that_is_too_large_or_no_http_is_refused() {
    let home = limited("");
    let port = home.port();
    let large = "request head too large (limit 64 KiB and 100 headers)";
    let many = "x: y\r\n".repeat(20_000);
    let long = format!("x: {}\r\n", "y".repeat(100 << 10));
    for head in [many, long] {
        let mut stream = connect(port);
        let request = format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{head}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let (status, failure) = refusal(stream);
        assert_eq!((status, &failure["error"]), (431, &json!(large)));
        assert_eq!(failure["kind"], json!("too_large"));
    }
    // Without an end.
    let mut stream = connect(port);
    stream.write_all(b"GET /health HTTP/1.1\r\n").unwrap();
    while stream.write_all(format!("x: {}\r\n", "y".repeat(1000)).as_bytes()).is_ok() {}
    drop(stream);
    let mut stream = connect(port);
    stream.write_all(b"this is no request\r\n\r\n").unwrap();
    let (status, failure) = refusal(stream);
    assert_eq!((status, &failure["kind"]), (400, &json!("usage")));
    assert_eq!(home.get("/health").status, 200);
}

#[test]
fn a_head_that_does_not_come_ends_its_connection_and_an_idle_one_stays() {
    let home = limited("head_timeout = 1");
    let port = home.port();
    let mut idle = connect(port);
    health(&mut idle);
    for _ in 0..2 {
        // Nothing at all: closed without an answer.
        assert_eq!(rest(connect(port)), b"");
    }
    let mut stream = connect(port);
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: loc").unwrap();
    let (status, failure) = refusal(stream);
    assert_eq!(status, 408);
    assert_eq!(failure["error"], json!("the head of the request did not arrive in time"));
    // The second head of a connection.
    let mut stream = connect(port);
    health(&mut stream);
    stream.write_all(b"GET").unwrap();
    assert_eq!(refusal(stream).0, 408);
    // By now it was idle for several times as long.
    health(&mut idle);
}

#[test]
fn a_body_that_does_not_come_ends_its_request() {
    let home = Home::new();
    home.write(".config/skills-daemon/config.toml", "[limits]\nbody_timeout = 1\n");
    let routes = "
import os
@router.post('/eat')
async def eat(request: fastapi.Request):
    try:
        async for piece in request.stream():
            pass
    except Exception as error:
        with open(os.environ['HOME'] + '/note', 'w') as note:
            note.write(type(error).__name__)
        raise
";
    home.plugin("slow", &plugin_code("slow", routes), "");
    home.control(&["start"]).ok();
    home.client(&["demo", "hello"]).ok();
    let port = home.port();
    for target in ["/demo/order", "/slow/eat", "/mcp", "/reload-plugins"] {
        let mut stream = connect(port);
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: 100\r\n\r\n{{\"a\":"
        );
        stream.write_all(head.as_bytes()).unwrap();
        if target == "/reload-plugins" {
            // It reads no body.
            continue;
        }
        let (status, failure) = refusal(stream);
        assert_eq!(status, 408, "{target}: {failure}");
        assert_eq!(failure["error"], json!("the body of the request did not arrive in time"));
    }
    assert_eq!(home.read("note").as_deref(), Some("ClientDisconnect"));
}

#[test]
fn a_body_without_an_end_is_refused() {
    let home = limited("");
    let head = "POST /demo/order HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let mut stream = connect(home.port());
    write!(stream, "{head}content-length: {}\r\n\r\n", 300 << 20).unwrap();
    let answer = Answer::parse(&rest(stream));
    assert_eq!(answer.status, 413);
    let error = "request body too large (300 MiB, limit 256 MiB)";
    assert_eq!(answer.json()["error"], json!(error));

    let mut stream = connect(home.port());
    write!(stream, "{head}transfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = [b"100000\r\n".as_slice(), &[b' '; 1 << 20], b"\r\n"].concat();
    let sent = (0..1024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 300, "{sent} MiB were taken");
    assert_eq!(home.get("/health").status, 200);
}

#[test]
fn the_stdin_of_the_users_own_client_may_wait() {
    let home = Home::new();
    home.write(
        ".config/skills-daemon/config.toml",
        "[limits]\nhead_timeout = 1\nbody_timeout = 1\nanswer_timeout = 1\n",
    );
    let code = "
from typing import TextIO
def count(text: TextIO) -> str:
    print('begun', flush=True)
    return f'{sum(1 for line in text)} lines'
";
    home.plugin("lines", code, r#"{"name": "lines"}"#);
    home.control(&["start"]).ok();
    let port = home.port();
    let command = home.command(crate::harness::CLIENT, &["lines", "count"]);
    let (counting, mut stdin) = crate::harness::Running::fed(command);
    counting.line_with("begun");
    // Another connection is cut meanwhile.
    assert_eq!(rest(connect(port)), b"");
    assert_eq!(rest(connect(port)), b"");
    stdin.write_all(b"one\ntwo\n").unwrap();
    drop(stdin);
    counting.end().ok().says("2 lines");
}

#[test]
fn an_answer_that_is_not_read_is_cut_off_and_its_call_cancelled() {
    let home = Home::new();
    home.write(".config/skills-daemon/config.toml", "[limits]\nanswer_timeout = 1\n");
    let code = "
import os
from collections.abc import Iterator
def list_pieces() -> Iterator[str]:
    try:
        while True:
            yield 'x' * 65536
    finally:
        with open(os.environ['HOME'] + '/note', 'w') as note:
            note.write('ended')
";
    home.plugin("flood", code, r#"{"name": "flood"}"#);
    home.control(&["start"]).ok();
    home.client(&["flood", "--help"]).ok();
    let mut stream = connect(home.port());
    stream.write_all(b"GET /flood/list-pieces HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    eventually("the end of the call", || home.read("note").filter(|note| note == "ended"));
    assert_eq!(home.get("/health").status, 200);
}

#[test]
fn more_connections_than_allowed_are_refused_and_commands_still_run() {
    let home = limited("connections_per_peer = 3");
    let port = home.port();
    let mut idle: Vec<TcpStream> = (0..3).map(|_| connect(port)).collect();
    idle.iter_mut().for_each(health);
    let stream = connect(port);
    let answer = Answer::parse(&rest(stream));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let error = "too many connections of this user over TCP (3)";
    assert_eq!(answer.json()["error"], json!(error));
    home.client(&["demo", "hello"]).ok().quietly();
    drop(idle.pop());
    eventually("a free place", || {
        let mut stream = connect(port);
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .ok();
        Some(rest(stream)).filter(|answer| answer.starts_with(b"HTTP/1.1 200"))
    });
    home.control(&["stop"]).ok();
    let refused = home.log().into_iter().filter(|line| line["message"] == "connection refused");
    assert!(refused.count() >= 1);
}

/// Attackers and clients at once: all clients are served.
#[test]
fn a_thousand_slow_senders_and_readers_keep_no_client_from_its_answer() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let needed = 5000;
    if hard < needed {
        eprintln!("skipped: at most {hard} open files");
        return;
    }
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard).unwrap();
    let home = limited("");
    let port = home.port();
    let mut attackers = Vec::new();
    for at in 0..1000 {
        let mut sender = connect(port);
        sender.write_all(b"POST /demo/order HTTP/1.1\r\nhost: localhost\r\ncontent-le").unwrap();
        let mut reader = connect(port);
        if at % 10 == 0 {
            let request = b"GET /demo/count?to=1000000&delay=0 HTTP/1.1\r\nhost: localhost\r\n\r\n";
            reader.write_all(request).unwrap();
        } else {
            reader.write_all(b"GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        }
        attackers.extend([sender, reader]);
    }
    for _ in 0..50 {
        assert_eq!(home.http("GET", "/demo/size/1000", &[]).status, 200);
    }
    home.client(&["demo", "hello"]).ok().quietly();
    drop(attackers);
}
