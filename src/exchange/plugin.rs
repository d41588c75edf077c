//! The end of an exchange on the plugin's thread.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::thread::Thread;

use bytes::Bytes;
use http::{StatusCode, header};

use super::emitter::Emitter;
use super::events::Event;
use super::file::Sending;
use super::head::ResponseHead;
use super::request::Request;
use super::wait::Wait;
use super::{BUFFER, Head, Shared, wake};

/// The end of an exchange on the plugin's thread.
pub struct PluginSide {
    pub(super) shared: Arc<Shared>,
}

/// What a plugin gets when it asks for the request's body.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// The next piece, and whether more follow.
    Chunk(Bytes, bool),
    /// Nothing yet; the plugin will be woken.
    Pending,
    /// The client went away, the call was cancelled, or the answer is complete.
    Disconnected,
}

/// The request of an exchange, for as long as this is held.
pub struct Requested(Arc<Shared>);

impl std::ops::Deref for Requested {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.0.request
    }
}

impl PluginSide {
    pub(super) fn new(shared: Arc<Shared>) -> PluginSide {
        PluginSide { shared }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.shared.request
    }

    /// The request, which can be read while this side is elsewhere.
    pub fn requested(&self) -> Requested {
        Requested(self.shared.clone())
    }

    /// The next piece of the request's body.
    pub fn receive(&self) -> Received {
        let mut state = self.shared.lock();
        if state.disconnected || state.outgoing_ended || self.shared.is_cancelled() {
            return Received::Disconnected;
        }
        if std::mem::take(&mut state.incoming_deferred) {
            state.incoming_ended = true;
            state.incoming_delivered = true;
            drop(state);
            return Received::Chunk(self.shared.request.body(), false);
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

    /// The whole body, once, if all of it is there and nothing was taken; otherwise [`receive`](Self::receive) has it.
    pub fn whole_body(&self) -> Option<Bytes> {
        let mut state = self.shared.lock();
        if std::mem::take(&mut state.incoming_deferred) {
            state.incoming_ended = true;
            state.incoming_delivered = true;
            drop(state);
            return Some(self.shared.request.body());
        }
        if !state.incoming_ended || state.incoming_delivered || state.incoming.len() > 1 {
            return None;
        }
        state.incoming_delivered = true;
        state.incoming_bytes = 0;
        Some(state.incoming.pop_front().unwrap_or_default())
    }

    /// True once the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled()
    }

    /// The way for its events.
    pub fn emitter(&self) -> Emitter {
        Emitter::new(self.shared.clone())
    }

    /// A handle for threads to wait for the other end.
    pub fn wait(&self) -> Wait {
        Wait::new(self.shared.clone())
    }

    /// Sends the head of the answer; it travels with the first piece of the body.
    pub fn respond(&self, head: ResponseHead) {
        let length = head.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let mut state = self.shared.lock();
        state.outgoing_length = length;
        state.head = Some(Head::Whole(head));
    }

    /// The length of the answer's body, if its head has one.
    pub fn announced_length(&self) -> Option<u64> {
        self.shared.lock().outgoing_length
    }

    /// Sends a whole answer of JSON; the waker that is returned is for the caller to wake.
    #[must_use]
    pub fn answer(&self, status: StatusCode, body: Bytes) -> Option<Waker> {
        self.whole(Head::Json(status), body)
    }

    /// Sends a whole answer; the waker that is returned is for the caller to wake.
    #[must_use]
    pub fn answer_with(&self, head: ResponseHead, body: Bytes) -> Option<Waker> {
        self.whole(Head::Whole(head), body)
    }

    fn whole(&self, head: Head, body: Bytes) -> Option<Waker> {
        let mut state = self.shared.lock();
        state.head = Some(head);
        state.outgoing_ended = true;
        if !state.disconnected {
            state.outgoing_bytes = body.len();
            state.outgoing.push_back(body);
        }
        let (answer, events) = (state.answer_waker.take(), state.take_event_waker());
        self.shared.notify_plugin(state);
        wake(events);
        answer
    }

    /// Sends a piece of the answer's body; false if the plugin is far enough ahead to wait until it is woken.
    pub fn write(&self, chunk: Bytes, more: bool) -> bool {
        let (room, waker) = self.write_held(chunk, more);
        wake(waker);
        room
    }

    /// Does what [`write`](Self::write) does; the waker that is returned is for the caller to wake.
    #[must_use]
    pub fn write_held(&self, chunk: Bytes, more: bool) -> (bool, Option<Waker>) {
        let mut state = self.shared.lock();
        if !state.disconnected && !chunk.is_empty() {
            match &mut state.lane {
                Some(lane) => lane.push(Event::Body(chunk)),
                None => {
                    state.outgoing_bytes += chunk.len();
                    state.outgoing.push_back(chunk);
                }
            }
        }
        state.outgoing_ended |= !more;
        let room = state.outgoing_ended || state.disconnected || state.written() < BUFFER;
        state.plugin_waits |= !room;
        let (answer, events) = (state.answer_waker.take(), state.take_event_waker());
        // A complete answer also ends a `receive` that waits for the disconnect.
        match state.outgoing_ended {
            true => self.shared.notify_plugin(state),
            false => drop(state),
        }
        wake(events);
        (room, answer)
    }

    /// Sends a file as the body of the answer, as many bytes as its head announces; nothing can be written after it. Not
    /// for a call with events.
    pub fn send_file(&self, file: File) {
        let mut state = self.shared.lock();
        if !state.disconnected {
            state.sending = Sending::Opened(file);
        }
        let answer = state.answer_waker.take();
        drop(state);
        wake(answer);
    }

    /// True once the answer does not need the plugin any more: all of it was taken, or the client went away.
    ///
    /// # Errors
    /// The file that is its body could not be read to the end; the plugin is woken for each of the three.
    pub fn is_sent(&self) -> io::Result<bool> {
        let mut state = self.shared.lock();
        if let Sending::Failed(reason) = &mut state.sending {
            return match reason.take() {
                Some(reason) => Err(*reason),
                None => Ok(true),
            };
        }
        let is_sent = state.outgoing_ended || state.disconnected;
        state.plugin_waits |= !is_sent;
        Ok(is_sent)
    }

    /// True while the plugin should wait before it writes more.
    pub fn is_full(&self) -> bool {
        let mut state = self.shared.lock();
        let full = !state.disconnected && !state.outgoing_ended && state.written() >= BUFFER / 2;
        state.plugin_waits |= full;
        if let Some(line) = state.line.as_mut().filter(|_| full) {
            line.wait_for_room();
        }
        full
    }
}

impl Drop for PluginSide {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.aborted = true;
        std::mem::take(&mut state.crowd).iter().for_each(Thread::unpark);
        let wakers = [state.answer_waker.take(), state.feed_waker.take(), state.take_event_waker()];
        drop(state);
        wakers.into_iter().for_each(wake);
    }
}
