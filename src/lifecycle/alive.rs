//! Detection of a daemon that hangs, and connections that wait exactly as long as the daemon lives.
//!
//! A request may take as long as its plugin needs. The daemon's I/O threads answer a ping (`GET` of
//! [`wire::STATUS`]) independently of plugins, so a daemon that answers none hangs: it was stopped by a signal, or
//! is deadlocked. Every wait for the daemon is interrupted each [`TICK`] for a ping on a connection of its own. How
//! many consecutive ones without an answer within [`PING_MAX`] end it depends on what the process does
//! ([`hang::verdict`]); a client may replace the daemon then ([`guarded`]).

use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::connection::{ConnectError, Connection, Way};
use super::hang::{self, Condition, Hang, Observer, Replaced, Verdict};
use super::locks;
use super::request::Request;
use super::response::{ExchangeError, Response};
use super::sandbox;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::paths::Paths;
use crate::wire::{self, Status};

/// Time between two pings during a wait.
pub const TICK: Duration = Duration::from_secs(1);
/// Timeout of a ping.
const PING_MAX: Duration = Duration::from_secs(1);
/// Number of consecutive pings without an answer after which a daemon that is to end is considered hung.
const SILENT_MAX: u32 = 3;
/// Timeout of a connection in the daemon's queue, in ticks.
const QUEUED_TICKS: usize = 4;
/// Timeout of a daemon that no longer listens; its own limits end it sooner.
const ENDING_MAX: Duration = Duration::from_secs(300);

/// Result of a ping.
#[derive(Debug)]
pub enum Ping {
    /// The daemon answered, with its status unless that of another version is not readable.
    Answered(Option<Box<Status>>),
    /// No process listens.
    NotListening,
    /// A process listens and did not answer within the timeout.
    TimedOut,
}

/// Connects to the daemon; `None` where none runs. The connection waits as long as the daemon lives.
///
/// A socket on which a service manager listens for a daemon that does not run is left alone: a connection would start it.
///
/// # Errors
/// The kernel refuses the connection, so that the daemon's state is unknown; or the daemon hangs.
pub fn connect(paths: &Paths) -> Result<Option<Connection>, Failure> {
    // While one host hands over to another, none has the role for a moment, and connections wait in the socket.
    let may_hand_over = || !locks::hosts(paths).is_empty() && !locks::is_activated(paths);
    if locks::is_free(paths) && !may_hand_over() {
        return Ok(None);
    }
    reach(paths).map_err(|error| not_connected(paths, &error))
}

/// Connects to the daemon, or to the service manager that starts it then, with the error as it is.
pub fn reach(paths: &Paths) -> Result<Option<Connection>, ConnectError> {
    let connection = Connection::open(paths, TICK, QUEUED_TICKS)?;
    Ok(connection.map(|connection| guarded(connection, paths, |_| {}, |_| Replaced::No)))
}

/// Connects as [`reach`] does, by the TCP port where the Unix socket is refused.
///
/// # Errors
/// Both are refused, or no daemon is known to listen on TCP; or the daemon hangs.
pub fn reach_anyhow(paths: &Paths, env: &Environment) -> Result<Option<Connection>, Unreached> {
    let refused = match reach(paths) {
        Err(refused @ ConnectError::Refused { .. }) => refused,
        Err(error) => return Err(Unreached::Unresponsive(error)),
        Ok(connection) => return Ok(connection),
    };
    let (error, start) = match Connection::open_tcp(paths, TICK) {
        Ok(Some(connection)) => {
            return Ok(Some(guarded(connection, paths, |_| {}, |_| Replaced::No)));
        }
        Ok(None) => (
            ", and none listens on TCP".to_owned(),
            "If it does not run, start it outside of the sandbox: `skills-daemon start`. ",
        ),
        Err((address, error)) => (format!(", nor to {address}: {error}"), ""),
    };
    let failure = Failure::environment(format!("{refused}{error}{}", left_alone(paths)));
    let remedy = sandbox::remedy(env, &paths.socket());
    Err(Unreached::Forbidden(failure.hint(format!("{start}{remedy}"))))
}

