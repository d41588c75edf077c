//! What takes the daemon down or holds it up: crashes of an earlier process, blocked loops, limits.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use futures_util::poll;
use serde_json::json;
use tokio::pin;
use tokio::time::sleep;

use super::Daemon;
use crate::crashes;
use crate::daemon::guard::Guard;
use crate::journal::{Cause, Journal, thread};
use crate::paths::Paths;
use crate::runtime::Frame;
use crate::runtime::fake::{Answers, Gate, Script};
use crate::store::fingerprint::Fingerprint;
use crate::wire::PluginState;

/// Has an earlier process of the daemon in `directory` be ended by `jira`, while it was imported.
fn crash(directory: &tempfile::TempDir, pid: u32) {
    let root = directory.path();
    let runtime = root.join("run");
    let paths =
        Paths { profile: None, home: root.into(), config: root.into(), bin: root.into(), runtime };
    paths.create().unwrap();
    let path = root.join("jira");
    let fingerprint = Fingerprint::of(&path, []).unwrap().own_digest();
    let file = paths.journal(pid);
    let journal = Arc::new(Journal::create(&file).unwrap());
    let slot = journal.enter(&path, &fingerprint, "jira");
    thread::carry(slot.number(), false);
    journal.blame(Cause::Signal(11), "");
    thread::carry(0, false);
    // Its end would remove it.
    let copy = fs::read(&file).unwrap();
    drop((slot, journal));
    fs::write(file, copy).unwrap();
    drop(crashes::take_over(&paths));
}

const NAMED: &str = r#"{"name": "jira"}"#;

#[tokio::test(start_paused = true)]
async fn a_plugin_that_crashed_once_is_loaded_at_its_first_call_and_after_two_when_it_is_asked_for()
{
    let plugins = [("jira", Script::of("jira"), NAMED), ("bb", Script::of("bb"), "{}")];
    let Daemon { directory, .. } = Daemon::settled(&plugins).await;
    crash(&directory, 1);
    let daemon = Daemon::within(directory, &plugins).await;
    daemon.registry.settled().await.unwrap();
    assert_eq!(daemon.state("jira").await, PluginState::Asleep);
    daemon.post("/reload-plugins").await;
    assert_eq!(daemon.python.notes().iter().filter(|note| *note == "load jira").count(), 0);
    let (_, status) = daemon.get("/-/status").await;
    let notice = status["plugins"][0]["notices"][0].as_str().unwrap();
    assert!(notice.starts_with("jira crashed the daemon: a segmentation fault"), "{notice}");
    assert_eq!(daemon.version("jira").await, "jira 1");

    crash(&daemon.directory, 2);
    let daemon = Daemon::within(daemon.directory, &plugins).await;
    assert_eq!(daemon.version("bb").await, "bb 1");
    let (status, body) = daemon.get("/jira/x").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let error = body["error"].as_str().unwrap();
    assert!(error.starts_with("jira crashed the daemon twice"), "{error}");
    assert_eq!(body["hint"], json!("Change its files, or run `skills-daemon reload jira`."));
    daemon.post("/reload-plugins").await;
    assert!(matches!(daemon.state("jira").await, PluginState::Failed(_)));
    daemon.post("/reload-plugins?plugin=jira").await;
    assert_eq!(daemon.version("jira").await, "jira 1");
}

#[tokio::test(start_paused = true)]
async fn changed_files_have_no_past() {
    let plugins = [("jira", Script::of("jira"), NAMED)];
    let Daemon { directory, .. } = Daemon::settled(&plugins).await;
    crash(&directory, 1);
    crash(&directory, 2);
    let changed = [("jira", Script::of("jira"), r#"{"name": "jira", "version": "2"}"#)];
    let daemon = Daemon::within(directory, &changed).await;
    assert_eq!(daemon.version("jira").await, "jira 1");
    assert!(daemon.notices.of(Some(1)).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_stands_is_reported_with_its_place_until_it_moves() {
    let gate = Gate::default();
    let hanging = Script { answers: Answers::Hangs(gate.clone()), ..Script::of("jira") };
    let daemon = Daemon::settled(&[("jira", hanging, "{}")]).await;
    let file = daemon.directory.path().join("jira/__init__.py");
    let frame = |file, line, function: &str| Frame { file, line, function: function.into() };
    daemon
        .python
        .stack_is(vec![frame("/lib/time.py".into(), 1, "sleep"), frame(file, 12, "search")]);
    let guard = Guard {
        python: daemon.python.clone(),
        registry: daemon.registry.clone(),
        notices: daemon.notices.clone(),
        journal: None,
    };
    let watch = tokio::spawn(guard.watch());
    let id = daemon.registry.snapshot().entries[0].id;
    let call = daemon.version("jira");
    pin!(call);
    assert!(poll!(&mut call).is_pending());
    sleep(Duration::from_millis(900)).await;
    assert!(daemon.notices.of(Some(id)).is_empty());
    sleep(Duration::from_millis(2600)).await;
    let notices = daemon.notices.of(Some(id));
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("its event loop has been blocked for 3 s by search() in"));
    assert!(notices[0].ends_with("jira/__init__.py line 12"), "{notices:?}");
    sleep(Duration::from_secs(60)).await;
    let notices = daemon.notices.of(Some(id));
    assert!(notices[1].starts_with("a def handler has not returned for 6"), "{notices:?}");
    gate.open();
    assert_eq!(call.await, "jira 1");
    sleep(Duration::from_secs(1)).await;
    assert!(daemon.notices.of(Some(id)).is_empty());
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn a_plugin_is_given_so_many_requests_at_once_and_a_reload_loses_none_that_waits() {
    let gate = Gate::default();
    let hanging = Script { answers: Answers::Hangs(gate.clone()), ..Script::of("jira") };
    let limits = r#"{"daemon": {"limits": {"concurrent": 1, "waiting": 1}}}"#;
    let daemon = Daemon::settled(&[("jira", hanging, limits)]).await;
    let (first, second) = (daemon.version("jira"), daemon.version("jira"));
    pin!(first, second);
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    let refused = daemon.send("GET", "/jira/x", Body::empty()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    daemon.python.noted("call jira 1").await;
    daemon.python.script("jira", Script::of("jira"));
    daemon.post("/reload-plugins?plugin=jira").await;
    // The new version has limits of its own.
    assert_eq!(daemon.version("jira").await, "jira 2");
    let calls = || daemon.python.notes().iter().filter(|note| *note == "call jira 1").count();
    assert_eq!(calls(), 1);
    gate.open();
    assert_eq!((first.await, second.await), ("jira 1".into(), "jira 1".into()));
    assert_eq!(calls(), 2);
    daemon.python.noted("end jira 1").await;
}
