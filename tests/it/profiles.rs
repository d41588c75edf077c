//! Profiles: two daemons of one user side by side; and commands in a daemon of their own.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::shared;
use crate::harness::{CONTROL, Home, Output, Running};

/// The plugin `greet` in a version.
fn greet(version: u32) -> String {
    format!(
        "\"\"\"Greetings.\"\"\"\n\n\ndef get_version() -> str:\n    \"\"\"The version.\"\"\"\n    return \"version {version}\"\n"
    )
}

#[test]
fn two_profiles_serve_two_versions_of_a_plugin_at_once() {
    let home = Home::new();
    let office = home.runtime().join("profiles/office");
    shared::copy_runtime(home.path(), &office);
    home.write(".config/skills-daemon/plugins/greet.py", &greet(1));
    home.write(".config/skills-daemon/profiles/office/plugins/greet.py", &greet(2));

    home.control(&["start"]).ok();
    home.control(&["--profile", "office", "start"]).ok();
    home.client(&["greet", "get-version"]).ok().says("version 1");
    home.client(&["--profile", "office", "greet", "get-version"]).ok().says("version 2");
    // Written before the plugins are shown to have been loaded.
    home.control(&["plugins"]).ok();
    home.control(&["plugins", "--profile", "office"]).ok();
    let wrapper =
        |name: &str| Output::of(home.command(home.paths().bin.join(name), &["get-version"]));
    wrapper("greet").ok().quietly().says("version 1");
    wrapper("greet@office").ok().quietly().says("version 2");
    let mut by_variable = home.command(home.paths().bin.join("greet"), &["get-version"]);
    by_variable.env("SKILLS_DAEMON_PROFILE", "office");
    Output::of(by_variable).ok().says("version 2");

    let listed = home.control(&["profiles", "--json"]).ok().json();
    let of = |key: &str| -> Vec<_> {
        listed.as_array().unwrap().iter().map(|it| it[key].clone()).collect()
    };
    assert_eq!(of("name"), [json!("default"), json!("office")]);
    assert_eq!(of("state"), [json!("running"), json!("running")]);
    assert_ne!(of("port")[0], of("port")[1]);
    assert!(of("pid")[0].is_i64() && of("pid")[0] != of("pid")[1], "{listed}");

    home.control(&["stop", "--profile", "office"]).ok().says("The daemon has stopped.");
    home.client(&["greet", "get-version"]).ok().says("version 1");
    home.control(&["profiles"]).ok().says("office   stopped");
    home.control(&["unlink", "--profile", "office"]).ok().says("greet@office");
    assert!(home.paths().bin.join("greet").exists());
}

#[test]
fn a_misspelled_profile_is_not_started() {
    let home = Home::bare();
    home.write(".config/skills-daemon/profiles/office/config.toml", "");
    let failed = home.client(&["--profile", "ofice", "demo", "hello"]);
    failed.fails_with(1).complains("Unknown profile: ofice").complains("Did you mean 'office'?");
    home.control(&["--profile", "ofice", "status"]).complains("Unknown profile: ofice");
    home.control(&["--profile", "../x", "status"])
        .fails_with(2)
        .complains("cannot be a profile's name");
    assert!(!home.runtime().exists());
}

/// A directory for temporary files in `home`, which has to be empty at the end.
fn temporary(home: &Home) -> std::path::PathBuf {
    let directory = home.path().join("t");
    fs::create_dir(&directory).unwrap();
    directory
}

fn one_shot(home: &Home, temporary: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = home.command(CONTROL, &[&["run"], arguments].concat());
    command.env("TMPDIR", temporary);
    command
}

#[test]
fn a_command_in_a_daemon_of_its_own_leaves_nothing() {
    let home = Home::bare();
    home.write(".config/skills-daemon/plugins/greet.py", &greet(3));
    let temporary = temporary(&home);
    Output::of(one_shot(&home, &temporary, &["greet", "get-version"])).ok().says("version 3");
    Output::of(one_shot(&home, &temporary, &["greet", "get-nothing"])).fails_with(1);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!home.runtime().exists() && !home.paths().bin.exists());
}

#[test]
fn a_signal_ends_the_command_and_its_daemon() {
    let home = Home::bare();
    let code = "import os, time\n\n\ndef wait():\n    \"\"\"Wait.\"\"\"\n    print(os.getpid())\n    time.sleep(3600)\n";
    home.write(".config/skills-daemon/plugins/waits.py", code);
    let temporary = temporary(&home);
    let mut running = Running::start(one_shot(&home, &temporary, &["waits", "wait"]));
    let daemon: i32 = running.line().parse().unwrap();
    running.signal(Signal::SIGTERM);
    let ended = running.end();
    assert!(!ended.status().success(), "{ended:?}");
    // One that has ended and was not waited for has none.
    let command_line = fs::read(format!("/proc/{daemon}/cmdline")).unwrap_or_default();
    assert!(command_line.is_empty(), "the daemon lives");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}
