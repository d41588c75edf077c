//! HTTP on the TCP port: answers as FastAPI's, request ids, large bodies; refused requests; file modes.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use skills_daemon::lifecycle::{self, Request};
use skills_daemon::wire;

use crate::harness::{Answer, Home, Kept, plugin_code};

#[test]
fn a_plugins_routes_answer_as_under_fastapi() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let port = home.port();
    let ask = |method: &str, target: &str| Answer::of(port, method, target, &[], b"");

    let hello = ask("GET", "/demo/hello?name=A%20%26%20B");
    assert_eq!((hello.status, hello.header("content-type")), (200, Some("application/json")));
    assert_eq!(hello.json()["success"], json!(true));
    assert!(hello.json()["data"].as_str().unwrap().starts_with("Hello, A & B!"));

    for method in ["HEAD", "OPTIONS", "POST", "DELETE"] {
        let answer = ask(method, "/demo/hello");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{method}");
        if method != "HEAD" {
            assert_eq!(answer.json(), json!({"detail": "Method Not Allowed"}));
        }
    }
    let slash = ask("GET", "/demo/hello/?name=x");
    assert_eq!(slash.status, 307);
    let location = format!("http://localhost:{port}/demo/hello?name=x");
    assert_eq!(slash.header("location"), Some(location.as_str()));
    let slash = ask("GET", "/health/");
    assert_eq!((slash.status, slash.header("location")), (307, Some("/health")));
    let unknown = ask("GET", "/demo/nope");
    assert_eq!((unknown.status, unknown.json()), (404, json!({"detail": "Not Found"})));
    let invalid = ask("GET", "/demo/size/x");
    assert_eq!(invalid.status, 422);
    assert_eq!(invalid.json()["detail"][0]["loc"], json!(["path", "bytes"]));
    assert_eq!(invalid.json()["detail"][0]["type"], json!("int_parsing"));
    let json_type = ("content-type", "application/json");
    let order = Answer::of(port, "POST", "/demo/order", &[json_type], br#"{"item": "tea"}"#);
    assert_eq!(order.status, 201);
    assert_eq!(order.json()["data"], json!({"item": "tea", "count": 1, "gift": false}));
    let failed = ask("GET", "/demo/fail");
    assert_eq!(
        (failed.status, failed.json()),
        (
            500,
            json!({"success": false, "error": "failed as asked", "hint": "Check daemon logs for details"})
        )
    );
    assert_eq!(ask("GET", "/demo/fail?status=418").status, 418);
    assert_eq!(ask("GET", "/demo/count?to=3&delay=0").text(), "1\n2\n3\n");
}

