//! Swagger UI and the daemon's page as a person uses them: a real Chromium, with no network but the daemon.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::{CONTROL, Home, Output, plugin_code, shared};

/// Where the pictures in README are made.
const PICTURES: &str = env!("CARGO_TARGET_TMPDIR");

/// The browser; `None` if there is none.
fn chromium() -> Option<PathBuf> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let found = NAMES.into_iter().find_map(|name| which::which(name).ok());
    if found.is_none() {
        eprintln!("skipped: there is no Chromium on PATH");
    }
    found
}

/// A script in `tests/browser`, with the environment of a HOME.
fn script(home: &Home, name: &str, chromium: &Path, arguments: &[&str]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(name);
    let mut command = home.command(shared::browser_venv().join("bin/python"), &[]);
    command.arg(script).arg(chromium).args(arguments);
    command
}

fn is_picture(name: &str) -> bool {
    let picture = std::fs::read(Path::new(PICTURES).join(name)).unwrap();
    picture.starts_with(b"\x89PNG") && picture.len() > 10_000
}

#[test]
fn a_command_is_tried_out_in_swagger_ui() {
    let Some(chromium) = chromium() else { return };
    let home = Home::new();
    home.control(&["start"]).ok();
    let url = format!("http://localhost:{}", home.port());
    let picture = format!("{PICTURES}/swagger.png");
    let seen = Output::of(script(&home, "swagger.py", &chromium, &[&url, &picture])).ok().json();
    assert_eq!(seen["title"], json!("Swagger UI"));
    assert_eq!(seen["tags"], json!(["daemon", "Demo"]));
    assert_eq!(seen["status"], json!("200"));
    assert!(seen["body"].as_str().unwrap().contains("Hello, Ada!"), "{seen}");
    for nothing in ["elsewhere", "failed", "errors"] {
        assert_eq!(seen[nothing], json!([]), "{nothing}");
    }
    assert!(is_picture("swagger.png"));
}

#[test]
fn a_plugin_breaks_and_is_mended_on_the_page() {
    let Some(chromium) = chromium() else { return };
    let home = Home::new();
    let code =
        plugin_code("notes", "@router.get('/hi')\ndef hi():\n    '''Greets.'''\n    return 1");
    home.plugin("notes", &code, "");
    home.control(&["start"]).ok();
    home.client(&["notes", "hi"]).ok();
    home.client(&["demo", "fail"]).fails_with(1);
    let url = format!("http://localhost:{}", home.port());
    let plugin = home.path().join(Home::scripts("notes")).join("skills_plugin/__init__.py");
    let arguments = [&url, plugin.to_str().unwrap(), CONTROL, PICTURES];
    let seen = Output::of(script(&home, "page.py", &chromium, &arguments)).ok().json();
    assert_eq!(seen["before"], json!("Skills daemon"));
    let broken = json!({
        "title": "(1 broken) Skills daemon",
        "announced": "notes: serving its last good version",
    });
    assert_eq!(seen["broken"], broken);
    let mended = json!({"title": "Skills daemon", "announced": "notes: serving"});
    assert_eq!(seen["mended"], mended);
    assert_eq!(
        seen["keyboard"],
        json!({
            "focus": "filter-text", "next": "filter-level", "cleared": "", "link": "hi",
            "outline": "solid",
        })
    );
    assert_eq!(seen["swagger"], json!({"path": "/notes/hi"}));
    let pictures = &seen["pictures"];
    for name in ["light", "dark", "narrow"] {
        assert_eq!(pictures[name], json!(0), "{name} sticks out");
        assert!(is_picture(&format!("page-{name}.png")));
    }
    assert!(is_picture("page.png"));
    assert_ne!(pictures["light-ground"], pictures["dark-ground"]);
    for nothing in ["elsewhere", "errors"] {
        assert_eq!(seen[nothing], json!([]), "{nothing}");
    }
    // The stream of a page that is left is the only request that does not end.
    let failed = seen["failed"].as_array().unwrap();
    assert!(failed.iter().all(|address| *address == json!(format!("{url}/-/live"))), "{seen}");
    assert_eq!(seen["restart"], json!({"is_live_again": true}));
}
