//! The running daemon: its start-up order, its plugins, its shutdown order.
//!
//! Order of the start: log, locks, TCP port, venv (all in [`prepare`], before Python is initialized), then the
//! host embeds Python, then [`run`]: Unix sockets, pid file, `ready`, plugins. What is likely to fail comes
//! first, and nothing is announced before it is true. A host that replaces another loads its plugins first, takes over
//! the sockets ([`handover`]), and then reports `ready`.
//!
//! Order of the end ([`leaving`]): stop accepting, finish the requests in flight, unload the plugins, remove sockets and
//! pid file. All of it together gets twice the shutdown timeout, once for requests and once for hooks. A host that was
//! replaced lets its requests finish, and leaves the files to its successor.

mod actor;
mod dependencies;
mod ends;
mod guard;
mod handover;
mod leaving;
mod link;
pub mod listen;
pub mod logging;
mod outbox;
mod plugins;
mod skills;
pub mod supervised;
#[cfg(test)]
mod tests;
mod upgrade;
mod venv;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};

use crate::crashes::{self, Crashes};
use crate::discovery::PluginSource;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::http::health::HealthBook;
use crate::http::{self, Control, Service};
use crate::journal::Journal;
use crate::lifecycle::locks::{self, HostLock};
use crate::lifecycle::tcp::Tcp;
use crate::notices::{Notices, Topic};
use crate::paths::{self, Paths};
use crate::registry::Registry;
use crate::runtime::Runtime;
use crate::settings::Settings;
use crate::settings::live::Live;
use crate::solver::Solver;
use crate::traces::Exporter;
use crate::uv::{Progress, Uv};
use crate::venv::Base;
use crate::wire::Ready;
use dependencies::{Packages, Replacement, Site};
use ends::Signals;
use guard::Guard;
use handover::{End, Giver, Predecessor};
use leaving::Leaving;
use listen::{Activated, Inherited, Listeners, Ports};
use outbox::Outbox;
use plugins::{Parts, Supervisor};
use supervised::Manager;

/// How many control messages may wait.
const CONTROL_QUEUE: usize = 16;

/// What was made ready before Python is embedded.
pub struct Prepared {
    paths: Paths,
    settings: Settings,
    env: Environment,
    base: Base,
    uv: Option<Uv>,
    /// The directory of packages of the generation of the venv that this process begins with.
    site_packages: PathBuf,
    /// The interpreter of the generation of the venv that this process uses for life.
    venv_python: PathBuf,
    ports: Ports,
    lock: HostLock,
    files: Vec<PathBuf>,
    on_terminal: bool,
    /// The host to replace, and its sockets.
    takeover: Option<(Predecessor, Inherited)>,
    activated: Activated,
    manager: Arc<Manager>,
    crashes: Crashes,
    journal: Option<Arc<Journal>>,
}

