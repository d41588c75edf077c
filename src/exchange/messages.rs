//! A WebSocket in an exchange: its messages in both directions, and its end.
//!
//! The plugin accepts it with a head of status 101 ([`PluginSide::accept`]), or answers over HTTP as to any request. From
//! then on messages pass instead of bodies, each direction bounded by [`BUFFER`] bytes: a plugin that is behind has its
//! client not read from, and a client that is behind makes the plugin wait.
//!
//! The first end counts: the client's, the daemon's or the plugin's own. The plugin receives it after all messages
//! that came before.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::events::Signal;
use super::head::ResponseHead;
use super::{BUFFER, Emitted, IoSide, PluginSide, Shared, State, wake};

/// What a message counts for besides its content, in bytes.
const OVERHEAD: usize = 64;

/// The end of a connection without a close frame.
pub const ABNORMAL: u16 = 1006;

/// A message, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, in UTF-8.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
}

/// The end of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code: one of a close frame, 1005 for a frame without one, [`ABNORMAL`] without a frame.
    pub code: u16,
    /// The reason; `None` where there was no frame to have one.
    pub reason: Option<String>,
}

/// What the plugin gets when it asks for a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// The next one.
    Message(Message),
    /// None yet; the plugin will be woken.
    Pending,
    /// The connection has ended.
    Closed(Close),
}

/// What the plugin sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message.
    Message(Message),
    /// The last of all.
    Close(Close),
}

/// Messages on their way, and the end.
#[derive(Default)]
pub(super) struct Line {
    is_accepted: bool,
    incoming: VecDeque<Message>,
    incoming_bytes: usize,
    outgoing: VecDeque<Outgoing>,
    outgoing_bytes: usize,
    /// The plugin waits until more of them was read.
    waits_for_room: bool,
    /// The end, for the plugin.
    end: Option<Close>,
}

/// The end of a WebSocket's exchange in an I/O task.
pub struct Messages {
    io: IoSide,
}

impl Message {
    /// What it counts for in the bound of the exchange, in bytes.
    fn size(&self) -> usize {
        let (Message::Text(content) | Message::Binary(content)) = self;
        content.len() + OVERHEAD
    }
}

impl Close {
    /// The end of a connection without a close frame.
    pub fn abnormal() -> Close {
        Close { code: ABNORMAL, reason: None }
    }
}

impl Line {
    pub(super) fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    /// How many bytes of what was sent wait to be read.
    pub(super) fn written(&self) -> usize {
        self.outgoing_bytes
    }

    /// The plugin waits until more was read.
    pub(super) fn wait_for_room(&mut self) {
        self.waits_for_room = true;
    }

    fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Drops what is not sent yet.
    pub(super) fn clear(&mut self) {
        self.outgoing.clear();
        self.outgoing_bytes = 0;
    }
}

impl PluginSide {
    /// True for a WebSocket.
    pub fn is_socket(&self) -> bool {
        self.shared.lock().line.is_some()
    }

    /// Accepts the WebSocket, with the headers of `head`; false if the client has gone.
    pub fn accept(&self, head: ResponseHead) -> bool {
        let mut state = self.shared.lock();
        if state.disconnected {
            return false;
        }
        state.head = Some(super::Head::Whole(head));
        if let Some(line) = &mut state.line {
            line.is_accepted = true;
        }
        let answer = state.answer_waker.take();
        drop(state);
        wake(answer);
        true
    }

    /// The next message of the client.
    pub fn take(&self) -> Taken {
        let mut state = self.shared.lock();
        let State { line, disconnected, outgoing_ended, .. } = &mut *state;
        let Some(line) = line else { return Taken::Closed(Close::abnormal()) };
        if let Some(message) = line.incoming.pop_front() {
            line.incoming_bytes -= message.size();
            let has_room = line.incoming_bytes < BUFFER / 2;
            let feed = if has_room { state.feed_waker.take() } else { None };
            drop(state);
            wake(feed);
            return Taken::Message(message);
        }
        if let Some(end) = &line.end {
            return Taken::Closed(end.clone());
        }
        if *disconnected || *outgoing_ended || self.shared.is_cancelled() {
            return Taken::Closed(Close::abnormal());
        }
        state.plugin_waits = true;
        Taken::Pending
    }

