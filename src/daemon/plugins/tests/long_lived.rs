//! What holds off the idle end, and plugins that are switched off.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::Daemon;
use crate::daemon::ends;
use crate::runtime::fake::Script;
use crate::wire::{BackgroundTask, TaskState};

fn task(state: TaskState, keeps_awake: bool) -> BackgroundTask {
    let name = "poll".to_owned();
    BackgroundTask { name, state, failures: 0, error: None, since: 0, retry_at: None, keeps_awake }
}

#[tokio::test(start_paused = true)]
async fn work_under_way_holds_off_the_idle_end() {
    let resident = r#"{"daemon": {"resident": true}}"#;
    let cases = [
        (Vec::new(), "{}", false),
        (vec![task(TaskState::Running, false)], "{}", false),
        (vec![task(TaskState::Failed, true)], "{}", false),
        (vec![task(TaskState::Failed, true), task(TaskState::Running, true)], "{}", true),
        (vec![task(TaskState::Waiting, true)], "{}", true),
        (Vec::new(), resident, true),
    ];
    for (background, manifest, holds) in cases {
        let script = Script { background: background.clone(), ..Script::of("jira") };
        let daemon = Daemon::settled(&[("jira", script, manifest)]).await;
        assert_eq!(daemon.registry.snapshot().holds_awake(), holds, "{background:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_idle_end_comes_the_idle_timeout_after_the_end_of_the_work() {
    let background = vec![task(TaskState::Running, true)];
    let plugins = [("jira", Script { background, ..Script::of("jira") }, "{}")];
    let daemon = Daemon::configured(tempfile::tempdir().unwrap(), "timeout = 1600", &plugins).await;
    daemon.registry.settled().await.unwrap();
    let settings = || daemon.supervisor.shared.parts.settings.subscribe();
    let idle =
        |seconds| timeout(Duration::from_secs(seconds), ends::idle(&daemon.service, settings()));
    assert!(idle(10_000).await.is_err());
    let work = tokio::spawn({
        let supervisor = daemon.supervisor.clone();
        daemon.python.script("jira", Script::of("jira"));
        async move {
            sleep(Duration::from_secs(2000)).await;
            supervisor.reload(Vec::new()).await.unwrap();
            Instant::now()
        }
    });
    idle(10_000).await.expect("the idle end");
    let late = work.await.unwrap().elapsed().as_secs();
    assert!((1500..=1600).contains(&late), "{late} s after the end of the work");
}

#[tokio::test(start_paused = true)]
async fn background_tasks_are_in_the_status_of_their_plugin() {
    let background = vec![task(TaskState::Running, true)];
    let script = Script { background, ..Script::of("jira") };
    let daemon = Daemon::settled(&[("jira", script, "{}")]).await;
    let (_, status) = daemon.get("/-/status").await;
    assert_eq!(status["plugins"][0]["background"][0]["name"], json!("poll"));
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_is_switched_off_is_not_imported_and_named() {
    let config = "[plugins.off]\nenabled = false\n[plugins.real]\nenabled = false\n[plugins.on]\nenabled = true";
    let plugins = [
        ("off", Script::of("off"), r#"{"name": "off"}"#),
        ("guess", Script::of("real"), "{}"),
        ("on", Script::of("on"), "{}"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let daemon = Daemon::configured(directory, config, &plugins).await;
    daemon.registry.settled().await.unwrap();
    daemon.python.noted("end real 1").await;
    for _ in 0..2 {
        assert_eq!(daemon.version("on").await.split(' ').next(), Some("on"));
        for off in ["off", "real"] {
            let (status, answer) = daemon.get(&format!("/{off}/x")).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer["error"], json!(format!("{off} is switched off in config.toml")));
        }
        let (_, status) = daemon.get("/-/status").await;
        assert_eq!(status["plugins"].as_array().map(Vec::len), Some(1), "{status}");
        daemon.post("/reload-plugins").await;
    }
    assert!(!daemon.python.notes().contains(&"load off".to_owned()));
    assert!(!daemon.python.notes().contains(&"start real 1".to_owned()));
}
