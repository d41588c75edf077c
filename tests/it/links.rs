//! Wrappers: shell commands that are created and removed with their plugins; other files are left alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::json;

use crate::harness::{CLIENT, CONTROL, Home, Output, eventually, plugin_code};

const OK: &str =
    "@router.get('/ok')\ndef ok(word: str = '-'):\n    return {'success': True, 'data': word}\n";

fn with_plugin(home: Home, name: &str) -> Home {
    home.plugin(name, &plugin_code(name, OK), "");
    home
}

fn wrapper(home: &Home, name: &str) -> PathBuf {
    home.paths().bin.join(name)
}

/// Runs `line` in a shell.
fn sh(home: &Home, line: &str) -> Output {
    Output::of(home.command("/bin/sh", &["-c", line]))
}

#[test]
fn a_plugin_is_a_shell_command_as_long_as_it_is_there() {
    let home = with_plugin(with_plugin(Home::new().with_bin_on_path(), "jira"), "other");
    home.control(&["start"]).ok();
    let own = wrapper(&home, "jira");
    eventually("the wrapper", || own.is_file().then_some(()));
    sh(&home, "jira ok --word \"a  'b' \\$c *\"").ok().quietly().says("a  'b' $c *\n");
    sh(&home, "jira --help").ok().says("Ok");
    sh(&home, "jira nope").fails_with(1);
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(!wrapper(&home, "demo").exists(), "bundled plugins have none");

    // Written again only where it differs.
    let written = fs::metadata(&own).unwrap().modified().unwrap();
    home.control(&["reload"]).ok();
    assert_eq!(fs::metadata(&own).unwrap().modified().unwrap(), written);
    fs::set_permissions(&own, Permissions::from_mode(0o600)).unwrap();
    home.control(&["reload"]).ok();
    sh(&home, "jira ok").ok();

    fs::remove_dir_all(home.path().join(Home::scripts("jira"))).unwrap();
    eventually("the end of the wrapper", || (!own.exists()).then_some(()));
    sh(&home, "other ok").ok();
    let left: Vec<_> = fs::read_dir(home.paths().bin).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_plugin_that_breaks_keeps_its_command_which_reports_why() {
    let home = with_plugin(Home::new().with_bin_on_path(), "jira");
    home.plugin("named", "1 / 0\n", r#"{"name": "named"}"#);
    home.control(&["link"]).ok();
    home.plugin("jira", "1 / 0\n", "");
    home.control(&["restart"]).ok();
    home.control(&["reload"]).fails_with(1);
    for name in ["jira", "named"] {
        sh(&home, &format!("{name} ok")).fails_with(1).says("ZeroDivisionError");
    }
    fs::remove_dir_all(home.path().join(Home::scripts("jira"))).unwrap();
    home.control(&["reload"]).fails_with(1);
    assert!(!wrapper(&home, "jira").exists() && wrapper(&home, "named").exists());
}

#[test]
fn files_of_others_are_left_alone_and_reported() {
    let home = with_plugin(Home::new(), "jira");
    let home = with_plugin(with_plugin(with_plugin(home, "linked"), "folder"), "fine");
    let script = "#!/bin/sh\n# Made by hand\nexec jira-cli \"$@\"\n";
    home.write(".local/bin/jira", script);
    home.write("precious", script);
    symlink(home.path().join("precious"), wrapper(&home, "linked")).unwrap();
    fs::create_dir(wrapper(&home, "folder")).unwrap();

    let linked = home.control(&["link"]);
    linked.ok().says(&format!("linked: {}\n", wrapper(&home, "fine").display()));
    for name in ["jira", "linked", "folder"] {
        linked.says(&format!(
            "left alone: {} was not written by skills-daemon\n",
            wrapper(&home, name).display()
        ));
        home.control(&["link", name]).fails_with(1).says("left alone: ");
        home.control(&["unlink", name]).fails_with(1).says("was not written by skills-daemon");
    }
    home.control(&["doctor"])
        .ok()
        .says("wrapper jira")
        .says("jira was not written by skills-daemon");
    home.control(&["reload"]).ok();
    fs::remove_dir_all(home.path().join(Home::scripts("jira"))).unwrap();
    home.control(&["reload"]).ok();
    home.control(&["unlink"]).ok().says("/fine");
    home.control(&["stop"]).ok();

    assert_eq!(home.read(".local/bin/jira").as_deref(), Some(script));
    assert_eq!(home.read("precious").as_deref(), Some(script));
    assert!(wrapper(&home, "linked").is_symlink() && wrapper(&home, "folder").is_dir());
    let path = wrapper(&home, "jira").display().to_string();
    let log = home.log();
    let record = log.iter().find(|record| record["path"] == json!(path));
    assert_eq!(record.unwrap()["level"], "WARN", "{record:?}");
}

#[test]
fn linking_and_unlinking_by_hand() {
    let home = with_plugin(Home::new(), "jira");
    let (own, demo) = (wrapper(&home, "jira"), wrapper(&home, "demo"));
    let linked = home.control(&["link"]);
    assert_eq!(linked.ok().stdout(), format!("linked: {}\n", own.display()));
    linked.complains("not on PATH").complains("export PATH=\"$HOME/.local/bin:$PATH\"");
    let linked = home.control(&["link", "--json", "demo", "jira"]);
    assert_eq!(
        linked.ok().json(),
        json!({"success": true, "linked": [demo, own], "left_alone": []})
    );
    Output::of(home.command(&demo, &["size", "1000"])).ok().says("1.0 kB");
    home.control(&["reload"]).ok();
    assert!(demo.exists(), "a requested wrapper stays");

    home.control(&["link", "jria"])
        .fails_with(1)
        .complains("Unknown plugin: jria")
        .complains("Did you mean 'jira'?")
        .complains("Available: jira, demo");
    home.control(&["unlink", "jria"]).fails_with(1).complains("Did you mean 'jira'?");
    home.control(&["unlink", "../precious"]).fails_with(2).complains("cannot be");

    home.control(&["stop"]).ok();
    let removed = home.control(&["unlink", "demo"]);
    removed
        .ok()
        .says(&format!("removed: {}\n", demo.display()))
        .says("written again at the next load");
    let removed = home.control(&["unlink", "--json"]).ok().json();
    assert_eq!(removed, json!({"success": true, "removed": [own], "left_alone": []}));
    assert_eq!(home.control(&["unlink"]).ok().stdout(), "No wrappers to remove.\n");

    let home = home.with_bin_on_path();
    home.control(&["link"]).ok().quietly();
}

#[test]
fn wrappers_can_be_switched_off() {
    let home = with_plugin(Home::new(), "jira");
    home.write(".config/skills-daemon/config.toml", "wrappers = false\n");
    home.control(&["start"]).ok();
    home.control(&["reload"]).ok();
    assert!(!home.paths().bin.exists());
    home.control(&["doctor"]).ok().says("wrappers: switched off");
    // `link` works; meanwhile a wrapper outlives its plugin.
    home.control(&["link"]).ok();
    fs::remove_dir_all(home.path().join(Home::scripts("jira"))).unwrap();
    home.control(&["reload"]).ok();
    assert!(wrapper(&home, "jira").exists());
    home.control(&["stop"]).ok();

    let home = home.with("SKILLS_DAEMON_WRAPPERS", "1");
    home.control(&["start"]).ok();
    home.control(&["reload"]).ok();
    assert!(!wrapper(&home, "jira").exists());
}

#[test]
fn the_doctor_reports_what_keeps_a_shell_from_finding_them() {
    let home = with_plugin(Home::new(), "jira");
    home.control(&["doctor"]).ok().says("wrappers: no plugin has one");
    home.control(&["link"]).ok();
    home.control(&["doctor"]).ok().says("warning  wrappers").says("export PATH=");
    let home = home.with_bin_on_path();
    home.control(&["doctor"]).ok().says("ok       wrappers: ");
    let home = with_plugin(home, "ls");
    home.control(&["reload"]).ok();
    let doctor = home.control(&["doctor"]);
    doctor.ok().says("warning  wrapper ls: ").says("bin/ls has the same name as ");
    home.control(&["unlink"]).ok();
    home.control(&["doctor"]).ok().says("warning  wrapper jira").says("skills-daemon link");
}

#[test]
fn another_place_for_executables_is_respected() {
    let home = with_plugin(Home::new(), "jira");
    let place = home.path().join("my bin");
    let home = home.with("XDG_BIN_HOME", place.to_str().unwrap());
    home.control(&["link"]).ok().complains("export PATH=\"$HOME/my bin:$PATH\"");
    Output::of(home.command(place.join("jira"), &["ok"])).ok();
    assert!(!home.paths().bin.exists());
}

#[test]
fn a_directory_that_cannot_be_written_keeps_no_plugin_from_serving() {
    let home = with_plugin(Home::new(), "jira");
    home.write(".local/bin", "a file");
    home.client(&["jira", "ok"]).ok().quietly();
    home.control(&["reload"]).ok().quietly();
    home.control(&["link"]).fails_with(3).complains("cannot write").complains("Hint: ");
    home.control(&["stop"]).ok();
    assert!(home.log().iter().any(|record| record["message"] == "no wrappers"));
}

#[test]
fn paths_with_blanks_and_quotes_are_paths() {
    let home = with_plugin(Home::called("sk 'b\" $c;#"), "jira");
    let programs = home.path().join("the programs' \"$place\"");
    fs::create_dir(&programs).unwrap();
    for program in [CLIENT, CONTROL, env!("CARGO_BIN_EXE_skills-host")] {
        let name = std::path::Path::new(program).file_name().unwrap();
        if fs::hard_link(program, programs.join(name)).is_err() {
            fs::copy(program, programs.join(name)).unwrap();
        }
    }
    let home = home.with_bin_on_path();
    Output::of(home.command(programs.join("skills-daemon"), &["link"])).ok().quietly();
    let text = fs::read_to_string(wrapper(&home, "jira")).unwrap();
    assert!(text.contains("the programs'\\'' \"$place\"/skills-client' jira"), "{text}");
    sh(&home, "jira ok --word 'it works'").ok().quietly().says("it works");
}

#[test]
fn a_daemon_elsewhere_leaves_the_wrappers_of_this_one() {
    let home = with_plugin(Home::new(), "jira");
    home.control(&["link"]).ok();
    home.control(&["stop"]).ok();
    fs::remove_dir_all(home.path().join(Home::scripts("jira"))).unwrap();
    let home = with_plugin(home, "other");
    let moved = home.path().join("moved").display().to_string();
    fs::rename(home.runtime(), &moved).unwrap();
    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", &moved);
    home.control(&["link"]).ok();
    home.control(&["reload"]).ok();
    assert!(wrapper(&home, "jira").exists() && wrapper(&home, "other").exists());
}
