//! The daemon process: embeds CPython and serves. Started by `skills-client` and `skills-daemon`, not by hand.
//!
//! - `embed`: initializing CPython as the venv's interpreter.
//! - `bundle`: the Python code in the binary, laid out on disk.
//! - `plugins`: [`skills_daemon::runtime::Runtime`] over the embedded interpreter; a thread per plugin.
//! - `inbox`: the queue into a plugin's thread; `load`: how long it is.
//! - `pool`: the threads for `def` handlers of one plugin.
//! - `board`: the background tasks of a plugin, for `status`.
//! - `executed`: the files that a plugin executes.
//! - `call`: one request, as a Python object.
//! - `scope`: its ASGI connection scope; `socket`: its WebSocket; `console`: what its caller sees and answers.
//! - `dispatcher`: calls handlers that take nothing but bound values, and leaves all else to Python's runner.
//! - `starter`: the tasks of an event loop, each begun with its first step; `context`: their contexts.
//! - `binder`: from bound values to a handler's arguments; `json`: from its result to bytes.
//! - `solver`: [`skills_daemon::solver::Solver`] by `uv`'s resolver.
//! - `exporter`: [`skills_daemon::traces::Exporter`] by OpenTelemetry's.
//! - `wakes`: sending finished answers, together or at once.
//! - `crash`: noting the plugin whose code ends the process.
//! - `packages`: the directory of installed packages in use, what is imported from it, and its replacement.
//! - `inspect`: stacks and numbers of Python's threads, from outside.
//! - `writes`: the files that plugins write.
//! - `log`: Python's log records into the daemon's log.
//!
//! # Who attaches to Python
//!
//! The main thread, while it initializes the interpreter; each plugin's thread, for as long as it lives; the
//! threads of a plugin's pool, while they have something to do; a thread of its own for each new level of the log
//! and each look at the installed packages; a
//! thread that looks at stacks for reports (`inspect`), one at a time; and the thread that runs exit functions at the
//! end. The
//! threads of the tokio runtime never do, so no request waits for the GIL unless it is for a plugin; the watch for
//! calls that block (`pool`) is a task of theirs. Nor does the thread that sweeps held answers (`wakes`). No thread
//! waits for another while it holds the GIL: what crosses over is a queue or an exchange, whose locks are held
//! for a few moves of memory, and dropping a Python object elsewhere only queues it. The interpreter is never
//! finalized: the process ends by `_exit` after the plugins were unloaded, so a thread that a plugin blocked
//! cannot hold up the end.

mod bells;
mod binder;
mod board;
mod bundle;
mod call;
mod console;
mod context;
mod crash;
mod dispatcher;
mod embed;
mod ending;
mod executed;
mod exporter;
mod file;
mod forms;
mod headers;
mod inbox;
mod inspect;
mod json;
mod load;
mod log;
mod memory;
mod packages;
mod plugins;
mod pool;
mod scope;
mod socket;
mod solver;
mod starter;
mod wakes;
mod writes;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Parser;
use skills_daemon::daemon::Origin;
use skills_daemon::daemon::logging::{self, Destination};
use skills_daemon::daemon::supervised::Manager;
use skills_daemon::environment::supervision::{self, Supervision};
use skills_daemon::environment::{self, Environment};
use skills_daemon::failure::{Failure, Kind};
use skills_daemon::lifecycle::{start_failure, start_lock};
use skills_daemon::paths::Paths;
use skills_daemon::settings::Settings;
use skills_daemon::settings::secrets::Secrets;
use skills_daemon::solver::Solver;
use skills_daemon::uv::Step;
use skills_daemon::venv::Base;
use skills_daemon::wire::{HEARTBEAT, Ready, Startup};
use skills_daemon::{console::Console, daemon, daemon::Means};

/// A request's memory is mostly allocated on an I/O thread and freed on a plugin's, or the other way round:
/// with the C library's allocator the two spent a quarter of their time on its locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// More I/O threads than this only contend for what one connection per client needs.
const IO_THREADS_MAX: usize = 4;

/// The longest start: that of one step, for a launcher.
const START_MAX: Duration = start_lock::WAIT_MAX;

/// What tasks that still block get at the very end.
const LAST_TASKS: Duration = Duration::from_secs(2);

