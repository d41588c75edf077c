//! What the running daemon answers, within a limited time.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::failure::{Failure, Kind};
use crate::lifecycle::{self, ExchangeError, Request, Response, alive};
use crate::paths::Paths;
use crate::wire::{self, Status};

/// Time for an answer of a daemon that responds to pings meanwhile.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The daemon's answer to a request for its status.
#[derive(Debug)]
pub enum Daemon {
    /// No process listens on the socket.
    NotRunning,
    /// Its status.
    Running(Box<Status>),
    /// It hangs, or connecting is forbidden.
    Unreachable(Failure),
    /// The answer is not a status.
    InvalidAnswer(String),
}

impl Daemon {
    pub(super) fn ask(paths: &Paths) -> Daemon {
        let paths = paths.clone();
        within(move || status(&paths)).unwrap_or_else(|| {
            let error = format!("the daemon has not answered for {} s", ANSWER_MAX.as_secs());
            Daemon::Unreachable(Failure::new(Kind::Unavailable, error))
        })
    }

    /// The status of one that runs.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Daemon::Running(status) => Some(status),
            _ => None,
        }
    }
}

/// Returns the running daemon's answer to a `GET` of `path`; `None` without one.
pub(super) fn ask<T: DeserializeOwned + Send + 'static>(
    paths: &Paths,
    path: &'static str,
) -> Option<T> {
    let paths = paths.clone();
    within(move || {
        let connection = lifecycle::connect(&paths).ok().flatten()?;
        let bytes = connection.send(&Request::get(path)).and_then(Response::bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    })
    .flatten()
}

/// Returns what `ask` returns; `None` if that takes too long. The thread is left behind then.
fn within<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(ask()));
    receiver.recv_timeout(ANSWER_MAX).ok()
}

fn status(paths: &Paths) -> Daemon {
    let connection = match lifecycle::connect(paths) {
        Ok(Some(connection)) => connection,
        Ok(None) => return Daemon::NotRunning,
        Err(failure) => return Daemon::Unreachable(failure),
    };
    match connection.send(&Request::get(wire::STATUS)).and_then(Response::bytes) {
        Err(ExchangeError::Unresponsive) => Daemon::Unreachable(alive::unresponsive(paths)),
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(status) => Daemon::Running(Box::new(status)),
            Err(error) => Daemon::InvalidAnswer(error.to_string()),
        },
        Err(error) => Daemon::InvalidAnswer(error.to_string()),
    }
}
