//! The doctor: no complaints about a healthy installation, and the broken part of any other.

use std::fs;

use serde_json::json;

use crate::harness::{CONTROL, Home, Output, plugin_code};

/// Returns the verdict on `name` and its findings.
fn verdict(home: &Home, name: &str) -> (String, String) {
    let checks = Output::of(home.command(CONTROL, &["doctor", "--json"])).json();
    let check = checks.as_array().unwrap().iter().find(|check| check["name"] == name);
    let check = check.unwrap_or_else(|| panic!("no check {name} in {checks:#}"));
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("evidence"))
}

#[test]
fn a_healthy_daemon_is_healthy() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    home.control(&["doctor"]).ok().quietly().says("Nothing is broken.");
    for name in [
        "directories",
        "configuration",
        "interpreter",
        "host",
        "uv",
        "venv",
        "process",
        "socket",
        "port",
        "plugin demo",
    ] {
        let (verdict, evidence) = verdict(&home, name);
        assert_eq!(verdict, "ok", "{name}: {evidence}");
    }
    assert_eq!(verdict(&home, "port").1, format!("http://localhost:{}", home.port()));
    home.control(&["stop"]).ok();
    home.control(&["doctor"]).ok().says("not running; the next command starts it");
}

#[test]
fn a_fresh_home_is_healthy_too() {
    let home = Home::bare().without_uv();
    home.control(&["doctor"]).ok().quietly().says("Nothing is broken.");
    assert_eq!(verdict(&home, "venv").0, "warning");
    assert_eq!(verdict(&home, "uv").0, "warning");
    assert_eq!(verdict(&home, "process").0, "ok");
}

#[test]
fn a_broken_venv_is_named() {
    let home = Home::new();
    fs::remove_file(home.paths().venv_python()).unwrap();
    home.control(&["doctor"]).fails_with(1).quietly().says("1 check failed.");
    let (found, evidence) = verdict(&home, "venv");
    assert_eq!(found, "failed");
    assert!(evidence.ends_with("bin/python is gone"), "{evidence}");

    // Its remedy mends it.
    home.control(&["doctor"]).says("`skills-daemon restart` makes it again.");
    home.control(&["restart"]).ok();
    home.client(&["demo", "hello"]).ok();
    home.control(&["doctor"]).ok();
}

#[test]
fn a_venv_that_lacks_what_every_plugin_needs_is_named_and_mended() {
    let home = Home::new();
    let lib = fs::read_dir(home.paths().venv().join("lib")).unwrap().next().unwrap().unwrap();
    let packages = lib.path().join("site-packages");
    fs::remove_dir_all(packages.join("fastapi")).unwrap();
    home.control(&["doctor"]).fails_with(1).says("failed   venv: ").says("fastapi");
    home.control(&["restart"]).ok();
    home.client(&["demo", "hello"]).ok().quietly().says("Hello");
    home.control(&["doctor"]).ok();
}

#[test]
fn a_plugin_is_judged_before_it_is_loaded() {
    let home = Home::new();
    home.plugin("bad", "", "{oops");
    home.control(&["doctor"])
        .fails_with(1)
        .says("failed   plugin bad: ")
        .says("manifest.json is not JSON");
    assert_eq!(verdict(&home, "process").0, "ok");
}

#[test]
fn a_plugin_that_is_asleep_as_it_should_be_is_healthy() {
    let home = Home::new();
    let manifest = r#"{"name": "lazy", "daemon": {"load": "demand"}}"#;
    home.plugin(
        "lazy",
        &plugin_code("lazy", "@router.get('/ok')\ndef ok():\n    return 1\n"),
        manifest,
    );
    home.client(&["lazy", "ok"]).ok();
    home.control(&["restart"]).ok();
    assert_eq!(home.plugin_status("lazy")["state"], json!("asleep"));
    home.control(&["doctor"]).ok().says("ok       plugin lazy: asleep");
}
