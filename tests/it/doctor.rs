//! The doctor: no complaints about a healthy installation, and the broken part of any other.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{CLIENT, CONTROL, Home, Output, eventually, plugin_code};

/// Returns the verdict on `name` and its findings.
fn verdict(home: &Home, name: &str) -> (String, String) {
    let checks = Output::of(home.command(CONTROL, &["doctor", "--json"])).json();
    let check = checks.as_array().unwrap().iter().find(|check| check["name"] == name);
    let check = check.unwrap_or_else(|| panic!("no check {name} in {checks:#}"));
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("evidence"))
}

#[test]
fn a_healthy_daemon_is_healthy() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    home.control(&["doctor"]).ok().quietly().says("Nothing is broken.");
    for name in [
        "directories",
        "configuration",
        "interpreter",
        "host",
        "uv",
        "venv",
        "process",
        "socket",
        "port",
        "plugin demo",
    ] {
        let (verdict, evidence) = verdict(&home, name);
        assert_eq!(verdict, "ok", "{name}: {evidence}");
    }
    assert_eq!(verdict(&home, "port").1, format!("http://localhost:{}", home.port()));
    home.control(&["stop"]).ok();
    home.control(&["doctor"]).ok().says("not running; the next command starts it");
}

#[test]
fn a_fresh_home_is_healthy_too() {
    let home = Home::bare().without_uv();
    home.control(&["doctor"]).ok().quietly().says("Nothing is broken.");
    assert_eq!(verdict(&home, "venv").0, "warning");
    assert_eq!(verdict(&home, "uv").0, "warning");
    assert_eq!(verdict(&home, "process").0, "ok");
}

#[test]
fn a_broken_venv_is_named() {
    let home = Home::new();
    fs::remove_file(home.paths().venv_python()).unwrap();
    home.control(&["doctor"]).fails_with(1).quietly().says("1 check failed.");
    let (found, evidence) = verdict(&home, "venv");
    assert_eq!(found, "failed");
    assert!(evidence.ends_with("bin/python is gone"), "{evidence}");

    // Its remedy mends it.
    home.control(&["doctor"]).says("`skills-daemon restart` makes it again.");
    home.control(&["restart"]).ok();
    home.client(&["demo", "hello"]).ok();
    home.control(&["doctor"]).ok();
}

#[test]
fn a_venv_that_lacks_what_every_plugin_needs_is_named_and_mended() {
    let home = Home::new();
    let lib = fs::read_dir(home.paths().venv().join("lib")).unwrap().next().unwrap().unwrap();
    let packages = lib.path().join("site-packages");
    fs::remove_dir_all(packages.join("fastapi")).unwrap();
    home.control(&["doctor"]).fails_with(1).says("failed   venv: ").says("fastapi");
    home.control(&["restart"]).ok();
    home.client(&["demo", "hello"]).ok().quietly().says("Hello");
    home.control(&["doctor"]).ok();
}

#[test]
fn a_plugin_is_judged_before_it_is_loaded() {
    let home = Home::new();
    home.plugin("bad", "", "{oops");
    home.control(&["doctor"])
        .fails_with(1)
        .says("failed   plugin bad: ")
        .says("manifest.json is not JSON");
    assert_eq!(verdict(&home, "process").0, "ok");
}

#[test]
fn a_plugin_that_is_asleep_as_it_should_be_is_healthy() {
    let home = Home::new();
    let manifest = r#"{"name": "lazy", "daemon": {"load": "demand"}}"#;
    home.plugin(
        "lazy",
        &plugin_code("lazy", "@router.get('/ok')\ndef ok():\n    return 1\n"),
        manifest,
    );
    home.client(&["lazy", "ok"]).ok();
    home.control(&["restart"]).ok();
    assert_eq!(home.plugin_status("lazy")["state"], json!("asleep"));
    home.control(&["doctor"]).ok().says("ok       plugin lazy: asleep");
}

/// Takes the daemon's processes away as `kill -9` does.
fn killed(home: &Home) {
    home.signal(Signal::SIGKILL);
    home.wait_for_end();
}

