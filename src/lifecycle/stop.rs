//! Stopping the host: SIGTERM, its own time to finish, then SIGKILL.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::locks::{self, StartLock};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::settings::Settings;

/// What the host gets beyond its own limits.
const GRACE: Duration = Duration::from_secs(5);
/// Requests get the shutdown timeout, and then hooks get it again.
const PHASES: u32 = 2;

/// How a daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There was none.
    NotRunning,
    /// It finished its work and ended.
    Cleanly,
    /// It had to be killed.
    Killed,
}

/// Stops the daemon, if there is one, with the time that the settings give it.
///
/// A configuration that cannot be read does not keep a daemon from being stopped.
pub fn stop(paths: &Paths, env: &Environment, console: &Console) -> Result<Ended, Failure> {
    paths.create()?;
    let lock = StartLock::acquire(paths, || {
        console.progress("waiting for another process that starts or stops the daemon");
    })?;
    end(paths, shutdown_timeout(paths, env), &lock)
}

/// The time a daemon gets to finish its requests and hooks.
pub fn shutdown_timeout(paths: &Paths, env: &Environment) -> Duration {
    Settings::load(&paths.config_file(), env)
        .map_or(Duration::from_secs(10), |settings| settings.shutdown_timeout.value.duration())
}

/// Ends the running daemon, if there is one, and returns when the process is gone.
pub fn end(paths: &Paths, shutdown_timeout: Duration, _lock: &StartLock) -> Result<Ended, Failure> {
    let Some(pid) = locks::holder(paths) else { return Ok(Ended::NotRunning) };
    signal(pid, Signal::SIGTERM)?;
    if wait(paths, shutdown_timeout * PHASES + GRACE) {
        return Ok(Ended::Cleanly);
    }
    signal(pid, Signal::SIGKILL)?;
    if wait(paths, GRACE) {
        let _ = std::fs::remove_file(paths.socket());
        let _ = std::fs::remove_file(paths.pid_file());
        return Ok(Ended::Killed);
    }
    Err(Failure::environment(format!(
        "the daemon (process id {pid}) does not end, not even by SIGKILL"
    )))
}

/// Sends `signal`; a process that is already gone is no error.
fn signal(pid: Pid, signal: Signal) -> Result<(), Failure> {
    match kill(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(Failure::environment(format!(
            "cannot send {signal} to the daemon (process id {pid}): {errno}"
        ))),
    }
}

/// Waits until no daemon lives; false if one still does after `limit`.
fn wait(paths: &Paths, limit: Duration) -> bool {
    let (sender, receiver) = mpsc::channel();
    let paths = paths.clone();
    // The kernel wakes this thread at the daemon's end; after the limit it is left behind, holding nothing.
    thread::spawn(move || {
        let _ = sender.send(locks::wait_for_end(&paths).is_ok());
    });
    receiver.recv_timeout(limit).unwrap_or(false)
}