/// Error of reaching a daemon on any way.
#[derive(Debug)]
pub enum Unreached {
    /// The daemon accepts no connections.
    Unresponsive(ConnectError),
    /// The kernel refuses them.
    Forbidden(Failure),
}

/// Returns the connection with an `observer` of the daemon's status, called after each ping, and with `on_hang`,
/// called when the daemon is not waited for any longer.
pub fn guarded(
    mut connection: Connection,
    paths: &Paths,
    observer: impl FnMut(&Status) + 'static,
    on_hang: impl FnMut(&Hang) -> Replaced + 'static,
) -> Connection {
    connection.set_waiting(Box::new(watch(connection.way(), paths, observer, on_hang)));
    connection
}

/// Returns the decision, after each [`TICK`] of a wait for a daemon that was reached by `way`, whether to go on waiting;
/// for `observer` and `on_hang` see [`guarded`].
pub fn watch<O: FnMut(&Status), H: FnMut(&Hang) -> Replaced>(
    way: Way,
    paths: &Paths,
    observer: O,
    on_hang: H,
) -> impl FnMut() -> bool + use<O, H> {
    let (paths, silence) = (paths.clone(), Silence::default());
    let mut watchdog =
        Watchdog { paths, way, silence, ending: None, ended: false, observer, on_hang };
    move || watchdog.goes_on()
}

/// Pings a daemon that takes no connections until it answers, ends, or is not waited for any longer.
pub fn judge(paths: &Paths) -> Option<Hang> {
    let mut silence = Silence::default();
    loop {
        if !matches!(ping(paths), Ping::TimedOut) {
            return None;
        }
        if let Some(hang) = silence.goes_on(paths) {
            return Some(hang);
        }
    }
}

/// Pings the daemon; takes [`PING_MAX`] at most.
pub fn ping(paths: &Paths) -> Ping {
    ping_by(Way::Unix, paths)
}

fn ping_by(way: Way, paths: &Paths) -> Ping {
    let opened = match way {
        Way::Unix => Connection::open(paths, PING_MAX, 1).ok(),
        Way::Tcp => Connection::open_tcp(paths, PING_MAX).ok(),
    };
    let connection = match opened {
        Some(Some(connection)) => connection,
        Some(None) => return Ping::NotListening,
        // No connection is no answer either.
        None => return Ping::TimedOut,
    };
    match connection.send(&Request::get(wire::STATUS)).and_then(Response::bytes) {
        Ok(body) => Ping::Answered(serde_json::from_slice(&body).ok()),
        Err(ExchangeError::Unresponsive) => Ping::TimedOut,
        // It closed the connection, so it lives.
        Err(_) => Ping::Answered(None),
    }
}

/// True if the daemon listens and answers no ping.
pub fn hangs(paths: &Paths) -> bool {
    let mut process = Observer::default();
    for _ in 0..SILENT_MAX {
        if !matches!(ping(paths), Ping::TimedOut) {
            return false;
        }
        if !process.look(paths).1.runs() {
            return true;
        }
    }
    true
}

/// Returns the failure of a daemon that hangs.
pub fn unresponsive(paths: &Paths) -> Failure {
    let (pid, condition) = Observer::default().look(paths);
    let reason = in_brackets(condition);
    let hint = match condition {
        Condition::Suspended => {
            "Continue it in its terminal (`fg`), or run `skills-daemon restart`."
        }
        Condition::Traced => "Detach the debugger, or run `skills-daemon restart`.",
        Condition::Absent => "Run `skills-daemon doctor`, or look at its service.",
        _ => "Run `skills-daemon restart`.",
    };
    let error = format!("the daemon{} does not respond{reason}", named(pid));
    Failure::new(Kind::Unavailable, error).hint(hint)
}

