//! Start, reload, failure and end.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::{join, poll};
use serde_json::json;
use tokio::pin;

use super::{Daemon, write};
use crate::runtime::fake::{Act, Answers, Gate, Script};
use crate::wire::{PluginState, Reload, Stage};

const DEMAND: &str = r#"{"name": "lazy", "daemon": {"load": "demand"}}"#;

#[tokio::test(start_paused = true)]
async fn the_old_version_answers_until_the_new_one_is_ready_and_ends_after_its_last_request() {
    let (answer, hooks) = (Gate::default(), Gate::default());
    let holding = Script { answers: Answers::Hangs(answer.clone()), ..Script::of("jira") };
    let daemon = Daemon::settled(&[("jira", holding, "{}")]).await;
    let held = daemon.version("jira");
    pin!(held);
    assert!(poll!(&mut held).is_pending());
    daemon.python.noted("call jira 1").await;
    daemon.python.script("jira", Script { hooks: Act::Hangs(hooks.clone()), ..Script::of("jira") });
    let reload = daemon.post("/reload-plugins?plugin=jira");
    pin!(reload);
    assert!(poll!(&mut reload).is_pending());
    daemon.python.noted("start jira 2").await;
    let reloading =
        PluginState::Ready { complaints: Vec::new(), reload: Reload::Loading(Stage::Starting) };
    assert_eq!(daemon.state("jira").await, reloading);
    daemon.get("/plugins").await;
    hooks.open();
    assert_eq!(reload.await.1["reloaded"], json!(["jira"]));
    assert_eq!(daemon.version("jira").await, "jira 2");
    daemon.python.noted("finish jira 1").await;
    // Much longer than an end of the daemon would let it.
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(!daemon.python.notes().contains(&"unload jira 1".to_owned()));
    answer.open();
    assert_eq!(held.await, "jira 1");
    daemon.python.noted("end jira 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_of_one_touches_that_one_alone() {
    let daemon =
        Daemon::settled(&[("aa", Script::of("aa"), "{}"), ("bb", Script::of("bb"), "{}")]).await;
    let (status, reloaded) = daemon.post("/reload-plugins?plugin=aa").await;
    assert_eq!(status, StatusCode::OK);
    let expected =
        json!({"success": true, "added": [], "removed": [], "reloaded": ["aa"], "total": 2});
    assert_eq!(reloaded, expected);
    assert_eq!(
        (daemon.version("aa").await, daemon.version("bb").await),
        ("aa 2".into(), "bb 1".into())
    );
    let (_, reloaded) = daemon.post("/reload-plugins").await;
    assert_eq!(reloaded["reloaded"], json!(["aa", "bb"]));
    assert_eq!(
        (daemon.version("aa").await, daemon.version("bb").await),
        ("aa 3".into(), "bb 2".into())
    );
    let (status, failure) = daemon.post("/reload-plugins?plugin=ab").await;
    assert_eq!((status, &failure["error"]), (StatusCode::NOT_FOUND, &json!("Unknown plugin: ab")));
}

#[tokio::test(start_paused = true)]
async fn plugins_come_and_go_with_a_reload_of_all_or_of_their_own() {
    let daemon = Daemon::settled(&[("aa", Script::of("aa"), "{}")]).await;
    daemon.add("bb", Script::of("bb"));
    daemon.add("cc", Script::of("cc"));
    let (_, reloaded) = daemon.post("/reload-plugins?plugin=bb").await;
    assert_eq!((&reloaded["added"], &reloaded["total"]), (&json!(["bb"]), &json!(2)));
    assert_eq!(daemon.get("/cc/x").await.0, StatusCode::NOT_FOUND);
    daemon.remove("aa");
    let (_, reloaded) = daemon.post("/reload-plugins").await;
    assert_eq!((&reloaded["added"], &reloaded["removed"]), (&json!(["cc"]), &json!(["aa"])));
    assert_eq!(daemon.get("/aa/x").await.0, StatusCode::NOT_FOUND);
    daemon.python.noted("end aa 1").await;
    let path = daemon.directory.path().join("bb");
    daemon.remove("bb");
    let target = format!("/reload-plugins?plugin={}", path.display());
    assert_eq!(daemon.post(&target).await.1["removed"], json!(["bb"]));
}

#[tokio::test(start_paused = true)]
async fn a_version_that_does_not_load_leaves_the_old_one_serving() {
    let daemon = Daemon::settled(&[("aa", Script::of("aa"), "{}")]).await;
    daemon.python.script("aa", Script { load: Act::Fails("no"), ..Script::of("aa") });
    let (_, reloaded) = daemon.post("/reload-plugins").await;
    assert_eq!((&reloaded["reloaded"], &reloaded["total"]), (&json!([]), &json!(1)));
    let error = json!("aa serves its previous version: no");
    assert_eq!(reloaded["failed"][0]["error"], error);
    assert_eq!(daemon.version("aa").await, "aa 1");
    assert_eq!(daemon.get("/health").await.1["plugin_health"]["aa"]["reload_error"], error);
    assert_eq!(daemon.get("/plugins").await.1["failed"][0]["error"], error);
    write(&daemon.directory, "aa", "{oops");
    let (_, reloaded) = daemon.post("/reload-plugins").await;
    assert!(reloaded["failed"][0]["error"].as_str().unwrap().contains("is not JSON"));
    assert_eq!(daemon.version("aa").await, "aa 1");
}

#[tokio::test(start_paused = true)]
async fn two_reloads_at_once_are_both_answered_and_load_at_most_once_each() {
    let daemon = Daemon::settled(&[("aa", Script::of("aa"), "{}")]).await;
    let gate = Gate::default();
    daemon.python.script("aa", Script { load: Act::Hangs(gate.clone()), ..Script::of("aa") });
    let reload = || daemon.post("/reload-plugins");
    let opened = async {
        // The first one was that of the start.
        daemon.python.noted_times("load aa", 2).await;
        gate.open();
    };
    let (one, two, three, ()) = join!(reload(), reload(), reload(), opened);
    for (_, reloaded) in [one, two, three] {
        assert_eq!(reloaded["reloaded"], json!(["aa"]));
    }
    let loads = daemon.python.notes().iter().filter(|note| *note == "load aa").count();
    assert!((2..=4).contains(&loads), "{loads}");
}

#[tokio::test(start_paused = true)]
async fn an_import_that_hangs_is_reported_and_serves_once_it_returns() {
    let gate = Gate::default();
    let hangs = Script { load: Act::Hangs(gate.clone()), ..Script::of("aa") };
    let daemon = Daemon::settled(&[("aa", hangs, "{}")]).await;
    let (_, body) = daemon.get("/aa/x").await;
    assert_eq!(body["error"], json!("aa does not serve: its import has not finished after 60 s"));
    gate.open();
    daemon.python.noted("health aa 1").await;
    assert_eq!(daemon.version("aa").await, "aa 1");
}

#[tokio::test(start_paused = true)]
async fn what_a_late_import_brings_is_unloaded_when_a_reload_was_faster() {
    let gate = Gate::default();
    let hangs = Script { load: Act::Hangs(gate.clone()), ..Script::of("aa") };
    let daemon = Daemon::settled(&[("aa", hangs, "{}")]).await;
    daemon.python.script("aa", Script::of("aa"));
    daemon.post("/reload-plugins?plugin=aa").await;
    assert_eq!(daemon.version("aa").await, "aa 2");
    gate.open();
    daemon.python.noted("end aa 1").await;
    assert!(!daemon.python.notes().contains(&"start aa 1".to_owned()));
    assert_eq!(daemon.version("aa").await, "aa 2");
}

#[tokio::test(start_paused = true)]
async fn hooks_that_fail_are_complaints_and_hooks_that_block_are_reported() {
    let gate = Gate::default();
    let fails = Script { hooks: Act::Fails("no luck"), ..Script::of("fails") };
    let blocks = Script { hooks: Act::Hangs(gate.clone()), ..Script::of("blocks") };
    let daemon = Daemon::settled(&[("fails", fails, "{}"), ("blocks", blocks, "{}")]).await;
    let complaints = vec!["startup() failed: no luck".to_owned()];
    assert_eq!(
        daemon.state("fails").await,
        PluginState::Ready { complaints, reload: Reload::Idle }
    );
    assert_eq!(daemon.version("fails").await, "fails 1");
    let (_, body) = daemon.get("/blocks/x").await;
    assert!(body["error"].as_str().unwrap().contains("has not returned after 62 s"), "{body}");
    gate.open();
    daemon.python.noted("health blocks 1").await;
    assert_eq!(daemon.version("blocks").await, "blocks 1");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_sleeps_is_described_and_wakes_once() {
    let daemon = Daemon::settled(&[("lazy", Script::of("lazy"), DEMAND)]).await;
    let directory = daemon.directory;
    let daemon = Daemon::within(directory, &[("lazy", Script::of("lazy"), DEMAND)]).await;
    assert_eq!(daemon.state("lazy").await, PluginState::Asleep);
    assert_eq!(daemon.get("/health").await.1["plugin_health"]["lazy"], json!({"status": "asleep"}));
    assert_eq!(daemon.get("/lazy/help").await.0, StatusCode::OK);
    // A reload of all leaves it asleep, because nothing has changed.
    let (_, reloaded) = daemon.post("/reload-plugins").await;
    assert_eq!(reloaded["reloaded"], json!(["lazy"]));
    assert!(daemon.python.notes().is_empty());
    let call = || daemon.version("lazy");
    let answers = join!(call(), call(), call());
    assert_eq!(answers, ("lazy 1".into(), "lazy 1".into(), "lazy 1".into()));
    assert_eq!(daemon.python.notes().iter().filter(|note| *note == "load lazy").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_in_bounded_time_whatever_is_pending() {
    let never = Gate::default;
    let importing = Script { load: Act::Hangs(never()), ..Script::of("importing") };
    let starting = Script { hooks: Act::Hangs(never()), ..Script::of("starting") };
    let calling = Script { answers: Answers::Hangs(never()), ..Script::of("calling") };
    let ending = Script { shutdown: Act::Hangs(never()), ..Script::of("ending") };
    let daemon = Daemon::of(&[
        ("importing", importing, "{}"),
        ("starting", starting, "{}"),
        ("calling", calling, "{}"),
        ("ending", ending, "{}"),
        ("well", Script::of("well"), "{}"),
    ])
    .await;
    for note in ["load importing", "start starting 1"] {
        daemon.python.noted(note).await;
    }
    for name in ["calling", "ending", "well"] {
        daemon.python.noted(&format!("health {name} 1")).await;
    }
    let called = daemon.version("calling");
    pin!(called);
    assert!(poll!(&mut called).is_pending());
    daemon.python.noted("call calling 1").await;
    let reload = daemon.post("/reload-plugins");
    pin!(reload);
    assert!(poll!(&mut reload).is_pending());
    let begun = tokio::time::Instant::now();
    daemon.supervisor.end().await;
    // Twice the shutdown timeout, and the grace.
    assert!(begun.elapsed() <= Duration::from_secs(22), "{:?}", begun.elapsed());
    let notes = daemon.python.notes();
    for note in ["end well 1", "end calling 1", "shutdown ending 1"] {
        assert!(notes.contains(&note.to_owned()), "{note} is not in {notes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_reload_fails_when_the_daemon_stops() {
    let gate = Gate::default();
    let daemon = Daemon::settled(&[("aa", Script::of("aa"), "{}")]).await;
    daemon.python.script("aa", Script { load: Act::Hangs(gate.clone()), ..Script::of("bb") });
    let reload = daemon.supervisor.reload(Vec::new());
    pin!(reload);
    assert!(poll!(&mut reload).is_pending());
    let loaded_again = async {
        daemon.python.noted_times("load aa", 2).await;
        daemon.supervisor.end().await;
    };
    let (reloaded, ()) = join!(reload, loaded_again);
    assert_eq!(reloaded.unwrap_err().error, "the daemon is stopping");
    assert!(daemon.python.notes().contains(&"end aa 1".to_owned()));
}

const EXCLUSIVE: &str = r#"{"name": "port", "daemon": {"exclusive": true}}"#;

#[tokio::test(start_paused = true)]
async fn an_exclusive_plugin_ends_before_its_new_version_is_imported_and_requests_wait() {
    let answer = Gate::default();
    let holding = Script { answers: Answers::Hangs(answer.clone()), ..Script::of("port") };
    let daemon = Daemon::settled(&[("port", holding, EXCLUSIVE)]).await;
    let held = daemon.version("port");
    pin!(held);
    assert!(poll!(&mut held).is_pending());
    daemon.python.noted("call port 1").await;
    daemon.python.script("port", Script::of("port"));
    let reload = daemon.post("/reload-plugins?plugin=port");
    pin!(reload);
    assert!(poll!(&mut reload).is_pending());
    daemon.python.noted("finish port 1").await;
    assert_eq!(daemon.state("port").await, PluginState::Loading(Stage::Unloading));
    let waiting = daemon.version("port");
    pin!(waiting);
    assert!(poll!(&mut waiting).is_pending());
    answer.open();
    assert_eq!(held.await, "port 1");
    assert_eq!(waiting.await, "port 2");
    assert_eq!(reload.await.1["reloaded"], json!(["port"]));
    let notes = daemon.python.notes();
    let at = |note: &str| notes.iter().rposition(|had| had == note);
    assert!(at("end port 1") < at("load port"), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_exclusive_plugin_is_not_ended_for_files_that_do_not_compile() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (init, lib) = (path.join("__init__.py"), directory.path().join("lib.py"));
    std::fs::write(&lib, "x = 1").unwrap();
    let script = Script { executes: vec![init, lib.clone()], ..Script::of("port") };
    let daemon = Daemon::within(directory, &[("port", script, EXCLUSIVE)]).await;
    daemon.registry.settled().await.unwrap();
    for broken in [&lib, &path.join("new.py")] {
        std::fs::write(broken, "broken(").unwrap();
        let (_, answer) = daemon.post("/reload-plugins?plugin=port").await;
        let error = answer["failed"][0]["error"].as_str().unwrap();
        let place = format!("{} line 1: SyntaxError", broken.display());
        assert_eq!(error, format!("port serves its previous version: {place}"));
        assert_eq!(daemon.version("port").await, "port 1");
        std::fs::write(broken, "x = 2").unwrap();
    }
    // A directory of templates, say, in which nothing was executed.
    std::fs::create_dir_all(path.join("templates")).unwrap();
    std::fs::write(path.join("templates/t.py"), "broken(").unwrap();
    let loads = daemon.python.notes().iter().filter(|note| *note == "load port").count();
    assert_eq!(loads, 1);
    daemon.post("/reload-plugins?plugin=port").await;
    assert_eq!(daemon.version("port").await, "port 2");
}

#[tokio::test(start_paused = true)]
async fn an_exclusive_plugin_whose_old_version_does_not_end_is_loaded_all_the_same() {
    let stuck = Script { shutdown: Act::Hangs(Gate::default()), ..Script::of("port") };
    let daemon = Daemon::settled(&[("port", stuck, EXCLUSIVE)]).await;
    daemon.python.script("port", Script { load: Act::Fails("no"), ..Script::of("port") });
    daemon.post("/reload-plugins?plugin=port").await;
    assert_eq!(daemon.get("/port/x").await.1["error"], json!("port does not serve: no"));
    daemon.python.script("port", Script::of("port"));
    daemon.post("/reload-plugins?plugin=port").await;
    assert_eq!(daemon.version("port").await, "port 3");
}
