//! Starting the host and waiting until it reports that it is ready.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::unistd::Pid;

use super::alive::Ping;
use super::hang::Observer;
use super::launch::Keeper;
use super::locks;
use super::start_failure::{failure_since, remember};
use super::start_lock::StartLock;
use super::{Connection, alive, connect, handover, launch, managed, start_lock, stop};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::paths::Paths;
use crate::settings::Settings;
use crate::wire::{Ready, Startup};

/// Number of lines from the end of the host's stderr that an error quotes.
const QUOTED_LINES: usize = 3;

/// The longest silence of a host that starts; it sends a heartbeat each [`wire::HEARTBEAT`](crate::wire::HEARTBEAT).
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// The longest time of one step of a start: large packages take their time to be fetched.
const STEP_MAX: Duration = start_lock::WAIT_MAX;

/// Result of starting the daemon.
#[derive(Debug)]
pub enum Started {
    /// A daemon was already running.
    Found(Connection),
    /// This call started one.
    Fresh(Connection, Ready),
}

impl Started {
    /// Returns the connection.
    pub fn connection(self) -> Connection {
        match self {
            Started::Found(connection) | Started::Fresh(connection, _) => connection,
        }
    }
}

/// Connects to the daemon, after starting it if none runs.
pub fn ensure_running(
    paths: &Paths,
    env: &Environment,
    console: &Console,
) -> Result<Started, Failure> {
    if let Some(connection) = connect(paths)? {
        return Ok(Started::Found(connection));
    }
    paths.create()?;
    let begin = SystemTime::now();
    let mut waited = false;
    let lock = StartLock::acquire(paths, || {
        waited = true;
        console.progress("waiting for another process that starts or stops the daemon");
    })?;
    if let Some(connection) = connect(paths)? {
        return Ok(Started::Found(connection));
    }
    if waited && let Some(failure) = failure_since(paths, begin) {
        return Err(failure);
    }
    start_locked(paths, env, console, &lock)
}

/// Replaces the running daemon, which hands over to the new one if it can; starts one if none runs.
///
/// # Errors
/// The new one does not come up; one that hands over goes on serving then.
pub fn replace(paths: &Paths, env: &Environment, console: &Console) -> Result<Started, Failure> {
    replace_unless(paths, env, console, || false)
}

/// Replaces a daemon that is older than this program or has lost its venv, unless another program has done it.
///
/// # Errors
/// As for [`replace`].
pub fn replace_outdated(
    paths: &Paths,
    env: &Environment,
    console: &Console,
) -> Result<Started, Failure> {
    replace_unless(paths, env, console, || match alive::ping(paths) {
        Ping::Answered(Some(status)) => {
            status.ready.version == crate::VERSION && paths.venv_python().exists()
        }
        _ => false,
    })
}

fn replace_unless(
    paths: &Paths,
    env: &Environment,
    console: &Console,
    is_current: impl FnOnce() -> bool,
) -> Result<Started, Failure> {
    paths.create()?;
    // A program that may not connect to the daemon must not stop it either: it could not start another.
    alive::check_access(paths)?;
    let lock = StartLock::acquire(paths, || {
        console.progress("waiting for another process that starts or stops the daemon");
    })?;
    if is_current()
        && let Some(connection) = connect(paths)?
    {
        return Ok(Started::Found(connection));
    }
    // One that hangs accepts the connection and says nothing.
    let hung = stop::hangs(paths);
    if let Some(service) = managed::in_charge(paths, env, console) {
        let limit = stop::shutdown_timeout(paths, env);
        if hung || !managed::keeps(&service, paths) {
            stop::end_serving(paths, limit, hung, &lock)?;
        }
        return fresh(managed::restart(&service, paths, console));
    }
    let serves = locks::holder(paths).is_some() && !hung;
    match handover::connect(paths).filter(|_| serves) {
        Some(old) => take_over(paths, env, console, &old),
        None => {
            stop::end_serving(paths, stop::shutdown_timeout(paths, env), hung, &lock)?;
            start_locked(paths, env, console, &lock)
        }
    }
}

/// Starts a host that takes over from the one at the other end of `old`.
fn take_over(
    paths: &Paths,
    env: &Environment,
    console: &Console,
    old: &UnixStream,
) -> Result<Started, Failure> {
    // Where it is gone by now, the new host finds that out.
    let _ = handover::send(old, &handover::Request::TakeOver);
    let outcome = Settings::load(&paths.config_file(), env)
        .and_then(|settings| spawn(paths, env, &settings, console, Some(old)));
    if let Err(failure) = &outcome {
        let _ = handover::send(old, &handover::Request::Failed { failure: failure.clone() });
        if let Some(pid) = locks::holder(paths) {
            console.warning(&format!("the running daemon (process id {pid}) was not replaced"));
        }
    }
    outcome
}

