//! Other users of the machine, and pages of other sites.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};

use serde_json::{Value, json};
use skills_daemon::lifecycle::tcp::Tcp;

use crate::harness::{Answer, Home, LIMIT};

/// Runs `act` as another user, with its files and its sockets; `None` unless the tests run as root.
#[cfg(target_os = "linux")]
fn as_another_user<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    use nix::unistd::{Uid, geteuid, setfsuid};
    if !geteuid().is_root() {
        return None;
    }
    let acting = std::thread::spawn(|| {
        // Of this thread alone; the kernel takes it for access to files and as the owner of new sockets.
        setfsuid(Uid::from_raw(65534));
        act()
    });
    Some(acting.join().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn another_user_is_refused_on_tcp_and_on_the_socket() {
    use std::os::unix::net::UnixStream;

    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let port = home.port();
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        // A machine without IPv6 has one of them.
        if TcpStream::connect((address, port)).is_err() {
            continue;
        }
        let ask = move |request: &'static [u8]| {
            as_another_user(move || {
                let mut stream = TcpStream::connect((address, port)).unwrap();
                stream.set_read_timeout(Some(LIMIT)).unwrap();
                stream.write_all(request).unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).unwrap();
                Answer::parse(&answer)
            })
        };
        for request in [
            &b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"[..],
            b"POST /shutdown HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n",
        ] {
            let Some(answer) = ask(request) else { return };
            assert_eq!(answer.status, 403);
            let failure = answer.json();
            assert_eq!(failure["kind"], json!("forbidden"));
            let error = "the connection comes from another user of this machine (id 65534)";
            assert_eq!(failure["error"], json!(error));
        }
    }
    let paths = home.paths();
    let refused = as_another_user(move || {
        let private = [paths.socket(), paths.handover_socket()];
        private.map(|socket| UnixStream::connect(socket).unwrap_err().kind())
    });
    assert_eq!(refused, Some([ErrorKind::PermissionDenied; 2]));
    assert_eq!(home.get("/health").status, 200);
    home.control(&["stop"]).ok();
    let lines = home.log().into_iter().filter(|line| line["message"] == "connection refused");
    assert_eq!(lines.count(), 1, "a line now and then");
}

#[test]
fn with_tcp_token_each_request_over_tcp_needs_it() {
    let home = Home::new();
    home.write(".config/skills-daemon/config.toml", "tcp_token = true\n");
    home.client(&["demo", "hello"]).ok();
    let refused = home.get("/demo/hello");
    assert_eq!(refused.status, 403);
    let failure = refused.json();
    assert_eq!(failure["error"], json!("a request over TCP needs the daemon's token"));
    assert!(failure["hint"].as_str().unwrap().contains("state/tcp.json"), "{failure}");
    let token = format!("Bearer {}", Tcp::read(&home.paths()).unwrap().token);
    let with = |host: &str| {
        let headers = [("authorization", token.as_str()), ("host", host)];
        home.http("GET", "/demo/hello", &headers).status
    };
    assert_eq!((with("localhost"), with("evil.example")), (200, 403));
    assert_eq!(home.http("GET", "/demo/hello", &[("authorization", "Bearer x")]).status, 403);
    // Applied while it runs.
    home.write(".config/skills-daemon/config.toml", "tcp_token = false\n");
    crate::harness::eventually("the new setting", || {
        (home.get("/demo/hello").status == 200).then_some(())
    });
}

#[test]
fn pages_of_allowed_origins_are_served_and_no_others() {
    let home = Home::new();
    home.write(
        ".config/skills-daemon/config.toml",
        "allowed_origins = ['vscode-webview://*', 'http://localhost:3000']\n",
    );
    home.client(&["demo", "hello"]).ok();
    let port = home.port();
    for (origin, is_allowed) in [
        ("vscode-webview://1a2b3c", true),
        ("http://localhost:3000", true),
        ("http://localhost:3001", false),
        ("http://evil.example", false),
        ("null", false),
    ] {
        let page = [("origin", origin), ("sec-fetch-site", "cross-site")];
        for (method, target) in [("GET", "/demo/hello"), ("POST", "/mcp"), ("POST", "/demo/order")]
        {
            let asks = [
                page[0],
                page[1],
                ("access-control-request-method", method),
                ("access-control-request-headers", "content-type, mcp-session-id"),
            ];
            let asked = Answer::of(port, "OPTIONS", target, &asks, b"");
            let answer = Answer::of(port, method, target, &page, b"");
            if !is_allowed {
                assert_eq!((asked.status, answer.status), (403, 403), "{origin} {method} {target}");
                assert_eq!(answer.header("access-control-allow-origin"), None);
                continue;
            }
            assert_eq!(asked.status, 204);
            assert_eq!(asked.header("access-control-allow-methods"), Some(method));
            assert_eq!(
                asked.header("access-control-allow-headers"),
                Some("content-type, mcp-session-id")
            );
            assert_ne!(answer.status, 403, "{origin} {method} {target}");
            for answer in [&asked, &answer] {
                assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
                assert_eq!(answer.header("vary"), Some("origin"));
            }
        }
    }
    // A program's request has none of it.
    let plain = home.get("/demo/hello");
    assert_eq!((plain.status, plain.header("access-control-allow-origin")), (200, None));
    let status: Value = home.http("GET", "/-/status", &[("origin", "vscode-webview://x")]).json();
    assert_eq!(status["kind"], json!("forbidden"));
}
