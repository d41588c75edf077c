//! The threads for `def` handlers of one plugin: carries out what [`skills_daemon::scheduling::pool`] decides.
//!
//! Any thread puts calls in ([`Pool::send`]), which takes a lock for a few moves and never attaches to Python. The
//! threads of the pool are attached for as long as they run calls; one that sleeps is parked, detached. No thread
//! holds the lock while it runs Python, or waits while it is attached. The watch for calls that block is a task on the
//! I/O threads, which are never attached.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use skills_daemon::journal;
use skills_daemon::runtime::PoolCall;
use skills_daemon::scheduling::bell::{Bell, Ring};
use skills_daemon::scheduling::pool::{
    self, Effect, Limits, Next, Rank, Refusal, ThreadNumber, Ticket,
};
use tokio::runtime::Handle;

use crate::bells::{self, Sleeper};
use crate::call::Call;
use crate::dispatcher::Dispatcher;
use crate::inbox::Refused;
use crate::inspect::current_thread;
use crate::wakes;

/// How many threads a pool may have; as FastAPI allows.
const THREADS_MAX: usize = 40;
/// How long a thread sleeps before it ends.
const IDLE: Duration = Duration::from_secs(10);
/// How long calls may wait without one being begun; CPython's switch interval.
const WATCH_PERIOD: Duration = Duration::from_millis(5);

/// What a thread of a pool runs.
enum Job {
    /// A whole call.
    Call(Call),
    /// A part of a call, which reports its own outcome.
    Part(Py<PyAny>),
}

struct State {
    schedule: pool::Pool<Job>,
    /// All threads, by number, and as Python identifies them.
    threads: HashMap<ThreadNumber, (Thread, u64)>,
    /// How to run a call, from the plugin's load until the pool is closed.
    work: Option<Arc<Work>>,
    /// Called once when nothing waits or runs any more.
    when_empty: Option<Py<PyAny>>,
    /// The last thread could not be started.
    unstarted: bool,
    bell: Bell,
    /// The thread that the bell wakes.
    woken: Option<Thread>,
}

/// Python's side of the pool.
struct Work {
    /// Carries out a call.
    dispatcher: Py<Dispatcher>,
    /// Prepares a thread; `close()` of what it returns ends that.
    prepare: Py<PyAny>,
}

/// What a thread has once it is prepared.
struct Prepared<'py> {
    work: Arc<Work>,
    prepared: Option<Bound<'py, PyAny>>,
}

struct Shared {
    name: String,
    /// The number that its threads carry.
    slot: u32,
    /// Where calls that block are watched for.
    io: Handle,
    state: Mutex<State>,
    /// Notified at the end of each thread.
    ended: Condvar,
}

/// The pool of one plugin.
#[pyclass(frozen, module = "_skills_host")]
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

#[pymethods]
impl Pool {
    /// Sets what carries out calls, and the function that prepares each thread; runs on the plugin's thread.
    fn run_with(&self, dispatcher: Py<Dispatcher>, prepare: Py<PyAny>) {
        let previous = self.0.lock().work.replace(Arc::new(Work { dispatcher, prepare }));
        drop(previous);
    }

    /// Calls `callback` as soon as no call waits or runs: at once, on the plugin's thread, or on the thread of the pool
    /// that ends the last call.
    fn when_empty(&self, py: Python<'_>, callback: Py<PyAny>) -> PyResult<()> {
        let mut state = self.0.lock();
        if state.schedule.is_empty() {
            drop(state);
            callback.call0(py)?;
        } else {
            let previous = state.when_empty.replace(callback);
            drop(state);
            drop(previous);
        }
        Ok(())
    }

    /// Runs a part of a call on a thread: a callable without arguments, which reports its own outcome. The clean-up of a
    /// call gets a thread where calls would have to wait for one. Runs on the plugin's thread.
    fn run(&self, part: Py<PyAny>, is_cleanup: bool) -> PyResult<()> {
        let rank = if is_cleanup { Rank::Cleanup } else { Rank::Part };
        self.put(Job::Part(part), rank).map_err(|refused| {
            PyRuntimeError::new_err(match refused {
                Refused::NoThread => "no thread can be started for a `def` function",
                Refused::Full | Refused::Closed => "the plugin is being unloaded",
            })
        })
    }

    /// Takes no more calls and waits, detached, at most `seconds` for the end of all threads; returns how many go on.
    /// Runs on the plugin's thread.
    fn end(&self, py: Python<'_>, seconds: f64) -> usize {
        self.close();
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        py.detach(|| {
            let (state, ended) = (self.0.lock(), &self.0.ended);
            let outcome = ended.wait_timeout_while(state, limit, |it| !it.threads.is_empty());
            outcome.unwrap_or_else(PoisonError::into_inner).0.threads.len()
        })
    }
}

