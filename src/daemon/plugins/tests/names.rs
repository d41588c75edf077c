//! One name, one plugin.

use axum::http::StatusCode;

use super::Daemon;
use crate::runtime::fake::{Act, Gate, Script};
use crate::wire::PluginState;

/// Waits until `version` of `plugin` answers; a name that is freed is taken in the background.
async fn answers(daemon: &Daemon, plugin: &str, version: &str) {
    daemon.python.noted(&format!("start {version}")).await;
    while daemon.version(plugin).await != version {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_found_has_a_contested_name_however_loads_race() {
    for first_is_slow in [false, true] {
        let gate = Gate::default();
        let slow = |slow: bool| Script {
            load: if slow { Act::Hangs(gate.clone()) } else { Act::Works },
            ..Script::of("twin")
        };
        let (one, two) = (slow(first_is_slow), slow(!first_is_slow));
        let daemon = Daemon::of(&[("one", one, "{}"), ("two", two, "{}")]).await;
        let fast = if first_is_slow { "load two" } else { "load one" };
        daemon.python.noted(fast).await;
        gate.open();
        daemon.registry.settled().await.unwrap();
        assert_eq!(daemon.version("twin").await, "twin 1");
        let PluginState::Failed(failure) = daemon.state("two").await else { panic!("it serves") };
        assert!(failure.error.starts_with("another plugin is called 'twin': "), "{failure}");
        assert!(failure.error.ends_with("/one"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_loser_comes_back_when_the_winner_goes_away_is_renamed_or_breaks() {
    let twins = [("one", Script::of("twin"), "{}"), ("two", Script::of("twin"), "{}")];
    let daemon = Daemon::settled(&twins).await;
    daemon.python.script("one", Script::of("other"));
    daemon.post("/reload-plugins?plugin=twin").await;
    assert_eq!(daemon.version("other").await, "other 1");
    answers(&daemon, "twin", "twin 3").await;
    // Its own name back: the first found takes it from the one that serves.
    daemon.python.script("one", Script::of("twin"));
    daemon.post("/reload-plugins?plugin=other").await;
    assert_eq!(daemon.version("twin").await, "twin 4");
    assert_eq!(daemon.get("/other/x").await.0, StatusCode::NOT_FOUND);
    daemon.python.noted("end twin 3").await;
    daemon.remove("one");
    daemon.post("/reload-plugins").await;
    let serving = daemon.version("twin").await;
    assert!(!serving.ends_with(" 4"), "{serving}");
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_name_that_only_the_code_has_apply_to_the_first_import() {
    let config = "[plugins.real]\nurl = 'u'\nenv.WORD = 'w'\n[plugins.named]\nurl = 'u'\n";
    let plugins = [
        ("guess", Script::of("real"), "{}"),
        ("other", Script::of("without"), "{}"),
        ("named", Script::of("named"), r#"{"name": "named"}"#),
    ];
    let directory = tempfile::tempdir().unwrap();
    let daemon = Daemon::configured(directory, config, &plugins).await;
    daemon.registry.settled().await.unwrap();
    assert_eq!(daemon.version("real").await, "real 2");
    let policy = |name: &str| {
        let snapshot = daemon.registry.snapshot();
        let entry = snapshot.entries.iter().find(|entry| entry.name == name).cloned().unwrap();
        entry.served.unwrap().policy.clone()
    };
    assert_eq!((policy("real").settings["url"].as_str(), policy("real").env.len()), (Some("u"), 1));
    let notes = daemon.python.notes();
    let at = |note: &str| notes.iter().rposition(|had| had == note);
    assert!(at("end real 1") < at("load guess"), "{notes:?}");
    assert!(!notes.contains(&"start real 1".to_owned()), "{notes:?}");
    // Nothing is imported twice without settings of its name, or whose name is known before.
    assert_eq!(daemon.version("without").await, "without 1");
    assert_eq!(daemon.version("named").await, "named 1");
    // Once it is known, the name is certain before the import.
    daemon.post("/reload-plugins?plugin=real").await;
    assert_eq!(daemon.version("real").await, "real 3");
}
