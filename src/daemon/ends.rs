//! What ends a daemon, besides requests and a successor.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use super::listen::SocketIdentity;
use crate::failure::Failure;
use crate::http::Service;
use crate::settings::Settings;

/// How often the daemon checks that its socket is in place.
const SOCKET_CHECK: Duration = Duration::from_secs(2);
/// How often, in an idle timeout, the daemon looks for work that does not report its end.
const IDLE_LOOKS: u32 = 16;

/// The signals that end the daemon.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// The end of its terminal ends a host that stays there.
    on_terminal: bool,
}

impl Signals {
    /// Listens for them from now on; SIGHUP ends only a host `on_terminal`, and is ignored by any other.
    pub(super) fn new(on_terminal: bool) -> Result<Signals, Failure> {
        let stream = |kind| {
            signal(kind).map_err(|error| {
                Failure::environment(format!("cannot listen for signals: {error}"))
            })
        };
        Ok(Signals {
            terminate: stream(SignalKind::terminate())?,
            interrupt: stream(SignalKind::interrupt())?,
            hangup: stream(SignalKind::hangup())?,
            on_terminal,
        })
    }

    /// Returns the name of the next one.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = hung_up(&mut self.hangup, self.on_terminal) => "SIGHUP",
        }
    }
}

/// Resolves at a SIGHUP of a host `on_terminal`; never for any other.
async fn hung_up(hangup: &mut Signal, on_terminal: bool) {
    loop {
        hangup.recv().await;
        if on_terminal {
            return;
        }
        tracing::info!("SIGHUP ignored: changes of config.toml apply by themselves");
    }
}

/// Resolves when no request came for the idle timeout; never for a timeout of zero.
pub(super) async fn idle(service: &Service, mut settings: watch::Receiver<Arc<Settings>>) {
    loop {
        let limit = settings.borrow_and_update().idle_timeout.value.duration();
        let left = limit.saturating_sub(service.idle_for());
        if left.is_zero() && !limit.is_zero() {
            return;
        }
        let elapsed = async {
            match limit.is_zero() {
                true => std::future::pending().await,
                false => sleep(left.min(limit / IDLE_LOOKS)).await,
            }
        };
        tokio::select! {
            () = elapsed => {}
            // Fails only if the settings are gone, which the running daemon keeps.
            _ = settings.changed() => {}
        }
    }
}

/// Resolves when the socket file was removed or replaced: no client can reach this daemon any more, and another
/// may want its port.
pub(super) async fn socket_gone(identity: &SocketIdentity) {
    while identity.is_there() {
        sleep(SOCKET_CHECK).await;
    }
}