/// Returns the line about a daemon that is replaced.
pub(super) fn replaced(hang: &Hang) -> String {
    let seconds = u64::from(hang.pings) * PING_MAX.as_secs();
    let (process, reason) = (named(hang.pid), in_brackets(hang.condition));
    format!("the daemon{process} did not answer for {seconds} s{reason} and is replaced")
}

/// Fails if the kernel refuses connections to the daemon, so that its state is unknown.
pub fn check_access(paths: &Paths) -> Result<(), Failure> {
    match Connection::open(paths, TICK, 1) {
        Err(error @ ConnectError::Refused { .. }) => Err(not_connected(paths, &error)),
        _ => Ok(()),
    }
}

/// Returns the failure of an attempt to connect.
pub fn not_connected(paths: &Paths, error: &ConnectError) -> Failure {
    match error {
        ConnectError::Unresponsive => unresponsive(paths),
        ConnectError::Refused { .. } => {
            Failure::environment(format!("{error}{}", left_alone(paths))).hint(
                "A sandbox or a permission forbids it: run this outside of the sandbox, allow Unix sockets in \
                 it, or check the owner of that path.",
            )
        }
    }
}

/// Returns that a daemon that runs was left alone.
fn left_alone(paths: &Paths) -> String {
    match named(Observer::default().look(paths).0).as_str() {
        "" => String::new(),
        process => format!("; the daemon{process} was left alone"),
    }
}

/// Returns ` (process id N)` of a process that has an id here.
fn named(pid: Option<Pid>) -> String {
    pid.map_or(String::new(), |pid| format!(" (process id {pid})"))
}

/// Returns ` (REASON)`, if there is one.
fn in_brackets(condition: Condition) -> String {
    match condition.reason() {
        "" => String::new(),
        reason => format!(" ({reason})"),
    }
}

/// Consecutive pings without an answer.
#[derive(Default)]
struct Silence {
    pings: u32,
    process: Observer,
}

impl Silence {
    /// Counts another one; returns the hang of a daemon that is not waited for any longer.
    fn goes_on(&mut self, paths: &Paths) -> Option<Hang> {
        self.pings += 1;
        let (pid, condition) = self.process.look(paths);
        let (pings, verdict) = (self.pings, hang::verdict(condition, self.pings));
        (verdict != Verdict::Wait).then_some(Hang { pid, condition, pings, verdict })
    }
}

/// Pings the daemon during a wait.
struct Watchdog<O, H> {
    paths: Paths,
    way: Way,
    silence: Silence,
    /// Time at which the daemon no longer listened.
    ending: Option<Instant>,
    /// The process at the other end of the connection has ended.
    ended: bool,
    observer: O,
    on_hang: H,
}

impl<O: FnMut(&Status), H: FnMut(&Hang) -> Replaced> Watchdog<O, H> {
    /// Returns true if the wait goes on.
    fn goes_on(&mut self) -> bool {
        if self.ended {
            // A child of the old process holds the connection open.
            return false;
        }
        match ping_by(self.way, &self.paths) {
            Ping::Answered(status) => {
                self.silence.pings = 0;
                self.ending = None;
                if let Some(status) = status {
                    (self.observer)(&status);
                }
                true
            }
            Ping::NotListening => {
                self.silence.pings = 0;
                self.ending.get_or_insert_with(Instant::now).elapsed() < ENDING_MAX
            }
            Ping::TimedOut => {
                let Some(hang) = self.silence.goes_on(&self.paths) else { return true };
                self.silence.pings = 0;
                match (self.on_hang)(&hang) {
                    // What the connection still holds is read, up to its end.
                    Replaced::Ended => self.ended = true,
                    Replaced::NotNeeded => {}
                    Replaced::No => return false,
                }
                true
            }
        }
    }
}