/// Names, modes, sizes and times of all files below `root`.
fn tree(root: &Path) -> Vec<(PathBuf, u32, u64, SystemTime)> {
    let entries = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    let facts = |entry: walkdir::DirEntry| {
        let found = fs::symlink_metadata(entry.path()).unwrap();
        (entry.path().to_owned(), found.mode(), found.len(), found.modified().unwrap())
    };
    entries.map(|entry| facts(entry.unwrap())).collect()
}

#[test]
fn twelve_things_that_are_broken_at_once_are_found_and_most_of_them_mended() {
    let home = Home::new().with_bin_on_path();
    let temporary = home.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let home = home.with("TMPDIR", temporary.to_str().unwrap());
    home.plugin("jira", "def get_ok() -> int:\n    return 1\n", r#"{"name": "jira"}"#);
    home.plugin("bad", "def get_ok() -> int:\n    return 2\n", r#"{"name": "bad"}"#);
    home.client(&["jira", "get-ok"]).ok();
    for agent in ["claude", "codex"] {
        home.control(&["agent", "setup", agent, "--yes"]).ok();
    }
    let secrets = home.write(".config/skills-daemon/secrets.toml", "[jira]\ntoken = 'hidden'\n");
    let paths = home.paths();
    // 1: killed, with its sockets left behind.
    killed(&home);
    // 2 and 3: a directory is gone, another one open to others.
    fs::remove_dir_all(paths.logs()).unwrap();
    fs::set_permissions(&paths.runtime, fs::Permissions::from_mode(0o775)).unwrap();
    // 4: anybody reads the secrets.
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).unwrap();
    // 5 and 6: neither lock nor environment is whole.
    fs::write(paths.pylock(), "packages = [[").unwrap();
    fs::remove_file(paths.venv_python()).unwrap();
    // 7, 8, 9: what calls the program calls one that is gone.
    let wrapper = paths.bin.join("jira");
    let gone = "/nonexistent/skills-client";
    let files =
        [wrapper.clone(), home.path().join(".claude.json"), home.path().join(".codex/config.toml")];
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(CLIENT), "{text}");
        fs::write(file, text.replace(CLIENT, gone)).unwrap();
    }
    // 10: a killed `skills-daemon run` left its directory.
    let abandoned = temporary.join("skills-run-2147483000");
    fs::create_dir_all(&abandoned).unwrap();
    // 11, 12: settings and variables, and 13 a manifest, which are for the user to correct.
    home.write(".config/skills-daemon/config.toml", "prot = 1\n");
    let home = home.with("CURL_CA_BUNDLE", "/nonexistent/ca.pem");
    let manifest = format!("{}/skills_plugin/manifest.json", Home::scripts("bad"));
    home.write(&manifest, "{oops");

    let before = home.control(&["doctor"]);
    for text in [
        "warning  stale files: daemon.sock",
        "logs does not exist",
        "is writable by other users",
        "secrets.toml has the permissions 644",
        "pylock.toml is not a valid lock",
        "failed   venv: ",
        "jira calls /nonexistent/skills-client, which is gone",
        "failed   Claude Code: `skills` in ",
        "failed   Codex: `skills` in ",
        "skills-run-2147483000: of a temporary daemon whose program was killed",
        "unknown setting `prot`",
        "failed   certificates: CURL_CA_BUNDLE is /nonexistent/ca.pem",
        "failed   plugin bad: ",
        "checks failed.",
        "`skills-daemon doctor --fix` mends 10 of them.",
    ] {
        before.fails_with(1).says(text);
    }
    assert!(!before.stdout().contains("hidden"));

    // Without a terminal, and without consent, nothing happens.
    let unchanged = tree(home.path());
    home.control(&["doctor", "--fix"]).fails_with(2).complains("there is no terminal to ask at");
    assert_eq!(tree(home.path()), unchanged);

    let output = home.control(&["doctor", "--fix", "--yes"]);
    output.fails_with(1).says("mending  start the daemon again\n").says("\ndone\n");
    for text in ["stale files", "not a valid lock", "which is gone", "writable by other"] {
        let after = output.stdout().rsplit("Programs").next().unwrap();
        assert!(!after.contains(text), "{text} is in {after}");
    }
    assert!(!abandoned.exists());
    assert_eq!(fs::metadata(&secrets).unwrap().mode() & 0o777, 0o600);
    for file in &files {
        assert!(fs::read_to_string(file).unwrap().contains(CLIENT), "{}", file.display());
    }
    home.client(&["jira", "get-ok"]).ok().says("1");

    // What is left is for the user.
    let home = home.with("CURL_CA_BUNDLE", "");
    home.control(&["config", "unset", "prot"]).ok();
    home.write(&manifest, r#"{"name": "bad"}"#);
    home.control(&["reload"]).ok();
    home.control(&["doctor"]).ok().says("Nothing is broken.");
    home.control(&["doctor", "--fix"]).ok().says("There is nothing that --fix can mend.");
}

