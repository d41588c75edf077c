//! Waking those who wait for answers, once per batch.
//!
//! To wake an I/O thread costs more than a short handler, and on a busy machine it takes the CPU from the very
//! thread that has more answers to give. So a thread that works off a batch of calls keeps the wakers of those it
//! answered, and wakes all at the end ([`flush`]). An answer must not wait for a handler that blocks, though:
//! before a handler that is not known to be [`SHORT`] everybody is woken ([`Pace::begin`]).

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

/// What an answer may wait for: one handler that took no longer than this the last time.
const SHORT: Duration = Duration::from_micros(50);

thread_local! {
    static WAKERS: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    static OPEN: Cell<bool> = const { Cell::new(false) };
}

/// From now on this thread keeps wakers until [`flush`].
pub(crate) fn open() {
    OPEN.set(true);
}

/// Wakes now, or at the end of the batch.
pub(crate) fn wake(waker: Waker) {
    if OPEN.get() {
        WAKERS.with_borrow_mut(|wakers| wakers.push(waker));
    } else {
        waker.wake();
    }
}

/// Wakes all that this thread kept, and keeps none any more.
pub(crate) fn flush() {
    OPEN.set(false);
    wake_all();
}

fn wake_all() {
    // Taken out first: a waker is foreign code. Put back, so that the memory is used again.
    let mut wakers = WAKERS.take();
    wakers.drain(..).for_each(Waker::wake);
    WAKERS.replace(wakers);
}

/// Whether a handler was short the last time.
#[derive(Default)]
pub(crate) struct Pace(AtomicBool);

impl Pace {
    /// The handler is about to run.
    pub(crate) fn begin(&self) -> Instant {
        // Until it has answered it counts as long: it may raise, or suspend.
        if !self.0.swap(false, Ordering::Relaxed) {
            wake_all();
        }
        Instant::now()
    }

    /// The handler that began at `begun` has returned.
    pub(crate) fn end(&self, begun: Instant) {
        self.0.store(begun.elapsed() < SHORT, Ordering::Relaxed);
    }
}
