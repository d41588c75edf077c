//! The queue into a plugin's thread.
//!
//! Any thread puts events in; the plugin's event loop takes them out in batches. The loop watches a file
//! descriptor, which gets one byte when the queue turns from empty to not empty and none while it is not: one
//! wake-up per batch. For a call it comes a little later ([`skills_daemon::scheduling::bell`]).

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use skills_daemon::exchange::Wake;
use skills_daemon::runtime::LoopActivity;
use skills_daemon::scheduling::bell::{Bell, Ring};
use tokio::sync::oneshot;

use crate::bells::{self, Sleeper};
use crate::call::Call;
use crate::dispatcher::Dispatcher;
use crate::inspect::current_thread;
use crate::load::{Counted, Load};
use crate::wakes;

/// How many events Python takes at a time, so that the loop's other work gets its turn.
const BATCH: usize = 64;

/// Something for the plugin's thread to do.
pub(crate) enum Event {
    /// A request.
    Call(Box<Call>),
    /// The request with this id moved.
    Moved(u64),
    /// Nothing: the loop shows that it moves, and how late.
    Beat,
    /// A part of a call goes on: a callable without arguments.
    Part(Py<PyAny>),
    /// One of the worker's verbs, its limit in seconds, and where the answer goes.
    Verb(&'static str, f64, oneshot::Sender<Result<String, String>>),
}

struct Queue {
    events: VecDeque<Event>,
    requests: usize,
    /// How many requests may wait.
    requests_max: usize,
    /// A byte is on its way to the loop, or is soon.
    signalled: bool,
    bell: Bell,
    /// How often events were taken.
    taken: u64,
    /// When the beat was put in that the loop has not taken.
    beat: Option<Instant>,
    /// How long the last one waited.
    lag: Duration,
    /// The loop's thread, as Python identifies it; 0 before it has taken any.
    thread: u64,
    closed: bool,
}

struct Shared {
    /// Itself, for the task that rings.
    own: Weak<Shared>,
    queue: Mutex<Queue>,
    writer: UnixStream,
    /// Requests that were put in and are not done.
    load: Load,
}

/// The end that puts events in.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Shared>);

/// Why an event was not taken.
pub(crate) enum Refused {
    /// Too many requests wait.
    Full,
    /// The plugin's thread has ended.
    Closed,
    /// The system gives no thread to run it.
    NoThread,
}

/// A new inbox, in which so many requests may wait, and the way into it.
pub(crate) fn inbox(requests_max: usize) -> io::Result<(Sender, Inbox)> {
    let (writer, reader) = UnixStream::pair()?;
    writer.set_nonblocking(true)?;
    reader.set_nonblocking(true)?;
    let queue = Queue {
        events: VecDeque::new(),
        requests: 0,
        requests_max,
        signalled: false,
        bell: Bell::default(),
        taken: 0,
        beat: None,
        lag: Duration::ZERO,
        thread: 0,
        closed: false,
    };
    let shared = Arc::new_cyclic(|own| Shared {
        own: own.clone(),
        queue: Mutex::new(queue),
        writer,
        load: Load::default(),
    });
    Ok((Sender(shared.clone()), Inbox { shared, reader }))
}

impl Wake for Shared {
    fn wake(&self, id: u64) {
        // A thread that has ended needs no waking.
        let _ = self.send(Event::Moved(id));
    }
}

impl Sender {
    /// What wakes the loop when an exchange moves.
    pub(crate) fn waking(&self) -> Arc<dyn Wake> {
        self.0.clone()
    }

    /// How many requests this loop has.
    pub(crate) fn load(&self) -> usize {
        self.0.load.now()
    }

    /// What the loop does; one with requests and no beat gets one.
    pub(crate) fn activity(&self) -> LoopActivity {
        let load = self.load();
        if load > 0 && self.0.lock().beat.is_none() {
            // A thread that has ended is no loop any more.
            let _ = self.send(Event::Beat);
        }
        let mut queue = self.0.lock();
        let (is_signalled, taken) = (queue.signalled, queue.taken);
        if load == 0 {
            queue.lag = Duration::ZERO;
        }
        let waits = queue.beat.map_or(Duration::ZERO, |since| since.elapsed());
        let lag = waits.max(queue.lag);
        LoopActivity { thread: queue.thread, load, is_signalled, taken, lag }
    }

    /// Counts a request as this loop's until the result is dropped.
    pub(crate) fn count(&self) -> Counted {
        self.0.load.count()
    }