/// Starts the daemon; the caller holds the start lock and found no daemon listening.
pub fn start_locked(
    paths: &Paths,
    env: &Environment,
    console: &Console,
    lock: &StartLock,
) -> Result<Started, Failure> {
    let outcome = Settings::load(&paths.config_file(), env).and_then(|settings| {
        let service = managed::in_charge(paths, env, console);
        // Alive, yet not listening: it is stopping, or its socket was removed. Either way it must end first, unless a
        // service manager is starting it.
        if locks::holder(paths).is_some() && (service.is_none() || locks::starting(paths).is_none())
        {
            console.progress("waiting for the previous daemon to end");
            let (limit, hung) = (settings.shutdown_timeout.value.duration(), stop::hangs(paths));
            stop::end_serving(paths, limit, hung, lock)?;
        }
        match service {
            Some(service) => fresh(managed::start(&service, paths, console)),
            None => match alive::reach(paths) {
                // A service manager without files of ours: the connection has it start the daemon.
                Ok(Some(connection)) => Ok(Started::Found(connection)),
                _ => spawn(paths, env, &settings, console, None),
            },
        }
    });
    match &outcome {
        Ok(_) => drop(fs::remove_file(paths.start_failure())),
        Err(failure) => remember(paths, failure),
    }
    outcome
}

fn fresh(started: Result<(Connection, Ready), Failure>) -> Result<Started, Failure> {
    started.map(|(connection, ready)| Started::Fresh(connection, ready))
}

/// Starts a host, which takes over from the one at the other end of `old`, and waits until it is ready.
fn spawn(
    paths: &Paths,
    env: &Environment,
    settings: &Settings,
    console: &Console,
    old: Option<&UnixStream>,
) -> Result<Started, Failure> {
    console.progress("starting the skills daemon");
    let (mut command, _) = launch::host_command(paths, env, settings, Keeper::Launcher)?;
    launch::redirect_stderr(&mut command, paths)?;
    let run = |command: &mut Command| {
        // The one descriptor that a child inherits for sure, whatever else is open.
        let stdin = match old {
            Some(old) => Stdio::from(OwnedFd::from(old.try_clone()?)),
            None => Stdio::null(),
        };
        if old.is_some() {
            command.arg(launch::TAKE_OVER);
        }
        command.stdin(stdin).stdout(Stdio::piped()).spawn()
    };
    let mut child = run(&mut command).map_err(|error| {
        let program = command.get_program().to_string_lossy();
        Failure::environment(format!("cannot run {program}: {error}"))
    })?;
    let report = lines(child.stdout.take());
    let (mut step, mut begun) = (String::new(), Instant::now());
    loop {
        let line = match report.recv_timeout(SILENCE_MAX) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Err(died(&mut child, paths)),
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("no heartbeat for {} s", SILENCE_MAX.as_secs());
                return Err(hung(&mut child, &why, &step));
            }
        };
        if begun.elapsed() > STEP_MAX {
            let why = format!("no progress for {} min", STEP_MAX.as_secs() / 60);
            return Err(hung(&mut child, &why, &step));
        }
        match serde_json::from_str(&line) {
            Ok(Startup::Alive) => {}
            Ok(Startup::Progress { text }) => {
                console.progress(&text);
                (step, begun) = (text, Instant::now());
            }
            Ok(Startup::Failed { failure }) => {
                // Reaped, so that the process is gone when this returns.
                let _ = child.wait();
                return Err(failure);
            }
            Ok(Startup::Ready(ready)) => {
                return match connect(paths)? {
                    Some(connection) => Ok(Started::Fresh(connection, ready)),
                    None => Err(died(&mut child, paths)),
                };
            }
            Err(_) => console.progress(&line),
        }
    }
}

/// Returns the lines of the host's report, read on a thread, so that waiting for one has a timeout.
fn lines(report: Option<ChildStdout>) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let report = report.map(BufReader::new);
        for line in report.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Kills a host that hangs while it starts, before any other program uses it; `step` is the last that it reported.
fn hung(child: &mut Child, why: &str, step: &str) -> Failure {
    let pid = child.id();
    let process = i32::try_from(pid).map(Pid::from_raw);
    let condition = process.map_or("", |pid| Observer::default().condition(pid).reason());
    let details = [condition, step].into_iter().filter(|detail| !detail.is_empty());
    let details: String = details.map(|detail| format!("; {detail}")).collect();
    // Fails only for a process that has ended.
    let _ = child.kill();
    let _ = child.wait();
    Failure::new(
        Kind::Unavailable,
        format!(
            "the daemon (process id {pid}) hung while it started and was killed ({why}{details})"
        ),
    )
    .hint("Run the command again; `skills-daemon logs` shows the steps before.")
}

/// Returns the failure of a host that ended without a report, with the end of its stderr.
fn died(child: &mut Child, paths: &Paths) -> Failure {
    let status = child.wait().map_or("an unknown status".to_owned(), |status| status.to_string());
    let stderr = fs::read(paths.host_stderr()).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&stderr);
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    let quoted = lines[lines.len().saturating_sub(QUOTED_LINES)..].join(" | ");
    let output = if quoted.is_empty() { String::new() } else { format!(": {quoted}") };
    Failure::environment(format!("the daemon ended while it started ({status}){output}"))
        .hint("Run `skills-daemon doctor`.")
}
