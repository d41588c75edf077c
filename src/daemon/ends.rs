//! What ends a daemon, besides requests and a successor.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use super::listen::SocketIdentity;
use crate::failure::Failure;
use crate::http::Service;

/// How often the daemon checks that its socket is in place.
const SOCKET_CHECK: Duration = Duration::from_secs(2);

/// The signals that end the daemon.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens for them from now on.
    pub(super) fn new() -> Result<Signals, Failure> {
        let stream = |kind| {
            signal(kind).map_err(|error| {
                Failure::environment(format!("cannot listen for signals: {error}"))
            })
        };
        let terminate = stream(SignalKind::terminate())?;
        Ok(Signals { terminate, interrupt: stream(SignalKind::interrupt())? })
    }

    /// Returns the name of the next one.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Resolves when no request came for `limit`; never for a limit of zero.
pub(super) async fn idle(service: &Service, limit: Duration) {
    if limit.is_zero() {
        return std::future::pending().await;
    }
    loop {
        let left = limit.saturating_sub(service.idle_for());
        if left.is_zero() {
            return;
        }
        sleep(left).await;
    }
}

/// Resolves when the socket file was removed or replaced: no client can reach this daemon any more, and another
/// may want its port.
pub(super) async fn socket_gone(identity: &SocketIdentity) {
    while identity.is_there() {
        sleep(SOCKET_CHECK).await;
    }
}
