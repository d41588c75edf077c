//! The order of start and end, with [`FakePython`] behind the real sockets.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::*;
use crate::lifecycle::handover::{self as protocol, Reply, Request};
use crate::runtime::fake::{Answers, FakePython, Gate, Script};

/// A daemon about to start, of one plugin that lies in `root`.
fn prepared(root: &Path) -> Prepared {
    let paths = Paths {
        profile: None,
        home: root.join("home"),
        runtime: root.join("run"),
        config: root.join("config"),
        bin: root.join("bin"),
    };
    fs::create_dir_all(&paths.config).unwrap();
    paths.create().unwrap();
    let plugin = root.join("jira");
    fs::create_dir_all(&plugin).unwrap();
    fs::write(plugin.join("__init__.py"), "").unwrap();
    fs::write(paths.plugins_conf(), plugin.display().to_string()).unwrap();
    let variables = [
        ("SKILLS_DAEMON_PORT", "0"),
        ("SKILLS_DAEMON_WRAPPERS", "false"),
        ("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "60"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let env: Environment = variables.into_iter().collect();
    let settings = Settings::resolve(toml::Table::new(), &paths.config_file(), &env).unwrap();
    let ports = Ports::bind(&settings, Vec::new()).unwrap();
    let lock = HostLock::live(&paths).unwrap();
    Prepared {
        paths,
        settings,
        env,
        base: Base { executable: "/usr/bin/python3".into(), version: "3".into() },
        uv: None,
        site_packages: PathBuf::new(),
        venv_python: PathBuf::new(),
        ports,
        lock,
        files: Vec::new(),
        on_terminal: false,
        takeover: None,
        activated: super::listen::Activated::default(),
        manager: Arc::default(),
        crashes: Crashes::default(),
        journal: None,
    }
}

fn means(python: Arc<FakePython>) -> Means {
    Means { python, solver: None, exporter: None }
}

async fn request(socket: &Path, method: &str, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn requests_in_flight_are_answered_before_plugins_end_and_files_are_removed_last() {
    let directory = tempfile::Builder::new().prefix("sk").tempdir_in("/tmp").unwrap();
    let gate = Gate::default();
    let python = Arc::new(FakePython::default());
    let holding = Script { answers: Answers::Hangs(gate.clone()), ..Script::of("jira") };
    python.script("jira", holding);
    let prepared = prepared(directory.path());
    let (socket, pid_file) = (prepared.paths.socket(), prepared.paths.pid_file());
    let (announce, announced) = oneshot::channel();
    let announce = |ready: &Ready| announce.send(ready.clone()).unwrap();
    let daemon = tokio::spawn(run(prepared, means(python.clone()), Vec::new(), announce));
    let ready = announced.await.unwrap();
    assert!(ready.port > 0 && socket.exists() && pid_file.exists());

    let held = tokio::spawn({
        let socket = socket.clone();
        async move { request(&socket, "GET", "/jira/x").await }
    });
    python.noted("call jira 1").await;
    request(&socket, "POST", "/shutdown").await;
    let refused = async {
        while UnixStream::connect(&socket).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), refused).await.expect("it accepts no more");
    assert!(!python.notes().contains(&"unload jira 1".to_owned()), "a request is in flight");
    gate.open();
    let answer: Value = serde_json::from_str(&held.await.unwrap()).unwrap();
    assert_eq!(answer["by"], "jira 1");
    daemon.await.unwrap().unwrap();
    let notes = python.notes();
    let end: Vec<&str> = notes.iter().rev().take(3).rev().map(String::as_str).collect();
    assert_eq!(end, ["unload jira 1", "shutdown jira 1", "end jira 1"]);
    assert!(!socket.exists() && !pid_file.exists());
}

/// A daemon that runs, and the connection of a client that keeps it alive.
struct Kept {
    daemon: tokio::task::JoinHandle<Result<(), Failure>>,
    paths: Paths,
    client: UnixStream,
    _directory: tempfile::TempDir,
}

impl Kept {
    async fn start() -> Kept {
        let directory = tempfile::Builder::new().prefix("sk").tempdir_in("/tmp").unwrap();
        let python = Arc::new(FakePython::default());
        python.script("jira", Script::of("jira"));
        let prepared = prepared(directory.path());
        let paths = prepared.paths.clone();
        let (announce, announced) = oneshot::channel();
        let announce = |ready: &Ready| drop(announce.send(ready.clone()));
        let daemon = tokio::spawn(run(prepared, means(python), Vec::new(), announce));
        announced.await.unwrap();
        let client = UnixStream::connect(paths.socket()).await.unwrap();
        let mut kept = Kept { daemon, paths, client, _directory: directory };
        assert!(!kept.ask().await.contains("connection: close"));
        kept
    }

    /// Sends a request over the client's connection; returns the head of the answer.
    async fn ask(&mut self) -> String {
        let request = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
        self.client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let mut buffer = [0; 4096];
        while !answer.ends_with('}') {
            let count = self.client.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the connection ended after {answer:?}");
            answer.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }

    /// Connects as a successor, up to the offer.
    async fn offered(&self) -> std::os::unix::net::UnixStream {
        let paths = self.paths.clone();
        let taken = move || {
            let stream = protocol::connect(&paths).unwrap();
            protocol::send(&stream, &Request::TakeOver).unwrap();
            let (offer, sockets) = protocol::receive_offer(&stream).unwrap();
            assert_eq!(offer.pid, std::process::id() as i32);
            assert!(sockets.len() > 2, "two Unix sockets and TCP");
            stream
        };
        tokio::task::spawn_blocking(taken).await.unwrap()
    }

    /// Goes on as a successor, up to the moment at which it may accept.
    async fn relieved(&self) -> std::os::unix::net::UnixStream {
        let stream = self.offered().await;
        let relieve = move || {
            protocol::send(&stream, &Request::Ready).unwrap();
            assert_eq!(protocol::receive(&stream).unwrap(), Reply::Yours);
            stream
        };
        tokio::task::spawn_blocking(relieve).await.unwrap()
    }

    /// Waits until the status has `text`.
    async fn notes(&self, text: &str) {
        let noted = async {
            while !request(&self.paths.socket(), "GET", "/-/status").await.contains(text) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), noted).await.expect("a notice");
    }
}

#[tokio::test]
async fn after_a_hand_over_connections_end_with_an_answer_and_files_are_left() {
    let mut kept = Kept::start().await;
    let stream = kept.relieved().await;
    protocol::send(&stream, &Request::Serving).unwrap();
    let paths = kept.paths.clone();
    let refused = async {
        // Its queue is there for as long as the successor has the socket: only a new answer shows it.
        while !kept.ask().await.contains("connection: close") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), refused).await.expect("the last answer");
    kept.daemon.await.unwrap().unwrap();
    assert!(paths.socket().exists() && paths.handover_socket().exists());
    assert!(paths.pid_file().exists());
    let released = tokio::task::spawn_blocking(move || protocol::receive(&stream).unwrap());
    assert_eq!(released.await.unwrap(), Reply::Released);
}

#[tokio::test]
async fn a_successor_that_goes_away_at_any_moment_leaves_the_daemon_serving() {
    let mut kept = Kept::start().await;
    drop(kept.offered().await);
    kept.notes("ended without a report").await;
    let stream = kept.offered().await;
    let failure = Failure::environment("no module named x");
    protocol::send(&stream, &Request::Failed { failure }).unwrap();
    kept.notes("no module named x").await;
    drop(kept.relieved().await);
    // Waits in the queue until the daemon accepts again.
    kept.notes("ended while it took over").await;
    assert!(!kept.ask().await.contains("connection: close"));
    request(&kept.paths.socket(), "POST", "/shutdown").await;
    kept.daemon.await.unwrap().unwrap();
    assert!(!kept.paths.handover_socket().exists());
}