impl Sleeper for Shared {
    fn due(&self) {
        let mut state = self.lock();
        let woken = if state.bell.due() { state.woken.take() } else { None };
        drop(state);
        woken.iter().for_each(Thread::unpark);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// The pool of the plugin `name`, whose threads carry the number `slot` for the journal.
    ///
    /// At most `waiting` calls wait for a thread. In a task of the I/O runtime.
    pub(crate) fn new(name: &str, slot: u32, waiting: usize) -> Pool {
        let limits = Limits { threads: THREADS_MAX, waiting, idle: IDLE };
        let state = State {
            schedule: pool::Pool::new(limits),
            threads: HashMap::new(),
            work: None,
            when_empty: None,
            unstarted: false,
            bell: Bell::default(),
            woken: None,
        };
        let (name, state) = (name.to_owned(), Mutex::new(state));
        Pool(Arc::new(Shared { name, slot, io: Handle::current(), state, ended: Condvar::new() }))
    }

    /// Puts a call in, on any thread of the I/O runtime. Never waits and never runs Python.
    pub(crate) fn send(&self, call: Call) -> Result<(), Refused> {
        self.put(Job::Call(call), Rank::Call)
    }

    fn put(&self, job: Job, rank: Rank) -> Result<(), Refused> {
        let mut state = self.0.lock();
        let (refusal, job) = match state.schedule.arrived(job, rank) {
            Ok(effect) => {
                let effect = self.ring(&mut state, effect, rank);
                return self.carry_out(state, effect);
            }
            Err(refused) => refused,
        };
        drop(state);
        drop(job);
        Err(match refusal {
            Refusal::Full => Refused::Full,
            Refusal::Closed => Refused::Closed,
        })
    }

    /// Has the bell wake the thread of `effect`, if it does so; returns what is left to do.
    fn ring(&self, state: &mut State, effect: Effect, rank: Rank) -> Effect {
        let sleeper = match effect {
            Effect::Wake(number) => state.threads.get(&number).map(|(thread, _)| thread.clone()),
            _ => None,
        };
        let sleeps = sleeper.is_some();
        if let Some(before) = sleeper.and_then(|thread| state.woken.replace(thread)) {
            before.unpark();
        }
        let ring = match rank {
            Rank::Call => state.bell.called(sleeps),
            Rank::Part | Rank::Cleanup => state.bell.urgent(sleeps),
        };
        match ring {
            Ring::Not => {}
            Ring::Soon => bells::put_off(self.0.clone()),
            Ring::Now => state.woken.take().iter().for_each(Thread::unpark),
        }
        if sleeps { Effect::Nothing } else { effect }
    }

    /// The calls that run, each with its thread.
    pub(crate) fn running(&self) -> Vec<PoolCall> {
        let state = self.0.lock();
        let call = |(ticket, number): &(Ticket, ThreadNumber)| {
            let (_, thread) = state.threads.get(number)?;
            Some(PoolCall { ticket: ticket.0, thread: *thread })
        };
        state.schedule.running().iter().filter_map(call).collect()
    }

    /// How many calls wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().schedule.waiting()
    }

    /// Takes no more calls and lets the threads end; one that blocks is left behind.
    pub(crate) fn close(&self) {
        let (asleep, left) = {
            let mut state = self.0.lock();
            let (calls, asleep) = state.schedule.close();
            let asleep: Vec<Thread> = asleep
                .iter()
                .filter_map(|number| Some(state.threads.get(number)?.0.clone()))
                .collect();
            (asleep, (calls, state.work.take(), state.when_empty.take()))
        };
        asleep.iter().for_each(Thread::unpark);
        // Outside of the lock: each call reports to its sender that it is aborted.
        drop(left);
    }

    /// Gives the lock back and does what the schedule decided; fails if calls have no thread to run them.
    fn carry_out(&self, state: MutexGuard<'_, State>, effect: Effect) -> Result<(), Refused> {
        let woken = match effect {
            Effect::Wake(number) => state.threads.get(&number).map(|(thread, _)| thread.clone()),
            _ => None,
        };
        drop(state);
        match effect {
            Effect::Nothing => {}
            Effect::Start(number) => return self.start(number),
            Effect::Wake(_) => woken.iter().for_each(Thread::unpark),
            Effect::Watch => {
                let pool = self.clone();
                self.0.io.spawn(async move { pool.watch().await });
            }
        }
        Ok(())
    }

