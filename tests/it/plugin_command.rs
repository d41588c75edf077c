//! `skills-daemon plugin`: from a scaffold to a served command and back, and all refusals.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Home, Output, eventually, plugin_code, shared};

const SHELF: &str = ".config/skills-daemon/plugins";
const MATH: &str =
    r#"{"name": "sums", "commands": {"sqrt": {"call": "math:sqrt", "method": "GET"}}}"#;
const OK: &str = "@router.get('/ok')\ndef ok():\n    return {'success': True, 'data': 'fine'}\n";

fn text(path: PathBuf) -> String {
    path.to_str().unwrap().to_owned()
}

/// Runs the tests of a new plugin as in its README.
fn own_tests(home: &Home, directory: &str) {
    let mut command = Command::new(shared::sdk_venv().join("bin/python"));
    command
        .args(["-c", "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"])
        .args(["-q", "-p", "no:cacheprovider"])
        .current_dir(home.path().join(directory))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Output::of(command).ok().says("2 passed");
}

#[test]
fn a_new_plugin_of_functions_is_tested_added_called_and_removed() {
    let home = Home::new().with_bin_on_path();
    home.control(&["start"]).ok();
    let made = home.control(&["plugin", "new", "my-tool"]);
    made.ok().quietly().says("written: my-tool/skills_plugin/__init__.py");
    made.says("written: my-tool/tests/test_my_tool.py").says("plugin add 'my-tool'");
    own_tests(&home, "my-tool");

    let added = home.control(&["plugin", "add", "my-tool"]);
    let place = home.path().join(SHELF).join("my-tool");
    assert_eq!(
        added.ok().quietly().stdout(),
        format!("added: my-tool ({})\nIt serves 2 commands: my-tool --help\n", place.display())
    );
    assert_eq!(fs::read_link(&place).unwrap(), home.path().join("my-tool/skills_plugin"));
    home.client(&["my-tool", "get-greeting", "Ada", "--loud"]).ok().says("HELLO, ADA!");
    home.client(&["my-tool", "--help"]).ok().says("Count words.");
    let call = home.command("/bin/sh", &["-c", "my-tool tally --words a --words b --words a"]);
    Output::of(call).ok().says("a: 2");
    // Once more changes nothing; neither does a list of other plugins.
    home.control(&["plugin", "add", "./my-tool/skills_plugin"]).ok().says("2 commands");
    home.write("other/__init__.py", &plugin_code("other", OK));
    home.write(".config/skills-daemon/plugins.conf", "~/other\n");
    home.control(&["reload"]).ok().says("3 plugins loaded.");

    let removed = home.control(&["plugin", "remove", "my-tool"]);
    assert_eq!(removed.ok().quietly().stdout(), format!("removed: {}\n", place.display()));
    home.client(&["my-tool", "tally"]).fails_with(1).says("Unknown plugin: my-tool");
    assert!(!home.paths().bin.join("my-tool").exists());
    assert!(home.path().join("my-tool/skills_plugin/__init__.py").is_file());
}

#[test]
fn a_new_plugin_with_fastapi_too() {
    let home = Home::new().with_bin_on_path();
    let made = home.control(&["plugin", "new", "--fastapi", "--json", "web", "code/here"]);
    let made = made.ok().quietly().json();
    assert_eq!((&made["name"], &made["path"]), (&json!("web"), &json!("code/here")));
    own_tests(&home, "code/here");
    let added = home.control(&["plugin", "add", "code/here"]);
    // The daemon is started for it.
    added.ok().says("It serves 2 commands: web --help");
    home.client(&["web", "greeting", "Ada"]).ok().quietly().says("Hello, Ada!");
    home.client(&["web", "tally", "--words", "a"]).ok().says("a: 1");

    home.control(&["plugin", "new", "web", "code/here"]).fails_with(2).complains("is not empty");
    home.control(&["plugin", "new", "we/b"]).fails_with(2).complains("cannot be a plugin's name");
    home.control(&["plugin", "new", "health"]).fails_with(2).complains("reserved for the daemon");
    home.write("file", "");
    home.control(&["plugin", "new", "web", "file"]).fails_with(3).complains("cannot write file");
}

