//! The control program: start, stop, restart, status, reload, plugins.

use serde_json::{Value, json};

use crate::harness::{CONTROL, Home, Running, plugin_code};

const OK: &str = "@router.get('/ok')\ndef ok():\n    return {'success': True, 'data': 'fine'}\n";

#[test]
fn starting_and_stopping_twice_is_no_error() {
    let home = Home::new();
    let status = home.control(&["status"]);
    assert_eq!(status.fails_with(1).quietly().stdout(), "The daemon is not running.\n");
    assert_eq!(home.control(&["status", "--json"]).fails_with(1).json(), json!({"running": false}));
    home.control(&["reload"]).fails_with(1).complains("not running").complains("Hint: ");

    let started = home.control(&["start"]);
    let text = home.redact(started.ok().quietly().stdout());
    assert_eq!(
        text,
        "The daemon is running (process id [PID], http://localhost:[PORT], Python [PYTHON]).\n"
    );
    let pid = home.pid();
    let again = home.control(&["start"]);
    assert_eq!(again.ok().quietly().stdout(), "The daemon is already running.\n");
    assert_eq!(home.pid(), pid);

    home.control(&["restart"]).ok().quietly().says("The daemon is running (process id ");
    assert_ne!(home.pid(), pid);
    assert_eq!(home.control(&["stop"]).ok().quietly().stdout(), "The daemon has stopped.\n");
    assert_eq!(home.control(&["stop"]).ok().quietly().stdout(), "The daemon was not running.\n");
    home.control(&["restart"]).ok().quietly().says("The daemon is running");
    home.control(&["stop"]).ok();
}

#[test]
fn status_lists_process_paths_and_plugins() {
    let home = Home::new();
    home.plugin("broken", "1 / 0\n", "");
    home.client(&["demo", "hello"]).ok();
    home.client(&["broken", "x"]).fails_with(1);
    let status = home.control(&["status", "--json"]).ok().json();
    let keys: Vec<&str> = status.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["pid", "version", "port", "python", "uptime_seconds", "in_flight", "plugins", "running"]
    );
    assert_eq!((&status["running"], &status["in_flight"]), (&json!(true), &json!(0)));
    let plugins = status["plugins"].as_array().unwrap();
    let states: Vec<(&Value, &Value)> =
        plugins.iter().map(|plugin| (&plugin["name"], &plugin["state"])).collect();
    assert_eq!(states, [(&json!("broken"), &json!("failed")), (&json!("demo"), &json!("ready"))]);

    let text = home.control(&["status"]);
    text.ok().quietly().says(&format!("process id {}", home.pid()));
    text.says(home.paths().socket().to_str().unwrap())
        .says(home.paths().log_file().to_str().unwrap());
    text.says("  ready    demo (7 commands)\n")
        .says("  failed   broken\n")
        .says("ZeroDivisionError");
}

#[test]
fn plugins_and_their_routes_are_listed() {
    let home = Home::new();
    home.plugin("tiny", &plugin_code("tiny", OK), "");
    // Starts the daemon by itself.
    let list = home.control(&["plugins", "--routes"]);
    insta::assert_snapshot!(list.ok().quietly().stdout(), @"
    tiny 1.0.0 (1 route)
      GET     /tiny/ok  direct
    demo 1.0.0 - A tour of what a plugin can do (7 routes)
      GET     /demo/hello  direct
      GET     /demo/size/{bytes}  direct
      GET     /demo/kinds/{word}  direct
      POST    /demo/order  direct
      GET     /demo/wait  direct
      GET     /demo/count  direct
      GET     /demo/fail  direct
    ");
    let list = home.control(&["plugins"]);
    insta::assert_snapshot!(list.ok().quietly().stdout(), @"
    tiny 1.0.0 (1 route)
    demo 1.0.0 - A tour of what a plugin can do (7 routes)
    ");
    let json = home.control(&["plugins", "--json"]).ok().json();
    assert_eq!(json["plugins"][0]["endpoints"], json!([{"method": "GET", "path": "/tiny/ok"}]));
}

#[test]
fn a_reload_reports_what_changed() {
    let home = Home::new();
    home.plugin("kept", &plugin_code("kept", OK), "");
    home.plugin("going", &plugin_code("going", OK), "");
    home.client(&["going", "ok"]).ok();
    let pid = home.pid();

    std::fs::remove_dir_all(home.path().join(Home::scripts("going"))).unwrap();
    home.plugin("coming", &plugin_code("coming", OK), "");
    home.plugin("kept", &plugin_code("kept", &OK.replace("fine", "changed")), "");
    let reloaded = home.control(&["reload", "--json"]).ok().quietly().json();
    assert_eq!((&reloaded["success"], &reloaded["total"]), (&json!(true), &json!(3)), "{reloaded}");
    // What watching finds first is not new to the reload.
    let words =
        |key: &str| -> Vec<String> { serde_json::from_value(reloaded[key].clone()).unwrap() };
    let mut loaded = [words("added"), words("reloaded")].concat();
    loaded.sort();
    assert_eq!(loaded, ["coming", "demo", "kept"], "{reloaded}");
    assert!(words("removed").iter().all(|name| name == "going"), "{reloaded}");
    home.client(&["kept", "ok"]).ok().says("changed");
    home.client(&["coming", "ok"]).ok().says("fine");
    home.client(&["going", "ok"]).fails_with(1).says("Unknown plugin: going");
    assert_eq!(home.pid(), pid, "the daemon itself goes on");

    // Over HTTP the same; and a plugin that breaks is reported.
    home.plugin("kept", "1 / 0\n", "");
    let reloaded = home.http("POST", "/reload-plugins", &[]).json();
    // Its old version serves on.
    assert_eq!((&reloaded["removed"], &reloaded["total"]), (&json!([]), &json!(3)));
    assert_eq!(reloaded["reloaded"], json!(["coming", "demo"]));
    assert!(reloaded["failed"][0]["error"].as_str().unwrap().contains("ZeroDivisionError"));
    home.control(&["reload"])
        .fails_with(1)
        .says("3 plugins loaded.")
        .says("Error: kept serves its previous version: ");
    home.client(&["kept", "ok"]).ok().says("changed");
}

#[test]
fn requests_during_a_reload_are_answered() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let reloads: Vec<_> =
        (0..3).map(|_| Running::start(home.command(CONTROL, &["reload"]))).collect();
    for _ in 0..20 {
        home.client(&["demo", "hello"]).ok().quietly().says("Hello");
    }
    for reload in reloads {
        reload.end().ok().says("1 plugin loaded.");
    }
}
