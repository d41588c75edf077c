//! The running daemon: its start-up order, its plugins, its shutdown order.
//!
//! Order of the start: log, life lock, TCP port, venv (all in [`prepare`], before Python is initialized), then the
//! host embeds Python, then [`run`]: Unix socket, pid file, `ready`, plugins. What is likely to fail comes
//! first, and nothing is announced before it is true.
//!
//! Order of the end: stop accepting, finish the requests in flight, unload the plugins, remove socket and pid file.
//! All of it together gets twice the shutdown timeout, once for requests and once for hooks.

mod actor;
mod guard;
mod link;
pub mod listen;
pub mod logging;
mod plugins;
#[cfg(test)]
mod tests;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::crashes::{self, Crashes};
use crate::discovery::PluginSource;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::http::health::HealthBook;
use crate::http::{self, Control, Service};
use crate::journal::Journal;
use crate::lifecycle::locks;
use crate::notices::Notices;
use crate::paths::{self, Paths};
use crate::registry::Registry;
use crate::runtime::Runtime;
use crate::settings::Settings;
use crate::uv::{Progress, Uv};
use crate::venv::{self, Base, Venv};
use crate::wire::Ready;
use guard::Guard;
use listen::{Ports, SocketIdentity, UnixSocket};
use plugins::{Parts, Supervisor};

/// How often the daemon checks that its socket is in place.
const SOCKET_CHECK: Duration = Duration::from_secs(2);
/// How many control messages may wait.
const CONTROL_QUEUE: usize = 16;

/// What was made ready before Python is embedded.
pub struct Prepared {
    paths: Paths,
    settings: Settings,
    env: Environment,
    uv: Option<Uv>,
    ports: Ports,
    crashes: Crashes,
    journal: Option<Arc<Journal>>,
}

impl Prepared {
    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The journal of this process, if there is one.
    pub fn journal(&self) -> Option<Arc<Journal>> {
        self.journal.clone()
    }

    /// The first TCP address that the daemon listens on, with its real port.
    ///
    /// # Errors
    /// The system does not report the address of a listener.
    pub fn address(&self) -> Result<SocketAddr, Failure> {
        self.ports.address().map_err(|error| {
            Failure::environment(format!("cannot read the address of a TCP listener: {error}"))
        })
    }
}

