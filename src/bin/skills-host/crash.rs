//! Noting the plugin whose code ends the process.
//!
//! Fatal signals have a handler that notes the plugin of the current thread in the journal, and then ends the process by
//! the signal. `faulthandler`, which is enabled later, has its handler run first, prints the traceback, and then raises
//! the signal again. `os._exit` is replaced in Python and calls [`exiting`]; the `exit` of the C library runs
//! [`c_exit`]. What plugins run in child processes is not noted.

use std::sync::{Arc, OnceLock};

use nix::libc;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};
use pyo3::prelude::*;
use skills_daemon::journal::{Cause, Journal, thread};

/// The journal, from [`watch`] on.
static JOURNAL: OnceLock<Arc<Journal>> = OnceLock::new();

/// Signals that the code of a plugin causes.
const FATAL: [Signal; 5] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL, Signal::SIGFPE, Signal::SIGABRT];

/// Has the end of this process by a plugin noted in `journal`. Called once, before Python is initialized.
pub(crate) fn watch(journal: Arc<Journal>) -> nix::Result<()> {
    if JOURNAL.set(journal).is_err() {
        return Ok(());
    }
    // On its own stack where the thread has one: the thread's may be what overflowed.
    let flags = SaFlags::SA_ONSTACK | SaFlags::SA_NODEFER;
    let action = SigAction::new(SigHandler::Handler(on_signal), flags, SigSet::empty());
    for fatal in FATAL {
        // SAFETY: the handler calls nothing that is not async-signal-safe, and finds `JOURNAL` set.
        unsafe { signal::sigaction(fatal, &action)? };
    }
    Ok(())
}

/// Has `exit` of the C library noted. Called once Python is initialized: what is registered last runs first, before
/// anything that may crash beside threads that go on.
pub(crate) fn watch_exit() {
    // SAFETY: the function has the right type and may be called on any thread.
    unsafe { libc::atexit(c_exit) };
}

/// Notes that the process ends as it should.
pub(crate) fn end() {
    if let Some(journal) = JOURNAL.get() {
        journal.end();
    }
}

/// The handler of [`FATAL`]: async-signal-safe.
extern "C" fn on_signal(number: libc::c_int) {
    if let Some(journal) = JOURNAL.get() {
        journal.blame(Cause::Signal(number), "");
    }
    // SAFETY: both are async-signal-safe.
    unsafe {
        libc::signal(number, libc::SIG_DFL);
        libc::raise(number);
    }
}

/// Runs when the C library's `exit` is called: not by the daemon, which ends without it.
extern "C" fn c_exit() {
    if let Some(journal) = JOURNAL.get() {
        journal.blame(Cause::Exit(None), "");
    }
}

/// The slot that this thread carries; on any thread.
#[pyfunction]
pub(crate) fn slot() -> u32 {
    thread::carried()
}

/// Has this thread, which a plugin started, carry a slot.
#[pyfunction]
pub(crate) fn carry(slot: u32) {
    thread::carry(slot, true);
}

/// Notes that the code at `place` on this thread ends the process.
#[pyfunction]
pub(crate) fn exiting(status: i32, place: &str) {
    if let Some(journal) = JOURNAL.get() {
        journal.blame(Cause::Exit(Some(status)), place);
    }
}
