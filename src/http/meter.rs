//! What a connection waits for, and for how long: the end of those that take too long.
//!
//! A request is to cost nothing more for it. So the stream of bytes and the body of a request only set marks, and a
//! clock that ticks a few times in the shortest timeout looks at them: a connection that is in the same phase for too
//! long is cut. An idle connection is in none and may stay. Connections of the user's own client are not timed: what it
//! passes on may wait for a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, sleep};

use crate::settings::limits::LimitSettings;

/// The bounds of the time between two looks.
const TICK_MIN: Duration = Duration::from_millis(50);
const TICK_MAX: Duration = Duration::from_secs(5);
/// How many looks fall into the shortest timeout.
const TICKS: u32 = 4;

/// The marks of one connection.
#[derive(Default)]
pub(super) struct Meter {
    /// The longest head of a request, in bytes.
    pub(super) header_bytes: usize,
    is_timed: AtomicBool,
    /// How many heads were read.
    heads: AtomicU32,
    /// How many requests were taken that consist of their heads.
    whole: AtomicU32,
    /// How often something was read, and written.
    read: AtomicU32,
    written: AtomicU32,
    /// A request is being answered.
    is_answering: AtomicBool,
    /// A part of the next request's head was read.
    is_begun: AtomicBool,
    /// The body of the request is waited for.
    awaits_body: AtomicBool,
    /// The other end does not take what is written.
    is_blocked: AtomicBool,
    head_is_late: AtomicBool,
    body_is_late: AtomicBool,
    body_waker: AtomicWaker,
}

/// What a connection is in, with a number that changes with each step forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is waited for, or something that may take any time.
    Idle,
    /// The head of a request is to come.
    Head(u32),
    /// A piece of its body is to come.
    Body(u32),
    /// The other end is to take a piece of the answer.
    Answer(u32),
}

/// A request that is being answered; dropped after the last byte of the answer is handed over.
pub(super) struct Answering(Arc<Meter>);

impl Meter {
    pub(super) fn new(is_timed: bool, limits: &LimitSettings) -> Meter {
        Meter { header_bytes: limits.header_bytes, is_timed: is_timed.into(), ..Meter::default() }
    }

    /// True unless the connection may take any time.
    pub(super) fn is_timed(&self) -> bool {
        self.is_timed.load(Relaxed)
    }

    /// Lets the connection take any time from now on.
    pub(super) fn trust(&self) {
        self.is_timed.store(false, Relaxed);
    }

    /// Notes that the head of a request was read.
    pub(super) fn answer(self: &Arc<Meter>) -> Option<Answering> {
        step(&self.heads);
        if !self.is_timed() {
            return None;
        }
        self.is_answering.store(true, Relaxed);
        Some(Answering(self.clone()))
    }

    /// Notes that a request consists of its head: its next byte is of the next request.
    pub(super) fn note_whole(&self) {
        step(&self.whole);
    }

    /// How many requests were taken that consist of their heads.
    pub(super) fn whole(&self) -> u32 {
        self.whole.load(Relaxed)
    }

    /// Notes that something was read.
    pub(super) fn note_read(&self) {
        step(&self.read);
        if !self.is_answering.load(Relaxed) {
            self.is_begun.store(true, Relaxed);
        }
    }

    /// Notes that something was written.
    pub(super) fn note_written(&self) {
        step(&self.written);
        self.is_blocked.store(false, Relaxed);
    }

    /// Notes that the other end takes nothing.
    pub(super) fn note_blocked(&self) {
        self.is_blocked.store(true, Relaxed);
    }

    /// Notes that the body is waited for by `waker`.
    pub(super) fn await_body(&self, waker: &Waker) {
        self.body_waker.register(waker);
        self.awaits_body.store(true, Relaxed);
    }

    /// Notes that the body is not waited for.
    pub(super) fn leave_body(&self) {
        self.awaits_body.store(false, Relaxed);
    }

    /// True once the head of a request has taken too long.
    pub(super) fn head_is_late(&self) -> bool {
        self.head_is_late.load(Relaxed)
    }

    /// True if a part of a head was read.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun.load(Relaxed)
    }

    /// True once a piece of a body has taken too long.
    pub(super) fn body_is_late(&self) -> bool {
        self.body_is_late.load(Relaxed)
    }

    fn phase(&self) -> Phase {
        if !self.is_timed() {
            Phase::Idle
        } else if self.is_blocked.load(Relaxed) {
            Phase::Answer(self.written.load(Relaxed))
        } else if self.awaits_body.load(Relaxed) {
            Phase::Body(self.read.load(Relaxed))
        } else if !self.is_answering.load(Relaxed)
            && (self.is_begun() || self.heads.load(Relaxed) == 0)
        {
            Phase::Head(self.heads.load(Relaxed))
        } else {
            Phase::Idle
        }
    }

    /// Marks what takes too long, for those that wait for it; returns when the other end does not read.
    pub(super) async fn watch(&self, limits: &LimitSettings) {
        let Some(tick) = tick(limits) else { return std::future::pending().await };
        let mut watch = Watch { phase: self.phase(), since: Instant::now() };
        loop {
            sleep(tick).await;
            match watch.look(self.phase(), Instant::now(), limits) {
                None | Some(Phase::Idle) => {}
                Some(Phase::Head(_)) => self.head_is_late.store(true, Relaxed),
                Some(Phase::Body(_)) => {
                    self.body_is_late.store(true, Relaxed);
                    self.body_waker.wake();
                }
                Some(Phase::Answer(_)) => return,
            }
        }
    }
}

