//! A unit of `systemd --user`, with the daemon's Unix socket as a unit of its own.
//!
//! systemd listens on the socket from login on. A stop of the service leaves it listening, so that the next program that
//! connects starts the service again, and what is sent while the service starts again waits in the socket's queue.

mod unit;

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

use super::program::{PATIENT, PROMPT, Program};
use super::state::State;
use crate::environment::{self, Environment};
use crate::failure::Failure;

pub(super) use unit::texts;

/// Where links to the units of a login are.
const WANTED_BY: [&str; 2] = ["default.target.wants", "sockets.target.wants"];
/// The directory of the users whose manager runs without a login.
const LINGERING: &str = "/var/lib/systemd/linger";
/// What is asked of a service.
const PROPERTIES: &str =
    "ActiveState,SubState,MainPID,StateChangeTimestamp,UnitFileState,NRestarts,Result,StatusText";

/// The directory of the user's own units.
pub(super) fn directory(home: &Path, env: &Environment) -> PathBuf {
    let config = env.path(environment::XDG_CONFIG_HOME).unwrap_or_else(|| home.join(".config"));
    config.join("systemd/user")
}

/// The unit of the service.
pub(super) fn service_name(name: &str) -> String {
    format!("{name}.service")
}

/// The unit of its socket.
fn socket_name(name: &str) -> String {
    format!("{name}.socket")
}

/// The files of a service.
pub(super) fn file_names(name: &str) -> Vec<String> {
    vec![service_name(name), socket_name(name)]
}

/// The links that have both units start at login.
pub(super) fn links(directory: &Path, name: &str) -> Vec<PathBuf> {
    let links = WANTED_BY.iter().zip(file_names(name));
    links.map(|(target, file)| directory.join(target).join(file)).collect()
}

/// Fails unless the user's manager can be reached.
pub(super) fn check(program: &Program) -> Result<(), Failure> {
    program.find()?;
    let socket = program.session.join("systemd/private");
    UnixStream::connect(&socket).map(drop).map_err(|error| {
        Failure::environment(format!(
            "systemd runs no manager for this user here ({}: {error})",
            socket.display()
        ))
        .hint("Log in on this machine, or have an administrator run `loginctl enable-linger USER`.")
    })
}

/// Has the manager read its files again.
pub(super) fn reload(program: &Program) -> Result<(), Failure> {
    program.done(&["--user", "daemon-reload"], PROMPT)
}

/// Has both units start at login.
pub(super) fn enable(program: &Program, name: &str) -> Result<(), Failure> {
    reload(program)?;
    program.done(&["--user", "enable", "--quiet", &service_name(name), &socket_name(name)], PROMPT)
}

/// Ends both units, and has neither start at login.
pub(super) fn disable(program: &Program, name: &str) -> Result<(), Failure> {
    let (service, socket) = (service_name(name), socket_name(name));
    program.done(&["--user", "disable", "--quiet", "--now", &socket, &service], PATIENT)
}

/// Starts both; one that failed too often may try again.
pub(super) fn start(program: &Program, name: &str) -> Result<(), Failure> {
    forgive(program, name);
    let (service, socket) = (service_name(name), socket_name(name));
    program.done(&["--user", "start", &socket, &service], PATIENT)
}

pub(super) fn restart(program: &Program, name: &str) -> Result<(), Failure> {
    forgive(program, name);
    program.done(&["--user", "start", &socket_name(name)], PATIENT)?;
    program.done(&["--user", "restart", &service_name(name)], PATIENT)
}

/// Stops the service; its socket goes on.
pub(super) fn stop(program: &Program, name: &str) -> Result<(), Failure> {
    program.done(&["--user", "stop", &service_name(name)], PATIENT)
}

/// Stops both.
pub(super) fn shut_down(program: &Program, name: &str) -> Result<(), Failure> {
    program.done(&["--user", "stop", &socket_name(name), &service_name(name)], PATIENT)
}

/// Clears the count of failed starts.
fn forgive(program: &Program, name: &str) {
    // Fails for units that have not failed.
    let _ =
        program.run(&["--user", "reset-failed", &service_name(name), &socket_name(name)], PROMPT);
}

/// Asks for the state of both units.
pub(super) fn state(program: &Program, name: &str) -> Result<State, Failure> {
    let show = |unit: &str, properties: &str| {
        let property = format!("--property={properties}");
        program.run(&["--user", "show", unit, &property], PROMPT).map(|output| output.stdout)
    };
    let mut state = parse(&show(&service_name(name), PROPERTIES)?);
    let socket = show(&socket_name(name), "ActiveState")?;
    state.listens = Some(value(&socket, "ActiveState") == Some("active"));
    state.lingers = User::from_uid(geteuid())
        .ok()
        .flatten()
        .map(|user| fs::exists(Path::new(LINGERING).join(user.name)).unwrap_or(false));
    Ok(state)
}

/// Returns the value of `key` in the lines `KEY=VALUE`, unless it is empty.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let of_key = |line: &'a str| line.split_once('=').filter(|(name, _)| *name == key);
    let (_, value) = text.lines().find_map(of_key)?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

fn parse(text: &str) -> State {
    let of = |key| value(text, key);
    let word = |key| of(key).unwrap_or("unknown");
    State {
        active: matches!(of("ActiveState"), Some("active" | "activating" | "reloading")),
        word: format!("{} ({})", word("ActiveState"), word("SubState")),
        pid: of("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 0),
        since: of("StateChangeTimestamp").map(str::to_owned),
        restarts: of("NRestarts").and_then(|count| count.parse().ok()),
        failure: of("Result").filter(|result| *result != "success").map(str::to_owned),
        report: of("StatusText").map(str::to_owned),
        at_login: matches!(of("UnitFileState"), Some("enabled" | "enabled-runtime")),
        listens: None,
        lingers: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_shows_is_read() {
        let state = parse(
            "ActiveState=active\nSubState=running\nMainPID=42\nNRestarts=1\nResult=success\n\
             StateChangeTimestamp=Sat 2026-11-28 06:39:00 UTC\nUnitFileState=enabled\n\
             StatusText=serving a=b\n",
        );
        assert!(state.active && state.at_login);
        assert_eq!((state.pid, state.restarts), (Some(42), Some(1)));
        assert_eq!(state.word, "active (running)");
        assert_eq!(state.since.as_deref(), Some("Sat 2026-11-28 06:39:00 UTC"));
        assert_eq!(state.report.as_deref(), Some("serving a=b"));
        assert_eq!(state.failure, None);
        let failed = parse(
            "ActiveState=failed\nSubState=failed\nMainPID=0\nResult=watchdog\nUnitFileState=\n",
        );
        assert_eq!((failed.active, failed.pid, failed.at_login), (false, None, false));
        assert_eq!(failed.failure.as_deref(), Some("watchdog"));
        assert_eq!(parse("").word, "unknown (unknown)");
    }
}
