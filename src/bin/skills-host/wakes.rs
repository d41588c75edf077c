//! Waking the tasks that wait for answers, once per batch: carries out what
//! [`skills_daemon::scheduling::hold`] decides.
//!
//! Every thread that answers calls has a [`Desk`] with the wakers that it holds, behind a lock that only the sweep
//! ever contends for. The sweep is a thread of its own that looks at all desks every few milliseconds while something is
//! held, and sleeps otherwise; as a task of the I/O threads its timer cost each of their naps, 8 µs a request.
//! Neither it nor anything else here attaches to Python, so a handler that holds the GIL for seconds does not hold up
//! the answers finished before it.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::Instant;

use skills_daemon::scheduling::hold::{Hold, SWEEP_PERIOD, Sweep};

/// The wakers that one thread holds.
#[derive(Default)]
struct Desk(Mutex<Hold<Waker>>);

/// The desks of all threads; those of threads that have ended are removed by the sweep.
static DESKS: Mutex<Vec<Arc<Desk>>> = Mutex::new(Vec::new());
/// The sweep looks at the desks, or was asked to.
static SWEEPING: AtomicBool = AtomicBool::new(false);
/// The thread of the sweep.
static SWEEP: OnceLock<Thread> = OnceLock::new();

thread_local! {
    static OWN: Arc<Desk> = {
        let own = Arc::<Desk>::default();
        DESKS.lock().unwrap_or_else(PoisonError::into_inner).push(own.clone());
        own
    };
    /// The memory that is swapped with the wakers of [`OWN`] when they are taken out.
    static SPARE: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Hold<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a batch on this thread, until [`close`].
pub(crate) fn open() {
    OWN.with(|own| own.lock().open());
}

/// Wakes the task that waits for the answer that was finished at `now`, or holds it: until others are finished, at most
/// until the `last` of its batch.
pub(crate) fn wake(waker: Waker, now: Instant, last: bool) {
    let mut is_held = false;
    take_out(|hold, wakers| is_held = hold.finished(waker, now, last, wakers));
    if is_held && !SWEEPING.load(Ordering::SeqCst) && !SWEEPING.swap(true, Ordering::SeqCst) {
        // The desk's lock orders this after a last look of the sweep that missed the answer.
        SWEEP.get().inspect(|sweep| sweep.unpark());
    }
}

/// Wakes all that this thread holds, because a call begins that may take its time.
pub(crate) fn release() {
    take_out(Hold::release);
}

/// Ends a batch on this thread: wakes all that it holds, and holds none any more.
pub(crate) fn close() {
    take_out(Hold::close);
}

fn take_out(how: impl FnOnce(&mut Hold<Waker>, &mut Vec<Waker>)) {
    // Out of the cell and outside of the lock: a waker is foreign code.
    let mut wakers = SPARE.take();
    OWN.with(|own| how(&mut own.lock(), &mut wakers));
    wakers.drain(..).for_each(Waker::wake);
    SPARE.set(wakers);
}

/// Starts the thread that wakes what any thread has held too long, for as long as the process lives.
pub(crate) fn start_sweep() -> io::Result<()> {
    let sweep = thread::Builder::new().name("skills-sweep".to_owned()).spawn(sweep)?;
    let _ = SWEEP.set(sweep.thread().clone());
    Ok(())
}

/// The body of the thread, which never attaches to Python.
fn sweep() {
    loop {
        while !SWEEPING.load(Ordering::SeqCst) {
            thread::park();
        }
        let mut sweep = Sweep::default();
        while sweep.looked(look()) {
            thread::sleep(SWEEP_PERIOD);
        }
        SWEEPING.store(false, Ordering::SeqCst);
        // Once more: what is held from now on asks for a sweep, what was held before may not have.
        if look() {
            SWEEPING.store(true, Ordering::SeqCst);
        }
    }
}

/// Looks at all desks and wakes what is due; returns true if anything was held.
fn look() -> bool {
    let now = Instant::now();
    let (mut held, mut due) = (false, Vec::new());
    DESKS.lock().unwrap_or_else(PoisonError::into_inner).retain(|desk| {
        let mut released = Vec::new();
        let held_here = desk.lock().swept(now, &mut released);
        due.append(&mut released);
        held |= held_here;
        held_here || Arc::strong_count(desk) > 1
    });
    due.into_iter().for_each(Waker::wake);
    held
}
