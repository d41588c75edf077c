//! The number that a thread carries: the slot of the plugin whose code it runs, and whether the plugin started it.

use std::cell::Cell;

/// Set on the threads that a plugin started.
const OWN: u32 = 1 << 31;

thread_local! {
    // Neither initialized at its first use nor destroyed, so that a signal handler may read it.
    static CARRIED: Cell<u32> = const { Cell::new(0) };
}

/// What this thread carries; 0 for a thread that runs no plugin. Async-signal-safe.
pub fn carried() -> u32 {
    CARRIED.get()
}

/// Has this thread carry the slot `number`; with `own`, as one that the plugin started.
pub fn carry(number: u32, own: bool) {
    CARRIED.set(if own && number != 0 { number | OWN } else { number });
}

/// The number of the slot at `index`.
pub(super) fn number(index: usize) -> u32 {
    index as u32 + 1
}

/// The index of the slot in what a thread carried, and whether the plugin started the thread.
pub(super) fn slot(carried: u32) -> Option<(usize, bool)> {
    let index = (carried & !OWN).checked_sub(1)?;
    Some((index as usize, carried & OWN != 0))
}
