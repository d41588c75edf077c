//! One call of a plugin and its answer, between an I/O thread and the plugin's thread.
//!
//! Two handles on one shared state: [`IoSide`] lives in a tokio task, [`PluginSide`] on the plugin's thread.
//! No loop ever waits for the other side: the I/O side is woken through its task's waker, the plugin's side through
//! its [`Wake`], and only if it waits; other threads of the plugin may emit events ([`Emitter`]) and wait ([`Wait`]).
//! The lock is held for a few moves of memory, never across a call into Python or an await, so it cannot deadlock with
//! the GIL.
//!
//! | direction | what | bound |
//! | --- | --- | --- |
//! | in | the request ([`request`]), its body | [`BUFFER`] bytes |
//! | in | signals: cancel, reply ([`events`]) | one reply for each question |
//! | out | the head of the answer ([`head`]), its body | [`BUFFER`] bytes; of a file two pieces ([`mod@file`]) |
//! | out | events: output, log records, progress, questions, in order | [`BUFFER`] bytes |
//! | both | messages of a WebSocket ([`messages`]) | [`BUFFER`] bytes each |
//!
//! Where events have a reader, the pieces of a body that is written as it comes are among them.
//!
//! A side that is ahead of a bound has to wait. A call whose face has no use for events carries no room for
//! them, and they are dropped where they arise. Dropping a side ends the exchange: the plugin sees a
//! disconnect, which is a cancellation if the call ends with its caller, the I/O side an aborted answer.

mod emitter;
pub mod events;
pub mod file;
pub mod head;
mod io;
pub mod messages;
mod plugin;
pub mod request;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wait;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::Thread;

use bytes::Bytes;
use http::StatusCode;
use thiserror::Error;

pub use emitter::{Emitted, Emitter};
use events::Lane;
use file::Sending;
use head::ResponseHead;
pub use io::{Events, Feed, IoSide, Signals};
use messages::Line;
pub use plugin::{PluginSide, Received, Requested};
use request::Request;
pub use wait::Wait;

/// How many bytes may wait in one direction; one chunk more is always taken.
pub const BUFFER: usize = 256 * 1024;

/// The plugin dropped the request without a whole answer.
#[derive(Debug, Error)]
#[error("the plugin gave no whole answer")]
pub struct Aborted;

/// How a request's body reaches the plugin.
#[derive(Debug)]
pub enum Incoming {
    /// It is all there; it may be empty.
    Whole(Bytes),
    /// It comes through [`IoSide::feed`].
    Fed,
    /// It is the [`Request`]'s own, written when it is first read.
    OfRequest,
    /// There is none: messages of a WebSocket come once it is accepted.
    Messages,
}

/// The way to the loop on which a plugin's side waits.
pub trait Wake: Send + Sync {
    /// Wakes the loop because the exchange `id` moved; returns at once, on any thread.
    fn wake(&self, id: u64);
}

/// What an exchange has besides request and answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// True if [`IoSide::events`] gets what the plugin emits; otherwise it is dropped.
    pub with_events: bool,
    /// True if output is among the events.
    pub with_output: bool,
    /// True if questions are, and get replies.
    pub with_replies: bool,
    /// True if the call is cancelled when the I/O side is dropped before the answer is complete.
    pub ends_with_caller: bool,
}

/// A new exchange, which the plugin has under `id`.
pub fn exchange(
    request: Request,
    incoming: Incoming,
    extent: Extent,
    id: u64,
    plugin: Arc<dyn Wake>,
) -> (IoSide, PluginSide) {
    let mut state = State::default();
    match incoming {
        Incoming::Whole(body) => {
            state.incoming_ended = true;
            state.incoming_bytes = body.len();
            state.incoming.extend((!body.is_empty()).then_some(body));
        }
        Incoming::OfRequest => state.incoming_deferred = true,
        Incoming::Fed => {}
        Incoming::Messages => state.line = Some(Box::default()),
    }
    state.lane = extent.with_events.then(|| Box::new(Lane::new(&extent)));
    state.ends_with_caller = extent.ends_with_caller;
    let is_cancelled = AtomicBool::new(false);
    let shared = Arc::new(Shared { request, state: Mutex::new(state), is_cancelled, id, plugin });
    (IoSide::new(shared.clone()), PluginSide::new(shared))
}

#[derive(Default)]
struct State {
    incoming: VecDeque<Bytes>,
    incoming_bytes: usize,
    incoming_ended: bool,
    /// The body is still to be written from the request.
    incoming_deferred: bool,
    /// The plugin was handed the end of the body.
    incoming_delivered: bool,
    head: Option<Head>,
    outgoing: VecDeque<Bytes>,
    outgoing_bytes: usize,
    outgoing_ended: bool,
    /// The body's length, by the head of the answer.
    outgoing_length: Option<u64>,
    /// The file that is the body.
    sending: Sending,
    /// Events and signals; `None` where the face has no use for them.
    lane: Option<Box<Lane>>,
    /// The messages of a WebSocket; `None` for any other call.
    line: Option<Box<Line>>,
    /// The plugin's side was dropped.
    aborted: bool,
    /// The abort is reported at the next look.
    abort_due: bool,
    /// The I/O side was dropped.
    disconnected: bool,
    /// The call is cancelled when the I/O side is dropped.
    ends_with_caller: bool,
    /// Threads in a [`Wait`].
    crowd: Vec<Thread>,
    /// The plugin waits for body, space, a signal or a disconnect.
    plugin_waits: bool,
    answer_waker: Option<Waker>,
    feed_waker: Option<Waker>,
}

/// The head of an answer, as the plugin's side gave it.
enum Head {
    /// As it is.
    Whole(ResponseHead),
    /// Of a JSON answer: its headers are made where they are sent, which costs the plugin nothing.
    Json(StatusCode),
}

struct Shared {
    request: Request,
    state: Mutex<State>,
    /// The call was cancelled; beside the lock, so that a thread that begins a call looks without taking it.
    is_cancelled: AtomicBool,
    id: u64,
    plugin: Arc<dyn Wake>,
}

impl Shared {
    /// A panic while the lock was held left nothing half done: every change is a few moves.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once the call was cancelled.
    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Cancels the call, once; the caller notifies the plugin, even if it waits for nothing of the exchange.
    fn cancel(&self, state: &mut State) {
        self.is_cancelled.store(true, Ordering::Release);
        state.plugin_waits = true;
    }

    /// Wakes the plugin if it waits, and its threads that do.
    fn notify_plugin(&self, mut state: MutexGuard<'_, State>) {
        let waits = std::mem::take(&mut state.plugin_waits);
        let crowd = std::mem::take(&mut state.crowd);
        drop(state);
        crowd.iter().for_each(Thread::unpark);
        if waits {
            self.plugin.wake(self.id);
        }
    }
}

impl State {
    /// True once the plugin can emit nothing more, or nothing of it would be read.
    fn is_over(&self) -> bool {
        self.outgoing_ended || self.aborted || self.disconnected
    }

    /// How many bytes of what was written wait to be read.
    fn written(&self) -> usize {
        let sent = self.line.as_ref().map_or(0, |line| line.written());
        sent + self.lane.as_ref().map_or(self.outgoing_bytes, |lane| lane.bytes)
    }

    fn take_event_waker(&mut self) -> Option<Waker> {
        self.lane.as_mut().and_then(|lane| lane.waker.take())
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
