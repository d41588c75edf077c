//! All states of a small pool, each with what must hold in it.

use std::collections::{HashSet, VecDeque};

use super::*;

const IDLE: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits { threads: 3, waiting: 4, idle: IDLE };

/// A pool, and what its host would hold beside it.
#[derive(Clone)]
struct World {
    pool: Pool<()>,
    starting: Vec<ThreadNumber>,
    woken: Vec<ThreadNumber>,
    running: Vec<(ThreadNumber, Ticket)>,
    sleeping: Vec<ThreadNumber>,
    watched: bool,
    /// Calls that were taken, and neither begun nor given back.
    owed: usize,
}

/// Something that happens; the numbers choose a thread.
#[derive(Clone, Copy, Debug)]
enum Event {
    Arrived,
    CleanupArrived,
    Started(usize),
    Unstarted(usize),
    Woke(usize),
    /// A thread that nothing woke looks around, early or at its limit.
    Rested(usize, Duration),
    Finished(usize),
    Watched,
    Closed,
}

/// What distinguishes two states: no names of threads, no absolute counts.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    waiting: usize,
    cleanups: usize,
    cleaning: usize,
    asleep: usize,
    starting: usize,
    woken: usize,
    blocking: usize,
    running: usize,
    watch: Option<i64>,
    closed: bool,
}

impl World {
    fn new() -> World {
        World {
            pool: Pool::new(LIMITS),
            starting: Vec::new(),
            woken: Vec::new(),
            running: Vec::new(),
            sleeping: Vec::new(),
            watched: false,
            owed: 0,
        }
    }

    fn key(&self) -> Key {
        let pool = &self.pool;
        Key {
            waiting: pool.waiting.len(),
            cleanups: pool.cleanups.len(),
            cleaning: pool.cleaning.len(),
            asleep: pool.asleep.len(),
            starting: self.starting.len(),
            woken: self.woken.len(),
            blocking: pool.blocking,
            running: self.running.len(),
            // Once more was begun than expected, it stays so.
            watch: pool
                .watch
                .map(|expected| (expected.cast_signed() - pool.begun.cast_signed()).max(-1)),
            closed: pool.closed,
        }
    }

    fn possible(&self) -> Vec<Event> {
        let mut events = vec![Event::Arrived];
        // One at a time keeps the states few.
        if self.pool.cleanups.is_empty() && self.pool.cleaning.is_empty() {
            events.push(Event::CleanupArrived);
        }
        for place in 0..self.starting.len() {
            events.extend([Event::Started(place), Event::Unstarted(place)]);
        }
        events.extend((0..self.woken.len()).map(Event::Woke));
        for place in 0..self.sleeping.len() {
            events.extend([Event::Rested(place, IDLE / 2), Event::Rested(place, IDLE)]);
        }
        events.extend((0..self.running.len()).map(Event::Finished));
        if self.watched {
            events.push(Event::Watched);
        }
        if !self.pool.closed {
            events.push(Event::Closed);
        }
        events
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrived => match self.pool.arrived((), Rank::Call) {
                Ok(effect) => {
                    self.owed += 1;
                    self.carry_out(effect);
                }
                Err((Refusal::Full, ())) => assert_eq!(self.pool.waiting.len(), LIMITS.waiting),
                Err((Refusal::Closed, ())) => assert!(self.pool.closed),
            },
            Event::CleanupArrived => match self.pool.arrived((), Rank::Cleanup) {
                Ok(effect) => {
                    self.owed += 1;
                    self.carry_out(effect);
                }
                Err((refusal, ())) => assert_eq!(refusal, Refusal::Closed),
            },
            Event::Started(place) => {
                let number = self.starting.remove(place);
                let next = self.pool.started(number);
                self.go_on(number, next);
            }
            Event::Unstarted(place) => {
                self.starting.remove(place);
                match self.pool.unstarted() {
                    Ok(effect) => self.carry_out(effect),
                    Err(calls) => self.owed -= calls.len(),
                }
            }
            Event::Woke(place) => {
                let number = self.woken.remove(place);
                let next = self.pool.rested(number, Duration::ZERO);
                self.go_on(number, next);
            }
            Event::Rested(place, slept) => {
                let number = self.sleeping.remove(place);
                let next = self.pool.rested(number, slept);
                self.go_on(number, next);
            }
            Event::Finished(place) => {
                let (number, ticket) = self.running.remove(place);
                let next = self.pool.finished(number, ticket);
                self.go_on(number, next);
            }
            Event::Watched => match self.pool.watched() {
                Some(effect) => self.carry_out(effect),
                None => self.watched = false,
            },
            Event::Closed => {
                let (calls, asleep) = self.pool.close();
                self.owed -= calls.len();
                for number in asleep {
                    self.carry_out(Effect::Wake(number));
                }
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Nothing => {}
            Effect::Start(number) => self.starting.push(number),
            Effect::Wake(number) => {
                let place = self.sleeping.iter().position(|sleeping| *sleeping == number);
                self.sleeping.remove(place.expect("only a thread that sleeps is woken"));
                self.woken.push(number);
            }
            Effect::Watch => assert!(!std::mem::replace(&mut self.watched, true), "two watches"),
        }
    }

