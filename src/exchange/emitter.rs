//! Where the events of a call arise.

use std::sync::Arc;

use super::events::{Event, Lane};
use super::wait::Wait;
use super::{BUFFER, Shared, wake};

/// The way for a call's events out of the plugin, from any of its threads. Dropping it ends nothing.
pub struct Emitter {
    shared: Arc<Shared>,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// It is on its way.
    Sent,
    /// It is on its way; the plugin should wait before the next, until it is woken.
    Full,
    /// It was dropped: the caller has no use for it, or went away.
    Dropped,
}

impl Emitter {
    pub(super) fn new(shared: Arc<Shared>) -> Emitter {
        Emitter { shared }
    }

    /// True while events have a reader.
    pub fn has_events(&self) -> bool {
        self.has(|_| true)
    }

    /// True while output has a reader.
    pub fn has_output(&self) -> bool {
        self.has(|lane| lane.takes_output)
    }

    /// True while questions get replies.
    pub fn has_replies(&self) -> bool {
        self.has(|lane| lane.takes_questions)
    }

    fn has(&self, takes: impl FnOnce(&Lane) -> bool) -> bool {
        let state = self.shared.lock();
        state.lane.as_deref().is_some_and(takes) && !state.outgoing_ended && !state.aborted
    }

    /// Emits an event.
    pub fn emit(&self, event: Event) -> Emitted {
        let mut state = self.shared.lock();
        if state.is_over() {
            return Emitted::Dropped;
        }
        let Some(lane) = state.lane.as_mut().filter(|lane| lane.takes(&event)) else {
            return Emitted::Dropped;
        };
        lane.push(event);
        let (full, reader) = (lane.bytes >= BUFFER, lane.waker.take());
        state.plugin_waits |= full;
        drop(state);
        wake(reader);
        if full { Emitted::Full } else { Emitted::Sent }
    }

    /// A handle for threads to wait for the other end.
    pub fn wait(&self) -> Wait {
        Wait::new(self.shared.clone())
    }
}