/// The daemon process of skills-daemon. It is started by `skills-daemon start` and by every command.
#[derive(Parser)]
#[command(name = "skills-host", version)]
struct Arguments {
    /// The base interpreter, which the venv is made of.
    #[arg(long)]
    python: PathBuf,
    /// The libpython that must be the one that was loaded.
    #[arg(long)]
    library: Option<PathBuf>,
    /// Stay in the terminal and log there too.
    #[arg(long)]
    foreground: bool,
    /// Report to the service manager that has started it.
    #[arg(long, hide = true, conflicts_with = "foreground")]
    service: bool,
    /// Replace the host at the other end of stdin.
    #[arg(long, hide = true)]
    take_over: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // SAFETY: no other thread runs yet, so none reads the environment while it changes.
    unsafe { environment::restore_library_path() };
    let supervision = match arguments.service {
        true => Supervision::of(&Environment::of_process(), std::process::id()),
        false => Supervision::default(),
    };
    // SAFETY: as above.
    unsafe { supervision::remove() };
    let env = Environment::of_process();
    let started = Reporter::new(&arguments, &env, &supervision);
    let (reporter, journal) = match started {
        Ok(started) => started,
        Err(error) => {
            let failure =
                Failure::environment(format!("cannot set up the host's outputs: {error}"));
            return Console::of_process(&env).failure(&failure);
        }
    };
    let outcome = run(arguments, env, &supervision, &reporter, journal);
    crash::end();
    match outcome {
        Ok(()) => embed::exit(0),
        Err(failure) => {
            tracing::error!(error = failure.error, hint = failure.hint, "the daemon cannot go on");
            let status = failure.kind.exit_status();
            reporter.failed(failure);
            embed::exit(status.into())
        }
    }
}

fn run(
    arguments: Arguments,
    env: Environment,
    supervision: &Supervision,
    reporter: &Reporter,
    journal: Option<File>,
) -> Result<(), Failure> {
    // SAFETY: they are the service manager's, and nothing else has opened any descriptor by its number.
    let sockets = unsafe { supervision.take_sockets() };
    let paths = Paths::resolve(&env)?;
    paths.create()?;
    let mut settings = Settings::load(&paths.config_file(), &env)?;
    let secrets = Secrets::load(&paths.secrets_file());
    let destination = match journal {
        Some(journal) => Destination::FileAndJournal(journal),
        None if arguments.foreground => Destination::FileAndTerminal,
        None => Destination::File,
    };
    let level = settings.log_level.value;
    let log = logging::start(&paths, level, destination)?;
    // Written out even where the process ends in a hurry.
    embed::keep_until_exit(log);
    for unknown in &settings.unknown {
        tracing::warn!(key = unknown.key, file = %paths.config_file().display(), "{unknown}");
    }
    // `status` shows the reason from the first look at the files on.
    settings.secrets = secrets.unwrap_or_else(|failure| {
        tracing::warn!(error = failure.error, "plugins have no secrets");
        Secrets::default()
    });
    if let Some(library) = &arguments.library {
        embed::check_library(library)?;
    }
    let base = Base { executable: arguments.python, version: embed::version() };
    let progress = |step: Step| reporter.progress(&step.to_string());
    let predecessor = arguments.take_over.then(predecessor).transpose()?;
    let is_alone = predecessor.is_none();
    // A host in a terminal stays there until its user ends it.
    let files = if arguments.foreground { Vec::new() } else { files(&base, arguments.library) };
    let on_terminal = arguments.foreground;
    let manager = reporter.manager();
    let origin = Origin { predecessor, files, on_terminal, sockets, manager };
    let solver: Arc<dyn Solver> = Arc::new(solver::UvSolver::new(env.clone()));
    let exporter = exporter::exporter(&settings.traces, &env)?;
    let prepared = daemon::prepare(paths.clone(), settings, env, &base, origin, &progress)?;

    if let Some(journal) = prepared.journal() {
        crash::watch(journal)
            .map_err(|error| Failure::environment(format!("cannot handle signals: {error}")))?;
    }
    let python_dir = bundle::unpack(&paths, is_alone)?;
    embed::initialize(
        &paths,
        prepared.venv_python(),
        &python_dir,
        prepared.settings(),
        prepared.address()?,
    )?;
    crash::watch_exit();
    let python = Arc::new(plugins::Embedded);
    // The other half of the CPUs is for Python: an I/O thread that takes a plugin's CPU away only costs.
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (cpus / 2).clamp(1, IO_THREADS_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("skills-io")
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("cannot start I/O threads: {error}")))?;
    wakes::start_sweep().map_err(|error| {
        Failure::environment(format!("cannot start the sweep of held answers: {error}"))
    })?;
    let bundled = bundle::plugins(&python_dir);
    let announce = |ready: &Ready| reporter.ready(ready.clone());
    let outcome = runtime.block_on(async {
        tokio::spawn(bells::ring());
        memory::give_back_soon();
        let means = Means { python, solver: Some(solver), exporter };
        daemon::run(prepared, means, bundled, announce).await
    });
    embed::run_exit_functions();
    runtime.shutdown_timeout(LAST_TASKS);
    tracing::info!("daemon stopped");
    outcome
}