    fn go_on(&mut self, number: ThreadNumber, next: Next<()>) {
        match next {
            Next::Run { call: (), ticket, last } => {
                self.owed -= 1;
                assert_eq!(last, self.owed == 0);
                self.running.push((number, ticket));
            }
            Next::Sleep => self.sleeping.push(number),
            Next::End => {}
        }
    }

    /// Lets time pass without any call ending: threads that are on their way arrive, then a period ends.
    fn period(&mut self) {
        self.arrive();
        if self.watched {
            self.happen(Event::Watched);
        }
    }

    /// Threads that are on their way arrive.
    fn arrive(&mut self) {
        while !self.starting.is_empty() {
            self.happen(Event::Started(0));
        }
        while !self.woken.is_empty() {
            self.happen(Event::Woke(0));
        }
    }

    fn threads(&self) -> usize {
        self.starting.len() + self.woken.len() + self.running.len() + self.sleeping.len()
    }

    /// What holds in every state.
    fn check(&self) {
        let pool = &self.pool;
        assert_eq!(pool.waiting.len() + pool.cleanups.len(), self.owed, "a call was lost");
        assert_eq!(pool.promised, self.starting.len() + self.woken.len(), "promised");
        let mut running: Vec<_> =
            pool.running().iter().map(|(call, thread)| (*thread, *call)).collect();
        running.sort_by_key(|(_, ticket)| ticket.0);
        let mut expected = self.running.clone();
        expected.sort_by_key(|(_, ticket)| ticket.0);
        assert_eq!(running, expected, "running");
        let blocking = self.running.iter().filter(|(_, ticket)| ticket.0 <= pool.blocking_until);
        assert_eq!(pool.blocking, blocking.count(), "blocking");
        assert_eq!(pool.watch.is_some(), self.watched, "watch");
        let calls = self.running.len() - pool.cleaning.len();
        assert!(calls <= LIMITS.threads, "too many calls run");
        assert!(self.threads() <= LIMITS.threads + 1, "too many threads");
        assert_eq!(pool.is_empty(), self.owed == 0 && self.running.is_empty());
        if self.owed > 0 {
            assert!(self.watched || pool.promised >= self.owed, "calls wait for nothing");
        }
        if pool.closed {
            assert_eq!((self.owed, self.sleeping.len()), (0, 0), "something outlives the close");
        }
    }

    /// Even if no running call ever ends, waiting calls are begun, one a period, while there may be more threads.
    fn check_that_none_is_stranded(&self) {
        let mut later = self.clone();
        let running = self.running.len() - self.pool.cleaning.len();
        // A clean-up always has room, beside any number of calls.
        let room = LIMITS.threads - running + self.pool.cleanups.len();
        // Two more: for the present period, and for one in which a promised thread found nothing.
        for _ in 0..self.owed + 2 {
            later.period();
        }
        let begun = later.running.len() - self.running.len();
        assert!(begun >= self.owed.min(room), "{begun} of {} begun, room for {room}", self.owed);
    }
}

/// Visits every state of the pool, by every event in each.
fn every_state(mut visit: impl FnMut(&World, &[Event])) -> usize {
    let mut seen = HashSet::from([World::new().key()]);
    let mut left = VecDeque::from([(World::new(), Vec::new())]);
    while let Some((world, path)) = left.pop_front() {
        visit(&world, &path);
        for event in world.possible() {
            let mut next = world.clone();
            next.happen(event);
            if seen.insert(next.key()) {
                let path = path.iter().copied().chain([event]).collect();
                left.push_back((next, path));
            }
        }
    }
    seen.len()
}

/// Runs `check` on every state and names the events that lead to one where it fails.
fn in_every_state(check: impl Fn(&World) + std::panic::RefUnwindSafe) {
    let states = every_state(|world, path| {
        let world = std::panic::AssertUnwindSafe(world);
        if std::panic::catch_unwind(|| check(&world)).is_err() {
            panic!("after {path:?}");
        }
    });
    assert!(states > 500, "only {states} states were reached");
}

#[test]
fn every_state_is_consistent() {
    in_every_state(World::check);
}

#[test]
fn no_call_is_stranded_in_any_state() {
    in_every_state(World::check_that_none_is_stranded);
}

