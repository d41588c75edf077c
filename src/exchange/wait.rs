//! Waits of a plugin's threads for the other end of an exchange.
//!
//! Coroutines never wait here: they are woken by [`Wake`](super::Wake).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::events::Reply;
use super::{BUFFER, Shared, State};

/// Where threads wait for the other end.
#[derive(Clone)]
pub struct Wait {
    shared: Arc<Shared>,
}

impl Wait {
    pub(super) fn new(shared: Arc<Shared>) -> Wait {
        Wait { shared }
    }

    /// Waits until there is room for more events, the call is cancelled, or nothing would be read.
    pub fn for_room(&self) {
        self.until(|state, is_cancelled| {
            let bytes = state.lane.as_ref().map_or(0, |lane| lane.bytes);
            (state.is_over() || is_cancelled || bytes < BUFFER / 2).then_some(())
        });
    }

    /// Waits until [`PluginSide::receive`](super::PluginSide::receive) has something else than
    /// [`Received::Pending`](super::Received::Pending).
    pub fn for_body(&self) {
        self.until(|state, is_cancelled| {
            let is_there = !state.incoming.is_empty() || state.incoming_deferred;
            let has_ended = state.incoming_ended && !state.incoming_delivered;
            (state.is_over() || is_there || has_ended || is_cancelled).then_some(())
        });
    }

    /// Waits for the reply to a question that was emitted; `None` once the call is cancelled or over.
    pub fn for_reply(&self, question: u64) -> Option<Reply> {
        self.until(|state, is_cancelled| {
            let is_gone = state.is_over() || is_cancelled;
            match state.lane.as_mut().and_then(|lane| lane.take_reply(question)) {
                None if is_gone => Some(None),
                reply => reply.map(Some),
            }
        })
    }

    /// Waits until the call is cancelled or over, which is true, or [`Wait::end`] was called with `ended`.
    pub fn for_end(&self, ended: &AtomicBool) -> bool {
        self.until(|state, is_cancelled| match ended.load(Ordering::Acquire) {
            true => Some(false),
            false => (state.is_over() || is_cancelled).then_some(true),
        })
    }

    /// Ends the wait of a thread for the end of the call.
    pub fn end(&self, ended: &AtomicBool) {
        ended.store(true, Ordering::Release);
        let crowd = std::mem::take(&mut self.shared.lock().crowd);
        crowd.iter().for_each(thread::Thread::unpark);
    }

    /// Parks the thread until `look` returns something.
    fn until<T>(&self, mut look: impl FnMut(&mut State, bool) -> Option<T>) -> T {
        loop {
            {
                let mut state = self.shared.lock();
                let is_cancelled = self.shared.is_cancelled();
                if let Some(found) = look(&mut state, is_cancelled) {
                    return found;
                }
                state.crowd.push(thread::current());
            }
            thread::park();
        }
    }
}
