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
use crate::runtime::fake::{Answers, FakePython, Gate, Script};

/// A daemon about to start, of one plugin that lies in `root`.
fn prepared(root: &Path) -> Prepared {
    let paths = Paths {
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
    let ports = Ports::bind(&settings).unwrap();
    let crashes = Crashes::default();
    Prepared { paths, settings, env, uv: None, ports, crashes, journal: None }
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
    let daemon = tokio::spawn(run(prepared, python.clone(), "3".into(), Vec::new(), announce));
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