#[test]
fn a_target_is_served_with_characters_that_no_uri_has() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let mut connection = Kept::new(home.port());
    let mut ask = |line: &str, body: &str| {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let head = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{length}\r\n"
        );
        connection.ask(&format!("{head}{body}"))
    };
    for _ in 0..2 {
        let hello = ask(r#"GET /demo/hello?name=<a>"`{b}|^\"#, "");
        assert_eq!(hello.status, 200);
        let data = &hello.json()["data"];
        assert!(data.as_str().unwrap().starts_with(r#"Hello, <a>"`{b}|^\!"#), "{data}");
        let unknown = ask("GET /demo/<a>`", "");
        assert_eq!((unknown.status, unknown.json()), (404, json!({"detail": "Not Found"})));
    }
    let item = "GET /<a> HTTP/1.1\r\n\r\n";
    let order = ask("POST /demo/order", &json!({"item": item}).to_string());
    assert_eq!((order.status, &order.json()["data"]["item"]), (201, &json!(item)));
    let refused = ask("GET /demo/hello?name=<a>", "");
    assert_eq!(refused.status, 400);
    assert!(refused.json()["hint"].as_str().unwrap().contains("%3C"), "{}", refused.text());
}

#[test]
fn the_daemons_own_routes_list_plugins_and_commands() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let health = home.get("/health");
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!(health["status"], json!("running"));
    assert_eq!(health["version"], json!(skills_daemon::VERSION));
    assert_eq!((&health["cwd_valid"], &health["venv_valid"]), (&json!(true), &json!(true)));
    assert_eq!(health["plugins"], json!(["demo"]));
    assert!(health["uptime_seconds"].is_u64() && health["plugin_health"]["demo"].is_object());

    let plugins = home.get("/plugins").json();
    assert_eq!(plugins["plugins"][0]["name"], json!("demo"));
    let endpoints = plugins["plugins"][0]["endpoints"].as_array().unwrap();
    assert!(endpoints.contains(&json!({"method": "GET", "path": "/demo/hello"})), "{plugins}");

    let help = home.get("/demo/help?command=size").json();
    assert_eq!(help["usage"], json!("demo size <bytes> [options]"));
    assert_eq!(home.get("/demo/commands").json()[0]["name"], json!("hello"));
    let unknown = home.get("/demo/help?command=siz").json();
    assert_eq!(unknown["error"], json!("Unknown command: siz"));
    assert!(unknown["available"].as_array().unwrap().contains(&json!("size")));
    let unknown = home.get("/nope/hello");
    assert_eq!((unknown.status, &unknown.json()["error"]), (404, &json!("Unknown plugin: nope")));
    assert_eq!(home.http("POST", "/health", &[]).status, 405);
}

#[test]
fn every_request_has_an_id() {
    let home = Home::new();
    let routes = "@router.get('/id')\ndef id():\n    from skills_daemon.logging import get_request_id\n    return get_request_id()\n";
    home.plugin("ids", &plugin_code("ids", routes), "");
    home.control(&["start"]).ok();
    let given = home.http("GET", "/ids/id", &[("X-Request-ID", "my-id.1")]);
    assert_eq!(given.header("x-request-id"), Some("my-id.1"));
    assert_eq!(given.json(), json!("my-id.1"));
    let made = home.get("/ids/id");
    let id = made.header("x-request-id").unwrap();
    assert!(id.len() == 8 && id.chars().all(|c| c.is_ascii_hexdigit()), "{id}");
    assert_eq!(made.json(), json!(id));
    assert_ne!(home.get("/health").header("x-request-id"), Some(id));
    assert!(home.get("/nope").header("x-request-id").is_some());
}

#[test]
fn large_bodies_and_arguments_arrive_whole() {
    let home = Home::new();
    let routes = "
@router.post('/bytes')
async def count(request: fastapi.Request):
    body = await request.body()
    return {'bytes': len(body), 'last': body[-1]}

@router.get('/text')
def text(text: str):
    return {'length': len(text)}

@router.get('/echo')
def echo(size: int):
    return {'success': True, 'data': 'x' * size}
";
    home.plugin("sizes", &plugin_code("sizes", routes), "");
    home.control(&["start"]).ok();
    let mut body = vec![b'a'; 10 << 20];
    body.push(b'z');
    let octets = ("content-type", "application/octet-stream");
    let answer = Answer::of(home.port(), "POST", "/sizes/bytes", &[octets], &body);
    assert_eq!(answer.json(), json!({"bytes": (10 << 20) + 1, "last": b'z'}));
    // Linux takes no single argument of more than 128 KB.
    let text = "é ".repeat(33_000);
    let output = home.client(&["sizes", "text", "--text", &text, "--json"]);
    assert_eq!(output.ok().json(), json!({"length": 66_000}));
    let echo = home.client(&["sizes", "echo", "--size", "10000000"]);
    assert_eq!(echo.ok().stdout().len(), 10_000_001);
}

#[test]
fn browsers_from_elsewhere_and_other_hosts_are_refused() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let port = home.port();
    let ask = |method: &str, target: &str, headers: &[(&str, &str)]| {
        Answer::of(port, method, target, headers, b"")
    };
    let own = format!("http://localhost:{port}");
    for good in [
        [("host", "localhost"), ("accept", "*/*")],
        [("host", "127.0.0.1:1"), ("accept", "*/*")],
        [("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
    ] {
        assert_eq!(ask("GET", "/health", &good).status, 200, "{good:?}");
    }
    for evil in [
        ("host", "evil.example"),
        ("host", "localhost.evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for (method, target) in [
            ("GET", "/health"),
            ("GET", "/demo/hello"),
            ("POST", "/demo/order"),
            ("POST", "/shutdown"),
        ] {
            let answer = ask(method, target, &[evil]);
            assert_eq!(answer.status, 403, "{evil:?} {method} {target}");
            assert_eq!(answer.json()["kind"], json!("forbidden"));
            assert!(answer.json()["error"].as_str().is_some_and(|error| !error.is_empty()));
        }
    }
    for (method, private) in [("POST", "/-/run"), ("GET", "/-/status")] {
        let refused = ask(method, private, &[]);
        assert_eq!((refused.status, &refused.json()["kind"]), (403, &json!("forbidden")));
    }
    // None of the refused shutdowns did anything.
    assert_eq!(ask("GET", "/health", &[]).json()["status"], Value::from("running"));
}

#[test]
fn both_loopback_addresses_are_served_and_no_other() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let port = home.port();
    let families: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    // A machine without IPv6 cannot bind its loopback address either.
    for address in families.into_iter().filter(|address| TcpListener::bind((*address, 0)).is_ok()) {
        TcpStream::connect((address, port)).unwrap();
    }
    #[cfg(target_os = "linux")]
    TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), port)).unwrap_err();
    let home = home.with("SKILLS_DAEMON_HOST", "127.0.0.1");
    home.control(&["restart"]).ok();
    TcpStream::connect((Ipv4Addr::LOCALHOST, home.port())).unwrap();
    TcpStream::connect((Ipv6Addr::LOCALHOST, home.port())).unwrap_err();
    home.with("SKILLS_DAEMON_HOST", "box.lan")
        .control(&["restart"])
        .fails_with(3)
        .complains("SKILLS_DAEMON_HOST is `box.lan`, which is not")
        .complains("an address of this machine");
}

