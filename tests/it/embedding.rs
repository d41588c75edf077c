//! Python inside the daemon is the venv's Python, and a plugin's own processes are undisturbed by the daemon.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::harness::{Home, plugin_code, shared};

const VIEW: &str = r#"
import gc, os, subprocess, sys

@router.get("/view")
def view():
    code = "import sys, fastapi; print(sys.prefix)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return {
        "prefix": sys.prefix,
        "executable": sys.executable,
        "child": (run.stdout + run.stderr).strip(),
        "library path": os.environ.get("LD_LIBRARY_PATH"),
        "left over": [name for name in os.environ if "LIBRARY_PATH" in name and "LD" not in name],
        "base": sys.base_prefix,
        "cwd": os.getcwd(),
        "new objects": gc.get_threshold()[0],
        "isolated": os.environ.get("PYTHONPATH"),
    }

@router.get("/leave")
def leave():
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    return process.pid
"#;

#[test]
fn a_plugin_sees_the_venv_and_its_users_environment() {
    let home = Home::new();
    home.plugin("view", &plugin_code("view", VIEW), "");
    let view = home.client(&["--json", "view", "view"]).ok().quietly().json();
    // One generation, not the link to the live one.
    let venv = fs::canonicalize(home.paths().venv()).unwrap();
    assert_eq!(view["prefix"], json!(venv));
    assert_eq!(view["executable"], json!(venv.join("bin/python")));
    assert_eq!(view["child"], json!(venv), "its subprocesses run the same Python");
    assert_eq!((&view["library path"], &view["left over"]), (&json!(null), &json!([])));
    assert!(shared::python().starts_with(view["base"].as_str().unwrap()), "{view}");
    assert_eq!(view["cwd"], json!(home.runtime()));
    assert!(view["new objects"].as_u64() >= Some(2000), "{view}");
}

#[test]
fn variables_of_the_caller_do_not_lead_the_embedded_python_astray() {
    let home = Home::new()
        .with("PYTHONPATH", "/nonexistent")
        .with("PYTHONHOME", "/nonexistent")
        .with("VIRTUAL_ENV", "/nonexistent")
        .with("LD_LIBRARY_PATH", "/nonexistent");
    home.plugin("view", &plugin_code("view", VIEW), "");
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    let view = home.client(&["--json", "view", "view"]).ok().json();
    assert_eq!(view["prefix"], json!(fs::canonicalize(home.paths().venv()).unwrap()));
    assert_eq!(view["library path"], json!("/nonexistent"), "given back to the plugin");
}

#[test]
fn a_process_that_a_plugin_leaves_behind_holds_nothing_of_the_daemons() {
    let home = Home::new();
    home.plugin("view", &plugin_code("view", VIEW), "");
    let left = home.client(&["--json", "view", "leave"]).ok().quietly().json().as_i64().unwrap();
    let port = home.port().to_string();
    home.control(&["stop"]).ok().says("has stopped");
    // Neither the locks nor the port.
    let home = home.with("SKILLS_DAEMON_PORT", &port);
    home.control(&["start"]).ok().says(&format!("http://localhost:{port}"));
    kill(Pid::from_raw(left as i32), Signal::SIGKILL).unwrap();
}

#[test]
fn nothing_is_written_beside_a_plugins_files() {
    let home = Home::new();
    home.plugin("view", &plugin_code("view", VIEW), "");
    home.client(&["view", "view"]).ok();
    home.control(&["reload"]).ok();
    let folder = home.path().join(Home::scripts("view")).join("skills_plugin");
    let names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["__init__.py"]);
}
