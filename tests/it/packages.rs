//! Changes of the installed packages: what a lock is for, upgrades, a new process, a network that is not there.

use std::fs;

use serde_json::json;

use crate::harness::{Home, Load, eventually, plugin_code};

const VERSION: &str =
    "import skx\n@router.get('/version')\ndef version():\n    return skx.VERSION\n";

fn plugin(home: &Home, name: &str, requirement: &str) {
    let manifest = json!({"name": name, "dependencies": [requirement]}).to_string();
    home.plugin(name, &plugin_code(name, VERSION), &manifest);
}

#[test]
fn a_raised_version_of_an_imported_package_is_imported_by_a_new_process_and_no_request_fails() {
    let home = Home::new().with_wheels(&[("skx", "1", &[])]);
    plugin(&home, "aa", "skx");
    home.client(&["aa", "version"]).ok().says("1");
    home.client(&["demo", "hello"]).ok();
    let (old, load) = (home.pid(), Load::on(&home));
    home.add_wheels(&[("skx", "2", &[])]);
    plugin(&home, "bb", "skx>=2");
    // Waits in the old process, and is answered by the new one.
    let help = eventually("the plugin", || {
        let output = home.client(&["bb", "--help"]);
        (!output.stdout().contains("Unknown plugin")).then_some(output)
    });
    help.ok();
    // While one takes over from the other, `status` may find neither.
    let pid = || home.status()["pid"].as_i64().filter(|pid| *pid != i64::from(old));
    eventually("the new process", pid);
    for name in ["aa", "bb"] {
        home.client(&[name, "version"]).ok().says("2");
    }
    load.goes_on();
    load.has_no_failure();
}

#[test]
fn nothing_is_upgraded_unless_it_is_asked_for() {
    let home = Home::new().with_wheels(&[("skx", "1", &[]), ("sky", "1", &[])]);
    plugin(&home, "aa", "skx");
    home.client(&["aa", "version"]).ok().says("1");
    home.control(&["deps", "outdated"]).ok().says("newest");
    home.add_wheels(&[("skx", "2", &[])]);
    let manifest = json!({"name": "bb", "dependencies": ["skx", "sky"]}).to_string();
    home.plugin("bb", &plugin_code("bb", VERSION), &manifest);
    let answers = || home.client(&["bb", "version"]).status().success().then_some(());
    eventually("the new plugin", answers);
    home.client(&["bb", "version"]).ok().says("1");
    home.control(&["deps", "sync"]).ok().says("Everything is as required.");
    home.client(&["aa", "version"]).ok().says("1");

    home.control(&["deps", "outdated"]).ok().says("skx").says("deps upgrade");
    let why = home.control(&["deps", "why", "SKX"]);
    why.ok().says("skx: 1 is installed").says("aa: skx").says("bb: skx");
    home.control(&["deps", "why", "nothing-of-it"]).fails_with(1).says("No plugin needs it.");
    let listed = home.control(&["deps", "list", "--json"]).ok().json();
    let skx = listed["packages"].as_array().unwrap().iter().find(|it| it["name"] == "skx");
    assert_eq!(skx.unwrap()["locked"], "1");
    assert_eq!(skx.unwrap()["wanted"][0], json!({"owner": "aa", "requirement": "skx"}));

    let old = home.pid();
    let mistyped = home.control(&["deps", "upgrade", "SKX", "skxx"]);
    mistyped.fails_with(1).complains("no plugin needs `skxx`").complains("Did you mean `skx`?");
    home.control(&["deps", "upgrade", "skx"]).ok().says("skx 1 -> 2").says("new process");
    // While one takes over from the other, `status` may find neither.
    let pid = || home.status()["pid"].as_i64().filter(|pid| *pid != i64::from(old));
    eventually("the new process", pid);
    home.client(&["aa", "version"]).ok().says("2");
    let lock = fs::read_to_string(home.paths().pylock()).unwrap();
    assert!(lock.contains("skx-2-py3-none-any.whl"), "{lock}");
    home.control(&["deps", "prune"]).ok().says("removed");
    home.client(&["bb", "version"]).ok().says("2");
}

#[test]
fn without_the_index_what_is_there_goes_on_and_the_rest_comes_once_it_can() {
    let home = Home::new().with_wheels(&[("skx", "1", &[])]);
    plugin(&home, "aa", "skx");
    home.client(&["aa", "version"]).ok().says("1");
    home.control(&["stop"]).ok();
    let home = home
        // No process listens there.
        .with("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
        .with("UV_HTTP_RETRIES", "0");
    let manifest = json!({"name": "bb", "dependencies": ["sky"]}).to_string();
    home.plugin("bb", &plugin_code("bb", VERSION), &manifest);
    home.client(&["aa", "version"]).ok().says("1");
    let refused = home.client(&["bb", "version"]);
    refused.fails_with(3).says("bb does not serve").says("127.0.0.1:1");
    home.control(&["deps", "list"]).fails_with(1).says("next attempt in");
    home.client(&["aa", "version"]).ok().says("1");
}

#[test]
fn a_copied_lock_gives_the_same_versions() {
    let wheels = [("skx", "1", &[] as &[&str])];
    let home = Home::new().with_wheels(&wheels);
    plugin(&home, "aa", "skx");
    home.client(&["aa", "version"]).ok().says("1");
    let lock = fs::read_to_string(home.paths().pylock()).unwrap();
    home.add_wheels(&[("skx", "2", &[])]);

    let other = Home::bare().with("UV_FIND_LINKS", home.path().join("wheels").to_str().unwrap());
    fs::create_dir_all(other.runtime()).unwrap();
    fs::write(other.paths().pylock(), lock).unwrap();
    plugin(&other, "aa", "skx");
    other.client(&["aa", "version"]).ok().says("1");
}

#[test]
fn a_first_start_installs_at_once_what_needs_neither_a_download_nor_a_build() {
    let home = Home::bare().with_wheels(&[("skx", "1", &[])]);
    plugin(&home, "aa", "skx");
    home.client(&["aa", "version"]).ok().says("1");
    home.control(&["stop"]).ok();
    let log = home.log();
    let has = |message: &str| log.iter().any(|record| record["message"] == message);
    assert!(has("daemon started") && !has("installing packages"), "{log:#?}");

    // Otherwise the daemon serves first.
    let home = Home::bare().with_wheels(&[("skx", "1", &["this-package-does-not-exist-xyz"])]);
    plugin(&home, "aa", "skx");
    home.client(&["demo", "hello"]).ok();
    home.client(&["aa", "version"]).fails_with(1).says("this-package-does-not-exist-xyz");
    home.control(&["stop"]).ok();
    let steps = home.log().into_iter().map(|record| record["step"].to_string());
    assert!(steps.into_iter().any(|step| step.contains("those of plugins once it serves")));
}
