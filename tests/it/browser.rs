//! Swagger UI as a person uses it: a real Chromium, with no network but the daemon.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::harness::{Home, Output, shared};

/// The picture in README is this one, copied.
const PICTURE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/swagger.png");

#[test]
fn a_command_is_tried_out_in_swagger_ui() {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let Some(chromium) = NAMES.into_iter().find_map(|name| which::which(name).ok()) else {
        eprintln!("skipped: there is no Chromium on PATH");
        return;
    };
    let home = Home::new();
    home.control(&["start"]).ok();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/swagger.py");
    let url = format!("http://localhost:{}", home.port());
    let mut command = Command::new(shared::browser_venv().join("bin/python"));
    command.arg(script).arg(chromium).args([&url, PICTURE]).env("HOME", home.path());
    let seen = Output::of(command).ok().json();
    assert_eq!(seen["title"], json!("Swagger UI"));
    assert_eq!(seen["tags"], json!(["daemon", "Demo"]));
    assert_eq!(seen["status"], json!("200"));
    assert!(seen["body"].as_str().unwrap().contains("Hello, Ada!"), "{seen}");
    for nothing in ["elsewhere", "failed", "errors"] {
        assert_eq!(seen[nothing], json!([]), "{nothing}");
    }
    let picture = std::fs::read(PICTURE).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000);
}
