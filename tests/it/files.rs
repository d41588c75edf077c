//! Answers that are files: their bytes are read by the daemon, the rest is Starlette's.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Home, LIMIT, Sent, eventually, plugin_code};

const ROUTES: &str = r#"
import os
from pathlib import Path

from fastapi import BackgroundTasks, Depends, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

over = []

@router.api_route('/file', methods=['GET', 'HEAD'])
async def file(path: str):
    return FileResponse(path)

@router.get('/by-class', response_class=FileResponse)
def by_class(path: str):
    return path

@router.get('/temporary')
def temporary(path: str):
    def remove():
        os.truncate(path, 0)
        os.unlink(path)
        over.append(path)
    return FileResponse(path, background=BackgroundTask(remove))

@router.get('/announced')
async def announced(path: str, like: str):
    return FileResponse(path, stat_result=os.stat(like))

@router.get('/raw')
async def raw(path: str, type: str = 'http.response.pathsend'):
    class Raw(Response):
        async def __call__(self, scope, receive, send):
            await send({'type': 'http.response.start', 'status': 200, 'headers': []})
            await send({'type': type, 'path': path})
    return Raw()

@router.get('/over')
async def ended():
    return over

@router.get('/extensions')
async def extensions(request: Request):
    return request.scope.get('extensions')

@router.get('/descriptors')
async def descriptors():
    return len(os.listdir('/proc/self/fd'))
"#;

/// Some bytes that are not the same everywhere.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index % 251) as u8).collect()
}

struct Files {
    home: Home,
}

impl Files {
    fn new() -> Files {
        let home = Home::new();
        home.plugin("files", &plugin_code("files", ROUTES), "");
        home.control(&["start"]).ok();
        // Answers when no plugin is loading any more.
        home.get("/plugins");
        Files { home }
    }

    fn file(&self, name: &str, size: usize) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, content(size)).unwrap();
        path
    }

    fn descriptors(&self) -> u64 {
        self.home.get("/files/descriptors").json().as_u64().unwrap()
    }
}

/// Empty, short, at the borders of what is read at once, and long.
const SIZES: [usize; 8] = [0, 1, 5_000, 65_536, 65_537, 262_144, 524_289, 10_000_000];

#[test]
fn files_are_sent_whole() {
    let files = Files::new();
    let extensions = files.home.get("/files/extensions").json();
    assert_eq!(extensions, json!({"http.response.pathsend": {}}));
    for size in SIZES {
        let path = files.file("file.bin", size);
        for route in ["file", "by-class", "raw"] {
            let answer = files.home.get(&format!("/files/{route}?path={}", path.display()));
            assert_eq!(answer.status, 200, "{route} {size}: {}", answer.text());
            assert!(answer.body == content(size), "{route} {size}: {}", answer.body.len());
            let length = answer.header("content-length");
            let expected = Some(size.to_string()).filter(|_| route != "raw");
            assert_eq!(length.map(str::to_owned), expected, "{route} {size}");
        }
        let target = format!("/files/file?path={}", path.display());
        let head = files.home.http("HEAD", &target, &[]);
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), Some(&*size.to_string()));
    }
    // It prints what it gets.
    fs::write(files.home.path().join("text"), "some text\n").unwrap();
    let text = files.home.path().join("text").display().to_string();
    assert_eq!(
        files.home.client(&["files", "by-class", "--path", &text]).ok().stdout(),
        "some text\n"
    );
}

#[test]
fn ranges_and_conditions_are_those_of_starlette() {
    let files = Files::new();
    let path = files.file("file.bin", 100_000);
    let target = format!("/files/file?path={}", path.display());
    let range = |range: &str| files.home.http("GET", &target, &[("range", range)]);
    let part = range("bytes=10-70009");
    assert_eq!((part.status, part.header("content-length")), (206, Some("70000")));
    assert!(part.body == content(100_000)[10..70_010]);
    let parts = range("bytes=0-1,5-6");
    assert_eq!(parts.status, 206);
    assert!(parts.header("content-type").unwrap().starts_with("multipart/byteranges"));
    assert_eq!(range("bytes=100000-").status, 416);
    let stale = [("range", "bytes=0-1"), ("if-range", "\"other\"")];
    assert_eq!(files.home.http("GET", &target, &stale).body.len(), 100_000);
}