#[test]
fn a_fix_is_made_after_a_question() {
    let home = Home::new();
    let logs = home.paths().logs();
    fs::create_dir_all(&logs).unwrap();
    fs::remove_dir_all(&logs).unwrap();
    let question = "Create the missing directories?";
    home.in_dialog_with(CONTROL, &["doctor", "--fix"], &[(question, "n")]).says("skipped");
    assert!(!logs.exists());
    home.in_dialog_with(CONTROL, &["doctor", "--fix"], &[(question, "y")]).says("done");
    assert!(logs.is_dir());
}

#[test]
fn it_works_without_a_python_and_with_settings_that_cannot_be_read() {
    let home = Home::new();
    fs::create_dir_all(home.path().join(".config/skills-daemon/config.toml")).unwrap();
    let mut command = home.command(CONTROL, &["doctor"]);
    command.env("PATH", "").env("SKILLS_DAEMON_PYTHON", "/nonexistent/python");
    Output::of(command)
        .fails_with(1)
        .says("failed   configuration: cannot read ")
        .says("warning  uv: ")
        .says("ok       process: ");
    fs::remove_dir(home.path().join(".config/skills-daemon/config.toml")).unwrap();
    let mut command = home.command(CONTROL, &["doctor"]);
    command.env("PATH", "").env("SKILLS_DAEMON_PYTHON", "/nonexistent/python");
    Output::of(command)
        .fails_with(1)
        .says("failed   interpreter: cannot run /nonexistent/python")
        .says("warning  venv: not checked");
}

#[test]
fn a_profile_is_named_in_every_command() {
    let home = Home::bare();
    home.control(&["--profile", "office", "doctor"])
        .says("warning  profile: office does not exist yet")
        .says("skills-daemon --profile office start");
    home.control(&["--profile", "NO", "doctor"]).fails_with(2);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing is written");
}

#[cfg(target_os = "linux")]
#[test]
fn it_works_without_a_home() {
    use std::os::unix::process::CommandExt;
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root may become a user without a home");
        return;
    }
    let home = Home::bare();
    // Where everybody can execute it.
    let programs = home.path().join("programs");
    fs::create_dir(&programs).unwrap();
    for directory in [home.path(), &programs] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let control = programs.join("skills-daemon");
    fs::copy(CONTROL, &control).unwrap();
    let mut command = home.command(&control, &["doctor"]);
    command.env_remove("HOME").uid(2_000_000_000).gid(2_000_000_000);
    Output::of(command)
        .fails_with(1)
        .says("failed   home: no home directory: HOME is not set and the user has none")
        .says("Set HOME to a directory you can write to.")
        .says("ok       clock: ")
        .says("disk space: ");
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_it_writes_nothing_and_names_the_disk() {
    let home = Home::new();
    let runtime = home.path().join("small");
    let Some(disk) = crate::harness::SmallDisk::mount(&runtime, "2m") else {
        eprintln!("skipped: this user may not mount a small file system");
        return;
    };
    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", runtime.to_str().unwrap());
    home.control(&["doctor"]).says("warning  disk space: ").says("small has ");
    fs::write(runtime.join("filler"), vec![0; 4 << 20]).unwrap_err();
    let before = tree(&runtime);
    home.control(&["doctor"])
        .fails_with(1)
        .says("failed   disk space: ")
        .says("small has 0 MiB free (runtime directory)")
        .says("ok       interpreter: ");
    assert_eq!(tree(&runtime), before);
    let report = runtime.join("report.tar.gz");
    home.control(&["doctor", "--bundle", report.to_str().unwrap()])
        .fails_with(3)
        .complains("The disk is full: free some space.");
    assert!(!report.exists());
    // Before the HOME that it is in.
    drop(disk);
}