#[test]
fn a_manifest_is_copied_replaced_and_removed() {
    let home = Home::new().with_bin_on_path();
    let file = text(home.write("some where/x.json", MATH));
    home.control(&["start"]).ok();
    let added = home.control(&["plugin", "add", "--json", &file]).ok().quietly().json();
    let place = home.path().join(SHELF).join("sums.json");
    assert_eq!(
        added,
        json!({
            "success": true, "name": "sums", "path": place, "added": place, "state": "ready",
            "commands": 1, "detail": null, "hint": null
        })
    );
    home.client(&["sums", "sqrt", "16"]).ok().says("4.0");

    let more = MATH.replace(r#""sqrt":"#, r#""cos": {"call": "math:cos"}, "sqrt":"#);
    home.write("some where/x.json", &more);
    home.control(&["plugin", "add", &file])
        .fails_with(2)
        .complains("another plugin is called 'sums'")
        .complains(place.to_str().unwrap())
        .complains("Hint: `--force` replaces it.");
    home.control(&["plugin", "add", "--force", &file]).ok().quietly().says("serves 2 commands");

    // A directory takes the manifest's place.
    home.write("dir/sums/__init__.py", &plugin_code("sums", OK));
    let directory = text(home.path().join("dir/sums"));
    home.control(&["plugin", "add", &directory]).fails_with(2).complains("--force");
    home.control(&["plugin", "add", "--force", &directory]).ok().says("serves 1 command:");
    assert!(!place.exists());
    home.client(&["sums", "ok"]).ok().says("fine");
    let removed = home.control(&["plugin", "remove", "--json", "sums"]).ok().json();
    assert_eq!(removed["removed"], json!([home.path().join(SHELF).join("sums")]));
    home.control(&["plugin", "remove", "sums"]).fails_with(1).complains("Unknown plugin: sums");
}

#[test]
fn what_cannot_be_added_is_refused_with_its_reason() {
    let home = Home::new();
    home.plugin("jira", &plugin_code("jira", OK), "");
    let add = |path: &str| home.control(&["plugin", "add", path]);
    add("nowhere").fails_with(2).complains("cannot find a plugin at nowhere").complains("Hint: ");
    home.write("empty/readme.txt", "");
    add("empty").fails_with(2).complains("is not a plugin").complains("plugin new");
    home.write("one.txt", "");
    add("one.txt").fails_with(2).complains("neither a manifest (*.json) nor a script (*.py) nor a");
    let beside = r#"{"commands": {"f": {"call": "m:f"}}, "dependencies": ["lib @ file:empty"]}"#;
    home.write("lib.json", beside);
    add("lib.json")
        .fails_with(1)
        .complains("`dependencies[0]` of ")
        .complains("names a path beside");
    home.write("bad.json", "{oops");
    add("bad.json").fails_with(1).complains("bad.json is not JSON").complains("plugin validate");
    home.write("bad.json", r#"{"commands": {"a": {"call": "nothing"}}}"#);
    add("bad.json").fails_with(1).complains("field `commands.a.call`");
    home.write("bad.json", "{}");
    add("bad.json").fails_with(1).complains("has neither `commands` nor an `entry_point`");
    home.write("manifest/manifest.json", "{}");
    add("manifest").fails_with(1).complains("nor an `__init__.py` beside it");
    home.write("bad name.json", &MATH.replace("sums", "a b"));
    add("bad name.json").fails_with(1).complains("cannot be a plugin's name");
    assert!(!home.path().join(SHELF).exists());

    // The name of another plugin, with and without a running daemon.
    home.write("mine/__init__.py", &plugin_code("jira", OK));
    home.write("mine/manifest.json", r#"{"name": "jira"}"#);
    for _ in 0..2 {
        for force in [&["plugin", "add", "mine"][..], &["plugin", "add", "--force", "mine"]] {
            home.control(force)
                .fails_with(2)
                .complains("another plugin is called 'jira': ")
                .complains(&Home::scripts("jira"));
        }
        home.control(&["start"]).ok();
    }
    let there = text(home.path().join(Home::scripts("jira")));
    home.control(&["plugin", "remove", "jira"])
        .fails_with(2)
        .complains("was not added by `plugin add`: it lies at ")
        .complains(&there)
        .complains("plugins.conf");
    home.control(&["plugin", "remove", "demo"]).fails_with(2).complains("It comes with");
    home.control(&["plugin", "remove", "jria"]).fails_with(1).complains("mean 'jira'?");
    home.control(&["plugin", "remove", "../jira"]).fails_with(2);

    // What is found anyway may be added all the same: it is found whatever else is named.
    add(&there).ok().says("added: jira");
    home.control(&["plugin", "remove", "jira"]).ok().says("'jira' is still found: ");
    home.client(&["jira", "ok"]).ok();
}

#[test]
fn a_plugin_that_does_not_load_is_added_and_reports_why() {
    let home = Home::new();
    home.control(&["start"]).ok();
    home.write("broken/__init__.py", "1 / 0\n");
    home.control(&["plugin", "add", "broken"]).fails_with(1).says("added: ").says("ZeroDivision");
    // Its link is named after the folder, the plugin as it likes.
    home.write("broken/__init__.py", &plugin_code("whole", OK));
    home.control(&["reload"]).ok();
    home.client(&["whole", "ok"]).ok().says("fine");
    fs::rename(home.path().join("broken"), home.path().join("moved")).unwrap();
    home.control(&["reload"]).fails_with(1).says("there is no plugin at").says("plugin remove");
    fs::rename(home.path().join("moved"), home.path().join("broken")).unwrap();
    home.control(&["reload"]).ok();
    home.control(&["plugin", "remove", "whole"]).ok().says("/broken\n");

    // A directory put there by hand is found, and not removed.
    home.write(&format!("{SHELF}/own/__init__.py"), &plugin_code("own", OK));
    eventually("the plugin", || home.client(&["own", "ok"]).status().success().then_some(()));
    home.control(&["plugin", "remove", "own"]).fails_with(2).complains("it is a directory");
    symlink("/nowhere", home.path().join(SHELF).join("gone")).unwrap();
    home.control(&["reload"]).fails_with(1).says("there is no plugin at");
    home.control(&["plugin", "remove", "gone"]).ok();
    home.control(&["reload"]).ok();
}

const CHECKED: &str = r#""""Checks."""

def get_one(word: str) -> str:
    """Say one word."""
    return word

def two():
    return 2

def odd(value: type(print)): ...
"#;

#[test]
fn a_plugin_is_checked_without_touching_the_daemon() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let (pid, before) = (home.pid(), home.control(&["plugins", "--json"]).ok().json());
    home.write("a: b/__init__.py", CHECKED);
    let manifest = r#"{"name": "checked", "dependencies": ["python-slugify"], "nmae": "x"}"#;
    home.write("a: b/manifest.json", manifest);
    let valid = home.control(&["plugin", "validate", "a: b"]);
    insta::assert_snapshot!(valid.ok().quietly().stdout(), @r"
    checked 1.0.0 - Checks.
      GET     /checked/get-one  Say one word.  (direct)
      POST    /checked/two  (direct)
    Warning: unknown field `nmae` in manifest.json (did you mean `name`?)
    Warning: odd is no command: parameter value: type <class 'builtin_function_or_method'> is not supported
    Warning: POST /checked/two has no docstring
    It can be served.
    ");
    // A check that was killed leaves its files; no process has that id.
    fs::create_dir(home.paths().cache().join("check-2147483647")).unwrap();
    let valid = home.control(&["plugin", "validate", "--json", "a: b"]).ok().json();
    assert_eq!(valid["commands"][0]["path"], "/checked/get-one");
    assert_eq!(valid["warnings"].as_array().map(Vec::len), Some(3), "{valid:#}");

    assert_eq!((home.pid(), home.control(&["plugins", "--json"]).json()), (pid, before));
    assert!(!home.paths().bin.exists(), "no wrapper was requested");
    let cache = fs::read_dir(home.paths().cache()).unwrap();
    let left =
        cache.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("check"));
    assert_eq!(left.count(), 0);
    home.control(&["stop"]).ok();
    home.control(&["plugin", "new", "--fastapi", "web"]).ok();
    home.control(&["plugin", "validate", "web"]).ok().says("GET     /web/greeting/{name}  Greet");
    assert_eq!(home.control(&["status", "--json"]).json(), json!({"running": false}));
}

#[test]
fn all_problems_of_a_plugin_are_reported_at_once() {
    let home = Home::new();
    let manifest = r#"{"name": 5, "dependencies": ["a", "b >> 1"], "daemon": {"loops": 99}}"#;
    home.write("x/manifest.json", manifest);
    home.write("x/__init__.py", "def broken(:\n");
    let wrong = home.control(&["plugin", "validate", "x"]);
    for field in ["name", "dependencies[1]", "daemon.loops"] {
        wrong.fails_with(1).says(&format!("manifest.json: field `{field}`: "));
    }
    let wrong = home.control(&["plugin", "validate", "--json", "x"]).fails_with(1).json();
    assert_eq!(wrong["errors"].as_array().map(Vec::len), Some(3), "{wrong:#}");

    home.write("x/manifest.json", "{}");
    let wrong = home.control(&["plugin", "validate", "x"]);
    wrong.fails_with(1).says("SyntaxError").says("__init__.py");
    home.write("x/__init__.py", "import no_such_package\ndef a(): ...\n");
    let wrong = home.control(&["plugin", "validate", "--json", "x"]);
    let wrong: Value = wrong.fails_with(1).json();
    assert!(wrong["errors"][0].as_str().unwrap().contains("no_such_package"), "{wrong:#}");
    home.write("m.json", &MATH.replace("math:sqrt", "math:root"));
    home.control(&["plugin", "validate", "m.json"]).fails_with(1).says("math has no root");
    home.control(&["plugin", "validate", "nowhere"]).fails_with(2).complains("nowhere");
}
