//! The end of an exchange on an I/O thread.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::events::{Event, Signal};
use super::file::{Reading, Sending};
use super::head::ResponseHead;
use super::{Aborted, BUFFER, Head, Shared, wake};

/// The end of an exchange in an I/O task; as a body it is the answer's.
pub struct IoSide {
    pub(super) shared: Arc<Shared>,
    /// The file that is the body, once it is read; on the heap, because few answers have one.
    reading: Option<Box<Reading>>,
}

/// Feeds the request's body into an exchange.
pub struct Feed {
    shared: Arc<Shared>,
}

/// The events of an exchange, in the order in which they were emitted.
pub struct Events {
    shared: Arc<Shared>,
}

/// Sends signals into an exchange.
#[derive(Clone)]
pub struct Signals {
    shared: Arc<Shared>,
}

impl IoSide {
    pub(super) fn new(shared: Arc<Shared>) -> IoSide {
        IoSide { shared, reading: None }
    }

    /// Waits for the head of the answer.
    ///
    /// # Errors
    /// The plugin dropped the request.
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
        let is_among_events = matches!(&state.lane, Some(lane) if lane.has_body());
        if !state.outgoing_ended || state.outgoing.len() > 1 || is_among_events {
            return None;
        }
        state.outgoing_bytes = 0;
        Some(state.outgoing.pop_front().unwrap_or_default())
    }

    /// True once the answer is complete; one that was cut off never is.
    pub fn is_complete(&self) -> bool {
        self.shared.lock().outgoing_ended
    }

    /// A handle that feeds the request's body.
    pub fn feed(&self) -> Feed {
        Feed { shared: self.shared.clone() }
    }

    /// A handle that reads the events; without any where the exchange was made without.
    pub fn events(&self) -> Events {
        Events { shared: self.shared.clone() }
    }

    /// A handle that sends signals.
    pub fn signals(&self) -> Signals {
        Signals { shared: self.shared.clone() }
    }
}

impl IoSide {
    /// The next piece of the file that is the body.
    fn poll_file(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let outcome = ready!(reading.poll(context));
        let mut state = self.shared.lock();
        let (piece, is_last) = match outcome {
            Ok(read) if !state.aborted => read,
            outcome => {
                self.reading = None;
                state.sending = Sending::Failed(outcome.err().map(Box::new));
                self.shared.notify_plugin(state);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        };
        if is_last {
            // What the connection has is in memory.
            self.reading = None;
            state.outgoing_ended = true;
            self.shared.notify_plugin(state);
        }
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }
}

impl Drop for IoSide {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.disconnected = true;
        if state.ends_with_caller && !state.outgoing_ended && !state.aborted {
            self.shared.cancel(&mut state);
        }
        state.outgoing.clear();
        if matches!(state.sending, Sending::Opened(_)) {
            state.sending = Sending::Nothing;
        }
        if let Some(line) = &mut state.line {
            line.clear();
        }
        // Those of a complete answer may still be read.
        if !state.outgoing_ended
            && let Some(lane) = &mut state.lane
        {
            lane.clear();
        }
        let (feed, events) = (state.feed_waker.take(), state.take_event_waker());
        self.shared.notify_plugin(state);
        wake(feed);
        wake(events);
    }
}

impl http_body::Body for IoSide {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let io = self.get_mut();
        if io.reading.is_some() {
            return io.poll_file(context);
        }
        let mut state = io.shared.lock();
        if let Some(chunk) = state.outgoing.pop_front() {
            state.outgoing_bytes -= chunk.len();
            if state.outgoing_bytes < BUFFER / 2 && !state.outgoing_ended {
                io.shared.notify_plugin(state);
            }
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if state.outgoing_ended {
            return Poll::Ready(None);
        }
        if state.aborted || matches!(state.sending, Sending::Failed(_)) {
            // One turn later, so that the server sends what it has before it cuts the connection.
            if std::mem::replace(&mut state.abort_due, true) {
                return Poll::Ready(Some(Err(Aborted)));
            }
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Sending::Opened(file) = std::mem::replace(&mut state.sending, Sending::Nothing) {
            let length = state.outgoing_length;
            drop(state);
            io.reading = Some(Box::new(Reading::begin(file, length)));
            return io.poll_file(context);
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
    /// Adds a piece of the body and waits for room; false once the body is no longer read.
    pub async fn push(&self, chunk: Bytes) -> bool {
        {
            let mut state = self.shared.lock();
            state.incoming_bytes += chunk.len();
            state.incoming.push_back(chunk);
            self.shared.notify_plugin(state);
        }
        poll_fn(|context| {
            let mut state = self.shared.lock();
            if state.is_over() {
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

impl Events {
    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<Event> {
        let mut state = self.shared.lock();
        let is_over = state.is_over();
        let lane = state.lane.as_mut()?;
        let event = lane.pop()?;
        if lane.bytes < BUFFER / 2 && !is_over {
            self.shared.notify_plugin(state);
        }
        Some(event)
    }

    /// True if no event waits.
    pub fn is_empty(&self) -> bool {
        self.shared.lock().lane.as_ref().is_none_or(|lane| lane.is_empty())
    }

    /// The next event; `None` once the answer has ended and all before its end were read.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| {
            let mut state = self.shared.lock();
            let is_over = state.is_over();
            let Some(lane) = &mut state.lane else { return Poll::Ready(None) };
            match lane.pop() {
                Some(event) => {
                    if lane.bytes < BUFFER / 2 && !is_over {
                        self.shared.notify_plugin(state);
                    }
                    Poll::Ready(Some(event))
                }
                None if is_over => Poll::Ready(None),
                None => {
                    lane.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Signals {
    /// Sends a signal; false if the call is over, or no question waits for the reply.
    ///
    /// A call is cancelled once, however often the signal is sent. That wakes the plugin even if it waits for
    /// nothing of the exchange: its handler may wait for anything.
    pub fn send(&self, signal: Signal) -> bool {
        let mut state = self.shared.lock();
        if state.is_over() {
            return false;
        }
        match signal {
            Signal::Cancel if !self.shared.is_cancelled() => self.shared.cancel(&mut state),
            Signal::Cancel => return true,
            Signal::Reply { question, reply } => {
                let lane = state.lane.as_mut();
                if !lane.is_some_and(|lane| lane.reply(question, reply)) {
                    return false;
                }
            }
        }
        self.shared.notify_plugin(state);
        true
    }
}
