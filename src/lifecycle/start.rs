//! Starting the host and waiting for its own word.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::locks::{self, StartLock};
use super::{Connection, connect, launch, stop};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::paths::Paths;
use crate::settings::Settings;
use crate::wire::{Ready, Startup};

/// How much of the host's stderr an error quotes, in lines from its end.
const QUOTED_LINES: usize = 3;

/// How long a host that starts may give no sign of life; it sends one each [`wire::HEARTBEAT`](crate::wire::HEARTBEAT).
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// What was found or done.
#[derive(Debug)]
pub enum Started {
    /// A daemon was already running.
    Found(Connection),
    /// This call started one.
    Fresh(Connection, Ready),
}

impl Started {
    /// The connection, however it came about.
    pub fn connection(self) -> Connection {
        match self {
            Started::Found(connection) | Started::Fresh(connection, _) => connection,
        }
    }
}

/// A failed start, kept for those who waited for it.
#[derive(Serialize, Deserialize)]
struct StartFailure {
    at: SystemTime,
    failure: Failure,
}

/// Connects to the daemon, after starting it if there is none.
pub fn ensure_running(
    paths: &Paths,
    env: &Environment,
    console: &Console,
) -> Result<Started, Failure> {
    if let Some(connection) = connect(paths)? {
        return Ok(Started::Found(connection));
    }
    paths.create()?;
    let asked = SystemTime::now();
    let mut waited = false;
    let lock = StartLock::acquire(paths, || {
        waited = true;
        console.progress("waiting for another process that starts or stops the daemon");
    })?;
    if let Some(connection) = connect(paths)? {
        return Ok(Started::Found(connection));
    }
    if waited && let Some(failure) = failure_since(paths, asked) {
        return Err(failure);
    }
    start_locked(paths, env, console, &lock)
}

/// Starts the daemon; the caller holds the start lock and found no daemon listening.
pub fn start_locked(
    paths: &Paths,
    env: &Environment,
    console: &Console,
    lock: &StartLock,
) -> Result<Started, Failure> {
    let outcome = Settings::load(&paths.config_file(), env).and_then(|settings| {
        // Alive, yet not listening: it is stopping, or its socket was removed. Either way it must end first.
        if locks::holder(paths).is_some() {
            console.progress("waiting for the previous daemon to end");
            stop::end(paths, settings.shutdown_timeout.value.duration(), lock)?;
        }
        spawn(paths, env, &settings, console)
    });
    match &outcome {
        Ok(_) => drop(fs::remove_file(paths.start_failure())),
        Err(failure) => remember(paths, failure),
    }
    outcome
}

fn spawn(
    paths: &Paths,
    env: &Environment,
    settings: &Settings,
    console: &Console,
) -> Result<Started, Failure> {
    console.progress("starting the skills daemon");
    let (mut command, _) = launch::host_command(paths, env, settings, false)?;
    launch::redirect_stderr(&mut command, paths)?;
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| {
            Failure::environment(format!(
                "cannot run {}: {error}",
                command.get_program().to_string_lossy()
            ))
        })?;
    let report = lines(child.stdout.take());
    loop {
        let line = match report.recv_timeout(SILENCE_MAX) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Err(died(&mut child, paths)),
            Err(RecvTimeoutError::Timeout) => return Err(hung(&mut child)),
        };
        match serde_json::from_str(&line) {
            Ok(Startup::Alive) => {}
            Ok(Startup::Progress { text }) => console.progress(&text),
            Ok(Startup::Failed { failure }) => {
                // Reaped, so that it is gone when the caller hears of it.
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

/// The lines of the host's report, read on a thread of their own, so that waiting for one has a limit.
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

/// Kills a host that hangs while it starts, which no other program uses yet.
fn hung(child: &mut Child) -> Failure {
    let pid = child.id();
    // Fails only for one that has ended.
    let _ = child.kill();
    let _ = child.wait();
    Failure::new(
        Kind::Unavailable,
        format!(
            "the daemon (process id {pid}) hung while it started and was killed: no sign of life for {} s",
            SILENCE_MAX.as_secs()
        ),
    )
    .hint("Run the command again; `skills-daemon logs` has how far it came.")
}

/// The failure of a host that ended without a word, in the words of the loader or of its crash.
fn died(child: &mut Child, paths: &Paths) -> Failure {
    let status = child.wait().map_or("an unknown status".to_owned(), |status| status.to_string());
    let stderr = fs::read(paths.host_stderr()).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&stderr);
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    let quoted = lines[lines.len().saturating_sub(QUOTED_LINES)..].join(" | ");
    let said = if quoted.is_empty() { String::new() } else { format!(": {quoted}") };
    Failure::environment(format!("the daemon ended while it started ({status}){said}"))
        .hint("Run `skills-daemon doctor`.")
}

fn failure_since(paths: &Paths, asked: SystemTime) -> Option<Failure> {
    let bytes = fs::read(paths.start_failure()).ok()?;
    let kept: StartFailure = serde_json::from_slice(&bytes).ok()?;
    (kept.at >= asked).then_some(kept.failure)
}

/// Keeps the failure for those who wait; where even that cannot be written, they fail by themselves.
fn remember(paths: &Paths, failure: &Failure) {
    let kept = StartFailure { at: SystemTime::now(), failure: failure.clone() };
    if let Ok(text) = serde_json::to_vec(&kept) {
        let _ = fs::write(paths.start_failure(), text);
    }
}
