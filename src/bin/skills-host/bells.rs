//! Waking threads for the calls that I/O threads have read: carries out what [`skills_daemon::scheduling::bell`] decides.
//!
//! One task of the I/O threads rings what was put off. It lets all that are ready go first, and the system's queue of
//! events once, so that it rings after the last of the calls that were read together, however busy the threads are.
//! Nothing here attaches to Python.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::task::AtomicWaker;

/// What sleeps, and is woken for calls.
pub(crate) trait Sleeper: Send + Sync {
    /// The I/O threads have read what was there: wakes it if that is due.
    fn due(&self);
}

/// The sleepers whose wake-up was put off.
static PUT_OFF: Mutex<Vec<Arc<dyn Sleeper>>> = Mutex::new(Vec::new());
/// Wakes the task of [`ring`].
static RINGER: AtomicWaker = AtomicWaker::new();

/// Has `sleeper` woken soon. On any thread.
pub(crate) fn put_off(sleeper: Arc<dyn Sleeper>) {
    let mut put_off = lock();
    put_off.push(sleeper);
    let is_first = put_off.len() == 1;
    drop(put_off);
    if is_first {
        RINGER.wake();
    }
}

/// The task that wakes what was put off, for as long as the I/O threads live.
pub(crate) async fn ring() {
    loop {
        poll_fn(|context| {
            RINGER.register(context.waker());
            if lock().is_empty() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        tokio::task::yield_now().await;
        let due = std::mem::take(&mut *lock());
        for sleeper in due {
            sleeper.due();
        }
    }
}

fn lock() -> MutexGuard<'static, Vec<Arc<dyn Sleeper>>> {
    PUT_OFF.lock().unwrap_or_else(PoisonError::into_inner)
}
