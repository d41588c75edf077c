//! Stopping the host: SIGTERM, its own time to finish, then SIGKILL.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::alive::{self, Ping};
use super::cut::Cut;
use super::handover::{self, Reply, Request};
use super::hang::{Condition, Observer};
use super::locks;
use super::managed;
use super::start_lock::StartLock;
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::settings::Settings;

/// Time for the host beyond its own limits.
const GRACE: Duration = Duration::from_secs(5);
/// Time between two looks at a host that is to end.
const TICK: Duration = Duration::from_secs(1);
/// Number of phases with the shutdown timeout each: requests, hooks.
const PHASES: u32 = 2;

/// Result of stopping the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No daemon was running.
    NotRunning,
    /// It ended by itself, after it cut off what did not finish.
    Cleanly(Cut),
    /// It had to be killed: these processes.
    Killed(Vec<Pid>),
}

/// Stops the daemon, if one runs, within the shutdown timeout of the settings.
///
/// With an unreadable configuration the default timeout applies.
pub fn stop(paths: &Paths, env: &Environment, console: &Console) -> Result<Ended, Failure> {
    paths.create()?;
    let lock = StartLock::acquire(paths, || {
        console.progress("waiting for another process that starts or stops the daemon");
    })?;
    let service = managed::in_charge(paths, env, console);
    let ended = end(paths, shutdown_timeout(paths, env), &lock)?;
    if let Some(service) = service {
        // One that was killed would be started again, and so would one for which a connection waits.
        service.stop()?;
    }
    Ok(ended)
}

/// Returns the time for the daemon's requests and for its hooks.
pub fn shutdown_timeout(paths: &Paths, env: &Environment) -> Duration {
    Settings::load(&paths.config_file(), env)
        .map_or(Duration::from_secs(10), |settings| settings.shutdown_timeout.value.duration())
}

/// Ends the running daemon, if one runs, and those that drain, and returns when their processes are gone.
pub fn end(paths: &Paths, shutdown_timeout: Duration, _lock: &StartLock) -> Result<Ended, Failure> {
    let hung = hangs(paths);
    end_hosts(paths, shutdown_timeout, locks::hosts, locks::wait_for_end, hung)
}

/// Ends the running daemon, if one runs, and returns when its process is gone; those that drain go on.
///
/// One that is `hung` gets its time only once it handles the signal.
pub(super) fn end_serving(
    paths: &Paths,
    shutdown_timeout: Duration,
    hung: bool,
    _lock: &StartLock,
) -> Result<Ended, Failure> {
    end_hosts(paths, shutdown_timeout, serving, locks::wait_for_serving, hung)
}

/// True if a daemon serves and answers no ping.
pub(super) fn hangs(paths: &Paths) -> bool {
    locks::holder(paths).is_some() && alive::hangs(paths)
}

fn serving(paths: &Paths) -> Vec<Pid> {
    locks::holder(paths).into_iter().collect()
}