/// Returns the files of a report, by name.
fn report(file: &Path) -> BTreeMap<String, String> {
    let file = fs::File::open(file).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (entry.path().unwrap().display().to_string(), text)
    });
    entries.collect()
}

#[test]
fn a_report_has_what_is_needed_and_no_secret() {
    let home = Home::new()
        .with("JIRA_API_TOKEN", "of-the-environment")
        .with("HTTPS_PROXY", "http://ada:of-the-proxy@127.0.0.1:9");
    let code = "
import logging, skills_daemon
def get_leak() -> int:
    secret = skills_daemon.stored_secret('pin')
    logging.getLogger('jira').error('sent %s to https://ada:of-the-url@host/?token=of-the-query', secret)
    return 1
";
    home.plugin("jira", code, r#"{"name": "jira"}"#);
    home.write(
        ".config/skills-daemon/config.toml",
        "log_level = 'DEBUG' # of-the-comment\n[plugins.jira]\nlogin = 'of-the-settings'\n",
    );
    let secrets = home.write(".config/skills-daemon/secrets.toml", "[jira]\npin = 'of-the-file'\n");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    home.client(&["demo", "hello"]).ok();
    assert_eq!(home.get("/jira/get-leak").status, 200);
    eventually("the log has the line", || {
        fs::read_to_string(home.paths().log_file()).ok()?.contains("of-the-query").then_some(())
    });
    let file = home.path().join("report.tar.gz");
    home.control(&["doctor", "--bundle", file.to_str().unwrap()])
        .complains("Written: ")
        .complains("Read it before you send it");
    let report = report(&file);
    let names: Vec<&str> =
        report.keys().filter_map(|name| name.strip_prefix("skills-daemon-report/")).collect();
    for name in [
        "README.txt",
        "doctor.json",
        "versions.json",
        "status.json",
        "config.toml",
        "environment.txt",
        "plugins.json",
        "logs/daemon.log",
        "pylock.toml",
        "files.txt",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("secrets")), "{names:?}");
    assert!(report["skills-daemon-report/logs/daemon.log"].contains("[secret]@host"));
    assert!(report["skills-daemon-report/config.toml"].contains("log_level = \"DEBUG\""));
    for (name, text) in &report {
        for hidden in [
            "of-the-file",
            "of-the-url",
            "of-the-query",
            "of-the-settings",
            "of-the-comment",
            "of-the-environment",
            "of-the-proxy",
            home.path().to_str().unwrap(),
        ] {
            assert!(!text.contains(hidden), "{hidden} is in {name}: {text}");
        }
    }
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    home.control(&["doctor", "--bundle", file.to_str().unwrap()])
        .fails_with(2)
        .complains("exists already");
}

#[test]
fn errors_of_the_last_hour_are_a_warning_and_strict_counts_it() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    home.control(&["stop"]).ok();
    home.control(&["doctor"]).ok();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let time = skills_daemon::crashes::date::utc(now.as_secs()).replacen(' ', "T", 1);
    let line = json!({"timestamp": time, "level": "ERROR", "message": "out of luck"});
    let mut log = fs::OpenOptions::new().append(true).open(home.paths().log_file()).unwrap();
    writeln!(log, "{line}").unwrap();
    home.control(&["doctor"]).ok().says("warning  log: 1 error in the last hour: out of luck");
    home.control(&["doctor", "--strict"]).fails_with(1);
}
