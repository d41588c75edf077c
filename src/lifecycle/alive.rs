//! Whether the daemon lives, and connections that wait exactly as long as it does.
//!
//! A request may take as long as its plugin needs. The daemon's I/O threads answer a ping (`GET` of
//! [`wire::STATUS`]) whatever the plugins do, so a daemon that answers none hangs: it was stopped by a signal, or is
//! deadlocked. Every wait for the daemon is interrupted each [`TICK`] for a ping on a connection of its own, and
//! ends when [`SILENT_MAX`] of them one after the other had no answer within [`PING`]. What was asked for is not
//! asked again then: a daemon that goes on may still carry it out.

use std::time::{Duration, Instant};

use super::connection::{ConnectError, Connection, Request};
use super::locks;
use super::response::{ExchangeError, Response};
use crate::failure::{Failure, Kind};
use crate::paths::Paths;
use crate::wire::{self, Status};

/// How long a wait takes before the daemon is asked for a sign of life.
const TICK: Duration = Duration::from_secs(1);
/// How long the answer to a ping may take.
const PING: Duration = Duration::from_secs(2);
/// How many pings without an answer, one after the other, mean that the daemon hangs.
const SILENT_MAX: u32 = 2;
/// How many ticks a connection may wait in the daemon's queue.
const QUEUED_TICKS: usize = 4;
/// How long a daemon that no longer listens may take to end; its own limits end it sooner.
const ENDING_MAX: Duration = Duration::from_secs(300);

/// What came of a ping.
#[derive(Debug)]
pub enum Pulse {
    /// The daemon answered; with its status, unless it is of a version that writes another one.
    Alive(Option<Box<Status>>),
    /// No process listens.
    NotListening,
    /// A process listens and did not answer in time.
    Silent,
}

/// Connects to the daemon; `None` where none listens. The connection waits as long as the daemon lives.
///
/// # Errors
/// The kernel refuses the connection, which leaves open whether one runs; or the daemon hangs.
pub fn connect(paths: &Paths) -> Result<Option<Connection>, Failure> {
    match Connection::open(paths, TICK, QUEUED_TICKS) {
        Ok(connection) => Ok(connection.map(|connection| observed(connection, paths, |_| {}))),
        Err(error) => Err(not_connected(paths, &error)),
    }
}

/// The same connection with an `observer` of the daemon's status, called each time it is waited for.
pub fn observed(
    mut connection: Connection,
    paths: &Paths,
    observer: impl FnMut(&Status) + 'static,
) -> Connection {
    let mut vigil = Vigil { paths: paths.clone(), silent: 0, ending: None, observer };
    connection.set_waiting(Box::new(move || vigil.goes_on()));
    connection
}

/// Asks the daemon for a sign of life; takes [`PING`] at most.
pub fn pulse(paths: &Paths) -> Pulse {
    let connection = match Connection::open(paths, PING, 1) {
        Ok(Some(connection)) => connection,
        Ok(None) => return Pulse::NotListening,
        // Not even a connection: no sign of life either.
        Err(_) => return Pulse::Silent,
    };
    match connection.send(&Request::get(wire::STATUS)).and_then(Response::bytes) {
        Ok(body) => Pulse::Alive(serde_json::from_slice(&body).ok()),
        Err(ExchangeError::Unresponsive) => Pulse::Silent,
        // It hung up, so it lives.
        Err(_) => Pulse::Alive(None),
    }
}

/// True if the daemon listens and gives no sign of life.
pub fn hangs(paths: &Paths) -> bool {
    (0..SILENT_MAX).all(|_| matches!(pulse(paths), Pulse::Silent))
}

/// The failure of a daemon that hangs.
pub fn unresponsive(paths: &Paths) -> Failure {
    let pings = SILENT_MAX * u32::try_from(PING.as_secs()).unwrap_or_default();
    Failure::new(
        Kind::Unavailable,
        format!("the daemon{} does not respond: no sign of life for {pings} s", process(paths)),
    )
    .hint("Run `skills-daemon restart`.")
}

/// Fails if the kernel refuses connections to the daemon, so that nothing can be found out about it.
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
                 it, or check who owns that path.",
            )
        }
    }
}

/// ` (process id N)` of the daemon that holds its lock, if one does.
fn process(paths: &Paths) -> String {
    // The kernel gives 0 for a process outside of this one's namespace.
    let pid = locks::holder(paths).filter(|pid| pid.as_raw() > 0);
    pid.map_or(String::new(), |pid| format!(" (process id {pid})"))
}

/// A wait for the daemon.
struct Vigil<O> {
    paths: Paths,
    /// Pings without an answer since the last one that had one.
    silent: u32,
    /// Since when the daemon no longer listens.
    ending: Option<Instant>,
    observer: O,
}

impl<O: FnMut(&Status)> Vigil<O> {
    /// Decides whether to go on waiting.
    fn goes_on(&mut self) -> bool {
        match pulse(&self.paths) {
            Pulse::Alive(status) => {
                self.silent = 0;
                self.ending = None;
                if let Some(status) = status {
                    (self.observer)(&status);
                }
                true
            }
            Pulse::NotListening => {
                self.silent = 0;
                self.ending.get_or_insert_with(Instant::now).elapsed() < ENDING_MAX
            }
            Pulse::Silent => {
                self.silent += 1;
                self.silent < SILENT_MAX
            }
        }
    }
}