    /// Puts an event in and wakes the loop if it sleeps. Never blocks.
    pub(crate) fn send(&self, event: Event) -> Result<(), Refused> {
        self.0.send(event)
    }
}

impl Sleeper for Shared {
    fn due(&self) {
        let is_due = self.lock().bell.due();
        if is_due {
            self.signal();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, event: Event) -> Result<(), Refused> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(Refused::Closed);
        }
        let is_call = matches!(event, Event::Call(_));
        if matches!(event, Event::Beat) {
            queue.beat = Some(Instant::now());
        }
        if is_call {
            if queue.requests >= queue.requests_max {
                return Err(Refused::Full);
            }
            queue.requests += 1;
        }
        queue.events.push_back(event);
        let sleeps = !std::mem::replace(&mut queue.signalled, true);
        let bell = &mut queue.bell;
        let ring = if is_call { bell.called(sleeps) } else { bell.urgent(sleeps) };
        drop(queue);
        match ring {
            Ring::Not => {}
            Ring::Soon => self.own.upgrade().into_iter().for_each(|own| bells::put_off(own)),
            Ring::Now => self.signal(),
        }
        Ok(())
    }

    /// Makes the descriptor readable.
    fn signal(&self) {
        // A full pipe would mean that a byte is there already, which is all that counts.
        let _ = (&self.writer).write(&[1]);
    }
}

/// The end that the plugin's event loop watches.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Inbox {
    shared: Arc<Shared>,
    reader: UnixStream,
}

#[pymethods]
impl Inbox {
    /// The descriptor that becomes readable when an event can be taken.
    fn fileno(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    /// Works off the next events, at most `BATCH`: calls by `dispatcher`, or not at all without; anything else by `other`.
    /// On the loop's thread.
    fn work(
        &self,
        dispatcher: Option<&Bound<'_, Dispatcher>>,
        other: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = other.py();
        // Answers to what follows may be held until the end of the batch.
        wakes::open();
        let _batch = Batch;
        for event in self.take() {
            let outcome = match event {
                Event::Call(mut call) => match dispatcher {
                    // One that its sender has given up is dropped.
                    Some(dispatcher) if !call.is_cancelled_already() => {
                        Bound::new(py, *call).and_then(|call| Dispatcher::begin(dispatcher, &call))
                    }
                    _ => Ok(()),
                },
                Event::Moved(id) => other.call1((id,)).map(drop),
                Event::Part(part) => other.call1((part,)).map(drop),
                Event::Beat => Ok(()),
                Event::Verb(verb, limit, sender) => Bound::new(py, Reply::new(sender))
                    .and_then(|reply| other.call1(((verb, limit, reply),)))
                    .map(drop),
            };
            if let Err(error) = outcome {
                // Only by a mistake of the daemon's: what follows is worked off all the same.
                tracing::error!(%error, "an event of a plugin's loop");
            }
        }
        Ok(())
    }

    /// Has the loop call `part`, without arguments, once its thread has ended what it does; false if the loop has ended. On
    /// any thread.
    pub(crate) fn call_soon(&self, part: Py<PyAny>) -> bool {
        self.shared.send(Event::Part(part)).is_ok()
    }

    /// Begins a batch: answers to what follows may be held until `done`. On the loop's thread.
    fn hold(&self) {
        wakes::open();
    }

    /// Ends a batch: the answers that are held are sent. On the loop's thread.
    fn done(&self) {
        wakes::close();
    }
}

impl Inbox {
    /// Takes the next events out of the queue.
    fn take(&self) -> Vec<Event> {
        let mut queue = self.shared.lock();
        queue.taken += 1;
        queue.thread = current_thread();
        let count = queue.events.len().min(BATCH);
        let mut batch: Vec<Event> = queue.events.drain(..count).collect();
        queue.requests -= batch.iter().filter(|event| matches!(event, Event::Call(_))).count();
        if let Some(since) = queue.beat
            && batch.iter().any(|event| matches!(event, Event::Beat))
        {
            (queue.beat, queue.lag) = (None, since.elapsed());
        }
        if queue.events.is_empty() {
            queue.signalled = false;
            queue.bell.answered();
            // Whatever is there: the byte of an event that was taken before it was written may come late.
            let _ = (&self.reader).read(&mut [0; 8]);
        }
        if let Some(Event::Call(last)) = batch.last_mut() {
            last.last = true;
        }
        batch
    }
}

/// A batch of events that is worked off; at its end the answers that are held are sent.
struct Batch;

impl Drop for Batch {
    fn drop(&mut self) {
        wakes::close();
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.events);
        drop(queue);
        // Dropped outside of the lock: each call reports to its sender that it is aborted.
        drop(left);
    }
}

/// Where the worker answers a verb, once.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Reply(Mutex<Option<oneshot::Sender<Result<String, String>>>>);

impl Reply {
    pub(crate) fn new(sender: oneshot::Sender<Result<String, String>>) -> Reply {
        Reply(Mutex::new(Some(sender)))
    }

    fn send(&self, answer: Result<String, String>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Fails only if nothing waits for the answer any more.
            let _ = sender.send(answer);
        }
    }
}

#[pymethods]
impl Reply {
    /// Answers with JSON text.
    fn done(&self, json: String) {
        self.send(Ok(json));
    }

    /// Answers with the message of a failure.
    fn fail(&self, message: String) {
        self.send(Err(message));
    }
}