impl Prepared {
    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The interpreter to embed: that of one generation of the venv, which is kept for as long as this process lives.
    pub fn venv_python(&self) -> &Path {
        &self.venv_python
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

/// What a host provides, besides the plugins that come with it.
pub struct Means {
    /// The embedded interpreter.
    pub python: Arc<dyn Runtime>,
    /// Checks requirements against the installed packages; without one all count as satisfied.
    pub solver: Option<Arc<dyn Solver>>,
    /// Sends traces; without one no call is traced.
    pub exporter: Option<Arc<dyn Exporter>>,
}

/// What a host is started from.
#[derive(Debug, Default)]
pub struct Origin {
    /// The connection to the host that it replaces.
    pub predecessor: Option<StdUnixStream>,
    /// Its executable, interpreter and library: it is replaced when one of them is. Empty for a host that is not.
    pub files: Vec<PathBuf>,
    /// True for a host that stays in a terminal, and ends with it.
    pub on_terminal: bool,
    /// The sockets that a service manager passed.
    pub sockets: Vec<OwnedFd>,
    /// The service manager that is reported to, if there is one.
    pub manager: Arc<Manager>,
}

/// Takes the locks and the TCP port and prepares the venv; `progress` gets a line for each step that takes a while.
///
/// With the connection to a predecessor the host takes over its sockets, and leaves it the serving lock for now.
pub fn prepare(
    paths: Paths,
    settings: Settings,
    env: Environment,
    base: &Base,
    origin: Origin,
    progress: Progress,
) -> Result<Prepared, Failure> {
    let lock = HostLock::live(&paths)?;
    let Origin { predecessor, files, on_terminal, sockets, manager } = origin;
    let mut activated = Activated::new(sockets, &paths);
    let mut takeover = match predecessor {
        Some(stream) => Some(Predecessor::meet(stream)?),
        None => {
            lock.serve()?;
            lock.starts();
            None
        }
    };
    let (crashes, journal) = (crashes::take_over(&paths), crashes::journal(&paths).map(Arc::new));
    let tcp = takeover.as_mut().map(|(_, inherited)| std::mem::take(&mut inherited.tcp));
    let tcp = tcp.unwrap_or_else(|| std::mem::take(&mut activated.tcp));
    let ports = Ports::bind(&settings, tcp)?;
    let uv = Uv::new(&paths, &env, &base.executable);
    let generation = venv::generation(&paths, &settings, &env, base, &uv, progress)?;
    let site_packages = generation.site_packages().to_owned();
    let venv_python = generation.python();
    let uv = Some(uv);
    Ok(Prepared {
        paths,
        settings,
        env,
        base: base.clone(),
        uv,
        site_packages,
        venv_python,
        ports,
        lock,
        files,
        on_terminal,
        takeover,
        activated,
        manager,
        crashes,
        journal,
    })
}

/// Runs the daemon until a signal, a request, the idle timeout or a successor ends it.
///
/// `bundled` are the plugins that come with the binary; `announce` is called once, when the daemon listens.
///
/// # Errors
/// A listener, a signal handler or a file of the daemon cannot be made; or another host serves.
pub async fn run(
    prepared: Prepared,
    means: Means,
    bundled: Vec<PluginSource>,
    announce: impl FnOnce(&Ready),
) -> Result<(), Failure> {
    let mut signals = Signals::new(prepared.on_terminal)?;
    let (replace, replacements) = mpsc::unbounded_channel();
    let manager = prepared.manager.clone();
    let upgrade = upgrade::Watch::new(&prepared.paths, &prepared.env, prepared.files.clone());
    let python = means.python.clone();
    let starting = Running::begin(prepared, means, bundled, replace, &mut signals);
    let Some((mut running, servers)) = starting.await? else { return Ok(()) };
    announce(&running.service.ready);
    tokio::spawn(manager.clone().watch(running.paths.clone()));
    let giver = Giver {
        listeners: &running.listeners,
        lock: running.lock,
        phases: &running.service.phases,
        service: &running.service,
        upgrade: &upgrade,
    };
    let (reason, end) = tokio::select! {
        signal = signals.next() => (signal, None),
        () = ends::idle(&running.service, running.settings.subscribe()) => ("idle", None),
        () = ends::socket_gone(&running.listeners.socket) => ("its socket is gone", None),
        () = obey(&running.supervisor, &mut running.controls) => ("request", None),
        never = upgrade.run(&running.service, &*python, replacements) => match never {},
        end = giver.answer() => match end {
            End::Stop(stream) => ("request", Some(End::Stop(stream))),
            End::Successor(stream) => ("a new process serves", Some(End::Successor(stream))),
        },
    };
    tracing::info!(reason, "daemon stopping");
    let limit = running.settings.now().shutdown_timeout.value.duration();
    manager.stopping(reason, limit);
    let Running { paths, supervisor, service, listeners, outbox, .. } = running;
    let leaving = Leaving { paths, supervisor, service, reason, limit };
    match end {
        Some(End::Successor(stream)) => {
            drop(listeners);
            leaving.hand_over(servers, stream, &mut signals).await;
        }
        end => leaving.stop(servers, listeners, end).await,
    }
    if let Some(outbox) = outbox {
        outbox.close().await;
    }
    Ok(())
}

/// A daemon that listens.
struct Running {
    paths: Paths,
    settings: Arc<Live>,
    supervisor: Supervisor,
    service: Arc<Service>,
    controls: mpsc::Receiver<Control>,
    listeners: Listeners,
    lock: HostLock,
    /// Where calls are traced.
    outbox: Option<Outbox>,
}

impl Running {
    /// Begins to load the plugins and to listen; the future is that of the servers.
    ///
    /// A host that replaces another listens once the plugins are loaded; `None` if a signal ended it before.
    async fn begin(
        prepared: Prepared,
        means: Means,
        bundled: Vec<PluginSource>,
        replace: mpsc::UnboundedSender<Replacement>,
        signals: &mut Signals,
    ) -> Result<Option<(Running, impl Future<Output = ()> + use<>)>, Failure> {
        let Prepared { paths, settings, env, base, uv, site_packages, .. } = prepared;
        let Prepared { ports, lock, takeover, activated, crashes, journal, .. } = prepared;
        let Means { python, solver, exporter } = means;
        let ready = Ready {
            pid: std::process::id(),
            version: crate::VERSION.to_owned(),
            port: ports.port(),
            python: base.version.clone(),
        };
        let (control, controls) = mpsc::channel(CONTROL_QUEUE);
        let (registry, woken) = Registry::new();
        let registry = Arc::new(registry);
        registry.metrics.crashes.store(crashes.count(), Ordering::Relaxed);
        let per_second = settings.traces.per_second;
        let outbox = exporter.map(|exporter| Outbox::open(exporter, per_second, &registry));
        let health = Arc::new(HealthBook::default());
        let notices = Arc::new(Notices::default());
        let beyond_loopback = ports.report(&settings);
        if let Some(report) = &beyond_loopback {
            tracing::warn!("{report}");
        }
        notices.set(None, Topic::Listening, beyond_loopback);
        let settings = Arc::new(Live::new(settings));
        let site = |(uv, solver)| Site {
            paths: paths.clone(),
            settings: settings.clone(),
            base,
            uv,
            solver,
            used: Mutex::new(site_packages),
            resolving: Mutex::default(),
        };
        let packages = uv.zip(solver).map(|both| Arc::new(site(both)) as Arc<dyn Packages>);
        let released = watch::Sender::new(takeover.is_none());
        let guard = Guard {
            python: python.clone(),
            registry: registry.clone(),
            notices: notices.clone(),
            journal: journal.clone(),
        };
        let parts = Parts {
            python,
            python_version: ready.python.clone(),
            registry: registry.clone(),
            health: health.clone(),
            notices: notices.clone(),
            paths: paths.clone(),
            settings: settings.clone(),
            env,
            packages,
            replace,
            bundled,
            released: released.subscribe(),
            journal,
            crashes,
        };
        // In the registry before the first request.
        let supervisor = Supervisor::begin(parts, woken).await;
        tokio::spawn(guard.watch());
        let change = supervisor.change();
        let service = Arc::new(Service::new(
            registry,
            health,
            notices,
            ready.clone(),
            paths.clone(),
            settings.clone(),
            change,
            control,
        ));
        let (predecessor, inherited) = takeover.unzip();
        let (address, old_tcp) =
            (ports.address(), inherited.as_ref().and_then(|_| Tcp::read(&paths)));
        let relieved = match predecessor {
            Some(predecessor) => match predecessor.succeed(&supervisor, lock, signals).await? {
                None => return Ok(None),
                relieved => relieved,
            },
            None => None,
        };
        let listeners = Listeners::open(&paths, ports, inherited, activated)?;
        let phase = service.phases.subscribe();
        let servers = listeners.serve(&http::entry(service.clone()), &phase);
        let written = address.and_then(|address| Tcp::write(&paths, address, old_tcp));
        let tcp = written.map_err(|error| paths::unwritable(&paths.tcp(), &error))?;
        // Set once.
        let _ = service.token.set(tcp.token);
        locks::write_pid(&paths).map_err(|error| paths::unwritable(&paths.pid_file(), &error))?;
        lock.accepts(listeners.socket.is_activated);
        tokio::spawn(async move {
            if let Some(stream) = relieved {
                handover::relieved(stream).await;
                released.send_replace(true);
            }
        });
        tracing::info!(pid = ready.pid, port = ready.port, python = ready.python, "daemon started");
        supervisor.watch();
        let running =
            Running { paths, settings, supervisor, service, controls, listeners, lock, outbox };
        Ok(Some((running, servers)))
    }
}

/// Has plugins loaded again and packages changed as requests ask for it; returns when one asks for the end.
async fn obey(supervisor: &Supervisor, controls: &mut mpsc::Receiver<Control>) {
    while let Some(control) = controls.recv().await {
        let supervisor = supervisor.clone();
        // An answer fails only if nothing waits for it any more: what was asked for counts.
        match control {
            Control::Shutdown => return,
            Control::Reload { plugins, answer } => {
                tokio::spawn(async move { answer.send(supervisor.reload(plugins).await) });
            }
            Control::Packages { question, answer } => {
                tokio::spawn(async move { answer.send(supervisor.packages(question).await) });
            }
        }
    }
}
