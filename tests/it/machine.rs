//! Failures of the machine: each is printed on stderr with its reason and a remedy, with exit status 3.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::harness::Home;

/// Returns the message of a failed start, the same by either program.
#[track_caller]
fn start_fails(home: &Home) -> String {
    let started = home.control(&["start"]);
    started.fails_with(3);
    assert_eq!(started.stdout(), "");
    let called = home.client(&["demo", "hello"]);
    called.fails_with(3);
    assert_eq!((called.stdout(), called.stderr()), ("", started.stderr()));
    home.redact(started.stderr())
}

#[test]
fn a_runtime_directory_that_cannot_be_made() {
    let home = Home::bare();
    let file = home.write("file", "");
    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", file.join("x").to_str().unwrap());
    insta::assert_snapshot!(start_fails(&home), @"
    Error: cannot write [HOME]/file/x: File exists (os error 17)
    Hint: A file is in the place of a directory: move it away.
    ");
    home.control(&["doctor"]).fails_with(1).says("failed   directories: ");
    home.control(&["status"]).fails_with(1);

    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", file.to_str().unwrap());
    insta::assert_snapshot!(start_fails(&home), @"
    Error: cannot write [HOME]/file: File exists (os error 17)
    Hint: A file is in the place of a directory: move it away.
    ");

    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", "relative/path");
    insta::assert_snapshot!(start_fails(&home), @"Error: SKILLS_DAEMON_RUNTIME_DIR is not an absolute path: relative/path");
}

#[cfg(target_os = "linux")]
#[test]
fn a_runtime_directory_where_nothing_can_be_written() {
    let home = Home::bare().with("SKILLS_DAEMON_RUNTIME_DIR", "/proc/x");
    let text = start_fails(&home);
    assert!(text.starts_with("Error: cannot write /proc/x: "), "{text}");
}

#[test]
fn a_runtime_directory_whose_path_is_too_long() {
    let home = Home::bare();
    let long = home.path().join("x".repeat(110));
    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", long.to_str().unwrap());
    let text = start_fails(&home);
    assert!(text.contains("too long for a Unix socket"), "{text}");
    assert!(text.contains("Hint: Set SKILLS_DAEMON_RUNTIME_DIR to a shorter path."), "{text}");
    assert!(!long.exists());
}

#[test]
fn a_port_that_is_taken() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let home = Home::new().with("SKILLS_DAEMON_PORT", &port);
    let text = start_fails(&home);
    assert!(
        text.starts_with(&format!("Error: TCP port {port} is already in use on 127.0.0.1\n")),
        "{text}"
    );
    assert!(text.contains("Hint: Set SKILLS_DAEMON_PORT to a free port"), "{text}");
    home.control(&["doctor"])
        .fails_with(1)
        .says("failed   port: ")
        .says("in use by another program");
}

#[test]
fn an_interpreter_that_does_not_exist_or_does_not_fit() {
    let home = Home::new().with("SKILLS_DAEMON_PYTHON", "/nonexistent/python");
    let text = start_fails(&home);
    assert!(text.starts_with("Error: cannot run /nonexistent/python: "), "{text}");
    assert!(text.contains("Hint: Set `python` (from "), "{text}");
    home.control(&["doctor"])
        .fails_with(1)
        .says("failed   interpreter: cannot run /nonexistent/python");
    home.control(&["stop"]).ok();

    let home = home.with("SKILLS_DAEMON_PYTHON", "/bin/false");
    let text = start_fails(&home);
    assert!(text.contains("/bin/false is not a Python interpreter"), "{text}");
}

#[test]
fn a_configuration_that_is_broken() {
    let home = Home::new();
    let config = ".config/skills-daemon/config.toml";
    home.write(config, "timeout = 5\nport = = 1\n");
    let text = start_fails(&home);
    assert!(text.starts_with("Error: [HOME]/.config/skills-daemon/config.toml line 2 "), "{text}");
    assert!(text.contains("Hint: Correct the line"), "{text}");
    let doctor = home.control(&["doctor"]);
    doctor
        .fails_with(1)
        .says("failed   configuration: ")
        .says("line 2")
        .says("ok       interpreter");
    home.control(&["status"]).fails_with(1).quietly();
    home.control(&["stop"]).ok();

    home.write(config, "timeout = \"soon\"\n");
    let text = start_fails(&home);
    assert!(text.contains("config.toml: `timeout` is `soon`, which is not "), "{text}");
    let home = home.with("SKILLS_DAEMON_LOG_LEVEL", "LOUD").with("SKILLS_DAEMON_TIMEOUT", "1");
    let text = start_fails(&home);
    assert!(text.contains("SKILLS_DAEMON_LOG_LEVEL is `LOUD`, which is not "), "{text}");

    let home = home.with("SKILLS_DAEMON_LOG_LEVEL", "INFO").with("SKILLS_DAEMON_TIMEOUT", "600");
    home.write(config, "prot = 1\nlog_level = \"DEBUG\"\n");
    home.client(&["demo", "hello"]).ok().quietly();
    home.control(&["doctor"])
        .ok()
        .says("warning  configuration: ")
        .says("unknown setting `prot` in config.toml (did you mean `port`?)");
    home.control(&["logs"]).ok().says("unknown setting");
}

#[test]
fn a_running_daemon_can_be_stopped_whatever_happened_to_the_configuration() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    home.write(".config/skills-daemon/config.toml", "= broken");
    home.client(&["demo", "hello"]).ok().quietly();
    home.control(&["status"]).ok();
    home.control(&["restart"])
        .fails_with(3)
        .complains("config.toml line 1")
        .complains("was not replaced");
    home.control(&["status"]).ok().says("config.toml line 1");
    home.control(&["stop"]).ok().says("The daemon has stopped.");
}

