//! WebSockets of plugins: messages, ends, refusals, limits, backpressure, reload and stop, over TCP and the Unix socket.

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use crate::harness::socket::{tcp, unix};
use crate::harness::{Answer, CONTROL, Home, Running, Socket, eventually, plugin_code};

/// A plugin `ws` that notes how its WebSockets end, in memory and in the file `ends` of HOME.
const ROUTES: &str = r#"
import asyncio, pathlib
from fastapi import Depends, Query, WebSocket, WebSocketDisconnect, WebSocketException
from fastapi.responses import JSONResponse

VERSION = 1
ends = []
sent = [0]
gate = asyncio.Event()

def note(*what):
    ends.append(list(what))
    with open(pathlib.Path.home() / 'ends', 'a') as file:
        print(*what, file=file)

@router.get('/ends')
async def get_ends():
    return ends

@router.get('/sent')
async def get_sent():
    return sent[0]

@router.post('/open')
async def open_gate():
    gate.set()

@router.websocket('/echo')
async def echo(socket: WebSocket):
    await socket.accept()
    try:
        while True:
            message = await socket.receive()
            if message['type'] == 'websocket.disconnect':
                note('echo', message['code'], message.get('reason'))
                return
            text = message.get('text')
            if text == 'version':
                text = str(VERSION)
            if text is not None:
                await socket.send_text(text)
            else:
                await socket.send_bytes(message['bytes'])
    finally:
        note('finally')

@router.websocket('/iterate')
async def iterate(socket: WebSocket):
    await socket.accept()
    try:
        async for text in socket.iter_text():
            await socket.send_text(text)
    finally:
        note('finally')

@router.websocket('/talk')
async def talk(socket: WebSocket):
    await socket.accept()
    try:
        while True:
            await socket.send_text('x' * 1000)
            await asyncio.sleep(0.001)
    except WebSocketDisconnect as error:
        note('talk', error.code)

@router.websocket('/accept')
async def accept(socket: WebSocket):
    await socket.accept(subprotocol=socket.scope['subprotocols'][1], headers=[(b'X-Own', b'1'), (b'x-own', b'2')])
    scope = {key: value for key, value in socket.scope.items() if isinstance(value, (str, list, dict)) and key not in ('headers', 'state')}
    await socket.send_json({key: scope[key] for key in ('type', 'scheme', 'path', 'asgi', 'subprotocols', 'extensions', 'http_version')})
    await socket.send_json([socket.client is not None, socket.headers['x-sent'], socket.url.path, socket.cookies])
    await socket.close(3000, 'enough')

@router.websocket('/refused')
async def refused(socket: WebSocket):
    await socket.close(1008)

@router.websocket('/denied')
async def denied(socket: WebSocket):
    await socket.send_denial_response(JSONResponse({'detail': 'who?'}, 401, {'x-why': 'none'}))

@router.websocket('/early')
async def early(socket: WebSocket):
    raise ValueError('early')

@router.websocket('/silent')
async def silent(socket: WebSocket):
    pass

@router.websocket('/late')
async def late(socket: WebSocket):
    await socket.accept()
    await socket.send_text('hello')
    raise ValueError('late')

@router.websocket('/returns')
async def returns(socket: WebSocket):
    await socket.accept()
    await socket.send_text('hello')

@router.websocket('/disorder')
async def disorder(socket: WebSocket):
    await socket.accept()
    await socket.close(4001, 'done')
    raw = socket._send
    for message in ({'type': 'websocket.send', 'text': 'x'}, {'type': 'websocket.close'}):
        try:
            await raw(message)
        except RuntimeError as error:
            note('disorder', str(error))
    note('after', (await socket.receive())['code'])

async def token(token: str = Query(min_length=2)):
    yield token.upper()
    note('token', 'released')

@router.websocket('/rooms/{number}')
async def room(socket: WebSocket, number: int, token: str = Depends(token), limit: int = 3):
    await socket.accept()
    await socket.send_json([number, token, limit])
    if limit > 5:
        raise WebSocketException(1008, 'limit')
    await socket.close()

@router.websocket('/reads-later')
async def reads_later(socket: WebSocket):
    await socket.accept()
    await gate.wait()
    count = size = 0
    while True:
        data = await socket.receive_bytes()
        if not data:
            break
        assert data[:4] == count.to_bytes(4, 'big'), 'out of order'
        count, size = count + 1, size + len(data)
    await socket.send_json([count, size])

