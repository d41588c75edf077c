//! A plugin's life: start, reload, failure and end, and how status shows each.

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
    eventually("an import", || home.read("importing"));
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

#[test]
fn a_reload_of_one_plugin_leaves_the_others_as_they_are() {
    let home = Home::new();
    let counted = |name: &str| {
        let count =
            "import os\nwith open(os.environ['HOME'] + '/loads', 'a') as loads:\n    loads.write(";
        format!("{count}'{name} ')\n{}", plugin_code(name, OK))
    };
    for name in ["aa", "bb"] {
        home.plugin(name, &counted(name), "");
    }
    home.control(&["plugins"]).ok();
    home.write("loads", "");
    let reloaded = home.control(&["reload", "--json", "aa"]).ok().quietly().json();
    assert_eq!(
        reloaded,
        json!({"success": true, "added": [], "removed": [], "reloaded": ["aa"], "total": 3})
    );
    assert_eq!(home.read("loads").as_deref(), Some("aa "));
    let reloaded = home.http("POST", "/reload-plugins?plugin=bb", &[]).json();
    assert_eq!(reloaded["reloaded"], json!(["bb"]));
    assert_eq!(home.read("loads").as_deref(), Some("aa bb "));
    home.control(&["reload", "ab"]).fails_with(1).complains("Unknown plugin: ab");
    home.control(&["reload", "bb", "aa"]).ok().says("2 plugins reloaded: aa, bb\n");
    // What is not there yet is found by watching.
    home.plugin("cc", &counted("cc"), "");
    eventually("the new plugin", || {
        home.control(&["status", "--json"]).stdout().contains("\"cc\"").then_some(())
    });
    home.client(&["cc", "ok"]).ok();
    let loads = home.read("loads").unwrap();
    let mut loads: Vec<&str> = loads.split_whitespace().collect();
    loads.sort_unstable();
    assert_eq!(loads, ["aa", "aa", "bb", "bb", "cc"]);
}

#[test]
fn adding_and_removing_a_plugin_reloads_no_other() {
    let home = Home::new();
    let count = "import os\nwith open(os.environ['HOME'] + '/loads', 'a') as loads:\n    loads.write('x')\n";
    home.plugin("kept", &format!("{count}{}", plugin_code("kept", OK)), "");
    home.client(&["kept", "ok"]).ok();
    home.write("own/__init__.py", &plugin_code("own", OK));
    home.control(&["plugin", "add", "own"]).ok().says("It serves 1 command");
    home.client(&["own", "ok"]).ok();
    home.control(&["plugin", "remove", "own"]).ok();
    home.client(&["own", "ok"]).fails_with(1).says("Unknown plugin: own");
    assert_eq!(home.read("loads").as_deref(), Some("x"));
}

#[test]
fn a_version_that_does_not_load_leaves_the_old_one_serving_and_is_shown() {
    let home = Home::new();
    home.plugin("aa", &plugin_code("aa", OK), "");
    home.control(&["plugins"]).ok();
    home.plugin("aa", "1 / 0\n", "");
    home.control(&["reload", "aa"]).fails_with(1).says("ZeroDivisionError");
    home.client(&["aa", "ok"]).ok().says("fine").complains("ZeroDivisionError");
    home.client(&["aa", "ok"]).ok().quietly().says("fine");
    let status = home.plugin_status("aa");
    assert_eq!((&status["state"], &status["commands"]), (&json!("ready"), &json!(1)));
    assert!(status["detail"].as_str().unwrap().contains("ZeroDivisionError"), "{status}");
    home.control(&["status"]).ok().says("ready    aa (1 command)").says("ZeroDivisionError");
    let health = home.get("/health").json();
    assert_eq!(health["plugins"], json!(["aa", "demo"]));
    let failure = health["plugin_health"]["aa"]["reload_error"].clone();
    assert!(failure.as_str().unwrap().contains("ZeroDivisionError"), "{health}");
    home.control(&["plugins"]).ok().says("aa 1.0.0").says("ZeroDivisionError");
    home.control(&["doctor"]).fails_with(1).says("failed   plugin aa").says("ZeroDivisionError");
    // The same with a manifest that cannot be read, and once all is well nothing of it is left.
    home.plugin("aa", &plugin_code("aa", &OK.replace("fine", "better")), "{oops");
    home.control(&["reload"]).fails_with(1).says("is not JSON");
    home.client(&["aa", "ok"]).ok().says("fine");
    home.plugin("aa", &plugin_code("aa", &OK.replace("fine", "better")), "{}");
    home.control(&["reload"]).ok();
    home.client(&["aa", "ok"]).ok().says("better");
    assert_eq!(home.plugin_status("aa").get("detail"), None);
}

