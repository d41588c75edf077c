//! The read-only page at `/`, and the stream of what it shows.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::{Value, json};

use crate::harness::{Answer, Home, LIMIT, Sent, eventually, plugin_code};

/// What a browser sends when a person opens a page.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const LIVE: &str = "/-/live";

/// A page that is open.
struct Page(BufReader<TcpStream>);

impl Page {
    fn open(port: u16) -> Page {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // A refusal ends the connection, too.
        let head =
            format!("GET {LIVE} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Page(BufReader::new(stream))
    }

    /// The next event; `None` at the end of the stream.
    fn event(&mut self) -> Option<(String, Value)> {
        let mut name = None;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).expect("an event in time") == 0 {
                return None;
            }
            // Between the events are the sizes of the chunks.
            if let Some(own) = line.strip_prefix("event: ") {
                name = Some(own.trim_end().to_owned());
            } else if let (Some(name), Some(data)) = (&name, line.strip_prefix("data: ")) {
                return Some((name.clone(), serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// Reads events up to the first `name` for which `look` has a result.
    fn until<T>(&mut self, name: &str, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        loop {
            let (own, data) = self.event().unwrap_or_else(|| panic!("the stream ended: {name}"));
            if own == name
                && let Some(found) = look(&data)
            {
                return found;
            }
        }
    }

    /// Reads up to the plugin `name` in a state for which `is_it` holds.
    fn plugin(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.until("plugins", |data| {
            let mut plugins = data["plugins"].as_array().unwrap().iter();
            plugins.find(|it| it["name"] == json!(name) && is_it(it)).cloned()
        })
    }

    /// Reads up to the first record in `list` of `calls` whose name begins so.
    fn call(&mut self, list: &str, name: &str) -> Value {
        self.until("calls", |data| {
            let mut calls = data[list].as_array().unwrap().iter();
            calls.find(|call| call["name"].as_str().unwrap().starts_with(name)).cloned()
        })
    }
}

#[test]
fn browsers_get_the_page_and_programs_the_answer_that_they_had() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let page = home.http("GET", "/", &[BROWSER]);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("vary"), Some("accept"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let tag = page.header("etag").unwrap();
    assert_eq!(home.http("GET", "/", &[BROWSER, ("if-none-match", tag)]).status, 304);

    for headers in [&[][..], &[("accept", "*/*")], &[("accept", "application/json")]] {
        let answer = home.http("GET", "/", headers);
        assert_eq!((answer.status, answer.header("vary")), (404, Some("accept")));
        assert_eq!(answer.json()["error"], json!("Unknown plugin: "));
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = home.http(method, "/", &[BROWSER]);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.json(), json!({"detail": "Method Not Allowed"}));
    }
    let script = home.get("/-/page/main.js");
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(home.get("/-/page/nope.js").status, 404);
    assert_eq!(home.get("/-/page/..%2fmod.rs").status, 404);
}

#[test]
fn an_open_page_sees_a_plugin_break_and_be_mended() {
    let home = Home::new();
    let good =
        plugin_code("notes", "@router.get('/hi')\ndef hi():\n    '''Greets.'''\n    return 1");
    home.plugin("notes", &good, "");
    home.control(&["start"]).ok();
    home.client(&["notes", "hi"]).ok();
    let mut page = Page::open(home.port());
    let (first, hello) = page.event().unwrap();
    assert_eq!((first.as_str(), &hello["pid"]), ("hello", &json!(home.pid())));
    let id = page.plugin("notes", |it| it["state"] == json!("ready"))["id"].clone();
    let commands =
        page.until("commands", |data| (data["id"] == id).then(|| data["commands"].clone()));
    let operation = json!(["Notes", "hi_notes_hi_get"]);
    assert_eq!(
        commands,
        json!([{"name": "hi", "summary": "Greets.", "method": "GET", "path": "/notes/hi", "operation": operation}])
    );
    home.plugin("notes", "def broken(:\n", "");
    let broken = page.plugin("notes", |it| it.get("failure").is_some());
    assert!(broken["detail"].as_str().unwrap().contains("SyntaxError"), "{broken}");
    assert_eq!(broken["id"], id);
    home.plugin("notes", &good, "");
    let mended = page.plugin("notes", |it| it.get("failure").is_none() && it.get("next").is_none());
    assert_eq!((&mended["state"], mended.get("detail")), (&json!("ready"), None));
}

/// Waits in each call until its file is there.
const SLOW: &str = "
import asyncio, os
@router.get('/wait')
async def wait(path: str):
    while not os.path.exists(path):
        await asyncio.sleep(0.01)
    return 1
@router.get('/stream')
async def stream(path: str):
    async def pieces():
        yield 'a'
        await wait(path)
        yield 'b'
    return fastapi.responses.StreamingResponse(pieces())
@router.get('/boom')
async def boom():
    raise RuntimeError('no')
";

#[test]
fn calls_that_were_under_way_before_are_listed_and_end() {
    let home = Home::new();
    home.plugin("slow", &plugin_code("slow", &format!("import fastapi.responses\n{SLOW}")), "");
    home.control(&["start"]).ok();
    home.client(&["slow", "boom"]).fails_with(1);
    let port = home.port();
    let gate = home.path().join("gate");
    let gate = gate.to_str().unwrap();
    let id = ("x-request-id", "from-a-test");
    let sent: Vec<Sent> = ["wait", "stream"]
        .map(|name| Sent::new(port, "GET", &format!("/slow/{name}?path={gate}"), &[id], b""))
        .into();
    let shell = home.spawn_client(&["slow", "wait", "--path", gate]);
    eventually("three calls under way", || (home.status()["in_flight"] == json!(3)).then_some(()));
    let mut page = Page::open(port);
    let failed = page.call("ended", "GET /slow/boom");
    assert_eq!((&failed["face"], &failed["outcome"]), (&json!("shell"), &json!({"status": 500})));
    let mut seen = std::collections::BTreeMap::new();
    page.until("calls", |data| {
        for call in data["under_way"].as_array().unwrap() {
            let face = call["face"].as_str().unwrap().to_owned();
            seen.insert((call["name"].as_str().unwrap().to_owned(), face), call["request"].clone());
        }
        (seen.len() == 3).then_some(())
    });
    // Without the query, which may hold secrets.
    let wait = ("GET /slow/wait".to_owned(), "http".to_owned());
    assert_eq!(seen[&wait], json!("from-a-test"));
    assert!(seen.contains_key(&("GET /slow/wait".to_owned(), "shell".to_owned())), "{seen:?}");
    assert!(seen.contains_key(&("GET /slow/stream".to_owned(), "http".to_owned())), "{seen:?}");
    fs::write(gate, "").unwrap();
    let mut left = vec!["GET /slow/stream", "GET /slow/wait", "GET /slow/wait"];
    page.until("calls", |data| {
        for call in data["ended"].as_array().unwrap() {
            if let Some(at) = left.iter().position(|name| call["name"] == json!(name)) {
                assert_eq!(call["outcome"], json!({"status": 200}));
                assert!(call["millis"].as_f64().unwrap() > 0.0);
                left.remove(at);
            }
        }
        (left.is_empty() && data["under_way"] == json!([])).then_some(())
    });
    for sent in sent {
        assert_eq!(sent.answer(LIMIT).unwrap().status, 200);
    }
    shell.end().ok();
    // A caller that goes away.
    fs::remove_file(gate).unwrap();
    let sent = Sent::new(port, "GET", &format!("/slow/wait?path={gate}"), &[], b"");
    page.call("under_way", "GET /slow/wait");
    drop(sent);
    assert_eq!(page.call("ended", "GET /slow/wait")["outcome"], json!("cancelled"));
    fs::write(gate, "").unwrap();
}

#[test]
fn log_lines_come_as_they_are_written_across_a_rotation() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let mut page = Page::open(home.port());
    let line = |page: &mut Page, message: &str| {
        page.until("log", |data| {
            let mut lines = data["lines"].as_array().unwrap().iter();
            lines.find(|line| line["message"] == json!(message)).cloned()
        })
    };
    assert_eq!(line(&mut page, "daemon started")["level"], json!("INFO"));
    let log = home.paths().log_file();
    fs::rename(&log, log.with_extension("log.1")).unwrap();
    fs::write(&log, "{\"level\":\"WARN\",\"message\":\"after\",\"plugin\":\"p\",\"n\":1}\n")
        .unwrap();
    assert_eq!(
        line(&mut page, "after"),
        json!({"level": "WARN", "message": "after", "plugin": "p", "n": 1})
    );
}

#[test]
fn only_so_many_pages_are_served() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let port = home.port();
    let mut pages: Vec<Page> = (0..16).map(|_| Page::open(port)).collect();
    for page in &mut pages {
        assert_eq!(page.event().unwrap().0, "hello");
    }
    let refused = Answer::of(port, "GET", LIVE, &[], b"");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["error"], json!("too many pages of the daemon are open (16)"));
    assert_eq!(home.status()["in_flight"], json!(0), "a page is no work");
    drop(pages.pop());
    eventually("a free place", || {
        let mut page = Page::open(port);
        page.event().filter(|(name, _)| name == "hello")
    });
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(Answer::of(port, "GET", LIVE, &foreign, b"").status, 403);
}

#[test]
fn a_page_keeps_no_daemon_awake_and_ends_with_it() {
    let home = Home::new().with("SKILLS_DAEMON_TIMEOUT", "2");
    home.control(&["start"]).ok();
    let mut page = Page::open(home.port());
    assert_eq!(page.until("end", |data| Some(data["reason"].clone())), json!("idle"));
    assert_eq!(page.event(), None);
    home.wait_for_end();
    let home = Home::new();
    home.control(&["start"]).ok();
    let mut page = Page::open(home.port());
    assert_eq!(page.event().unwrap().0, "hello");
    home.control(&["stop"]).ok();
    assert_eq!(page.until("end", |data| Some(data["reason"].clone())), json!("request"));
    assert_eq!(page.event(), None);
}