@router.websocket('/writes')
async def writes(socket: WebSocket):
    await socket.accept()
    for number in range(2000):
        await socket.send_bytes(number.to_bytes(4, 'big') * 16384)
        sent[0] += 1
    await socket.close()

@router.get('/http')
async def http():
    return 'http'
"#;

/// A daemon that serves the plugin.
fn served() -> Home {
    let home = Home::new();
    home.plugin("ws", &plugin_code("ws", ROUTES), "");
    home.control(&["start"]).ok();
    assert_eq!(home.get("/ws/http").json(), json!("http"));
    home
}

/// Waits until the plugin has noted `end`.
#[track_caller]
fn wait_for_end(home: &Home, end: &Value) {
    eventually("the plugin notes the end", || {
        home.get("/ws/ends").json().as_array()?.contains(end).then_some(())
    });
}

#[test]
fn messages_pass_whole_and_in_order_over_tcp_and_the_unix_socket() {
    let home = served();
    let sockets = [
        Socket::over(tcp(home.port()), "/ws/echo", &[]),
        Socket::over(unix(&home), "/ws/echo", &[]),
    ];
    for socket in sockets {
        let mut socket = socket.unwrap();
        for text in ["", "hello", "grüße 🦀", &"x".repeat(1 << 20)] {
            socket.send(text);
            assert_eq!(socket.text(), text);
        }
        for bytes in [vec![], vec![0, 255, 1], vec![7; 3 << 20]] {
            socket.send(bytes.clone());
            assert_eq!(socket.receive(), Message::from(bytes));
        }
        for number in 0..200 {
            socket.send(number.to_string());
        }
        for number in 0..200 {
            assert_eq!(socket.text(), number.to_string());
        }
        // In three frames, of which the middle one ends in the middle of a character.
        let parts: [&[u8]; 3] = [b"gr\xc3", b"\xbc\xc3", b"\x9fe"];
        for (at, part) in parts.iter().enumerate() {
            let kind = if at == 0 { Data::Text } else { Data::Continue };
            let frame = Frame::message(part.to_vec(), OpCode::Data(kind), at == 2);
            socket.send(Message::Frame(frame));
        }
        assert_eq!(socket.text(), "grüße");
        // Requests are answered beside it.
        assert_eq!(home.get("/ws/http").json(), json!("http"));
        socket.close(1000, "bye");
        wait_for_end(&home, &json!(["echo", 1000, "bye"]));
    }
    let ends = home.get("/ws/ends").json();
    let finally = ends.as_array().unwrap().iter().filter(|end| **end == json!(["finally"]));
    assert_eq!(finally.count(), 2, "{ends}");
}

#[test]
fn an_accept_has_a_subprotocol_and_headers() {
    let home = served();
    let headers = [
        ("sec-websocket-protocol", "a, b"),
        ("x-sent", "yes"),
        ("cookie", "k=v"),
        ("x-request-id", "id-1"),
    ];
    let mut socket = Socket::over(tcp(home.port()), "/ws/accept?q=1", &headers).unwrap();
    assert_eq!(socket.headers["sec-websocket-protocol"], "b");
    assert_eq!(socket.headers["x-request-id"], "id-1");
    let own: Vec<_> = socket.headers.get_all("x-own").iter().collect();
    assert_eq!(own, ["1", "2"]);
    assert!(!socket.headers.contains_key("sec-websocket-extensions"));
    let scope: Value = serde_json::from_str(&socket.text()).unwrap();
    assert_eq!(
        scope,
        json!({
            "type": "websocket", "scheme": "ws", "path": "/ws/accept", "http_version": "1.1",
            "asgi": {"version": "3.0", "spec_version": "2.4"}, "subprotocols": ["a", "b"],
            "extensions": {"websocket.http.response": {}},
        })
    );
    let seen: Value = serde_json::from_str(&socket.text()).unwrap();
    assert_eq!(seen, json!([true, "yes", "/ws/accept", {"k": "v"}]));
    assert_eq!(socket.closed(), Some((3000, "enough".to_owned())));
}