impl Answering {
    pub(super) fn meter(&self) -> &Meter {
        &self.0
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.is_begun.store(false, Relaxed);
        self.0.is_answering.store(false, Relaxed);
    }
}

/// Counts a step, which only the task of the connection does: no other write can come in between.
fn step(count: &AtomicU32) {
    count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The time between two looks; `None` without a timeout.
fn tick(limits: &LimitSettings) -> Option<Duration> {
    let timeouts = [limits.head_timeout, limits.body_timeout, limits.answer_timeout];
    let shortest = timeouts.into_iter().filter(|timeout| !timeout.is_zero()).min()?;
    Some((shortest / TICKS).clamp(TICK_MIN, TICK_MAX))
}

/// The phase that was seen last, and since when.
struct Watch {
    phase: Phase,
    since: Instant,
}

impl Watch {
    /// Returns the phase if the connection is in it for too long.
    fn look(&mut self, phase: Phase, now: Instant, limits: &LimitSettings) -> Option<Phase> {
        if phase != self.phase {
            *self = Watch { phase, since: now };
        }
        let limit = match phase {
            Phase::Idle => return None,
            Phase::Head(_) => limits.head_timeout,
            Phase::Body(_) => limits.body_timeout,
            Phase::Answer(_) => limits.answer_timeout,
        };
        (!limit.is_zero() && now.duration_since(self.since) >= limit).then_some(phase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> Arc<Meter> {
        Arc::new(Meter::new(true, &LimitSettings::default()))
    }

    #[test]
    fn the_phase_follows_the_request() {
        let meter = meter();
        assert_eq!(meter.phase(), Phase::Head(0), "the first request is to come");
        meter.note_read();
        assert_eq!(meter.phase(), Phase::Head(0));
        let answering = meter.answer();
        assert_eq!(meter.phase(), Phase::Idle, "a handler may take any time");
        meter.await_body(Waker::noop());
        let waiting = meter.phase();
        meter.note_read();
        assert!(matches!(meter.phase(), Phase::Body(_)) && meter.phase() != waiting);
        meter.leave_body();
        meter.note_blocked();
        assert!(matches!(meter.phase(), Phase::Answer(_)));
        meter.note_written();
        // A request that was sent ahead is not late while another one is answered.
        meter.note_read();
        assert_eq!(meter.phase(), Phase::Idle);
        drop(answering);
        assert_eq!(meter.phase(), Phase::Idle, "a connection that is kept alive");
        meter.note_read();
        assert_eq!(meter.phase(), Phase::Head(1));
        meter.trust();
        assert_eq!(meter.phase(), Phase::Idle);
    }

    #[test]
    fn only_what_does_not_move_is_late() {
        let limits = LimitSettings::default();
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut watch = Watch { phase: Phase::Head(0), since: begun };
        assert_eq!(watch.look(Phase::Head(0), at(29), &limits), None);
        assert_eq!(watch.look(Phase::Head(0), at(30), &limits), Some(Phase::Head(0)));
        for second in (31..600).step_by(50) {
            let moving = Phase::Body(second as u32);
            assert_eq!(watch.look(moving, at(second), &limits), None);
        }
        assert_eq!(watch.look(Phase::Idle, at(10_000), &limits), None);
        assert_eq!(watch.look(Phase::Idle, at(20_000), &limits), None);
        let unlimited = LimitSettings { answer_timeout: Duration::ZERO, ..limits };
        assert_eq!(watch.look(Phase::Answer(1), at(30_000), &unlimited), None);
        assert_eq!(watch.look(Phase::Answer(1), at(40_000), &unlimited), None);
    }

    #[test]
    fn the_clock_ticks_by_the_shortest_timeout() {
        let limits = LimitSettings::default();
        assert_eq!(tick(&limits), Some(TICK_MAX));
        let short = LimitSettings { body_timeout: Duration::from_secs(1), ..limits.clone() };
        assert_eq!(tick(&short), Some(Duration::from_millis(250)));
        let zero = Duration::ZERO;
        let none = LimitSettings {
            head_timeout: zero,
            body_timeout: zero,
            answer_timeout: zero,
            ..limits
        };
        assert_eq!(tick(&none), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_is_marked_and_a_slow_reader_ends_the_watch() {
        let (meter, limits) = (meter(), LimitSettings::default());
        let watching = tokio::spawn({
            let (meter, limits) = (meter.clone(), limits.clone());
            async move { meter.watch(&limits).await }
        });
        sleep(limits.head_timeout + TICK_MAX).await;
        assert!(meter.head_is_late() && !meter.body_is_late());
        let _answering = meter.answer();
        meter.await_body(Waker::noop());
        sleep(limits.body_timeout + 2 * TICK_MAX).await;
        assert!(meter.body_is_late());
        meter.leave_body();
        meter.note_blocked();
        watching.await.unwrap();
    }
}
