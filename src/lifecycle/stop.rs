//! Stopping the host: SIGTERM, its own time to finish, then SIGKILL.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::alive::{self, Ping};
use super::locks::{self, StartLock};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::settings::Settings;

/// Time for the host beyond its own limits.
const GRACE: Duration = Duration::from_secs(5);
/// Number of phases with the shutdown timeout each: requests, hooks.
const PHASES: u32 = 2;

/// Result of stopping the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No daemon was running.
    NotRunning,
    /// It finished its work and ended.
    Cleanly,
    /// It had to be killed.
    Killed,
}

/// Stops the daemon, if one runs, within the shutdown timeout of the settings.
///
/// With an unreadable configuration the default timeout applies.
pub fn stop(paths: &Paths, env: &Environment, console: &Console) -> Result<Ended, Failure> {
    paths.create()?;
    let lock = StartLock::acquire(paths, || {
        console.progress("waiting for another process that starts or stops the daemon");
    })?;
    end(paths, shutdown_timeout(paths, env), &lock)
}

/// Returns the time for the daemon's requests and for its hooks.
pub fn shutdown_timeout(paths: &Paths, env: &Environment) -> Duration {
    Settings::load(&paths.config_file(), env)
        .map_or(Duration::from_secs(10), |settings| settings.shutdown_timeout.value.duration())
}

/// Ends the running daemon, if one runs, and returns when the process is gone.
pub fn end(paths: &Paths, shutdown_timeout: Duration, _lock: &StartLock) -> Result<Ended, Failure> {
    let Some(pid) = locks::holder(paths) else { return Ok(Ended::NotRunning) };
    end_process(paths, pid, alive::hangs(paths), shutdown_timeout)
}

/// Ends a daemon that was found to hang, as [`end`] does.
pub(super) fn end_hung(
    paths: &Paths,
    shutdown_timeout: Duration,
    _lock: &StartLock,
) -> Result<Ended, Failure> {
    let Some(pid) = locks::holder(paths) else { return Ok(Ended::NotRunning) };
    end_process(paths, pid, true, shutdown_timeout)
}

fn end_process(
    paths: &Paths,
    pid: Pid,
    hung: bool,
    shutdown_timeout: Duration,
) -> Result<Ended, Failure> {
    signal(pid, Signal::SIGTERM)?;
    // A stopped process handles SIGTERM only when it continues; others ignore SIGCONT.
    signal(pid, Signal::SIGCONT)?;
    let limit = shutdown_timeout * PHASES + GRACE;
    // A hung daemon gets its full time only if it handles the signal: then it no longer listens.
    let is_stopping = || matches!(alive::ping(paths), Ping::NotListening);
    let ended = if hung {
        wait(paths, GRACE) || (is_stopping() && wait(paths, limit))
    } else {
        wait(paths, limit)
    };
    if ended {
        return Ok(Ended::Cleanly);
    }
    signal(pid, Signal::SIGKILL)?;
    if wait(paths, GRACE) {
        let _ = std::fs::remove_file(paths.socket());
        let _ = std::fs::remove_file(paths.pid_file());
        return Ok(Ended::Killed);
    }
    Err(Failure::environment(format!("the daemon (process id {pid}) does not end after SIGKILL")))
}

/// Sends `signal`; a process that is already gone is no error.
///
/// # Errors
/// A process that may not be sent signals, or has no id here: the kernel gives 0 for one outside of this process's
/// namespace, and `kill` would take that for the caller's own group.
fn signal(pid: Pid, signal: Signal) -> Result<(), Failure> {
    if pid.as_raw() <= 0 {
        return Err(Failure::environment("the daemon runs outside of this container or sandbox")
            .hint("Run the command where the daemon was started."));
    }
    match kill(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(Failure::environment(format!(
            "cannot send {signal} to the daemon (process id {pid}): {errno}"
        ))),
    }
}

/// Waits until no daemon lives; returns false if one still does after `limit`.
fn wait(paths: &Paths, limit: Duration) -> bool {
    let (sender, receiver) = mpsc::channel();
    let paths = paths.clone();
    // The kernel wakes this thread at the daemon's end; after the limit it is left behind, holding nothing.
    thread::spawn(move || {
        let _ = sender.send(locks::wait_for_end(&paths).is_ok());
    });
    receiver.recv_timeout(limit).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_signal_is_sent_to_a_process_without_an_id() {
        for pid in [0, -1] {
            // 0 would be this process's own group, -1 every process.
            assert!(signal(Pid::from_raw(pid), Signal::SIGCONT).is_err());
        }
    }
}
