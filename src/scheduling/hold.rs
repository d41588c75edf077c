//! Which finished answers may wait for the end of a batch, and for how long.
//!
//! To wake the I/O thread that sends an answer costs more than a short handler, and on a busy machine it takes the CPU
//! from the very thread that has more answers to give. So a thread that works off a batch of calls holds the answers
//! it has finished and sends them together. Four rules bound what that may cost a client:
//!
//! - With the answer to the last call of a batch everything held is sent, from within the handler's return.
//! - So it is with every [`ANSWERS_MAX`]th: the threads of the I/O send them while the next calls are worked off.
//! - Before a call that is not surely short, everything held is sent. A call is surely short if its handler, called
//!   with bound values, took less than [`SHORT`] the last time and answered; a call that FastAPI serves never is.
//! - Whatever the thread does, an answer is held for [`HELD_MAX`], until the next look of a sweep that goes on, every
//!   [`SWEEP_PERIOD`], while any thread holds any.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a handler takes at most that is surely short the next time.
pub const SHORT: Duration = Duration::from_micros(150);
/// How many answers are sent together.
pub const ANSWERS_MAX: usize = 8;
/// How long an answer may be held before the next look of the sweep sends it.
pub const HELD_MAX: Duration = Duration::from_millis(1);
/// How often the sweep looks.
pub const SWEEP_PERIOD: Duration = Duration::from_millis(2);

/// How many looks in a row find nothing held before the sweep sleeps: waking it costs more than a look.
const QUIET_LOOKS: u32 = 8;

/// The answers that one thread holds.
#[derive(Clone, Debug)]
pub struct Hold<A> {
    /// A batch is being worked off.
    open: bool,
    held: Vec<A>,
    /// When the first of `held` was finished.
    since: Option<Instant>,
}

impl<A> Hold<A> {
    /// A batch begins: from now on answers are held.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// An answer was finished at `now`, to the last call of a batch or not; returns true if it is held. Otherwise swaps it
    /// and all that is held with `empty`, to be sent.
    #[must_use]
    pub fn finished(&mut self, answer: A, now: Instant, is_last: bool, empty: &mut Vec<A>) -> bool {
        self.held.push(answer);
        if self.open && !is_last && self.held.len() < ANSWERS_MAX {
            self.since.get_or_insert(now);
            return true;
        }
        self.release(empty);
        false
    }

    /// A call begins that is not surely short: swaps all that is held with `empty`, to be sent.
    pub fn release(&mut self, empty: &mut Vec<A>) {
        self.since = None;
        std::mem::swap(&mut self.held, empty);
    }

    /// The batch has ended: as [`Hold::release`], and from now on answers are sent at once.
    pub fn close(&mut self, empty: &mut Vec<A>) {
        self.open = false;
        self.release(empty);
    }

    /// A look of the sweep at `now`: as [`Hold::release`] if the oldest answer was held for [`HELD_MAX`].
    /// Returns true if something is or was held.
    pub fn swept(&mut self, now: Instant, empty: &mut Vec<A>) -> bool {
        let Some(since) = self.since else { return false };
        if now.saturating_duration_since(since) >= HELD_MAX {
            self.release(empty);
        }
        true
    }
}

impl<A> Default for Hold<A> {
    fn default() -> Hold<A> {
        Hold { open: false, held: Vec::new(), since: None }
    }
}

/// How long the sweep goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweep {
    quiet: u32,
}

impl Sweep {
    /// A look at all threads found something held, or not; returns true if the sweep goes on.
    #[must_use]
    pub fn looked(&mut self, held: bool) -> bool {
        self.quiet = if held { 0 } else { self.quiet + 1 };
        self.quiet < QUIET_LOOKS
    }
}

/// Whether the next call of a handler is surely short.
#[derive(Debug, Default)]
pub struct Pace(AtomicBool);

impl Pace {
    /// A call begins; returns true if it is surely short.
    ///
    /// Until it ends, no other call of the handler is: it may raise, suspend, or block.
    #[must_use]
    pub fn begin(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }

    /// The call has answered after `took`.
    pub fn end(&self, took: Duration) {
        self.0.store(took < SHORT, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