    fn start(&self, number: ThreadNumber) -> Result<(), Refused> {
        let pool = self.clone();
        let thread = thread::Builder::new().name(format!("pool-{}", self.0.name));
        let Err(error) = thread.spawn(move || pool.work(number)) else { return Ok(()) };
        let mut state = self.0.lock();
        if !std::mem::replace(&mut state.unstarted, true) {
            tracing::error!(plugin = self.0.name, %error, "cannot start a thread for a handler");
        }
        match state.schedule.unstarted() {
            Ok(effect) => self.carry_out(state, effect),
            Err(calls) => {
                drop(state);
                // Each reports to its sender that it is aborted.
                drop(calls);
                Err(Refused::NoThread)
            }
        }
    }

    /// Has the schedule look after each period whether calls block, until none waits; a task of the I/O threads.
    async fn watch(&self) {
        loop {
            tokio::time::sleep(WATCH_PERIOD).await;
            let mut state = self.0.lock();
            let Some(effect) = state.schedule.watched() else { return };
            // Fails where no thread can be started, which the senders of the calls get as an abort.
            let _ = self.carry_out(state, effect);
        }
    }

    /// The body of a thread: attached to Python for its whole life, detached while it sleeps.
    fn work(&self, number: ThreadNumber) {
        journal::thread::carry(self.0.slot, false);
        let first = {
            let mut state = self.0.lock();
            state.unstarted = false;
            state.threads.insert(number, (thread::current(), current_thread()));
            state.schedule.started(number)
        };
        Python::attach(|py| {
            let mut work = None;
            let mut next = first;
            // What is answered from one sleep to the next is a batch.
            wakes::open();
            loop {
                next = match next {
                    Next::Run { call: job, ticket, last } => {
                        self.run_job(py, job, last, &mut work);
                        self.finished(py, number, ticket)
                    }
                    Next::Sleep => {
                        wakes::close();
                        let next = py.detach(|| self.sleep(number));
                        wakes::open();
                        next
                    }
                    Next::End => break,
                };
            }
            wakes::close();
            if let Some(Prepared { prepared: Some(prepared), .. }) = work {
                self.result(prepared.call_method0("close"));
            }
        });
        self.0.lock().threads.remove(&number);
        self.0.ended.notify_all();
    }

    /// Runs a job, the `last` that waits or not; prepares the thread before its first.
    fn run_job<'py>(
        &self,
        py: Python<'py>,
        job: Job,
        last: bool,
        work: &mut Option<Prepared<'py>>,
    ) {
        let mut job = job;
        if let Job::Call(call) = &mut job
            && call.is_cancelled_already()
        {
            return;
        }
        if work.is_none() {
            *work = self.prepare(py);
        }
        // Without: the pool was closed meanwhile, which a call reports to its sender when it is dropped.
        let Some(Prepared { work, .. }) = work else { return };
        self.result(match job {
            Job::Call(mut call) => {
                call.last = last;
                Bound::new(py, call).and_then(|call| work.dispatcher.get().run(&call))
            }
            Job::Part(part) => part.into_bound(py).call0().map(drop),
        });
    }

    fn prepare<'py>(&self, py: Python<'py>) -> Option<Prepared<'py>> {
        let work = self.0.lock().work.clone()?;
        let prepared = self.result(work.prepare.bind(py).call0());
        Some(Prepared { work, prepared })
    }

    /// Ends a call; returns what the thread does next.
    fn finished(&self, py: Python<'_>, number: ThreadNumber, ticket: Ticket) -> Next<Job> {
        let (next, empty) = {
            let mut state = self.0.lock();
            let next = state.schedule.finished(number, ticket);
            let empty = if state.schedule.is_empty() { state.when_empty.take() } else { None };
            (next, empty)
        };
        if let Some(callback) = empty {
            self.result(callback.bind(py).call0());
        }
        next
    }

    /// Sleeps, without the GIL, until the schedule has another step.
    fn sleep(&self, number: ThreadNumber) -> Next<Job> {
        let begun = Instant::now();
        loop {
            thread::park_timeout(IDLE);
            match self.0.lock().schedule.rested(number, begun.elapsed()) {
                Next::Sleep if begun.elapsed() < IDLE => {}
                next => return next,
            }
        }
    }

    /// Returns the result of a call into Python; an error, which only a mistake of the daemon can be, is logged.
    fn result<T>(&self, outcome: PyResult<T>) -> Option<T> {
        outcome
            .inspect_err(|error| {
                tracing::error!(plugin = self.0.name, %error, "the threads for def handlers");
            })
            .ok()
    }
}