#[test]
fn only_the_user_can_read_what_the_daemon_makes() {
    let home = Home::bare();
    home.control(&["start"]).ok();
    let paths = home.paths();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for private in
        [paths.runtime.clone(), paths.state(), paths.logs(), paths.tools(), paths.cache()]
    {
        assert_eq!(mode(&private), 0o700, "{}", private.display());
    }
    for private in [paths.socket(), paths.lock_file(), paths.log_file(), paths.host_stderr()] {
        assert_eq!(mode(&private), 0o600, "{}", private.display());
    }
    assert_eq!(
        home.read(".local/share/skills-daemon/state/daemon.pid"),
        Some(format!("{}\n", home.pid()))
    );
    let made: Vec<_> = fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(made, [".local"], "nothing is written elsewhere");
}

#[test]
fn a_daemon_that_is_older_than_its_client_reports_it_and_runs_nothing() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let ask = |client: &str| {
        let run = json!({"client": client, "plugin": "demo", "arguments": ["size", "1000"]});
        let body = run.to_string();
        let request = Request { body: body.as_bytes(), ..Request::post(wire::RUN) };
        let response = lifecycle::connect(&home.paths()).unwrap().unwrap().send(&request).unwrap();
        response.header(wire::ANSWER_HEADER).map(str::to_owned)
    };
    assert_eq!(ask("999.0.0").as_deref(), Some(wire::ANSWER_OUTDATED));
    assert_eq!(ask(skills_daemon::VERSION).as_deref(), Some(wire::ANSWER_PLUGIN));
    assert_eq!(ask("0.1.0").as_deref(), Some(wire::ANSWER_PLUGIN));
}