#[test]
fn closing_ends_all_threads_from_any_state() {
    in_every_state(|world| {
        let mut world = world.clone();
        if !world.pool.closed {
            world.happen(Event::Closed);
        }
        while !world.running.is_empty() {
            world.happen(Event::Finished(0));
        }
        world.period();
        assert_eq!(world.threads(), 0);
        assert!(!world.watched);
    });
}

#[test]
fn a_thread_that_was_woken_and_does_not_run_yet_is_not_free() {
    let mut world = warm();
    assert!(matches!(world.pool.arrived((), Rank::Call), Ok(Effect::Wake(_))));
    // Arrives before the thread is awake: it must not count on a thread that another call may block.
    assert_eq!(world.pool.arrived((), Rank::Call), Ok(Effect::Watch));
}

#[test]
fn a_call_behind_one_that_blocks_is_begun_after_one_period() {
    let mut world = warm();
    world.happen(Event::Arrived);
    world.happen(Event::Arrived);
    world.period();
    world.happen(Event::Started(0));
    assert_eq!((world.running.len(), world.owed), (2, 0));
}

#[test]
fn a_call_that_arrives_while_all_others_block_gets_a_thread_at_once() {
    let mut world = warm();
    world.happen(Event::Arrived);
    world.happen(Event::Arrived);
    world.period();
    // The second ends; the first still blocks.
    world.happen(Event::Started(0));
    world.happen(Event::Finished(1));
    world.happen(Event::Arrived);
    assert_eq!((world.woken.len(), world.threads()), (1, 2));
}

#[test]
fn a_cleanup_is_begun_where_every_thread_blocks() {
    let mut world = warm();
    for _ in 0..LIMITS.threads + 1 {
        world.happen(Event::Arrived);
    }
    for _ in 0..LIMITS.threads + 1 {
        world.period();
    }
    assert_eq!((world.running.len(), world.owed), (LIMITS.threads, 1));
    world.happen(Event::CleanupArrived);
    world.period();
    world.arrive();
    assert_eq!((world.pool.cleaning.len(), world.pool.waiting.len()), (1, 1));
    // Its thread does not take the call that waits: so many run already.
    world.happen(Event::Finished(LIMITS.threads));
    assert_eq!((world.running.len(), world.owed), (LIMITS.threads, 1));
}

#[test]
fn a_cleanup_is_begun_before_the_calls_that_wait() {
    let mut world = warm();
    world.happen(Event::Arrived);
    world.happen(Event::Woke(0));
    world.happen(Event::Arrived);
    world.happen(Event::CleanupArrived);
    world.happen(Event::Finished(0));
    assert_eq!((world.pool.cleaning.len(), world.pool.waiting.len()), (1, 1));
}

#[test]
fn short_calls_stay_on_one_thread() {
    let mut world = World::new();
    for _ in 0..100 {
        for _ in 0..LIMITS.waiting {
            world.happen(Event::Arrived);
        }
        world.arrive();
        // Two calls end, and the third is begun, before the period is over.
        world.happen(Event::Finished(0));
        world.happen(Event::Finished(0));
        world.happen(Event::Watched);
        while !world.running.is_empty() {
            world.happen(Event::Finished(0));
        }
        assert_eq!((world.owed, world.threads()), (0, 1));
    }
}

#[test]
fn the_thread_that_slept_last_is_woken_first_so_that_the_others_end() {
    let mut world = warm();
    for _ in 0..3 {
        world.happen(Event::Arrived);
    }
    for _ in 0..4 {
        world.period();
    }
    assert_eq!(world.running.len(), 3);
    for _ in 0..3 {
        world.happen(Event::Finished(0));
    }
    let last = *world.sleeping.last().unwrap();
    world.happen(Event::Arrived);
    assert_eq!(world.woken, [last]);
    world.happen(Event::Woke(0));
    world.happen(Event::Finished(0));
    for _ in 0..2 {
        world.happen(Event::Rested(0, IDLE));
    }
    assert_eq!(world.sleeping, [last]);
    world.happen(Event::Rested(0, IDLE));
    assert_eq!(world.sleeping, [last], "one thread stays");
}

#[test]
fn without_any_thread_the_waiting_calls_are_given_back() {
    let mut world = World::new();
    world.happen(Event::Arrived);
    world.happen(Event::Unstarted(0));
    assert_eq!((world.owed, world.threads()), (0, 0));
    // The next call tries again.
    world.happen(Event::Arrived);
    assert_eq!(world.starting.len(), 1);
}

/// A pool of one thread, which sleeps.
fn warm() -> World {
    let mut world = World::new();
    world.happen(Event::Arrived);
    world.happen(Event::Started(0));
    world.happen(Event::Finished(0));
    assert_eq!(world.sleeping.len(), 1);
    world
}