#[test]
fn a_runtime_directory_that_others_can_write_to_is_refused() {
    let home = Home::new();
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let paths = home.paths();
    set(&paths.runtime, 0o775);
    insta::assert_snapshot!(start_fails(&home), @"
    Error: [HOME]/.local/share/skills-daemon is writable by other users, who could change what the daemon runs
    Hint: Run `chmod go-w [HOME]/.local/share/skills-daemon`.
    ");
    home.control(&["doctor"]).fails_with(1).says("failed   directories: ").says("Run `chmod go-w ");
    // Others may read.
    set(&paths.runtime, 0o755);
    set(&paths.state(), 0o777);
    assert!(start_fails(&home).contains("/state is writable by other users"));
    set(&paths.state(), 0o755);
    home.client(&["demo", "hello"]).ok();
}

#[test]
fn links_in_the_runtime_directory_are_not_followed() {
    let home = Home::new();
    let paths = home.paths();
    let elsewhere = home.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for directory in [paths.state(), paths.logs(), paths.cache(), paths.tools()] {
        let kept = home.path().join("kept");
        let was_there = fs::rename(&directory, &kept).is_ok();
        symlink(&elsewhere, &directory).unwrap();
        let text = start_fails(&home);
        assert!(text.contains(" is a symbolic link, and has to be a directory\n"), "{text}");
        fs::remove_file(&directory).unwrap();
        if was_there {
            fs::rename(kept, directory).unwrap();
        }
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);

    // Of the files, those with a fixed name; a socket's place is made free.
    let victim = home.write("victim", "precious");
    fs::create_dir_all(paths.logs()).unwrap();
    let plant = |file: &Path| {
        let _ = fs::remove_file(file);
        symlink(&victim, file).unwrap();
    };
    for file in [paths.lock_file(), paths.start_lock(), paths.log_file()] {
        plant(&file);
        let text = start_fails(&home);
        assert!(text.contains("which is not followed here: remove it."), "{text}");
        fs::remove_file(&file).unwrap();
    }
    for file in [paths.socket(), paths.host_stderr(), paths.tcp(), paths.pid_file()] {
        plant(&file);
    }
    home.client(&["demo", "hello"]).ok();
    assert_eq!(home.read("victim").as_deref(), Some("precious"));
    assert!(!fs::symlink_metadata(paths.socket()).unwrap().is_symlink());
    assert_eq!(fs::metadata(victim).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn the_runtime_directory_may_be_a_link_to_another_disk() {
    let home = Home::new();
    let moved = home.path().join("disk");
    fs::rename(home.runtime(), &moved).unwrap();
    symlink(&moved, home.runtime()).unwrap();
    home.client(&["demo", "hello"]).ok();
    home.control(&["doctor"]).ok();
}
