//! Detection of a daemon that hangs, and connections that wait exactly as long as the daemon lives.
//!
//! A request may take as long as its plugin needs. The daemon's I/O threads answer a ping (`GET` of
//! [`wire::STATUS`]) independently of plugins, so a daemon that answers none hangs: it was stopped by a signal, or
//! is deadlocked. Every wait for the daemon is interrupted each [`TICK`] for a ping on a connection of its own, and
//! ends when [`SILENT_MAX`] consecutive ones had no answer within [`PING_MAX`]. The request is not sent again then:
//! a daemon that resumes may still carry it out.

use std::time::{Duration, Instant};

use super::connection::{ConnectError, Connection, Request};
use super::locks;
use super::response::{ExchangeError, Response};
use crate::failure::{Failure, Kind};
use crate::paths::Paths;
use crate::wire::{self, Status};

/// Time between two pings during a wait.
const TICK: Duration = Duration::from_secs(1);
/// Timeout of a ping.
const PING_MAX: Duration = Duration::from_secs(2);
/// Number of consecutive pings without an answer after which the daemon is considered hung.
const SILENT_MAX: u32 = 2;
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

/// Connects to the daemon; `None` where none listens. The connection waits as long as the daemon lives.
///
/// # Errors
/// The kernel refuses the connection, so that the daemon's state is unknown; or the daemon hangs.
pub fn connect(paths: &Paths) -> Result<Option<Connection>, Failure> {
    match Connection::open(paths, TICK, QUEUED_TICKS) {
        Ok(connection) => Ok(connection.map(|connection| observed(connection, paths, |_| {}))),
        Err(error) => Err(not_connected(paths, &error)),
    }
}

/// Returns the connection with an `observer` of the daemon's status, called after each ping.
pub fn observed(
    mut connection: Connection,
    paths: &Paths,
    observer: impl FnMut(&Status) + 'static,
) -> Connection {
    let mut watchdog = Watchdog { paths: paths.clone(), silent: 0, ending: None, observer };
    connection.set_waiting(Box::new(move || watchdog.goes_on()));
    connection
}

/// Pings the daemon; takes [`PING_MAX`] at most.
pub fn ping(paths: &Paths) -> Ping {
    let connection = match Connection::open(paths, PING_MAX, 1) {
        Ok(Some(connection)) => connection,
        Ok(None) => return Ping::NotListening,
        // No connection is no answer either.
        Err(_) => return Ping::TimedOut,
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
    (0..SILENT_MAX).all(|_| matches!(ping(paths), Ping::TimedOut))
}

/// Returns the failure of a daemon that hangs.
pub fn unresponsive(paths: &Paths) -> Failure {
    let seconds = SILENT_MAX * u32::try_from(PING_MAX.as_secs()).unwrap_or_default();
    Failure::new(
        Kind::Unavailable,
        format!("the daemon{} does not respond (no answer for {seconds} s)", process(paths)),
    )
    .hint("Run `skills-daemon restart`.")
}

/// Fails if the kernel refuses connections to the daemon, so that its state is unknown.
pub fn check_access(paths: &Paths) -> Result<(), Failure> {
    match Connection::open(paths, TICK, 1) {
        Err(error @ ConnectError::Refused { .. }) => Err(not_connected(paths, &error)),
        _ => Ok(()),
    }
}

fn not_connected(paths: &Paths, error: &ConnectError) -> Failure {
    match error {
        ConnectError::Unresponsive => unresponsive(paths),
        ConnectError::Refused { .. } => {
            let runs = match process(paths).as_str() {
                "" => String::new(),
                process => format!("; the daemon{process} was left alone"),
            };
            Failure::environment(format!("{error}{runs}")).hint(
                "A sandbox or a permission forbids it: run this outside of the sandbox, allow Unix sockets in \
                 it, or check the owner of that path.",
            )
        }
    }
}

/// Returns ` (process id N)` of the daemon that holds its lock, if one does.
fn process(paths: &Paths) -> String {
    // The kernel gives 0 for a process outside of this one's namespace.
    let pid = locks::holder(paths).filter(|pid| pid.as_raw() > 0);
    pid.map_or(String::new(), |pid| format!(" (process id {pid})"))
}

/// Pings the daemon during a wait.
struct Watchdog<O> {
    paths: Paths,
    /// Number of pings without an answer since the last answer.
    silent: u32,
    /// Time at which the daemon no longer listened.
    ending: Option<Instant>,
    observer: O,
}

impl<O: FnMut(&Status)> Watchdog<O> {
    /// Returns true if the wait goes on.
    fn goes_on(&mut self) -> bool {
        match ping(&self.paths) {
            Ping::Answered(status) => {
                self.silent = 0;
                self.ending = None;
                if let Some(status) = status {
                    (self.observer)(&status);
                }
                true
            }
            Ping::NotListening => {
                self.silent = 0;
                self.ending.get_or_insert_with(Instant::now).elapsed() < ENDING_MAX
            }
            Ping::TimedOut => {
                self.silent += 1;
                self.silent < SILENT_MAX
            }
        }
    }
}
