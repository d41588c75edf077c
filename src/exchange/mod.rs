//! One request to a plugin and its answer, between an I/O thread and the plugin's thread.
//!
//! Two handles on one shared state: [`IoSide`] lives in a tokio task, [`PluginSide`] on the plugin's thread.
//! Neither ever waits for the other: the I/O side is woken through its task's waker, the plugin's side through
//! its [`Wake`], and only if it said that it waits. The lock is held for a few moves of
//! memory, never across a call into Python or an await, so it cannot deadlock with the GIL. Both directions
//! are bounded: a side that is ahead by [`BUFFER`] bytes is told to wait.
//!
//! Dropping a side tells the other: the plugin sees a disconnect, the I/O side an aborted answer.

pub mod head;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Frame, SizeHint};
use thiserror::Error;

use self::head::{RequestHead, ResponseHead};

/// How many bytes may wait in one direction, in bytes; one chunk more is always taken.
pub const BUFFER: usize = 256 * 1024;

/// What a plugin gets when it asks for the request's body.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// The next piece, and whether more follow.
    Chunk(Bytes, bool),
    /// Nothing yet; the plugin will be woken.
    Pending,
    /// The client went away, or the answer is complete.
    Disconnected,
}

/// The plugin dropped the request without a whole answer.
#[derive(Debug, Error)]
#[error("the plugin gave no whole answer")]
pub struct Aborted;

