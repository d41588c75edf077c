//! The traits in front of Python, and nothing of Python itself.
//!
//! The library never attaches to an interpreter. A [`Runtime`] loads a plugin and returns an
//! [`Instance`], whose methods return at once: the work is done on the plugin's own thread and reported through
//! futures and [exchanges](crate::exchange). The host implements both traits with pyo3; `fake` implements them for
//! tests, faults included.

#[cfg(test)]
pub(crate) mod fake;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};

use crate::description::Report;
use crate::exchange::request::Request;
use crate::exchange::{Extent, Incoming, IoSide};
use crate::failure::{Failure, Kind};
use crate::limits::admission::Permit;
use crate::manifest::NamedFunction;
use crate::policy::Policy;
use crate::routes::Argument;
use crate::settings::LogLevel;
use crate::traces::CallTrace;
use crate::wire::BackgroundTask;
pub use crate::wire::Caller;

/// A future that any thread may poll.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The parameters of a load.
#[derive(Clone, Debug)]
pub struct LoadRequest {
    /// The file that is executed: `…/__init__.py`, or a single `.py`.
    pub init_file: PathBuf,
    /// A name for threads and logs until the plugin's own is known.
    pub working_name: String,
    /// `package.module:Class` from the manifest, if the class is not in the file itself.
    pub entry_point: Option<String>,
    /// Functions of installed packages that are its commands; with any, no file is executed.
    pub commands: BTreeMap<String, NamedFunction>,
    /// The version in the manifest, for a plugin whose code has none.
    pub version: Option<String>,
    /// The description in the manifest, for a plugin whose code has none.
    pub description: Option<String>,
    /// Its name, as far as it is known before its import.
    pub name: String,
    /// The directory of the plugins' own folders.
    pub data: PathBuf,
    /// How it is run.
    pub policy: Policy,
    /// The number that its threads carry for the journal; 0 for none.
    pub slot: u32,
    /// Receives the files of its own modules when they are executed: in a load that fails as in one that succeeds, and
    /// later those that a handler imports. The standard library and the packages of the venv are left out.
    pub executed: mpsc::UnboundedSender<ExecutedFile>,
}

/// A file that was executed, as it was just before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExecutedFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in nanoseconds.
    pub modified: i64,
}

impl ExecutedFile {
    /// Returns the file at `path` as it is now.
    ///
    /// # Errors
    /// It is missing or unreadable.
    pub fn now(path: &Path) -> io::Result<ExecutedFile> {
        let it = fs::metadata(path)?;
        let modified = it.mtime().saturating_mul(1_000_000_000).saturating_add(it.mtime_nsec());
        Ok(ExecutedFile { path: path.to_owned(), size: it.len(), modified })
    }
}

/// A call of a handler without FastAPI.
#[derive(Clone, Debug, PartialEq)]
pub struct Direct {
    /// Number of the plan.
    pub plan: usize,
    /// True if it begins on the plugin's loop, not in its pool.
    pub begins_on_loop: bool,
    /// The values, in the order of the plan's parameters.
    pub values: Vec<Argument>,
}

/// One call of a plugin.
#[derive(Debug)]
pub struct Call {
    /// What is asked.
    pub request: Request,
    /// How the request's body reaches the plugin.
    pub incoming: Incoming,
    /// The handler and its arguments; without, FastAPI does everything.
    pub direct: Option<Direct>,
    /// Where the call comes from, if that is more than HTTP has of it.
    pub caller: Option<Arc<Caller>>,
    /// What the exchange has besides.
    pub extent: Extent,
    /// Dropped once the plugin has ended the call; `None` for a plugin without a limit.
    pub permit: Option<Permit>,
    /// Its trace, if it is traced; dropped once the plugin has ended the call.
    pub trace: Option<Arc<CallTrace>>,
}

/// What the threads of a plugin do at a moment.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// Its event loops.
    pub loops: Vec<LoopActivity>,
    /// The calls that run in its pool.
    pub pool: Vec<PoolCall>,
    /// How many calls wait for a thread of its pool.
    pub waiting: usize,
    /// How many calls it was ever given.
    pub calls: u64,
}

impl Activity {
    /// How many calls it was given and has not ended.
    pub fn in_flight(&self) -> usize {
        let loads = self.loops.iter().map(|own_loop| own_loop.load);
        loads.sum::<usize>() + self.pool.len() + self.waiting
    }
}

/// What an event loop does at a moment.
#[derive(Clone, Copy, Debug)]
pub struct LoopActivity {
    /// Identifies its thread for [`Runtime::stack`].
    pub thread: u64,
    /// How many requests it has.
    pub load: usize,
    /// True while an event waits for it; always, while it has requests.
    pub is_signalled: bool,
    /// How often it has taken events.
    pub taken: u64,
    /// How long the latest event that probes it has waited to be taken, or waits; zero without requests.
    pub lag: Duration,
}