#[test]
fn the_old_version_answers_until_the_new_one_is_ready_and_ends_after_its_last_request() {
    let home = Home::new();
    let hooks = |version: &str| {
        format!(
            "    def startup(self):\n        self.note('startup')\n    def shutdown(self):\n        self.note('shutdown')\n    def note(self, what):\n        with open(home / 'notes', 'a') as notes:\n            notes.write(what + ' {version}\\n')\n"
        )
    };
    let head = "import asyncio, os, pathlib\nhome = pathlib.Path(os.environ['HOME'])\n";
    let routes = |version: &str| {
        format!(
            "@router.get('/say')\ndef say():\n    return {{'success': True, 'data': '{version}'}}\n\
             @router.get('/hold')\nasync def hold():\n    (home / 'held').touch()\n    while not (home / 'let-go').exists():\n        await asyncio.sleep(0.01)\n    return {{'success': True, 'data': 'held by {version}'}}\n"
        )
    };
    let code = |version: &str| format!("{}{}", plugin_code("aa", &routes(version)), hooks(version));
    home.plugin("aa", &format!("{head}{}", code("one")), "");
    home.client(&["aa", "say"]).ok().says("one");
    let held = home.spawn_client(&["aa", "hold"]);
    eventually("a request in flight", || home.read("held"));
    home.plugin("aa", &format!("{head}{WAITS}{}", code("two")), "");
    let reload = Running::start(home.command(CONTROL, &["reload", "aa"]));
    importing(&home);
    home.client(&["aa", "say"]).ok().quietly().says("one");
    home.get("/plugins").json();
    assert_eq!(home.plugin_status("aa")["next"], json!("importing"));
    home.write("release", "");
    reload.end().ok();
    home.client(&["aa", "say"]).ok().quietly().says("two");
    assert_eq!(home.read("notes").as_deref(), Some("startup one\nstartup two\n"));
    home.write("let-go", "");
    held.end().ok().quietly().says("held by one");
    eventually("the old version's shutdown()", || {
        (home.read("notes")? == "startup one\nstartup two\nshutdown one\n").then_some(())
    });
}

#[test]
fn the_loser_of_a_name_comes_back_when_the_winner_goes_away_or_is_renamed() {
    let home = Home::new();
    let say = |n: u8| format!("@router.get('/n')\ndef n():\n    return {n}\n");
    home.plugin("aa", &plugin_code("twin", &say(1)), "");
    home.plugin("bb", &plugin_code("twin", &say(2)), "");
    home.control(&["plugins"]).ok();
    home.client(&["twin", "n"]).ok().says("1");
    home.plugin("aa", &plugin_code("other", &say(1)), "");
    // Not by its name, which the watch may have changed before.
    home.control(&["reload"]).ok();
    eventually("the second", || (home.client(&["twin", "n"]).stdout() == "2\n").then_some(()));
    home.client(&["other", "n"]).ok().says("1");
    home.plugin("aa", &plugin_code("twin", &say(1)), "");
    eventually("the first", || (home.client(&["twin", "n"]).stdout() == "1\n").then_some(()));
    home.client(&["twin", "n"]).ok().says("1");
    std::fs::remove_dir_all(home.path().join(Home::scripts("aa"))).unwrap();
    home.control(&["reload"]).ok().says("2 plugins loaded.");
    home.client(&["twin", "n"]).ok().says("2");
}

/// The kinds of plugins whose old version still answers, from a handler of each kind, while the new one serves.
#[test]
fn two_versions_of_a_plugin_run_beside_each_other() {
    let home = Home::new();
    let wait = "
import pathlib, os, time
from . import lib
home = pathlib.Path(os.environ['HOME'])
def get_waited() -> str:
    \"\"\"Wait.\"\"\"
    (home / 'held').touch()
    while not (home / 'let-go').exists():
        time.sleep(0.01)
    from .later import WORD
    return lib.WORD + ' ' + WORD
def get_word() -> str:
    \"\"\"Say.\"\"\"
    return lib.WORD
__all__ = ['get_waited', 'get_word']
";
    home.plugin("plain", wait, "");
    let folder = format!("{}/skills_plugin", Home::scripts("plain"));
    let modules = |word: &str| {
        for module in ["lib", "later"] {
            home.write(&format!("{folder}/{module}.py"), &format!("WORD = '{word}'\n"));
        }
    };
    modules("one");
    home.client(&["plain", "get-word"]).ok().says("one");
    let held = home.spawn_client(&["plain", "get-waited"]);
    eventually("a request in flight", || home.read("held"));
    modules("two");
    home.control(&["reload", "plain"]).ok();
    home.client(&["plain", "get-word"]).ok().quietly().says("two");
    home.write("let-go", "");
    // A module that the old version imports only now is as it lies on disk now.
    held.end().ok().quietly().says("one two");
    home.client(&["plain", "get-waited"]).ok().says("two two");
}
