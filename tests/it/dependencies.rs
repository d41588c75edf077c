//! Requirements of plugins: installed without another step; one that cannot be installed fails only its plugin.

use std::fs;

use serde_json::json;

use crate::harness::{Home, eventually, plugin_code};

const HTTPX: &str = "
import httpx
@router.get('/version')
def version():
    return {'success': True, 'data': httpx.__version__}
";
/// The version of `idna`, which others need too.
const IDNA: &str = "
import importlib.metadata
@router.get('/version')
def version():
    return {'success': True, 'data': importlib.metadata.version('idna')}
";

#[test]
fn a_plugin_put_in_place_has_its_dependencies() {
    let home = Home::new();
    let manifest = r#"{"name": "web", "dependencies": ["httpx>=0.25"]}"#;
    home.plugin("web", &plugin_code("web", HTTPX), manifest);
    let version = home.client(&["web", "version"]);
    assert!(version.ok().quietly().stdout().starts_with("0."), "{version:?}");
}

#[test]
fn a_plugin_put_in_place_while_the_daemon_runs_is_served() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let pid = home.pid();
    let manifest = r#"{"name": "web", "dependencies": ["httpx>=0.25"]}"#;
    home.plugin("web", &plugin_code("web", HTTPX), manifest);
    eventually("the plugin", || home.client(&["web", "version"]).status().success().then_some(()));
    assert_eq!(home.pid(), pid);
}

#[test]
fn of_dependencies_that_contradict_each_other_or_do_not_exist_the_first_keep_working() {
    let home = Home::new();
    let plugin = |name: &str, dependency: &str| {
        let manifest = json!({"name": name, "dependencies": [dependency]}).to_string();
        home.plugin(name, &plugin_code(name, IDNA), &manifest);
    };
    plugin("aa", "idna==3.6");
    plugin("bb", "idna>=3.7");
    plugin("cc", "this-package-does-not-exist-xyz>=1");
    plugin("dd", "idna<4");
    for served in ["aa", "dd"] {
        home.client(&[served, "version"]).ok().quietly().says("3.6");
    }
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    let conflict = home.client(&["bb", "version"]);
    conflict.fails_with(1).says("Error: bb does not serve").says("idna>=3.7").says("Hint: ");
    let missing = home.client(&["cc", "version"]);
    missing.fails_with(1).says("this-package-does-not-exist-xyz").says("Hint: ");

    // The same in the list of plugins; once corrected, it serves.
    let failed = home.client(&["--json", "plugins"]).ok().json()["failed"].clone();
    let names: Vec<_> = failed.as_array().unwrap().iter().map(|f| f["name"].clone()).collect();
    assert_eq!(names, [json!("bb"), json!("cc")]);
    plugin("cc", "idna");
    home.control(&["reload"]).fails_with(1).says("4 plugins loaded.");
    home.client(&["cc", "version"]).ok();
}

/// A home whose `uv` and `pip` reach nothing and have nothing in their caches.
fn cut_off(home: Home) -> Home {
    let empty = home.path().join("empty");
    fs::create_dir(&empty).unwrap();
    home.with("UV_CACHE_DIR", empty.to_str().unwrap())
        // No process listens there.
        .with("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
        .with("UV_HTTP_RETRIES", "0")
        .with("UV_FIND_LINKS", "")
        .with("PIP_NO_INDEX", "1")
        .with("PIP_FIND_LINKS", "")
}

#[test]
fn without_a_network_the_first_command_reports_it() {
    let home = cut_off(Home::bare());
    let output = home.client(&["demo", "hello"]);
    output.fails_with(3).complains("Error: ").complains("fastapi").complains("127.0.0.1:1");
    output.complains("Hint: Check network");
    assert_eq!(output.stdout(), "");

    let home = home.with("UV_OFFLINE", "1");
    let output = home.client(&["demo", "hello"]);
    output
        .fails_with(3)
        .complains("Error: ")
        .complains("fastapi")
        .complains("network was disabled");
    output.complains("Hint: Check network");

    // Nor is there a `uv`, and pip cannot fetch it.
    let home = home.without_uv();
    let output = home.client(&["demo", "hello"]);
    output.fails_with(3).complains("no `uv` on PATH").complains("Hint: Check the network");
    assert_eq!(output.stdout(), "");
    home.control(&["start"]).fails_with(3).complains("no `uv` on PATH");
    let left: Vec<_> = fs::read_dir(home.paths().tools()).unwrap().collect();
    assert!(left.is_empty(), "nothing half done is left: {left:?}");
}

#[test]
fn without_a_network_what_is_installed_works_and_only_what_is_new_does_not() {
    let home = cut_off(Home::new());
    let manifest = r#"{"name": "web", "dependencies": ["httpx>=0.25"]}"#;
    home.plugin("web", &plugin_code("web", HTTPX), manifest);
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    let output = home.client(&["web", "version"]);
    output
        .fails_with(3)
        .says("Error: web does not serve")
        .says("httpx")
        .says("Hint: Check network");
}

#[test]
fn a_whole_venv_needs_no_uv() {
    let home = Home::new().without_uv().with("PIP_NO_INDEX", "1").with("PIP_FIND_LINKS", "");
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
}

#[test]
fn a_plugin_that_wakes_replaces_no_package_of_one_that_runs() {
    let home = Home::new();
    let version = "
import importlib.metadata
@router.get('/version')
def version():
    return {'success': True, 'data': importlib.metadata.version('python-slugify')}
";
    let manifest = |name: &str, dependency: &str| json!({"name": name, "dependencies": [dependency], "daemon": {"load": "demand"}});
    let lazy = manifest("lazy", "python-slugify").to_string();
    home.plugin("lazy", &plugin_code("lazy", version), &lazy);
    home.client(&["lazy", "version"]).ok();
    // It is cached and asleep from now on, and the requirements change before it wakes.
    let runs = json!({"name": "busy", "dependencies": ["python-slugify>=8"]}).to_string();
    home.plugin("busy", &plugin_code("busy", version), &runs);
    home.control(&["restart"]).ok();
    let running = home.client(&["busy", "version"]).ok().stdout().to_owned();
    assert_eq!(home.plugin_status("lazy")["state"], json!("asleep"));
    let old = manifest("lazy", "python-slugify<8").to_string();
    home.plugin("lazy", &plugin_code("lazy", version), &old);
    let woken = home.client(&["lazy", "version"]);
    woken.fails_with(1).says("lazy does not serve").says("python-slugify<8").says("Hint: ");
    woken.says("python-slugify>=8");
    home.control(&["reload", "busy"]).ok();
    assert_eq!(home.client(&["busy", "version"]).ok().quietly().stdout(), running);
}

#[test]
fn requirements_of_a_sleeping_plugin_are_kept() {
    let home = Home::new();
    let manifest =
        r#"{"name": "lazy", "dependencies": ["idna==3.6"], "daemon": {"load": "demand"}}"#;
    home.plugin("lazy", &plugin_code("lazy", IDNA), manifest);
    home.client(&["lazy", "version"]).ok().says("3.6");
    home.control(&["restart"]).ok();
    assert_eq!(home.plugin_status("lazy")["state"], json!("asleep"));
    // Found later: with another version it would break what sleeps.
    home.plugin("zz", &plugin_code("zz", IDNA), r#"{"name": "zz", "dependencies": ["idna>=3.7"]}"#);
    home.control(&["reload"]).fails_with(1).says("zz does not serve").says("idna==3.6");
    home.client(&["lazy", "version"]).ok().quietly().says("3.6");
}
