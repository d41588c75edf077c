//! Other users of the machine, and pages of other sites.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};

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

/// An address of this machine that others reach, if it has one.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Of documentation: only the route there is looked up, nothing is sent.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

/// Asks over TCP at `address`.
fn asked(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {target} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::parse(&answer)
}

#[test]
fn beyond_loopback_every_request_needs_the_token() {
    let Some(own) = own_address() else {
        eprintln!("skipped: this machine has no address besides loopback");
        return;
    };
    let home = Home::new();
    home.control(&["config", "set", "host", &own.to_string()]).ok();
    let meaning = format!("the daemon listens on {own}, which other machines can reach");
    home.control(&["start"]).ok().complains(&meaning);
    home.client(&["demo", "hello"]).ok();
    home.control(&["status"]).ok().says(&meaning);
    home.control(&["doctor"]).says(&meaning);
    let logged = home.log().into_iter().filter(|line| line["level"] == "WARN");
    assert!(
        logged
            .filter_map(|line| line["message"].as_str().map(str::to_owned))
            .any(|line| line.starts_with(&meaning))
    );

    let remote = SocketAddr::new(own, home.port());
    let token = format!("Bearer {}", Tcp::read(&home.paths()).unwrap().token);
    let token = ("authorization", token.as_str());
    for host in ["localhost", "box.lan:9100"] {
        let host = ("host", host);
        for (method, target) in [
            ("GET", "/health"),
            ("GET", "/docs"),
            ("GET", "/demo/hello"),
            ("POST", "/shutdown"),
            ("POST", "/mcp"),
        ] {
            let refused = asked(remote, method, target, &[host]);
            assert_eq!((refused.status, &refused.json()["kind"]), (403, &json!("forbidden")));
        }
        let wrong = ("authorization", "Bearer 0000");
        assert_eq!(asked(remote, "GET", "/health", &[host, wrong]).status, 403);
        assert_eq!(asked(remote, "GET", "/demo/hello", &[host, token]).status, 200);
        // Not even with the token.
        for (method, target) in [("GET", "/-/status"), ("POST", "/-/run"), ("POST", "/-/mcp")] {
            assert_eq!(asked(remote, method, target, &[host, token]).status, 403);
        }
        let page = ("origin", "http://evil.example");
        assert_eq!(asked(remote, "GET", "/health", &[host, token, page]).status, 403);
    }
    // Loopback is as before.
    assert_eq!(home.get("/health").status, 200);
    assert_eq!(home.http("GET", "/health", &[("host", "box.lan")]).status, 403);

    home.control(&["config", "set", "tcp_token", "false"])
        .fails_with(2)
        .complains("`tcp_token` is false, and `host` is");
    let everywhere = home.with("SKILLS_DAEMON_HOST", "0.0.0.0");
    everywhere.control(&["restart"]).ok().complains("the daemon listens on 0.0.0.0");
    let remote = SocketAddr::new(own, everywhere.port());
    assert_eq!(asked(remote, "GET", "/health", &[("host", "box.lan")]).status, 403);
    assert_eq!(everywhere.get("/health").status, 200);
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
