//! Stacks and numbers of Python's threads, from outside.
//!
//! Attaching may take for ever, while native code holds the GIL. So it is done on a thread of its own, one at a time; the
//! I/O threads wait for its answer in a future.

use std::collections::BTreeMap;
use std::future::ready;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use pyo3::prelude::*;
use skills_daemon::runtime::{BoxFuture, Frame};
use tokio::sync::oneshot;

/// A thread looks, or waits for the GIL.
static LOOKING: AtomicBool = AtomicBool::new(false);

/// Cleared when a thread has looked.
struct Looking;

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKING.store(false, Ordering::SeqCst);
    }
}

/// The current thread, as Python identifies it.
pub(crate) fn current_thread() -> u64 {
    // SAFETY: `pthread_self` has no preconditions.
    unsafe { libc::pthread_self() as u64 }
}

/// The Python stack of a thread, the innermost frame first.
pub(crate) fn stack(thread: u64) -> BoxFuture<Option<Vec<Frame>>> {
    let looked = look(move |py| {
        let stack = py.import("skills_host.threads")?.call_method1("stack", (thread,))?;
        stack.extract::<Option<Vec<(PathBuf, u32, String)>>>()
    });
    Box::pin(async move {
        let frame = |(file, line, function)| Frame { file, line, function };
        Some(looked.await?.into_iter().map(frame).collect())
    })
}

/// How many threads that it started each plugin has.
pub(crate) fn threads() -> BoxFuture<BTreeMap<String, usize>> {
    let looked = look(|py| {
        let counts = py.import("skills_host.threads")?.call_method0("count")?;
        Ok(Some(counts.extract()?))
    });
    Box::pin(async move { looked.await.unwrap_or_default() })
}

/// How long a thread that asks for the GIL now waits for it; `None` while the last one still does.
pub(crate) fn gil_wait() -> BoxFuture<Option<Duration>> {
    static IS_WAITING: AtomicBool = AtomicBool::new(false);
    if IS_WAITING.swap(true, Ordering::SeqCst) {
        return Box::pin(ready(None));
    }
    let (sender, receiver) = oneshot::channel();
    let spawned = thread::Builder::new().name("skills-gil".to_owned()).spawn(move || {
        let begun = Instant::now();
        // Attaches this thread, which nothing waits for while it holds anything.
        let waited = Python::attach(|_| begun.elapsed());
        IS_WAITING.store(false, Ordering::SeqCst);
        // Fails only if nothing waits for it any more.
        let _ = sender.send(waited);
    });
    if spawned.is_err() {
        IS_WAITING.store(false, Ordering::SeqCst);
    }
    Box::pin(async move { receiver.await.ok() })
}

/// Runs `work` on a new thread, attached to Python; the future is pending for ever while another look is.
fn look<T: Send + 'static>(
    work: impl FnOnce(Python<'_>) -> PyResult<Option<T>> + Send + 'static,
) -> BoxFuture<Option<T>> {
    if LOOKING.swap(true, Ordering::SeqCst) {
        return Box::pin(std::future::pending());
    }
    let (sender, receiver) = oneshot::channel();
    let looking = Looking;
    let spawned = thread::Builder::new().name("skills-inspect".to_owned()).spawn(move || {
        let _looking = looking;
        // Attaches this thread, which nothing waits for while it holds anything.
        let looked = Python::attach(work);
        let looked = looked.inspect_err(|error| tracing::error!(%error, "looking at threads"));
        // Fails only if nothing waits for it any more.
        let _ = sender.send(looked.ok().flatten());
    });
    Box::pin(async move {
        spawned.ok()?;
        receiver.await.ok().flatten()
    })
}
