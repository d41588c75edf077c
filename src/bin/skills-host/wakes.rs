//! Waking those who wait for answers, once per batch: carries out what [`skills_daemon::scheduling::hold`] decides.
//!
//! Every thread that answers calls has a [`Desk`] with the wakers that it holds, behind a lock that only the sweep
//! ever contends for. The sweep is one task on the I/O threads ([`sweep`]): it looks at all desks every millisecond
//! while something is held, and sleeps otherwise. It takes wakers out and wakes them; neither it nor anything else
//! here attaches to Python, so a handler that holds the GIL for seconds does not hold up the answers finished before
//! it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use skills_daemon::scheduling::hold::{Hold, SWEEP_PERIOD, Sweep};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

/// The wakers that one thread holds.
#[derive(Default)]
struct Desk(Mutex<Hold<Waker>>);

/// The desks of all threads; those of threads that have ended are removed by the sweep.
static DESKS: Mutex<Vec<Arc<Desk>>> = Mutex::new(Vec::new());
/// The sweep looks at the desks, or was asked to.
static SWEEPING: AtomicBool = AtomicBool::new(false);
/// Asks the sweep to begin.
static SWEEP: Notify = Notify::const_new();

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

/// Wakes who waits for the answer that was finished at `now`: at once, or with the others of the batch.
pub(crate) fn wake(waker: Waker, now: Instant) {
    if let Some(waker) = OWN.with(|own| own.lock().finished(waker, now)) {
        waker.wake();
    } else if !SWEEPING.load(Ordering::SeqCst) && !SWEEPING.swap(true, Ordering::SeqCst) {
        // The desk's lock orders this after a last look of the sweep that missed the answer.
        SWEEP.notify_one();
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

/// Wakes what any thread has held too long, for as long as the process serves; a task of the I/O threads.
pub(crate) async fn sweep() {
    loop {
        SWEEP.notified().await;
        let mut period = interval(SWEEP_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sweep = Sweep::default();
        loop {
            period.tick().await;
            if sweep.looked(look()) {
                continue;
            }
            // Once more after this: what is held from now on asks for a sweep.
            SWEEPING.store(false, Ordering::SeqCst);
            if !look() || SWEEPING.swap(true, Ordering::SeqCst) {
                break;
            }
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