/// Ends all `hosts`, the serving one of which may be hung; `ended` blocks until none of them lives.
fn end_hosts(
    paths: &Paths,
    shutdown_timeout: Duration,
    hosts: fn(&Paths) -> Vec<Pid>,
    ended: fn(&Paths) -> io::Result<()>,
    hung: bool,
) -> Result<Ended, Failure> {
    let running = hosts(paths);
    if running.is_empty() {
        return Ok(Ended::NotRunning);
    }
    for pid in &running {
        check(*pid)?;
    }
    let serving = locks::holder(paths);
    let report = if hung { None } else { serving.and_then(|_| ask(paths)) };
    for pid in running {
        if report.is_none() || serving != Some(pid) {
            signal(pid, Signal::SIGTERM)?;
            // A stopped process handles SIGTERM only when it continues; others ignore SIGCONT.
            signal(pid, Signal::SIGCONT)?;
        }
    }
    let limit = shutdown_timeout * PHASES + GRACE;
    let mut ending = Ending { paths, hosts, ended, continued: false };
    // A hung daemon gets its full time only if it handles the signal: then it no longer listens.
    let is_stopping = || matches!(alive::ping(paths), Ping::NotListening);
    let has_ended = if hung {
        ending.wait(GRACE) || (is_stopping() && ending.wait(limit))
    } else {
        ending.wait(limit)
    };
    if has_ended {
        // What it wrote before its end is still there; without a connection its log has it.
        let report = report.and_then(|report| handover::receive(&report).ok());
        let Some(Reply::Stopped(cut)) = report else { return Ok(Ended::Cleanly(Cut::default())) };
        return Ok(Ended::Cleanly(cut));
    }
    let (killed, is_activated) = (hosts(paths), locks::is_activated(paths));
    for pid in &killed {
        signal(*pid, Signal::SIGKILL)?;
    }
    if ending.wait(GRACE) {
        for file in [paths.handover_socket(), paths.pid_file()] {
            let _ = std::fs::remove_file(file);
        }
        // Its service manager goes on listening there.
        if !is_activated {
            let _ = std::fs::remove_file(paths.socket());
        }
        return Ok(Ended::Killed(killed));
    }
    let pids: Vec<String> = killed.iter().map(Pid::to_string).collect();
    Err(Failure::environment(format!(
        "the daemon (process id {}) does not end after SIGKILL",
        pids.join(", ")
    )))
}

/// Has the daemon stop; returns the connection over which it will report, unless it does not answer.
fn ask(paths: &Paths) -> Option<UnixStream> {
    let connection = handover::connect(paths)?;
    handover::send(&connection, &Request::Stop).ok()?;
    matches!(handover::receive(&connection), Ok(Reply::Stopping)).then_some(connection)
}

/// Fails for a process that has no id here: the kernel gives 0 for one outside of this process's namespace, and `kill`
/// would take that for the caller's own group.
fn check(pid: Pid) -> Result<(), Failure> {
    if pid.as_raw() <= 0 {
        return Err(Failure::environment("the daemon runs outside of this container or sandbox")
            .hint("Run the command where the daemon was started."));
    }
    Ok(())
}

/// Sends `signal`; a process that is already gone is no error.
///
/// # Errors
/// A process that may not be sent signals, or has no id here.
fn signal(pid: Pid, signal: Signal) -> Result<(), Failure> {
    check(pid)?;
    match kill(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(Failure::environment(format!(
            "cannot send {signal} to the daemon (process id {pid}): {errno}"
        ))),
    }
}

/// The end of hosts, which is waited for.
struct Ending<'a> {
    paths: &'a Paths,
    hosts: fn(&Paths) -> Vec<Pid>,
    /// Blocks until none of them lives.
    ended: fn(&Paths) -> io::Result<()>,
    /// A host that was stopped by a signal meanwhile was continued.
    continued: bool,
}

impl Ending<'_> {
    /// Returns false if a host lives after `limit`, or was stopped again: a process that does not run does not end.
    fn wait(&mut self, limit: Duration) -> bool {
        let (sender, receiver) = mpsc::channel();
        let (paths, ended) = (self.paths.clone(), self.ended);
        // The kernel wakes this thread at the end; after the limit it is left behind, holding nothing.
        thread::spawn(move || {
            let _ = sender.send(ended(&paths).is_ok());
        });
        let begun = Instant::now();
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            match receiver.recv_timeout(TICK.min(left)) {
                Ok(has_ended) => return has_ended,
                Err(_) if left <= TICK => return false,
                Err(_) => {}
            }
            if self.is_stopped() && std::mem::replace(&mut self.continued, true) {
                return false;
            }
        }
    }

    /// True if a signal has stopped a host, which is continued.
    fn is_stopped(&self) -> bool {
        let is_stopped = |pid: &Pid| {
            let condition = Observer::default().condition(*pid);
            matches!(condition, Condition::Stopped | Condition::Suspended)
        };
        let stopped: Vec<Pid> = (self.hosts)(self.paths).into_iter().filter(is_stopped).collect();
        // It can fail only for one that has ended.
        stopped.iter().for_each(|pid| drop(signal(*pid, Signal::SIGCONT)));
        !stopped.is_empty()
    }
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
