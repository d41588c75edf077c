//! The threads for `def` handlers of one plugin: as few as the load needs.
//!
//! Threads that take turns with the GIL cost several times what the calls themselves cost, so one thread makes all
//! calls one after the other for as long as they are short. Only when calls wait and none has been begun for
//! [`STALL`], because the running ones block (a request to a remote server, a sleep), another thread is added, up
//! to FastAPI's own limit. A thread that has nothing to do waits detached from Python, and ends after a while.
//!
//! I/O threads only put calls in, which takes a lock for a few moves; a thread of the pool never holds that lock
//! while it runs Python, nor waits while it is attached.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::call::Call;
use crate::inbox::{REQUESTS_MAX, Refused};
use crate::wakes;

/// How many calls may block at once: FastAPI's limit.
const THREADS_MAX: usize = 40;
/// How long calls may wait without one being begun; CPython's switch interval.
const STALL: Duration = Duration::from_millis(5);
/// How long a thread beyond the first waits for work before it ends.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

#[derive(Default)]
struct State {
    calls: VecDeque<Call>,
    /// How to run a call, once the plugin is loaded.
    work: Option<Arc<Work>>,
    threads: usize,
    idle: usize,
    /// Counts calls that were begun, so that a stall shows.
    begun: u64,
    /// Calls that were begun and are not done.
    running: usize,
    /// Called once when nothing waits or runs any more.
    when_empty: Option<Py<PyAny>>,
    /// A watcher looks for stalls.
    watched: bool,
    closed: bool,
}

/// Python's side of the pool.
struct Work {
    /// Runs a call.
    run: Py<PyAny>,
    /// Prepares a thread; `close()` of what it returns ends that.
    prepare: Py<PyAny>,
}

struct Shared {
    name: String,
    state: Mutex<State>,
    wake: Condvar,
}

/// The pool of one plugin.
#[pyclass(frozen, module = "_skills_host")]
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

#[pymethods]
impl Pool {
    /// Sets the function that runs a call, and the one that prepares each thread.
    fn run_with(&self, run: Py<PyAny>, prepare: Py<PyAny>) {
        let previous = self.0.lock().work.replace(Arc::new(Work { run, prepare }));
        drop(previous);
    }

    /// Calls `callback` as soon as no call waits or runs, which may be at once.
    fn when_empty(&self, py: Python<'_>, callback: Py<PyAny>) -> PyResult<()> {
        let mut state = self.0.lock();
        if state.is_empty() {
            drop(state);
            callback.call0(py)?;
        } else {
            let previous = state.when_empty.replace(callback);
            drop(state);
            drop(previous);
        }
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    pub(crate) fn new(name: &str) -> Pool {
        let (name, state, wake) = (name.to_owned(), Mutex::default(), Condvar::new());
        Pool(Arc::new(Shared { name, state, wake }))
    }

    /// Puts a call in. Never waits and never runs Python.
    pub(crate) fn send(&self, call: Call) -> Result<(), Refused> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.calls.len() >= REQUESTS_MAX {
            return Err(Refused::Full);
        }
        state.calls.push_back(call);
        let busy = state.threads - state.idle;
        if state.threads == 0 {
            self.spawn(&mut state);
        } else if busy == 0 {
            self.0.wake.notify_one();
        } else if !state.watched {
            // The busy ones will come to it, unless they block.
            state.watched = true;
            let pool = self.clone();
            tokio::spawn(async move { pool.watch().await });
        }
        Ok(())
    }

    /// Takes no more calls and lets the threads end; one that blocks is left behind.
    pub(crate) fn close(&self) {
        let (calls, work) = {
            let mut state = self.0.lock();
            state.closed = true;
            (std::mem::take(&mut state.calls), state.work.take())
        };
        self.0.wake.notify_all();
        // Outside of the lock: each tells its sender that nobody will answer.
        drop((calls, work));
    }

    /// Adds a thread each time calls wait and none is begun, until none waits.
    async fn watch(&self) {
        let mut seen = self.0.lock().begun;
        loop {
            tokio::time::sleep(STALL).await;
            let mut state = self.0.lock();
            if state.calls.is_empty() || state.closed {
                state.watched = false;
                return;
            }
            if state.begun == seen {
                if state.idle > 0 {
                    self.0.wake.notify_one();
                } else if state.threads < THREADS_MAX {
                    self.spawn(&mut state);
                }
            }
            seen = state.begun;
        }
    }

    fn spawn(&self, state: &mut State) {
        let pool = self.clone();
        let spawned =
            thread::Builder::new().name(format!("pool-{}", self.0.name)).spawn(move || pool.work());
        match spawned {
            Ok(_) => state.threads += 1,
            Err(error) => tracing::error!(plugin = self.0.name, %error, "no thread for a handler"),
        }
    }

    /// The body of a thread: attached to Python for its whole life, detached while there is no work.
    fn work(&self) {
        Python::attach(|py| {
            let mut prepared = None;
            let mut next = py.detach(|| self.wait());
            while let Some((call, work)) = next {
                if prepared.is_none() {
                    prepared = self.said(work.prepare.bind(py).call0());
                }
                wakes::open();
                self.said(Bound::new(py, call).and_then(|call| work.run.bind(py).call1((call,))));
                let (after, empty) = {
                    let mut state = self.0.lock();
                    state.running -= 1;
                    let after = state.next();
                    (after, if state.is_empty() { state.when_empty.take() } else { None })
                };
                if let Some(callback) = empty {
                    self.said(callback.bind(py).call0());
                }
                next = match after {
                    Some(call) => Some((call, work)),
                    None => {
                        wakes::flush();
                        py.detach(|| self.wait())
                    }
                };
            }
            if let Some(prepared) = prepared {
                self.said(prepared.call_method0("close"));
            }
        });
    }

    /// What a call into Python gave; an error, which only a mistake of the daemon can be, is logged.
    fn said<'py>(&self, outcome: PyResult<Bound<'py, PyAny>>) -> Option<Bound<'py, PyAny>> {
        outcome
            .inspect_err(|error| {
                tracing::error!(plugin = self.0.name, %error, "the threads for def handlers");
            })
            .ok()
    }

    /// Waits for a call, without the GIL; `None` ends the thread.
    fn wait(&self) -> Option<(Call, Arc<Work>)> {
        let mut state = self.0.lock();
        loop {
            if state.closed {
                state.threads -= 1;
                return None;
            }
            if let Some(work) = state.work.clone()
                && let Some(call) = state.next()
            {
                return Some((call, work));
            }
            state.idle += 1;
            let (woken, timeout) =
                self.0.wake.wait_timeout(state, IDLE_LIMIT).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.calls.is_empty() && state.threads > 1 {
                state.threads -= 1;
                return None;
            }
        }
    }
}

impl State {
    fn next(&mut self) -> Option<Call> {
        let call = self.calls.pop_front()?;
        self.begun += 1;
        self.running += 1;
        Some(call)
    }

    fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.running == 0
    }
}
