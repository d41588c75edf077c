//! Descriptions on disk: help without a daemon, without Python, of a plugin that is broken or asleep.

use std::fs;

use serde_json::json;

use crate::harness::{Home, plugin_code};

const GREET: &str = r#"
@router.get("/hello/{name}")
def hello(name: str, loud: bool = False):
    """Greet somebody."""
    return name
"#;

/// Makes the start of a daemon impossible: no interpreter.
fn without_python(home: Home) -> Home {
    fs::remove_dir_all(home.paths().venv()).unwrap();
    home.with("SKILLS_DAEMON_PYTHON", "/nowhere/python")
}

#[test]
fn help_needs_neither_a_daemon_nor_python() {
    let home = Home::new();
    home.plugin("greet", &plugin_code("greet", GREET), "");
    let lines =
        [vec!["greet", "--help"], vec!["greet", "hello", "-h"], vec!["greet", "nope", "-h"]];
    // Until all are loaded.
    home.client(&["plugins"]).ok();
    let live: Vec<_> = lines.iter().map(|line| home.client(line)).collect();
    live[1].ok().says("--loud");
    home.control(&["stop"]).ok();
    let home = without_python(home);
    for (line, live) in lines.iter().zip(&live) {
        let offline = home.client(line);
        assert_eq!(offline.quietly().stdout(), live.stdout());
        assert_eq!(offline.status().code(), live.status().code());
    }
    home.client(&["--help"]).ok().quietly().says("Plugins:\n    demo     A tour").says("    greet");
    assert!(!home.paths().pid_file().exists());
    home.client(&["greet", "hello", "Ada"]).fails_with(3);
}

#[test]
fn help_of_a_plugin_that_changed_since_is_marked_as_old() {
    let home = Home::new();
    home.plugin("greet", &plugin_code("greet", GREET), "");
    home.client(&["greet", "--help"]).ok();
    home.control(&["stop"]).ok();
    home.plugin("greet", &plugin_code("greet", &GREET.replace("loud", "quiet")), "");
    home.client(&["greet", "hello", "-h"]).ok().quietly().says("--quiet");
    home.control(&["stop"]).ok();
    home.plugin("greet", &plugin_code("greet", GREET), "");
    let home = without_python(home);
    let help = home.client(&["greet", "hello", "-h"]);
    help.ok().says("--quiet").complains("This help is from when the plugin was last loaded.");
}

#[test]
fn a_plugin_that_broke_still_explains_itself() {
    let home = Home::new();
    home.plugin("greet", &plugin_code("greet", GREET), "");
    home.client(&["greet", "--help"]).ok().quietly();
    home.plugin("greet", "import", r#"{"name": "greet"}"#);
    home.control(&["restart"]).ok();
    home.control(&["reload"]).fails_with(1);
    let help = home.client(&["greet", "hello", "--help"]);
    help.ok().says("--loud").complains("greet does not serve").complains("SyntaxError");
    let answer = home.get("/greet/help?command=hello");
    assert_eq!(answer.json()["usage"], json!("greet hello <name> [options]"));
    assert!(answer.header("x-skills-warning").is_some());
    home.client(&["greet", "hello", "Ada"]).fails_with(1).says("SyntaxError");
    // A removed plugin has none.
    fs::remove_dir_all(home.path().join(Home::scripts("greet"))).unwrap();
    home.control(&["reload"]).ok();
    home.client(&["greet", "hello", "--help"]).fails_with(1).says("Unknown plugin: greet");
}

#[test]
fn a_plugin_that_is_loaded_on_demand_has_help_before_it_is_loaded() {
    let home = Home::new();
    let manifest = r#"{"name": "greet", "daemon": {"load": "demand"}}"#;
    home.plugin("greet", &plugin_code("greet", GREET), manifest);
    home.client(&["greet", "hello", "Ada"]).ok();
    home.control(&["restart"]).ok();
    let state = || home.plugin_status("greet")["state"].clone();
    assert_eq!(state(), json!("asleep"));
    let plugins = home.get("/plugins").json();
    let endpoint = json!({"method": "GET", "path": "/greet/hello/{name}"});
    assert_eq!(plugins["plugins"][0]["endpoints"], json!([endpoint]));
    assert!(home.get("/openapi.json").text().contains("/greet/hello/{name}"));
    home.client(&["greet", "hello", "--help"]).ok().quietly().says("--loud");
    assert_eq!(home.get("/health").json()["plugin_health"]["greet"]["status"], json!("asleep"));
    assert_eq!(state(), json!("asleep"));
    // Many at once wake it once.
    let calls: Vec<_> = (0..8).map(|_| home.spawn_client(&["greet", "hello", "Ada"])).collect();
    for call in calls {
        call.end().ok().says("Ada");
    }
    assert_eq!(state(), json!("ready"));
    // Its files have changed: it is described anew, before the restart or after it.
    home.plugin("greet", &plugin_code("greet", &GREET.replace("loud", "quiet")), manifest);
    home.control(&["restart"]).ok();
    home.client(&["greet", "hello", "--help"]).ok().says("--quiet");
    home.control(&["stop"]).ok();
    let log = home.log();
    let loads = log.iter().filter(|record| record["message"] == json!("plugin loaded"));
    assert!(loads.filter(|record| record["plugin"] == json!("greet")).count() >= 3);
}