    /// Sends a message; it is dropped once the connection has ended.
    pub fn send(&self, message: Message) -> Emitted {
        self.put(|line| {
            line.outgoing_bytes += message.size();
            line.outgoing.push_back(Outgoing::Message(message));
        })
    }

    /// Closes the connection after all that was sent; false if it was lost before, true also where the other end has
    /// closed it.
    pub fn shut(&self, close: Close) -> bool {
        let put = self.put(|line| {
            line.outgoing.push_back(Outgoing::Close(close.clone()));
            line.end = Some(close);
        });
        let is_lost = |end: &Close| end.code == ABNORMAL;
        let state = self.shared.lock();
        let end = state.line.as_ref().and_then(|line| line.end.as_ref());
        put != Emitted::Dropped || end.is_some_and(|end| !is_lost(end))
    }

    fn put(&self, put: impl FnOnce(&mut Line)) -> Emitted {
        let mut state = self.shared.lock();
        let is_gone = state.disconnected;
        let Some(line) = state.line.as_deref_mut().filter(|line| !is_gone && !line.has_ended())
        else {
            return Emitted::Dropped;
        };
        put(line);
        let is_full = line.outgoing_bytes >= BUFFER;
        line.waits_for_room |= is_full;
        state.plugin_waits |= is_full;
        let reader = state.answer_waker.take();
        drop(state);
        wake(reader);
        if is_full { Emitted::Full } else { Emitted::Sent }
    }
}

impl Messages {
    /// The messages of a call whose WebSocket was accepted; returns any other as it is.
    pub fn of(io: IoSide) -> Result<Messages, IoSide> {
        let is_accepted = io.shared.lock().line.as_ref().is_some_and(|line| line.is_accepted());
        if is_accepted { Ok(Messages { io }) } else { Err(io) }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.io.shared
    }

    /// What the plugin sends next; `None` once it has ended the call and all before was read.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        let mut state = self.shared().lock();
        let next = state.line.as_mut().and_then(|line| {
            let next = line.outgoing.pop_front()?;
            if let Outgoing::Message(message) = &next {
                line.outgoing_bytes -= message.size();
            }
            // A plugin that waits for a message is not woken.
            let room = line.outgoing_bytes < BUFFER / 2;
            Some((next, room && std::mem::take(&mut line.waits_for_room)))
        });
        match next {
            Some((next, is_due)) => {
                if is_due {
                    self.shared().notify_plugin(state);
                }
                Poll::Ready(Some(next))
            }
            None if state.aborted || state.outgoing_ended => Poll::Ready(None),
            None => {
                register(&mut state.answer_waker, context);
                Poll::Pending
            }
        }
    }

    /// Waits until the plugin is not behind with what it was sent.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared().lock();
        let bytes = state.line.as_ref().map_or(0, |line| line.incoming_bytes);
        if state.aborted || bytes < BUFFER {
            return Poll::Ready(());
        }
        register(&mut state.feed_waker, context);
        Poll::Pending
    }

    /// Hands a message of the client to the plugin; one after the end is dropped.
    pub fn deliver(&self, message: Message) {
        let mut state = self.shared().lock();
        if let Some(line) = &mut state.line
            && !line.has_ended()
        {
            line.incoming_bytes += message.size();
            line.incoming.push_back(message);
            self.shared().notify_plugin(state);
        }
    }

    /// Ends the connection for the plugin, unless it has ended before; what was not sent yet is dropped.
    pub fn end(&self, close: Close) {
        let mut state = self.shared().lock();
        if let Some(line) = &mut state.line {
            line.end.get_or_insert(close);
            line.clear();
        }
        self.shared().notify_plugin(state);
    }

    /// Waits until the plugin has ended the call.
    pub fn poll_done(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared().lock();
        if state.aborted {
            return Poll::Ready(());
        }
        register(&mut state.answer_waker, context);
        Poll::Pending
    }

    /// Cancels the handler.
    pub fn cancel(&self) {
        self.io.signals().send(Signal::Cancel);
    }
}

/// Sets the task to wake, which is usually the same as before.
fn register(waker: &mut Option<std::task::Waker>, context: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(context.waker()),
        None => *waker = Some(context.waker().clone()),
    }
}