/// A call that runs in a pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolCall {
    /// Unique in its plugin.
    pub ticket: u64,
    /// Identifies its thread for [`Runtime::stack`].
    pub thread: u64,
}

/// A frame of a Python stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The file of its code.
    pub file: PathBuf,
    /// The line that is executed.
    pub line: u32,
    /// The name of its function.
    pub function: String,
}

/// A directory of packages that is to take the place of the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The directory.
    pub site_packages: PathBuf,
    /// The interpreter of its environment, for subprocesses of plugins.
    pub python: PathBuf,
}

/// A plugin that was loaded; its hooks have not run yet.
pub struct Loaded {
    /// Its metadata, as Python reports it.
    pub report: Report,
    /// The handle for calls and hooks.
    pub instance: Arc<dyn Instance>,
}

/// The failure of a request to a plugin for which `waiting` others wait, which is its limit.
pub fn full(waiting: u32) -> Failure {
    Failure::new(Kind::Unavailable, format!("{waiting} requests already wait for this plugin"))
        .hint("Its thread is blocked or overloaded; try again later.")
}

/// An embedded interpreter.
pub trait Runtime: Send + Sync + 'static {
    /// Imports a plugin on a new thread of its own and describes it.
    ///
    /// The future never resolves while the import hangs; the caller sets the deadline.
    fn load(&self, request: LoadRequest) -> BoxFuture<Result<Loaded, Failure>>;

    /// Compiles `files`, soon, without executing them; fails with the place of the first error.
    fn check(&self, files: Vec<PathBuf>) -> BoxFuture<Result<(), Failure>>;

    /// Sets the least level of the records that Python's `logging` makes, soon.
    fn set_log_level(&self, level: LogLevel);

    /// Returns when code of this process wrote files below `directory` last, a real path; waits for nothing.
    fn written(&self, directory: &Path) -> BTreeMap<PathBuf, Instant>;

    /// Returns the Python stack of a thread, the innermost frame first; `None` for one that runs no Python.
    ///
    /// The future never resolves while a thread holds the GIL; the caller sets the deadline.
    fn stack(&self, thread: u64) -> BoxFuture<Option<Vec<Frame>>>;

    /// Returns how long a thread that asks for the GIL now waits for it; `None` while the last one still does.
    fn gil_wait(&self) -> BoxFuture<Option<Duration>>;

    /// Returns how many threads that it started each plugin has, by name; never while a thread holds the GIL.
    fn threads(&self) -> BoxFuture<BTreeMap<String, usize>>;

    /// Lets imports find packages in another directory; what is imported stays.
    ///
    /// The future never resolves while a thread holds the GIL; the caller sets the deadline.
    fn follow(&self, to: Followed) -> BoxFuture<Result<(), Failure>>;

    /// Returns the files of imported modules, relative to the directory of packages of each, and those that modules
    /// would have that were looked for and not found.
    ///
    /// The future never resolves while a thread holds the GIL; the caller sets the deadline.
    fn imported(&self) -> BoxFuture<Result<BTreeSet<PathBuf>, Failure>>;
}

/// One loaded plugin. Dropping the last reference does not unload it.
pub trait Instance: Send + Sync + 'static {
    /// Starts the lifespan and runs `startup()`, then `connect()`, each cut off after `limit`; returns what failed.
    ///
    /// The future never resolves while a hook blocks the plugin's thread; the caller sets a deadline too.
    fn start(&self, limit: Duration) -> BoxFuture<Vec<String>>;

    /// Hands a call to the plugin and returns the I/O end of their exchange.
    ///
    /// # Errors
    /// The plugin's queue is full, or its thread has ended.
    fn call(&self, call: Call) -> Result<IoSide, Failure>;

    /// Returns what its threads do; has a loop with requests take an event, too, so that one that is late is noticed.
    fn activity(&self) -> Activity;

    /// Runs `health_check()`; resolves after `limit` at the latest if the thread is free.
    fn health(&self, limit: Duration) -> BoxFuture<Map<String, Value>>;

    /// Returns what turns true when WebSockets are to end, at the first [`finish`](Self::finish) or
    /// [`unload`](Self::unload).
    fn ending(&self) -> watch::Receiver<bool>;

    /// Waits until no request is in flight, at most for `limit`; but for WebSockets, the plugin goes on as before.
    fn finish(&self, limit: Duration) -> BoxFuture<()>;

    /// Returns the background tasks that have not ended; waits for nothing.
    fn background(&self) -> Vec<BackgroundTask>;

    /// Lets the requests in flight finish, ends the background tasks, runs `shutdown()` and ends the lifespan, cut
    /// off after `limit` for the requests and as much for the rest, and ends the thread.
    fn unload(&self, limit: Duration) -> BoxFuture<()>;
}