#[test]
fn a_handshake_that_the_plugin_refuses_is_answered_over_http() {
    let home = served();
    let refusal = |target: &str| Socket::over(tcp(home.port()), target, &[]).unwrap_err();
    // By itself, a path without a WebSocket, one that is a route of HTTP, invalid parameters.
    for target in
        ["/ws/refused", "/ws/nope", "/ws/http", "/ws/rooms/x?token=ab", "/ws/rooms/1?token=a"]
    {
        let refusal = refusal(target);
        assert_eq!((refusal.status, refusal.body.as_str()), (403, ""), "{target}");
    }
    let denied = refusal("/ws/denied");
    assert_eq!((denied.status, denied.headers["x-why"].to_str().unwrap()), (401, "none"));
    assert_eq!(denied.body, r#"{"detail":"who?"}"#);
    for target in ["/ws/early", "/ws/silent"] {
        let refusal = refusal(target);
        assert_eq!(
            (refusal.status, refusal.body.as_str()),
            (500, "Internal Server Error"),
            "{target}"
        );
    }
}

#[test]
fn parameters_and_dependencies_are_fastapis() {
    let home = served();
    let mut socket = Socket::open(&home, "/ws/rooms/7?token=ab");
    assert_eq!(socket.text(), r#"[7,"AB",3]"#);
    assert_eq!(socket.closed(), Some((1000, String::new())));
    let mut socket = Socket::open(&home, "/ws/rooms/7?token=ab&limit=6");
    assert_eq!(socket.text(), r#"[7,"AB",6]"#);
    assert_eq!(socket.closed(), Some((1008, "limit".to_owned())));
    wait_for_end(&home, &json!(["token", "released"]));
}

#[test]
fn a_handler_that_ends_without_a_close_ends_the_connection() {
    let home = served();
    for target in ["/ws/late", "/ws/returns"] {
        let mut socket = Socket::open(&home, target);
        assert_eq!(socket.text(), "hello");
        assert_eq!(socket.closed(), None, "{target}");
    }
    let mut socket = Socket::open(&home, "/ws/disorder");
    assert_eq!(socket.closed(), Some((4001, "done".to_owned())));
    wait_for_end(&home, &json!(["after", 4001]));
    let ends = home.get("/ws/ends").json();
    let said: Vec<&str> =
        ends.as_array().unwrap().iter().filter_map(|end| end[1].as_str()).collect();
    assert!(
        said[0].starts_with("Unexpected ASGI message 'websocket.send', after sending"),
        "{ends}"
    );
    assert!(
        said[1].starts_with("Unexpected ASGI message 'websocket.close', after sending"),
        "{ends}"
    );
}

#[test]
fn a_client_that_breaks_the_rules_is_closed() {
    let home = served();
    let mut large = Socket::open(&home, "/ws/echo");
    // It is refused by its head, and need not be taken whole.
    let _ = large.inner.send(Message::from(vec![0; (16 << 20) + 1]));
    assert_eq!(large.closed().unwrap().0, 1009);
    wait_for_end(&home, &json!(["echo", 1009, "message exceeds limit of 16777216 bytes"]));
    let mut whole = Socket::open(&home, "/ws/echo");
    whole.send(vec![1; 16 << 20]);
    assert_eq!(whole.receive().len(), 16 << 20);
    let mut garbled = Socket::open(&home, "/ws/echo");
    let frame = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    garbled.send(Message::Frame(frame));
    assert_eq!(garbled.closed().unwrap().0, 1007);
    let mut reserved = Socket::open(&home, "/ws/echo");
    let header =
        FrameHeader { rsv1: true, opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
    reserved.send(Message::Frame(Frame::from_payload(header, vec![b'x'].into())));
    assert_eq!(reserved.closed().unwrap().0, 1002);
}

#[test]
fn a_frame_that_looks_like_a_request_is_not_changed() {
    let home = served();
    let mut socket = Socket::open(&home, "/ws/echo");
    // Masked with zeros, so that what is sent is what it looks like: of a request, `<` and `>` would be encoded.
    let text = "GET /<a> HTTP/1.1\r\n\r\n";
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    for _ in 0..2 {
        socket.inner.get_mut().write_all(&frame).unwrap();
        assert_eq!(socket.text(), text);
    }
}

#[test]
fn a_ping_is_answered_while_the_plugin_is_silent() {
    let home = served();
    let mut socket = Socket::open(&home, "/ws/echo");
    socket.send(Message::Ping(b"content".to_vec().into()));
    assert_eq!(socket.receive(), Message::Pong(b"content".to_vec().into()));
    socket.send("still");
    assert_eq!(socket.text(), "still");
}

#[test]
fn a_wrong_handshake_is_refused_before_the_plugin() {
    let home = served();
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    let ask = |method: &str, own: &[(&str, &str)]| {
        let headers: Vec<(&str, &str)> = upgrade.iter().chain(own).copied().collect();
        Answer::of(home.port(), method, "/ws/echo", &headers, b"")
    };
    let version = ("sec-websocket-version", "13");
    let missing = ask("GET", &[version]);
    assert_eq!((missing.status, missing.text().contains("Sec-WebSocket-Key")), (400, true));
    let old = ask("GET", &[key, ("sec-websocket-version", "8")]);
    assert_eq!((old.status, old.header("sec-websocket-version")), (426, Some("13")));
    let posted = ask("POST", &[key, version]);
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET")));
    // Any other upgrade is not taken up.
    let headers = [("connection", "upgrade"), ("upgrade", "h2c")];
    assert_eq!(Answer::of(home.port(), "GET", "/ws/http", &headers, b"").status, 200);
}

#[test]
fn pages_of_other_sites_open_no_websocket() {
    let home = served();
    let port = home.port();
    let open = |origin: &str, host: Option<&str>| {
        let mut headers = vec![("origin", origin)];
        headers.extend(host.map(|host| ("sec-fetch-site", host)));
        Socket::over(tcp(port), "/ws/echo", &headers).map_err(|refusal| refusal.status)
    };
    assert_eq!(open("http://evil.example", None).unwrap_err(), 403);
    assert_eq!(open("null", None).unwrap_err(), 403);
    assert_eq!(open("http://localhost:3000", None).unwrap_err(), 403);
    assert_eq!(open("http://localhost", Some("cross-site")).unwrap_err(), 403);
    let mut own = open("http://localhost", None).unwrap();
    own.send("hello");
    assert_eq!(own.text(), "hello");
    let headers = [("host", "evil.example")];
    let handshake = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let headers: Vec<(&str, &str)> = headers.into_iter().chain(handshake).collect();
    assert_eq!(Answer::of(port, "GET", "/ws/echo", &headers, b"").status, 403);
    assert_eq!(home.get("/ws/ends").json(), json!([]), "no handler ran");
}

#[test]
fn pages_of_allowed_origins_open_websockets() {
    let home = served();
    let config = ".config/skills-daemon/config.toml";
    home.write(config, "allowed_origins = ['vscode-webview://*', 'http://localhost:3000']\n");
    let open = |origin: &str| {
        let headers = [("origin", origin), ("sec-fetch-site", "cross-site")];
        Socket::over(tcp(home.port()), "/ws/echo", &headers).map_err(|refusal| refusal.status)
    };
    // A setting of a running daemon.
    let mut socket = eventually("the new setting", || open("vscode-webview://1a2b").ok());
    socket.send("hello");
    assert_eq!(socket.text(), "hello");
    assert!(open("http://localhost:3000").is_ok());
    for origin in ["http://localhost:3001", "http://evil.example", "vscode-webview://", "null"] {
        assert_eq!(open(origin).unwrap_err(), 403, "{origin}");
    }
}

#[test]
fn other_routes_do_not_take_the_upgrade_up() {
    let home = Home::new();
    home.plugin("plain", "def get_double(number: int) -> int:\n    return number * 2\n", "");
    home.control(&["start"]).ok();
    let headers = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for target in ["/health", "/plugins", "/demo/help"] {
        let answer = Answer::of(home.port(), "GET", target, &headers, b"");
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    }
    // A plugin of plain functions has no WebSockets.
    let double = Answer::of(home.port(), "GET", "/plain/get-double?number=21", &headers, b"");
    assert_eq!((double.status, double.text().as_str()), (200, "42"));
    assert_eq!(Answer::of(home.port(), "GET", "/plain/nope", &headers, b"").status, 404);
}

#[test]
fn a_client_that_vanishes_is_a_disconnect() {
    let home = served();
    drop(Socket::open(&home, "/ws/echo"));
    wait_for_end(&home, &json!(["echo", 1006, null]));
    // In the middle of a message.
    let mut cut = Socket::open(&home, "/ws/iterate");
    cut.send("hello");
    assert_eq!(cut.text(), "hello");
    cut.inner.get_mut().write_all(&[0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, b'x']).unwrap();
    drop(cut);
    eventually("both handlers end", || {
        let ends = home.get("/ws/ends").json();
        let finally = ends.as_array()?.iter().filter(|end| **end == json!(["finally"])).count();
        (finally == 2).then_some(())
    });
    // Its next message has no reader.
    let mut talked = Socket::open(&home, "/ws/talk");
    talked.text();
    drop(talked);
    wait_for_end(&home, &json!(["talk", 1006]));
    assert_eq!(home.get("/ws/http").json(), json!("http"));
}

/// Waits until `count` moves no more: whatever it counts is finished, or waits.
fn wait_until_still(count: impl Fn() -> usize) -> usize {
    let (mut last, mut still) = (count(), 0);
    eventually("the count stands still", || {
        let now = count();
        still = if now == last && now > 0 { still + 1 } else { 0 };
        last = now;
        (still == 30).then_some(now)
    })
}

#[test]
fn a_plugin_that_does_not_read_holds_its_client_up() {
    let home = served();
    let peak = || {
        let status = fs::read_to_string(format!("/proc/{}/status", home.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
    };
    let before = peak();
    let mut socket = Socket::open(&home, "/ws/reads-later");
    let sent = Arc::new(AtomicUsize::new(0));
    let own_sent = sent.clone();
    // 125 MiB, far more than all buffers on the way.
    let sender = thread::spawn(move || {
        for number in 0..2000_u32 {
            let mut message = vec![0; 64 << 10];
            message[..4].copy_from_slice(&number.to_be_bytes());
            socket.send(message);
            own_sent.fetch_add(1, Ordering::SeqCst);
        }
        socket.send(Vec::new());
        socket
    });
    let stuck = wait_until_still(|| sent.load(Ordering::SeqCst));
    assert!(stuck < 2000, "nothing held the client up");
    assert!(peak() < before + 40, "{} MiB more", peak() - before);
    assert_eq!(home.http("POST", "/ws/open", &[]).status, 200);
    let mut socket = sender.join().unwrap();
    assert_eq!(socket.text(), format!("[2000,{}]", 2000 * (64 << 10)));
}

#[test]
fn a_client_that_does_not_read_holds_its_plugin_up() {
    let home = served();
    let mut socket = Socket::open(&home, "/ws/writes");
    let stuck = wait_until_still(|| home.get("/ws/sent").json().as_u64().unwrap() as usize);
    assert!(stuck < 2000, "nothing held the plugin up");
    for number in 0..2000_u32 {
        let Message::Binary(bytes) = socket.receive() else { panic!("not bytes") };
        assert_eq!((bytes.len(), &bytes[..4]), (64 << 10, &number.to_be_bytes()[..]));
    }
    assert_eq!(socket.closed(), Some((1000, String::new())));
}

#[test]
fn a_reload_closes_the_old_version_s_websockets() {
    let home = served();
    let mut idle = Socket::open(&home, "/ws/echo");
    let mut iterating = Socket::open(&home, "/ws/iterate");
    let mut talking = Socket::open(&home, "/ws/talk");
    idle.send("version");
    assert_eq!(idle.text(), "1");
    home.plugin("ws", &plugin_code("ws", &ROUTES.replace("VERSION = 1", "VERSION = 2")), "");
    home.control(&["reload", "ws"]).ok();
    for socket in [&mut idle, &mut iterating, &mut talking] {
        assert_eq!(socket.closed(), Some((1012, String::new())));
    }
    let mut again = Socket::open(&home, "/ws/echo");
    again.send("version");
    assert_eq!(again.text(), "2");
    eventually("the old handlers end", || {
        let ends = home.read("ends")?;
        let all = ["echo 1012 ", "finally", "talk 1006"];
        all.iter().all(|end| ends.lines().any(|line| line.starts_with(end))).then_some(())
    });
}

#[test]
fn a_stop_closes_websockets_and_waits_for_their_handlers() {
    let home = served();
    let mut socket = Socket::open(&home, "/ws/echo");
    let mut over_unix = Socket::over(unix(&home), "/ws/echo", &[]).unwrap();
    // A client that never answers a close holds nothing up for long.
    let mute = Socket::open(&home, "/ws/echo");
    let stop = Running::start(home.command(CONTROL, &["stop"]));
    assert_eq!(socket.closed(), Some((1012, String::new())));
    assert_eq!(over_unix.closed(), Some((1012, String::new())));
    let output = stop.end();
    output.ok();
    assert!(!output.stdout().contains("cut"), "{output:?}");
    drop(mute);
    let ends = home.read("ends").unwrap();
    assert_eq!(ends.lines().filter(|line| *line == "finally").count(), 3, "{ends}");
    assert_eq!(ends.lines().filter(|line| line.starts_with("echo 1012")).count(), 3, "{ends}");
}
