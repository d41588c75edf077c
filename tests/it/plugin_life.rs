//! A plugin's life: start, reload, failure and end, and what readers see of each.

use serde_json::json;

use crate::harness::{CONTROL, Home, Running, eventually, plugin_code};

const OK: &str = "@router.get('/ok')\ndef ok():\n    return {'success': True, 'data': 'fine'}\n";

/// Code that waits while it is imported until the file `release` is in the HOME, and leaves `importing` there.
const WAITS: &str = "
import os, pathlib, time
home = pathlib.Path(os.environ['HOME'])
(home / 'importing').touch()
while not (home / 'release').exists():
    time.sleep(0.01)
";

fn waiting(name: &str, routes: &str) -> String {
    format!("{WAITS}{}", plugin_code(name, routes))
}

/// Waits until the plugin that [`waiting`] wrote is being imported.
fn importing(home: &Home) {
    eventually("an import under way", || home.read("importing"));
}

#[test]
fn each_state_has_its_word_in_status_and_in_health() {
    let home = Home::new();
    let demand = r#"{"name": "lazy", "daemon": {"load": "demand"}}"#;
    home.plugin("lazy", &plugin_code("lazy", OK), demand);
    home.client(&["lazy", "ok"]).ok();
    home.control(&["stop"]).ok();
    home.plugin("broken", "1 / 0\n", r#"{"name": "broken"}"#);
    home.plugin("slow", &waiting("slow", OK), r#"{"name": "slow"}"#);
    home.control(&["start"]).ok();
    importing(&home);
    eventually("the failure", || {
        (home.plugin_status("broken")["state"] != "loading").then_some(())
    });
    let health = home.get("/health").json()["plugin_health"].clone();
    for (name, word) in [("lazy", "asleep"), ("broken", "failed"), ("slow", "loading")] {
        assert_eq!(home.plugin_status(name)["state"], json!(word));
        assert_eq!(health[name]["status"], json!(word), "{health}");
    }
    assert_eq!(home.plugin_status("slow")["detail"], json!("importing"));
    assert_eq!(health["slow"]["stage"], json!("importing"));
    assert_eq!(home.plugin_status("lazy")["detail"], json!("loaded at its first call"));
    home.write("release", "");
    home.client(&["slow", "ok"]).ok().says("fine");
    let ready = home.plugin_status("slow");
    assert_eq!((&ready["state"], &ready["commands"]), (&json!("ready"), &json!(1)));
    assert_eq!(ready.get("detail"), None);
}

#[test]
fn a_reload_during_the_start_serves_what_is_there_then() {
    let home = Home::new();
    home.plugin("slow", &waiting("slow", OK), "");
    home.control(&["start"]).ok();
    importing(&home);
    home.plugin("slow", &waiting("slow", &OK.replace("fine", "changed")), "");
    let reload = Running::start(home.command(CONTROL, &["reload"]));
    let call = home.spawn_client(&["slow", "ok"]);
    home.write("release", "");
    reload.end().ok().says("2 plugins loaded.");
    call.end().ok();
    home.client(&["slow", "ok"]).ok().says("changed");
}

#[test]
fn the_daemon_ends_while_a_plugin_is_imported_for_the_first_time_or_again() {
    for reloading in [false, true] {
        let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
        if reloading {
            home.plugin("slow", &plugin_code("slow", OK), "");
            home.client(&["slow", "ok"]).ok();
        }
        home.plugin("slow", &waiting("slow", OK), "");
        home.control(&["start"]).ok();
        let reload = reloading.then(|| Running::start(home.command(CONTROL, &["reload"])));
        importing(&home);
        home.control(&["stop"]).ok().says("The daemon has stopped.");
        if let Some(reload) = reload {
            reload.end().fails_with(1);
        }
        home.write("release", "");
    }
}
