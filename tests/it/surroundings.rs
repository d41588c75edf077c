//! The environment of the daemon: that of the login, without variables of the program that starts it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{CLIENT, CONTROL, Home, Output, plugin_code};

/// A plugin that answers with the environment it runs in, and that of its subprocesses.
const VIEW: &str = "
import json, os, subprocess, sys

@router.get('/own')
def own():
    return {name: value.encode(errors='replace').decode() for name, value in os.environ.items()}

@router.get('/child')
def child():
    code = 'import json, os; print(json.dumps(dict(os.environ)))'
    return json.loads(subprocess.check_output([sys.executable, '-c', code]))
";

fn home_with_view() -> Home {
    let home = Home::new();
    home.plugin("view", &plugin_code("view", VIEW), "");
    home
}

/// The daemon's environment and that of a plugin's subprocess.
#[track_caller]
fn views(home: &Home) -> [Value; 2] {
    ["own", "child"].map(|which| home.client(&["--json", "view", which]).ok().json())
}

/// Runs `git` in `directory` with the environment of `home`.
fn git(home: &Home, arguments: &[&str]) {
    let own = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    let mut command = home.command("git", &own);
    command.args(arguments).current_dir(home.path().join("work"));
    Output::of(command).ok();
}

#[test]
fn started_from_a_git_hook_it_keeps_nothing_of_the_repository() {
    let found = Command::new("git").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("there is no git on this machine: not tested");
        return;
    }
    let home = home_with_view();
    fs::create_dir(home.path().join("work")).unwrap();
    git(&home, &["init", "--quiet"]);
    let hook = home.write(
        "work/.git/hooks/pre-commit",
        &format!("#!/bin/sh\nenv > '{}/hook'\nexec '{CLIENT}' demo hello\n", home.path().display()),
    );
    fs::set_permissions(&hook, Permissions::from_mode(0o755)).unwrap();
    home.write("work/file", "text");
    git(&home, &["add", "file"]);
    git(&home, &["commit", "--quiet", "--all", "--message", "x"]);

    let seen = home.read("hook").expect("the hook ran");
    assert!(seen.contains("GIT_INDEX_FILE="), "git sets it for its hooks: {seen}");
    for view in views(&home) {
        let names: Vec<&String> =
            view.as_object().unwrap().keys().filter(|name| name.starts_with("GIT_")).collect();
        assert!(names.is_empty(), "{names:?}");
        let path = view["PATH"].as_str().unwrap();
        assert!(!path.contains("git-core"), "{path}");
    }
}

#[test]
fn started_from_a_shell_it_keeps_what_is_the_logins_and_nothing_of_the_shell() {
    let home = home_with_view();
    let bin = home.path().join("project/.venv/bin");
    fs::create_dir_all(&bin).unwrap();
    let mut start = home.command(CONTROL, &["start"]);
    let path = start.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), path.to_str().unwrap());
    let left_out = [
        ("GIT_DIR", "/nonexistent"),
        ("VIRTUAL_ENV", bin.parent().unwrap().to_str().unwrap()),
        ("VIRTUAL_ENV_PROMPT", "project"),
        ("CONDA_PREFIX", "/nonexistent"),
        ("PYTHONPATH", "/nonexistent"),
        ("PYTHONHOME", "/nonexistent"),
        ("UV_PROJECT_ENVIRONMENT", "x"),
        ("npm_config_prefix", "/nonexistent"),
        ("CARGO_MANIFEST_DIR", "/nonexistent"),
        ("MAKEFLAGS", "-j"),
        ("DIRENV_DIFF", "x"),
        ("PWD", "/nonexistent"),
        ("OLDPWD", "/nonexistent"),
        ("SHLVL", "3"),
        ("TERM", "xterm"),
        ("COLUMNS", "20"),
        ("NO_COLOR", "1"),
        ("TMUX", "x"),
        ("SSH_TTY", "/dev/pts/7"),
        ("VSCODE_PID", "1"),
        ("CLAUDECODE", "1"),
    ];
    let kept = [
        ("JIRA_URL", "https://jira.example.org"),
        ("GIT_SSH_COMMAND", "ssh -i key"),
        ("SSH_AUTH_SOCK", "/nonexistent/agent"),
        ("PYTHON_KEYRING_BACKEND", "x"),
        ("HTTPS_PROXY_OF_PLUGIN", "http://proxy.example.org"),
        ("SKILLS_DAEMON_LOG_LEVEL", "DEBUG"),
        ("XDG_DATA_HOME_OF_PLUGIN", "x"),
        ("LANG", "C.UTF-8"),
    ];
    start.envs(left_out).envs(kept).env("PATH", &path);
    Output::of(start).ok();
    for view in views(&home) {
        for (name, _) in left_out {
            // A shell or Python itself may set it again for a child, but to another value.
            assert_eq!(view[name], Value::Null, "{name}");
        }
        for (name, value) in kept {
            assert_eq!(view[name], json!(value), "{name}");
        }
        assert_eq!(view["HOME"], json!(home.path()));
        let path = view["PATH"].as_str().unwrap();
        assert!(!path.contains(".venv/bin"), "{path}");
        assert!(path.len() > 1, "{path}");
    }
}

#[test]
fn variables_that_are_no_text_reach_it_too() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let home = home_with_view();
    let mut start = home.command(CONTROL, &["start"]);
    start.env("PLACE", OsStr::from_bytes(b"/caf\xe9"));
    Output::of(start).ok();
    let own = home.client(&["--json", "view", "own"]).ok().json();
    assert_eq!(own["PLACE"].as_str().map(|text| text.starts_with("/caf")), Some(true), "{own}");
}