#[derive(Default)]
struct State {
    incoming: VecDeque<Bytes>,
    incoming_bytes: usize,
    incoming_ended: bool,
    /// The plugin was handed the end of the body.
    incoming_delivered: bool,
    head: Option<Head>,
    outgoing: VecDeque<Bytes>,
    outgoing_bytes: usize,
    outgoing_ended: bool,
    /// The plugin's side was dropped.
    aborted: bool,
    /// The abort is reported at the next look.
    abort_due: bool,
    /// The I/O side was dropped.
    disconnected: bool,
    /// The plugin waits for body, space or a disconnect.
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

/// The way to the loop on which a plugin's side waits.
pub trait Wake: Send + Sync {
    /// Tells it that the exchange `id` moved; returns at once, on whatever thread.
    fn wake(&self, id: u64);
}

struct Shared {
    request: RequestHead,
    state: Mutex<State>,
    id: u64,
    plugin: Arc<dyn Wake>,
}

/// The end of an exchange in an I/O task; as a body it is the answer's.
pub struct IoSide {
    shared: Arc<Shared>,
}

/// Feeds the request's body into an exchange.
pub struct Feed {
    shared: Arc<Shared>,
}

/// The end of an exchange on the plugin's thread.
pub struct PluginSide {
    shared: Arc<Shared>,
}

/// How a request's body reaches the plugin.
#[derive(Debug)]
pub enum Incoming {
    /// It is all there; it may be empty.
    Whole(Bytes),
    /// It comes through [`IoSide::feed`].
    Fed,
}

/// A new exchange, which `plugin` knows by `id`.
pub fn exchange(
    request: RequestHead,
    incoming: Incoming,
    id: u64,
    plugin: Arc<dyn Wake>,
) -> (IoSide, PluginSide) {
    let mut state = State::default();
    if let Incoming::Whole(body) = incoming {
        state.incoming_ended = true;
        state.incoming_bytes = body.len();
        state.incoming.extend((!body.is_empty()).then_some(body));
    }
    let shared = Arc::new(Shared { request, state: Mutex::new(state), id, plugin });
    (IoSide { shared: shared.clone() }, PluginSide { shared })
}

impl Shared {
    /// A panic while the lock was held left nothing half done: every change is a few moves.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the plugin if it waits.
    fn notify_plugin(&self, mut state: MutexGuard<'_, State>) {
        let waits = std::mem::take(&mut state.plugin_waits);
        drop(state);
        if waits {
            self.plugin.wake(self.id);
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl IoSide {
    /// Waits for the head of the answer.
    pub async fn head(&self) -> Result<ResponseHead, Aborted> {
        poll_fn(|context| {
            let mut state = self.shared.lock();
            match state.head.take() {
                Some(Head::Whole(head)) => Poll::Ready(Ok(head)),
                Some(Head::Json(status)) => Poll::Ready(Ok(ResponseHead::json(status))),
                None if state.aborted => Poll::Ready(Err(Aborted)),
                None => {
                    state.answer_waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The body of the answer, if it is complete and nothing of it was taken yet.
    pub fn whole(&self) -> Option<Bytes> {
        let mut state = self.shared.lock();
        if !state.outgoing_ended || state.outgoing.len() > 1 {
            return None;
        }
        state.outgoing_bytes = 0;
        Some(state.outgoing.pop_front().unwrap_or_default())
    }

    /// A handle that feeds the request's body.
    pub fn feed(&self) -> Feed {
        Feed { shared: self.shared.clone() }
    }
}

impl Drop for IoSide {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.disconnected = true;
        state.outgoing.clear();
        let feed = state.feed_waker.take();
        self.shared.notify_plugin(state);
        wake(feed);
    }
}

impl http_body::Body for IoSide {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let mut state = self.shared.lock();
        if let Some(chunk) = state.outgoing.pop_front() {
            state.outgoing_bytes -= chunk.len();
            if state.outgoing_bytes < BUFFER / 2 && !state.outgoing_ended {
                self.shared.notify_plugin(state);
            }
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if state.outgoing_ended {
            return Poll::Ready(None);
        }
        if state.aborted {
            // One turn later, so that the server sends what it has before it cuts the connection.
            if std::mem::replace(&mut state.abort_due, true) {
                return Poll::Ready(Some(Err(Aborted)));
            }
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        state.answer_waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let state = self.shared.lock();
        state.outgoing_ended && state.outgoing.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.shared.lock();
        if state.outgoing_ended {
            SizeHint::with_exact(state.outgoing_bytes as u64)
        } else {
            SizeHint::default()
        }
    }
}

impl Feed {
    /// Adds a piece of the body and waits for room; false once nobody reads any more.
    pub async fn push(&self, chunk: Bytes) -> bool {
        {
            let mut state = self.shared.lock();
            state.incoming_bytes += chunk.len();
            state.incoming.push_back(chunk);
            self.shared.notify_plugin(state);
        }
        poll_fn(|context| {
            let mut state = self.shared.lock();
            if state.disconnected || state.aborted || state.outgoing_ended {
                return Poll::Ready(false);
            }
            if state.incoming_bytes <= BUFFER {
                return Poll::Ready(true);
            }
            state.feed_waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// The body is complete.
    pub fn end(self) {
        let mut state = self.shared.lock();
        state.incoming_ended = true;
        self.shared.notify_plugin(state);
    }

    /// The client went away in the middle of the body.
    pub fn cut(self) {
        let mut state = self.shared.lock();
        state.disconnected = true;
        self.shared.notify_plugin(state);
    }
}

impl PluginSide {
    /// The head of the request.
    pub fn request(&self) -> &RequestHead {
        &self.shared.request
    }

    /// The next piece of the request's body.
    pub fn receive(&self) -> Received {
        let mut state = self.shared.lock();
        if state.disconnected || state.outgoing_ended {
            return Received::Disconnected;
        }
        if let Some(chunk) = state.incoming.pop_front() {
            state.incoming_bytes -= chunk.len();
            let more = !(state.incoming_ended && state.incoming.is_empty());
            state.incoming_delivered |= !more;
            let feed = state.feed_waker.take();
            drop(state);
            wake(feed);
            return Received::Chunk(chunk, more);
        }
        if state.incoming_ended && !state.incoming_delivered {
            state.incoming_delivered = true;
            return Received::Chunk(Bytes::new(), false);
        }
        state.plugin_waits = true;
        Received::Pending
    }

    /// Sends the head of the answer; it travels with the first piece of the body.
    pub fn respond(&self, head: ResponseHead) {
        self.shared.lock().head = Some(Head::Whole(head));
    }

    /// Sends a whole answer of JSON; the waker that is returned is for the caller to wake.
    #[must_use]
    pub fn answer(&self, status: StatusCode, body: Bytes) -> Option<Waker> {
        let mut state = self.shared.lock();
        state.head = Some(Head::Json(status));
        state.outgoing_ended = true;
        if !state.disconnected {
            state.outgoing_bytes = body.len();
            state.outgoing.push_back(body);
        }
        let answer = state.answer_waker.take();
        self.shared.notify_plugin(state);
        answer
    }

    /// Sends a piece of the answer's body; false if the plugin is far enough ahead to wait until it is woken.
    pub fn write(&self, chunk: Bytes, more: bool) -> bool {
        let mut state = self.shared.lock();
        if !state.disconnected && !chunk.is_empty() {
            state.outgoing_bytes += chunk.len();
            state.outgoing.push_back(chunk);
        }
        state.outgoing_ended |= !more;
        let room = state.outgoing_ended || state.disconnected || state.outgoing_bytes < BUFFER;
        state.plugin_waits |= !room;
        let answer = state.answer_waker.take();
        // A complete answer also ends a `receive` that waits for the disconnect.
        if state.outgoing_ended {
            self.shared.notify_plugin(state)
        } else {
            drop(state)
        }
        wake(answer);
        room
    }

    /// True while the plugin should wait before it writes more.
    pub fn is_full(&self) -> bool {
        let mut state = self.shared.lock();
        let full =
            !state.disconnected && !state.outgoing_ended && state.outgoing_bytes >= BUFFER / 2;
        state.plugin_waits |= full;
        full
    }
}

impl Drop for PluginSide {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.aborted = true;
        let (answer, feed) = (state.answer_waker.take(), state.feed_waker.take());
        drop(state);
        wake(answer);
        wake(feed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::head::Target;
    use http::{HeaderMap, Method, Version};
    use http_body_util::BodyExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(&self, id: u64) {
            assert_eq!(id, 7);
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Woken {
        fn times(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn pair(incoming: Incoming) -> (IoSide, PluginSide, Arc<Woken>) {
        let woken = Arc::new(Woken::default());
        let head = RequestHead {
            method: Method::GET,
            target: Target::new("/p", ""),
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            client: None,
            server: ("localhost", 1),
            request_id: "0".into(),
        };
        let (io, plugin) = exchange(head, incoming, 7, woken.clone());
        (io, plugin, woken)
    }

    fn ok() -> ResponseHead {
        ResponseHead { status: StatusCode::OK, headers: HeaderMap::new() }
    }

    #[tokio::test]
    async fn a_whole_answer_has_a_known_size() {
        let (io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
        assert_eq!(plugin.receive(), Received::Chunk(Bytes::new(), false));
        plugin.respond(ok());
        assert!(plugin.write(Bytes::from_static(b"hello"), false));
        drop(plugin);
        assert_eq!(io.head().await.unwrap().status, StatusCode::OK);
        assert_eq!(http_body::Body::size_hint(&io).exact(), Some(5));
        assert_eq!(io.collect().await.unwrap().to_bytes(), "hello");
        assert_eq!(woken.times(), 0, "nobody waited");
    }

    #[tokio::test]
    async fn the_body_wakes_a_plugin_that_waits_and_ends_once() {
        let (io, plugin, woken) = pair(Incoming::Fed);
        let feed = io.feed();
        assert_eq!(plugin.receive(), Received::Pending);
        assert!(feed.push(Bytes::from_static(b"a")).await);
        assert_eq!(woken.times(), 1);
        assert_eq!(plugin.receive(), Received::Chunk(Bytes::from_static(b"a"), true));
        feed.end();
        assert_eq!(plugin.receive(), Received::Chunk(Bytes::new(), false));
        assert_eq!(plugin.receive(), Received::Pending);
        drop(io);
        assert_eq!(woken.times(), 2);
        assert_eq!(plugin.receive(), Received::Disconnected);
    }

    #[tokio::test]
    async fn a_plugin_that_is_ahead_is_held_back_and_woken_when_there_is_room() {
        let (mut io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
        plugin.respond(ok());
        assert!(!plugin.write(Bytes::from(vec![0; BUFFER]), true));
        assert!(plugin.is_full());
        io.frame().await.unwrap().unwrap();
        assert_eq!(woken.times(), 1);
        assert!(!plugin.is_full());
    }

    #[tokio::test]
    async fn a_plugin_that_lets_go_aborts_the_answer() {
        let (io, plugin, _) = pair(Incoming::Whole(Bytes::new()));
        drop(plugin);
        assert!(io.head().await.is_err());
        let (io, plugin, _) = pair(Incoming::Whole(Bytes::new()));
        plugin.respond(ok());
        plugin.write(Bytes::from_static(b"half"), true);
        drop(plugin);
        io.head().await.unwrap();
        assert!(io.collect().await.is_err());
    }
}