#[test]
fn a_file_may_be_removed_as_soon_as_it_was_sent() {
    let files = Files::new();
    for size in SIZES {
        let path = files.file("file.bin", size);
        let answer = files.home.get(&format!("/files/temporary?path={}", path.display()));
        assert!(answer.body == content(size), "{size}: {}", answer.body.len());
        eventually("the end of the background task", || (!path.exists()).then_some(()));
    }
}

#[test]
fn a_file_that_is_not_as_announced_ends_the_connection_early() {
    let files = Files::new();
    for size in [10, 70_000, 1_000_000] {
        let (path, longer) = (files.file("file.bin", size), files.file("longer.bin", size + 1));
        let target = |path: &str, like: &str| format!("/files/announced?path={path}&like={like}");
        let (path, longer) = (path.display().to_string(), longer.display().to_string());
        // One that has grown is cut at its announced length.
        assert!(files.home.get(&target(&longer, &path)).body == content(size));
        let cut = files.home.get(&target(&path, &longer));
        assert_eq!(
            (cut.status, cut.header("content-length")),
            (200, Some(&*(size + 1).to_string()))
        );
        assert!(cut.body.len() <= size);
        let missing = files.home.get(&target(&format!("{path}.no"), &longer));
        assert_eq!((missing.status, missing.body.len()), (200, 0));
    }
    for (path, error) in [("/nowhere", "does not exist"), ("/tmp", "is not a file")] {
        let answer = files.home.get(&format!("/files/file?path={path}"));
        assert_eq!(
            (answer.status, answer.text().contains(error)),
            (500, true),
            "{}",
            answer.text()
        );
    }
    files.home.control(&["stop"]).ok();
    let log = files.home.log();
    let exceptions: Vec<&str> =
        log.iter().filter_map(|record| record["exception"].as_str()).collect();
    let with = |text: &str| exceptions.iter().filter(|each| each.contains(text)).count();
    assert_eq!(with("ends 1 bytes before its announced length"), 3, "{exceptions:#?}");
    assert_eq!(with("file.bin.no'"), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_vanish_leave_no_file_open() {
    let files = Files::new();
    let path = files.file("file.bin", 10_000_000);
    let (before, port) = (files.descriptors(), files.home.port());
    for number in 0..8 {
        let path = files.file(&number.to_string(), 10_000_000);
        let target = format!("/files/temporary?path={}", path.display());
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        // Its answer has begun.
        stream.read_exact(&mut [0; 1000]).unwrap();
    }
    eventually("the end of the background tasks", || {
        let over = files.home.get("/files/over").json();
        (over.as_array().map(Vec::len) == Some(8)).then_some(())
    });
    eventually("closed files", || (files.descriptors() <= before).then_some(()));
    let whole = Sent::new(port, "GET", &format!("/files/file?path={}", path.display()), &[], b"");
    assert_eq!(whole.answer(LIMIT).unwrap().body.len(), 10_000_000);
}

const COMPRESSED: &str = "
from starlette.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse
from starlette.requests import Request

async def application(scope, receive, send):
    await FileResponse(__file__)(scope, receive, send)

router.mount('/compressed', GZipMiddleware(application, minimum_size=1))

@router.get('/file')
async def file():
    return FileResponse(__file__)

@router.get('/extensions')
async def extensions(request: Request):
    return request.scope.get('extensions')
";

#[test]
fn an_application_with_a_middleware_sends_its_files_itself() {
    let home = Home::new();
    home.plugin("packed", &plugin_code("packed", COMPRESSED), "");
    home.control(&["start"]).ok();
    assert_eq!(home.get("/packed/extensions").json(), Value::Null);
    let packed = home.http("GET", "/packed/compressed/", &[("accept-encoding", "gzip")]);
    assert_eq!((packed.status, packed.header("content-encoding")), (200, Some("gzip")));
    let plain = home.get("/packed/file");
    assert_eq!((plain.status, plain.text().contains("GZipMiddleware")), (200, true));
}
