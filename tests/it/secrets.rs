//! Secrets of plugins: stored from stdin or the terminal, read by their plugin alone, and shown nowhere.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::{CONTROL, Home, Output, Running, eventually};

const FILE: &str = ".config/skills-daemon/secrets.toml";

/// Stores a secret from a pipe.
fn store(home: &Home, plugin: &str, name: &str, value: &str) -> Output {
    let (running, mut stdin) =
        Running::fed(home.command(CONTROL, &["secret", "set", plugin, name]));
    // It may refuse the file before it reads.
    let _ = stdin.write_all(value.as_bytes());
    drop(stdin);
    running.end()
}

/// A plugin with a manifest, which reads the secret `token` at its import and in a handler.
fn plugin(home: &Home, name: &str) {
    let code = "
import skills_daemon
__all__ = ['get_seen']
at_import = skills_daemon.stored_secret('token', None)
def get_seen():
    token = skills_daemon.stored_secret('token')
    print([token])
    return f'{at_import} {token}'
";
    home.plugin(name, code, &json!({"name": name}).to_string());
}

#[test]
fn secrets_are_stored_and_listed_without_their_values() {
    let home = Home::bare();
    home.control(&["secret", "list"]).ok().says("No secrets are stored.");
    store(&home, "jira", "token", "hidden\n").ok().says("stored: token of jira");
    let typed = [("user of jira", "some one\r")];
    let output = home.in_dialog_with(CONTROL, &["secret", "set", "jira", "user"], &typed);
    assert!(!output.ok().stdout().contains("some one"), "{}", output.stdout());
    assert_eq!(
        home.read(FILE).as_deref(),
        Some("[jira]\ntoken = \"hidden\"\nuser = \"some one\"\n")
    );
    let file = home.path().join(FILE);
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    home.control(&["secret", "list"]).ok().says("jira: token, user");
    let listed = home.control(&["secret", "list", "--json"]).ok().json();
    assert_eq!(listed, json!({"jira": ["token", "user"]}));
    store(&home, "jira", "token", "\n").fails_with(2).complains("the secret is empty");
    home.control(&["secret", "remove", "jira", "tokn"]).fails_with(1).complains("token, user");
    home.control(&["secret", "remove", "jira", "user"]).ok();
    assert_eq!(home.read(FILE).as_deref(), Some("[jira]\ntoken = \"hidden\"\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    store(&home, "jira", "token", "other").fails_with(3).complains("Run `chmod 600 ");
    home.control(&["doctor"]).fails_with(1).says("has the permissions 640");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    home.control(&["secret", "remove", "jira", "token"]).ok();
    assert_eq!((home.read(FILE).as_deref(), mode()), (Some(""), 0o600));
}

#[test]
fn a_plugin_gets_its_own_and_is_loaded_again_for_a_change() {
    let home = Home::new();
    store(&home, "aa", "token", "hidden-of-aa").ok();
    plugin(&home, "aa");
    plugin(&home, "bb");
    home.client(&["aa", "get-seen"]).ok().says("[Secret('***')]").says("hidden-of-aa hidden-of-aa");
    home.client(&["bb", "get-seen"])
        .fails_with(1)
        .complains("bb has no secret 'token'")
        .complains("skills-daemon secret set bb token");
    store(&home, "aa", "token", "changed-of-aa").ok();
    let is_new =
        || home.client(&["aa", "get-seen"]).stdout().contains("changed-of-aa changed-of-aa");
    eventually("the new secret", || is_new().then_some(()));
    // Opened to others, the file is no longer read; the secrets in force stay.
    let file = home.path().join(FILE);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let status = || home.status().to_string();
    eventually("the notice", || status().contains("chmod 600").then_some(()));
    home.client(&["aa", "get-seen"]).ok().says("changed-of-aa");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    eventually("its end", || (!status().contains("chmod 600")).then_some(()));

    let shown = [
        status(),
        home.control(&["config", "show"]).ok().stdout().to_owned(),
        home.control(&["doctor", "--json"]).ok().stdout().to_owned(),
        home.control(&["plugins", "--json"]).ok().stdout().to_owned(),
    ];
    home.control(&["stop"]).ok();
    let log = fs::read_to_string(home.paths().log_file()).unwrap();
    assert!(log.contains("secrets of aa"), "{log}");
    for text in shown.into_iter().chain([log, files_of(&home.runtime())]) {
        assert!(!text.contains("-of-aa"), "a secret is in {text}");
    }
}

/// The texts of all files in the directories that the daemon writes, those of packages left out.
fn files_of(directory: &std::path::Path) -> String {
    let mut text = String::new();
    for place in ["state", "logs", "cache/descriptions"] {
        for entry in fs::read_dir(directory.join(place)).into_iter().flatten().flatten() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    text
}
