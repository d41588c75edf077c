//! `skills-daemon config`: the real file, with and without a running daemon, and a real program as the editor.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{CONTROL, Home, Output, eventually};

const FILE: &str = ".config/skills-daemon/config.toml";

/// Returns a setting as `config show --json` has it.
fn shown(home: &Home, key: &str) -> Value {
    home.control(&["config", "show", key, "--json"]).json()[0].clone()
}

#[test]
fn values_are_shown_with_their_origins() {
    let home = Home::bare().with("SKILLS_DAEMON_PORT", "0");
    home.write(FILE, "timeout = 60\nprot = 1\n[plugins.jira]\nurl = 'u'\n");
    home.control(&["config", "show"])
        .fails_with(1)
        .says("port = 0")
        .says("# SKILLS_DAEMON_PORT")
        .says("plugins.jira.url = \"u\"")
        .complains("unknown setting `prot` in config.toml (did you mean `port`?)");
    let timeout = shown(&home, "timeout");
    assert_eq!((&timeout["value"], &timeout["origin"]), (&json!(60), &json!("file")));
    let default = shown(&home, "agents.tools_max");
    assert_eq!((&default["value"], &default["origin"]), (&json!(30), &json!("default")));
    assert_eq!(shown(&home, "port")["origin"], "environment");
    home.control(&["config", "show", "agents.tool"])
        .fails_with(2)
        .complains("unknown setting `agents.tool` (did you mean `agents.tools`?)");
    let path = home.path().join(FILE).display().to_string();
    home.control(&["config", "path"]).ok().says(&path);
    let schema = home.control(&["config", "schema"]).ok().json();
    assert_eq!(schema["properties"]["port"]["maximum"], 65_535);
    home.write(FILE, "timeout = \n");
    home.control(&["config", "show"]).fails_with(3).complains("config.toml line 1 is not TOML");
}

#[test]
fn only_what_is_valid_is_written() {
    let home = Home::bare();
    let set = |key: &str, value: &str| home.control(&["config", "set", key, value]);
    set("timeout", "60").ok().says("timeout = 60 (");
    set("plugins.jira.timeout", "5").ok();
    let text = "timeout = 60\n\n[plugins.jira]\ntimeout = 5\n";
    assert_eq!(home.read(FILE).as_deref(), Some(text));
    set("prot", "1").fails_with(2).complains("unknown setting `prot` (did you mean `port`?)");
    set("port", "http").fails_with(2).complains("`http`, which is not a port number");
    set("plugins.jira.limits.memry", "1").fails_with(2).complains("`plugins.jira.limits.memory`?");
    set("plugins.jira.timeout", "0").fails_with(2).complains("0 is not from 1 to 2678400");
    set("agents", "1").fails_with(2).complains("`agents` must be a table");
    assert_eq!(home.read(FILE).as_deref(), Some(text));
    set("plugins.jira.timout", "5").ok().complains("did you mean `plugins.jira.timeout`?");
    home.control(&["config", "unset", "plugins.jira.timout"]).ok();
    home.control(&["config", "unset", "timeout"]).ok().says("removed: timeout");
    assert_eq!(home.read(FILE).as_deref(), Some("\n[plugins.jira]\ntimeout = 5\n"));
    home.control(&["config", "unset", "timout"]).fails_with(2).complains("`timeout`?");
    let variable = Home::bare().with("SKILLS_DAEMON_LOG_LEVEL", "INFO");
    variable
        .control(&["config", "set", "log_level", "debug"])
        .ok()
        .complains("SKILLS_DAEMON_LOG_LEVEL is set and takes precedence over the file");
}

#[test]
fn a_running_daemon_takes_it_up_or_is_to_be_restarted() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let silent = home.control(&["config", "set", "hook_timeout", "31"]);
    assert!(!silent.ok().stdout().contains("restart"), "{}", silent.stdout());
    let is_applied = |line: &Value| line.to_string().contains("hook_timeout = 31 s");
    eventually("the setting", || home.log().iter().any(is_applied).then_some(()));
    home.control(&["config", "set", "python", "/no/python"])
        .ok()
        .says("`skills-daemon restart` applies this one");
    let notice = "`python` in config.toml changed from the default to /no/python";
    eventually("the notice", || home.status().to_string().contains(notice).then_some(()));
    home.control(&["config", "unset", "python"]).ok();
    eventually("its end", || (!home.status().to_string().contains(notice)).then_some(()));
}

/// Makes a program that edits: the first time it writes `first`, then `second`.
fn editor(home: &Home, first: &str, second: &str) -> String {
    let script = format!(
        "#!/bin/sh\necho \"$1\" >> \"$HOME/arguments\"\nif [ -e \"$HOME/seen\" ]; then printf '{second}' > \"$2\"\n\
         else printf '{first}' > \"$2\"; fi\ntouch \"$HOME/seen\"\n"
    );
    let file = home.write("my editor", &script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&file, mode).unwrap();
    format!("'{}' --wait", file.display())
}

#[test]
fn an_editor_is_asked_again_until_the_file_is_valid() {
    let home = Home::bare();
    home.control(&["config", "edit"]).fails_with(2).complains("there is no terminal");
    let edit = |typed: &[(&str, &str)]| home.in_dialog_with(CONTROL, &["config", "edit"], typed);
    edit(&[]).fails_with(2).says("neither VISUAL nor EDITOR is set");

    let home = Home::bare();
    let program = editor(&home, "port = 70000\\n", "port = 7000\\n");
    let home = home.with("VISUAL", &program).with("EDITOR", "/no/editor");
    let edit = |typed: &[(&str, &str)]| home.in_dialog_with(CONTROL, &["config", "edit"], typed);
    edit(&[("Edit it again?", "n")]).fails_with(1).says("is as it was").says("not a port number");
    assert_eq!(home.read(FILE), None);
    fs::remove_file(home.path().join("seen")).unwrap();
    edit(&[("Edit it again?", "y")]).ok().says("Written: ");
    assert_eq!(home.read(FILE).as_deref(), Some("port = 7000\n"));
    edit(&[]).ok().says("Nothing was changed.");
    assert_eq!(home.read("arguments").as_deref(), Some("--wait\n".repeat(4).as_str()));
    // The copies are gone.
    let directory = home.path().join(FILE).parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
    let other = Home::bare().with("EDITOR", "/no/editor");
    let output: Output = other.in_dialog_with(CONTROL, &["config", "edit"], &[]);
    output.fails_with(3).says("cannot run the editor `/no/editor`");
}
