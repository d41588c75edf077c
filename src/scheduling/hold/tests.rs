//! All orders of what a thread and the sweep can do, up to a length.

use super::*;

/// Smallest step of time; `HELD_MAX` and `SWEEP_PERIOD` are multiples of it.
const STEP: Duration = Duration::from_micros(500);
/// How many events in a row are tried; all orders of so many.
const LENGTH: usize = 7;

/// What can happen on a thread. Time passes only in steps, and the sweep looks whenever it is due.
#[derive(Clone, Copy, Debug)]
enum Event {
    Opened,
    Finished,
    FinishedLast,
    /// A call begins that is not surely short.
    UnsureCall,
    Closed,
    TimePassed,
}

const EVENTS: [Event; 6] = [
    Event::Opened,
    Event::Finished,
    Event::FinishedLast,
    Event::UnsureCall,
    Event::Closed,
    Event::TimePassed,
];

/// A thread's hold; an answer is its number.
#[derive(Clone)]
struct World {
    hold: Hold<usize>,
    now: Instant,
    next_look: Instant,
    /// When each answer was finished.
    finished: Vec<Instant>,
    /// The answers that were sent, in order.
    sent: Vec<usize>,
}

impl World {
    fn happen(&mut self, event: Event) {
        let mut released = Vec::new();
        match event {
            Event::Opened => self.hold.open(),
            Event::Finished | Event::FinishedLast => {
                let number = self.finished.len();
                self.finished.push(self.now);
                let is_last = matches!(event, Event::FinishedLast);
                let held = self.hold.finished(number, self.now, is_last, &mut released);
                assert_eq!(held, released.is_empty());
            }
            Event::UnsureCall => self.hold.release(&mut released),
            Event::Closed => self.hold.close(&mut released),
            Event::TimePassed => {
                self.now += STEP;
                if self.now >= self.next_look {
                    self.next_look = self.now + SWEEP_PERIOD;
                    self.hold.swept(self.now, &mut released);
                }
            }
        }
        self.sent.append(&mut released);
        self.check(event);
    }

    fn check(&self, event: Event) {
        assert!(self.sent.iter().copied().eq(0..self.sent.len()), "sent out of order or twice");
        assert_eq!(self.sent.len() + self.hold.held.len(), self.finished.len(), "lost");
        assert_eq!(self.hold.since.is_some(), !self.hold.held.is_empty());
        if matches!(event, Event::FinishedLast | Event::UnsureCall | Event::Closed) {
            assert!(self.hold.held.is_empty(), "held when everything is to be sent");
        }
        if let Some(&oldest) = self.hold.held.first() {
            let held = self.now - self.finished[oldest];
            assert!(held < HELD_MAX + SWEEP_PERIOD, "held for {held:?}");
        }
    }
}

fn all_orders(world: &World, path: &mut Vec<Event>) {
    if path.len() == LENGTH {
        return;
    }
    for event in EVENTS {
        path.push(event);
        let mut next = world.clone();
        let guarded = std::panic::AssertUnwindSafe(&mut next);
        let outcome = std::panic::catch_unwind(|| { guarded }.happen(event));
        assert!(outcome.is_ok(), "after {path:?}");
        all_orders(&next, path);
        path.pop();
    }
}

#[test]
fn every_answer_is_sent_once_in_order_and_in_time_whatever_the_thread_does() {
    let now = Instant::now();
    let world = World {
        hold: Hold::default(),
        now,
        next_look: now + SWEEP_PERIOD,
        finished: Vec::new(),
        sent: Vec::new(),
    };
    all_orders(&world, &mut Vec::new());
}

#[test]
fn no_more_answers_are_held_than_are_sent_together() {
    let (mut hold, now, mut sent) = (Hold::default(), Instant::now(), Vec::new());
    hold.open();
    for number in 1..ANSWERS_MAX {
        assert!(hold.finished(number, now, false, &mut sent));
    }
    assert!(sent.is_empty());
    assert!(!hold.finished(ANSWERS_MAX, now, false, &mut sent));
    assert!(sent.iter().copied().eq(1..=ANSWERS_MAX));
    sent.clear();
    assert!(hold.finished(0, now, false, &mut sent), "the next are held again");
}

#[test]
fn a_handler_is_surely_short_only_after_it_was_and_while_no_other_call_runs() {
    let pace = Pace::default();
    assert!(!pace.begin(), "the first call");
    pace.end(SHORT / 2);
    assert!(pace.begin());
    assert!(!pace.begin(), "while a call has not answered");
    pace.end(SHORT);
    assert!(!pace.begin(), "after a long one");
}

#[test]
fn the_sweep_sleeps_only_after_a_while_without_anything_held() {
    let mut sweep = Sweep::default();
    for _ in 0..QUIET_LOOKS - 1 {
        assert!(sweep.looked(false));
    }
    assert!(sweep.looked(true));
    for _ in 0..QUIET_LOOKS - 1 {
        assert!(sweep.looked(false));
    }
    assert!(!sweep.looked(false));
}