/// Returns the files whose replacement is an upgrade of the host.
fn files(base: &Base, library: Option<PathBuf>) -> Vec<PathBuf> {
    let own = environment::own_executable().ok();
    own.into_iter().chain([base.executable.clone()]).chain(library).collect()
}

/// Returns the connection that is stdin, and has stdin read nothing.
fn predecessor() -> Result<UnixStream, Failure> {
    let taken = || -> io::Result<UnixStream> {
        let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
        Ok(stream)
    };
    taken().map_err(|error| {
        Failure::environment(format!("cannot use the connection to the running daemon: {error}"))
    })
}

/// Reports the progress of the start.
enum Reporter {
    /// Lines of JSON to the launcher, until `ready` or `failed`.
    Launcher(Arc<Mutex<Option<File>>>),
    /// Text to the terminal.
    Terminal(Box<Console>),
    /// Reports to the service manager.
    Service(Arc<Manager>),
}

impl Reporter {
    /// In the background: keeps stdout for the launcher or the journal, lets Python and C have stderr instead, and
    /// leaves the terminal's session. Returns also the journal, where a service manager reads it from stdout.
    fn new(
        arguments: &Arguments,
        env: &Environment,
        supervision: &Supervision,
    ) -> io::Result<(Reporter, Option<File>)> {
        if arguments.foreground {
            return Ok((Reporter::Terminal(Box::new(Console::of_process(env))), None));
        }
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        nix::unistd::dup2_stdout(io::stderr().as_fd())?;
        // Fails only for a process that leads its group already, which has nothing to leave.
        let _ = nix::unistd::setsid();
        if arguments.service {
            let manager = Arc::new(Manager::new(supervision));
            let starting = Arc::downgrade(&manager);
            thread::spawn(move || {
                // A start that takes longer hangs, for its launcher, too.
                for _ in 0..START_MAX.as_secs() / HEARTBEAT.as_secs().max(1) {
                    let Some(manager) = starting.upgrade() else { return };
                    if manager.has_started() {
                        return;
                    }
                    manager.starting();
                    thread::sleep(HEARTBEAT);
                }
            });
            let journal = logging::is_journal(&stdout, supervision).then_some(stdout);
            return Ok((Reporter::Service(manager), journal));
        }
        let report = Arc::new(Mutex::new(Some(stdout)));
        let pipe = report.clone();
        thread::spawn(move || {
            while send(&pipe, &Startup::Alive, false) {
                thread::sleep(HEARTBEAT);
            }
        });
        Ok((Reporter::Launcher(report), None))
    }

    /// The service manager, which does not exist for a host that another program has started.
    fn manager(&self) -> Arc<Manager> {
        match self {
            Reporter::Service(manager) => manager.clone(),
            _ => Arc::default(),
        }
    }

    fn progress(&self, text: &str) {
        tracing::info!(step = text, "starting");
        match self {
            Reporter::Terminal(console) => console.note(text),
            Reporter::Launcher(_) => self.send(&Startup::Progress { text: text.to_owned() }, false),
            Reporter::Service(manager) => manager.progress(text),
        }
    }

    fn ready(&self, ready: Ready) {
        match self {
            Reporter::Terminal(console) => console.note(&format!(
                "listening on http://localhost:{} with Python {}; Ctrl-C ends",
                ready.port, ready.python
            )),
            Reporter::Launcher(_) => self.send(&Startup::Ready(ready), true),
            Reporter::Service(manager) => manager.ready(&ready),
        }
    }

    fn failed(&self, failure: Failure) {
        match self {
            Reporter::Terminal(console) => {
                console.failure(&failure);
            }
            Reporter::Launcher(_) => self.send(&Startup::Failed { failure }, true),
            Reporter::Service(manager) => {
                manager.progress(&failure.error);
                // For the program that has asked the manager for the start.
                if !manager.has_started()
                    && let Ok(paths) = Paths::resolve(&Environment::of_process())
                {
                    start_failure::remember(&paths, &failure);
                }
            }
        }
    }

    fn send(&self, event: &Startup, last: bool) {
        if let Reporter::Launcher(pipe) = self {
            send(pipe, event, last);
        }
    }
}

/// Writes a line to the launcher, and closes the pipe after the last one; false once it is closed.
///
/// A launcher that went away misses the line, which hurts nothing.
fn send(pipe: &Mutex<Option<File>>, event: &Startup, last: bool) -> bool {
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(file) = pipe.as_mut() else { return false };
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        let _ = file.write_all(&line);
    }
    if last {
        *pipe = None;
    }
    true
}

/// A failure inside Python that is not a plugin's.
fn bug(what: &str, error: &pyo3::PyErr) -> Failure {
    Failure::new(Kind::Bug, format!("{what}: {error}")).hint("Run `skills-daemon logs`.")
}
