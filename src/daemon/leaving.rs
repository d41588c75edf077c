//! The end of a daemon: what is finished first, and what is cut off.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::ends::Signals;
use super::handover::{self, End};
use super::listen::Listeners;
use super::plugins::{LAST_REQUEST_LIMIT, Supervisor};
use crate::http::Service;
use crate::http::serve::Phase;
use crate::lifecycle::cut::Cut;
use crate::lifecycle::handover::Reply;
use crate::paths::Paths;

/// How long connections without a request are kept, so that a request that is being sent arrives.
const LINGER: Duration = Duration::from_millis(1500);

/// A daemon that ends.
pub(super) struct Leaving {
    pub(super) paths: Paths,
    pub(super) supervisor: Supervisor,
    pub(super) service: Arc<Service>,
    /// Why it ends.
    pub(super) reason: &'static str,
    /// How long requests may take, and then hooks.
    pub(super) limit: Duration,
}

impl Leaving {
    /// Stops accepting, finishes what is in flight, unloads the plugins and removes the files.
    pub(super) async fn stop(
        self,
        servers: impl Future<Output = ()>,
        listeners: Listeners,
        end: Option<End>,
    ) {
        let socket = listeners.socket.clone();
        drop(listeners);
        self.refuse();
        self.service.phases.send_replace(Phase::Closing);
        let mut servers = std::pin::pin!(servers);
        let mut cut = Cut::default();
        if timeout(self.limit, servers.as_mut()).await.is_err() {
            cut = self.cut(servers).await;
        }
        cut.plugins = self.supervisor.end().await;
        if !cut.is_empty() {
            tracing::warn!("{cut}");
        }
        // Another daemon's files are left alone: where the runtime directory was replaced, they are not these.
        if socket.is_there() {
            let paths = &self.paths;
            for path in [paths.handover_socket(), paths.tcp(), paths.pid_file()] {
                remove(&path);
            }
            if !socket.is_activated {
                remove(&paths.socket());
            }
        }
        if let Some(End::Stop(mut stream)) = end {
            // The program that asked for it may be gone.
            let _ = handover::write(&mut stream, &Reply::Stopped(cut)).await;
        }
    }

    /// Finishes what is in flight while a successor serves; its files are left alone.
    pub(super) async fn hand_over(
        self,
        servers: impl Future<Output = ()>,
        mut successor: UnixStream,
        signals: &mut Signals,
    ) {
        self.refuse();
        self.service.registry.set_moved();
        self.service.phases.send_replace(Phase::Lingering);
        let mut servers = std::pin::pin!(servers);
        let mut are_served = false;
        let is_drained = {
            let drained = async {
                are_served = timeout(LINGER, servers.as_mut()).await.is_ok();
                self.service.phases.send_replace(Phase::Closing);
                // From here on no request arrives.
                self.supervisor.end_exclusive().await;
                // The successor may be gone.
                let _ = handover::write(&mut successor, &Reply::Released).await;
                drop(successor);
                if !are_served {
                    servers.as_mut().await;
                    are_served = true;
                }
            };
            let mut drained = std::pin::pin!(timeout(LAST_REQUEST_LIMIT, drained));
            tokio::select! {
                drained = drained.as_mut() => drained.is_ok(),
                signal = signals.next() => {
                    tracing::info!(reason = signal, "the last requests get {} s", self.limit.as_secs());
                    matches!(timeout(self.limit, drained.as_mut()).await, Ok(Ok(())))
                }
            }
        };
        let mut cut = Cut::default();
        if !is_drained && !are_served {
            cut = self.cut(servers).await;
        }
        cut.plugins = self.supervisor.end().await;
        if !cut.is_empty() {
            tracing::warn!("{cut}");
        }
    }

    fn refuse(&self) {
        self.service.leave(self.reason);
        self.supervisor.refuse_reloads();
    }

    /// Cuts all connections; returns their requests.
    async fn cut(&self, servers: impl Future<Output = ()>) -> Cut {
        self.service.cutting.store(true, Ordering::Relaxed);
        self.service.phases.send_replace(Phase::Cut);
        servers.await;
        let mut requests = self.service.cut.lock().unwrap_or_else(PoisonError::into_inner);
        Cut { requests: std::mem::take(&mut requests), plugins: Vec::new() }
    }
}

fn remove(path: &PathBuf) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file could not be removed");
    }
}