/// Takes the life lock and the TCP port and prepares the venv; `progress` gets a line for each step that takes a while.
pub fn prepare(
    paths: Paths,
    settings: Settings,
    env: Environment,
    base: &Base,
    progress: Progress,
) -> Result<Prepared, Failure> {
    locks::take_for_life(&paths)?;
    let (crashes, journal) = (crashes::take_over(&paths), crashes::journal(&paths).map(Arc::new));
    let ports = Ports::bind(&settings)?;
    let venv = Venv::at(&paths);
    let uv = match Uv::find_or_fetch(&paths, &env, &base.executable, progress) {
        Ok(uv) => {
            venv.ensure(base, &uv, progress)?;
            Some(uv)
        }
        Err(error) if venv.state(base) == venv::State::Whole => {
            tracing::warn!(%error, "uv is missing; continuing with the installed packages");
            None
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Prepared { paths, settings, env, uv, ports, crashes, journal })
}

/// Runs the daemon until a signal, a request or the idle timeout ends it.
///
/// `bundled` are the plugins that come with the binary; `announce` is called once, when the daemon listens.
///
/// # Errors
/// A listener, a signal handler or a file of the daemon cannot be made.
pub async fn run(
    prepared: Prepared,
    python: Arc<dyn Runtime>,
    python_version: String,
    bundled: Vec<PluginSource>,
    announce: impl FnOnce(&Ready),
) -> Result<(), Failure> {
    let mut terminate = signal_stream(SignalKind::terminate())?;
    let mut interrupt = signal_stream(SignalKind::interrupt())?;
    let limit = prepared.settings.shutdown_timeout.value.duration();
    let idle_limit = prepared.settings.idle_timeout.value.duration();
    let (mut running, servers) = Running::begin(prepared, python, python_version, bundled).await?;
    announce(&running.service.ready);
    let signals = async {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let reason = tokio::select! {
        reason = signals => reason,
        () = idle(&running.service, idle_limit) => "idle",
        () = socket_gone(&running.socket) => "its socket is gone",
        () = obey(&running.supervisor, &mut running.controls) => "request",
    };
    tracing::info!(reason, "daemon stopping");
    running.end(servers, limit).await;
    Ok(())
}

/// A daemon that listens.
struct Running {
    paths: Paths,
    supervisor: Supervisor,
    service: Arc<Service>,
    controls: mpsc::Receiver<Control>,
    /// Stops the servers.
    stop: watch::Sender<bool>,
    socket: SocketIdentity,
}

impl Running {
    /// Begins to load the plugins and to listen; the future is that of the servers.
    async fn begin(
        prepared: Prepared,
        python: Arc<dyn Runtime>,
        python_version: String,
        bundled: Vec<PluginSource>,
    ) -> Result<(Running, impl Future<Output = ()>), Failure> {
        let Prepared { paths, settings, env, uv, ports, crashes, journal } = prepared;
        let ready = Ready {
            pid: std::process::id(),
            version: crate::VERSION.to_owned(),
            port: ports.port(),
            python: python_version,
        };
        let (control, controls) = mpsc::channel(CONTROL_QUEUE);
        let (registry, woken) = Registry::new();
        let registry = Arc::new(registry);
        let health = Arc::new(HealthBook::default());
        let notices = Arc::new(Notices::default());
        let guard = Guard {
            python: python.clone(),
            registry: registry.clone(),
            notices: notices.clone(),
            journal: journal.clone(),
        };
        let parts = Parts {
            python,
            registry: registry.clone(),
            health: health.clone(),
            notices: notices.clone(),
            paths: paths.clone(),
            settings,
            env,
            uv,
            bundled,
            journal,
            crashes,
        };
        // In the registry before the first request.
        let supervisor = Supervisor::begin(parts, woken).await;
        tokio::spawn(guard.watch());
        let service =
            Service::new(registry, health, notices, ready.clone(), paths.venv_python(), control);
        let service = Arc::new(service);
        let (stop, stopped) = watch::channel(false);
        let socket = UnixSocket::bind(&paths)?;
        let identity = socket.identity();
        let servers = listen::serve(socket, ports, http::entry(service.clone()), stopped)?;
        locks::write_pid(&paths).map_err(|error| paths::unwritable(&paths.pid_file(), &error))?;
        tracing::info!(pid = ready.pid, port = ready.port, python = ready.python, "daemon started");
        let running = Running { paths, supervisor, service, controls, stop, socket: identity };
        Ok((running, servers))
    }

    /// Stops accepting, finishes what is in flight, unloads the plugins and removes socket and pid file.
    async fn end(self, servers: impl Future<Output = ()>, limit: Duration) {
        self.service.stopping.store(true, Ordering::Relaxed);
        self.supervisor.refuse_reloads();
        // Fails only if no server is left to stop.
        let _ = self.stop.send(true);
        if tokio::time::timeout(limit, servers).await.is_err() {
            tracing::warn!("requests were still in flight after {} s", limit.as_secs());
        }
        self.supervisor.end().await;
        // Another daemon's files are left alone: where the runtime directory was replaced, they are not these.
        if self.socket.is_there() {
            remove(&self.paths.socket());
            remove(&self.paths.pid_file());
        }
    }
}

/// Has plugins loaded again as requests ask for it; returns when one asks for the end.
async fn obey(supervisor: &Supervisor, controls: &mut mpsc::Receiver<Control>) {
    while let Some(Control::Reload { plugins, answer }) = controls.recv().await {
        let supervisor = supervisor.clone();
        tokio::spawn(async move {
            // Fails only if nothing waits for the answer any more: the reload counts.
            let _ = answer.send(supervisor.reload(plugins).await);
        });
    }
}

fn signal_stream(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Failure> {
    signal(kind)
        .map_err(|error| Failure::environment(format!("cannot listen for signals: {error}")))
}

/// Resolves when no request came for `limit`; never for a limit of zero.
async fn idle(service: &Service, limit: Duration) {
    if limit.is_zero() {
        return std::future::pending().await;
    }
    loop {
        let left = limit.saturating_sub(service.idle_for());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left).await;
    }
}

/// Resolves when the socket file was removed or replaced: no client can reach this daemon any more, and another
/// may want its port.
async fn socket_gone(identity: &SocketIdentity) {
    while identity.is_there() {
        tokio::time::sleep(SOCKET_CHECK).await;
    }
}

fn remove(path: &PathBuf) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file could not be removed");
    }
}
