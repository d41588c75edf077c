//! When the pool for `def` handlers starts, wakes and ends its threads.
//!
//! Threads that take turns with the GIL cost several times what short calls cost. So one thread makes all calls, one
//! after the other, for as long as they are short: a call that arrives while a thread is active waits for that
//! thread. A thread is active from the moment it is started or woken, not only once it runs, until it sleeps or its
//! call is found to block.
//!
//! A call is found to block when calls wait and a whole watch period ends in which none was begun. Then another thread
//! is woken or started, up to the limit, and one more after each further period like that. While all running calls
//! are known to block, a call that arrives gets a thread at once.
//!
//! Threads sleep in a stack: the one that slept last is woken first, so those that the load does not need sleep
//! until they end.
//!
//! Besides whole calls the pool runs parts of calls that go on elsewhere ([`Rank`]). The clean-up of a call may be what
//! all running calls wait for, a connection that it gives back: it gets a thread beyond the limit if need be.

use std::collections::VecDeque;
use std::time::Duration;

/// Number of a thread of the pool; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadNumber(u64);

/// Proof that a call was begun, given back when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// What a thread is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// A whole call, which may be refused.
    Call,
    /// A part of a call that was begun elsewhere.
    Part,
    /// The clean-up of a call: before all others, and beyond the limit of threads.
    Cleanup,
}

/// Bounds of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many threads there may be; at least 1.
    pub threads: usize,
    /// How many calls may wait.
    pub waiting: usize,
    /// How long a thread sleeps before it ends, unless it is the only one.
    pub idle: Duration,
}

/// What the host does next, outside of its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// Start a thread of this number, which calls [`Pool::started`]; [`Pool::unstarted`] if that fails.
    Start(ThreadNumber),
    /// Wake this thread, which calls [`Pool::rested`].
    Wake(ThreadNumber),
    /// Call [`Pool::watched`] after each watch period, until that ends the watch.
    Watch,
}

/// What a thread does next.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Next<C> {
    /// Run the call, then call [`Pool::finished`].
    Run {
        /// The call.
        call: C,
        /// For [`Pool::finished`].
        ticket: Ticket,
        /// True if no call waits behind it.
        last: bool,
    },
    /// Sleep until it is woken or [`Limits::idle`] is over, then call [`Pool::rested`].
    Sleep,
    /// End.
    End,
}

/// Why a call was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// [`Limits::waiting`] calls wait.
    Full,
    /// The pool is closed.
    Closed,
}

/// The threads of a pool and the calls that wait for one.
#[derive(Clone, Debug)]
pub struct Pool<C> {
    limits: Limits,
    waiting: VecDeque<C>,
    /// Clean-ups that wait.
    cleanups: VecDeque<C>,
    /// The running calls that are clean-ups.
    cleaning: Vec<Ticket>,
    /// Threads that sleep and are not woken; the last fell asleep last.
    asleep: Vec<ThreadNumber>,
    /// Threads that were started or woken and have not asked for a call since.
    promised: usize,
    /// The calls that run, each with its thread.
    running: Vec<(Ticket, ThreadNumber)>,
    /// Calls that were ever begun, which is the ticket of the last one.
    begun: u64,
    /// The last call that was running when calls were found to block.
    blocking_until: u64,
    /// Running calls that were found to block: those with tickets up to `blocking_until`.
    blocking: usize,
    /// While watched: what `begun` is at the end of the period if nothing begins but what is promised.
    watch: Option<u64>,
    next_number: u64,
    closed: bool,
}

impl<C> Pool<C> {
    /// A pool without threads.
    pub fn new(limits: Limits) -> Pool<C> {
        Pool {
            limits,
            waiting: VecDeque::new(),
            cleanups: VecDeque::new(),
            cleaning: Vec::new(),
            asleep: Vec::new(),
            promised: 0,
            running: Vec::new(),
            begun: 0,
            blocking_until: 0,
            blocking: 0,
            watch: None,
            next_number: 0,
            closed: false,
        }
    }

    /// Takes a call in.
    ///
    /// # Errors
    /// Returns the call with the reason if the pool is closed or full.
    pub fn arrived(&mut self, call: C, rank: Rank) -> Result<Effect, (Refusal, C)> {
        if self.closed {
            return Err((Refusal::Closed, call));
        }
        if rank == Rank::Call && self.waiting.len() >= self.limits.waiting {
            return Err((Refusal::Full, call));
        }
        match rank {
            Rank::Call | Rank::Part => self.waiting.push_back(call),
            Rank::Cleanup => self.cleanups.push_back(call),
        }
        let active = self.promised + self.running.len() - self.blocking;
        if active == 0
            && let Some(effect) = self.rouse()
        {
            return Ok(effect);
        }
        Ok(self.begin_watch())
    }

    /// A thread that was to be started is there; returns what it does.
    pub fn started(&mut self, number: ThreadNumber) -> Next<C> {
        self.promised -= 1;
        self.next(number)
    }

    /// A thread that was to be started cannot be.
    ///
    /// # Errors
    /// Returns all waiting calls if the pool has no thread to run them.
    pub fn unstarted(&mut self) -> Result<Effect, VecDeque<C>> {
        self.promised -= 1;
        if self.threads() == 0 {
            return Err(self.take_waiting());
        }
        // The watch tries again.
        Ok(if self.none_waits() { Effect::Nothing } else { self.begin_watch() })
    }

    /// The call that a thread ran has ended; returns what the thread does next.
    pub fn finished(&mut self, number: ThreadNumber, ticket: Ticket) -> Next<C> {
        self.running.retain(|(running, _)| *running != ticket);
        self.cleaning.retain(|running| *running != ticket);
        if ticket.0 <= self.blocking_until {
            self.blocking -= 1;
        }
        self.next(number)
    }

    /// A thread that sleeps since `slept` looks around, woken or not; returns what it does next.
    pub fn rested(&mut self, number: ThreadNumber, slept: Duration) -> Next<C> {
        let Some(place) = self.asleep.iter().rposition(|asleep| *asleep == number) else {
            // It was woken.
            self.promised -= 1;
            return self.next(number);
        };
        if slept < self.limits.idle || self.threads() == 1 {
            return Next::Sleep;
        }
        self.asleep.remove(place);
        Next::End
    }

    /// A watch period is over; `None` ends the watch.
    #[must_use]
    pub fn watched(&mut self) -> Option<Effect> {
        let expected = self.watch.take()?;
        if self.none_waits() {
            return None;
        }
        let mut effect = Effect::Nothing;
        // A thread that is promised has not run yet: another would only take the CPU from it.
        if self.promised == 0 && self.begun == expected {
            self.blocking_until = self.begun;
            self.blocking = self.running.len();
            effect = self.rouse().unwrap_or(Effect::Nothing);
        }
        self.watch = Some(self.expected());
        Some(effect)
    }

    /// Takes no more calls and ends all threads as soon as they ask; returns the calls that wait, and the threads to
    /// wake.
    #[must_use]
    pub fn close(&mut self) -> (VecDeque<C>, Vec<ThreadNumber>) {
        self.closed = true;
        let asleep = std::mem::take(&mut self.asleep);
        self.promised += asleep.len();
        (self.take_waiting(), asleep)
    }

    /// True if no call waits or runs.
    pub fn is_empty(&self) -> bool {
        self.none_waits() && self.running.is_empty()
    }

    /// How many calls wait for a thread.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The calls that run, each with its thread; one that stays for long does not return.
    pub fn running(&self) -> &[(Ticket, ThreadNumber)] {
        &self.running
    }

    fn none_waits(&self) -> bool {
        self.waiting.is_empty() && self.cleanups.is_empty()
    }

    fn take_waiting(&mut self) -> VecDeque<C> {
        let mut all = std::mem::take(&mut self.cleanups);
        all.append(&mut self.waiting);
        all
    }

    fn threads(&self) -> usize {
        self.asleep.len() + self.promised + self.running.len()
    }

    /// What a thread that has nothing to do does next.
    fn next(&mut self, number: ThreadNumber) -> Next<C> {
        if self.closed {
            return Next::End;
        }
        let cleanup = self.cleanups.pop_front();
        let is_cleanup = cleanup.is_some();
        // Threads beyond the limit are for clean-ups only.
        let may_call = self.running.len() - self.cleaning.len() < self.limits.threads;
        match cleanup.or_else(|| if may_call { self.waiting.pop_front() } else { None }) {
            Some(call) => {
                self.begun += 1;
                let (ticket, last) = (Ticket(self.begun), self.none_waits());
                self.running.push((ticket, number));
                self.cleaning.extend(is_cleanup.then_some(ticket));
                Next::Run { call, ticket, last }
            }
            None => {
                self.asleep.push(number);
                Next::Sleep
            }
        }
    }

    /// Has one more thread take a call, unless all are busy and there may be no more.
    fn rouse(&mut self) -> Option<Effect> {
        let effect = if let Some(number) = self.asleep.pop() {
            Effect::Wake(number)
        } else if self.threads() < self.limits.threads + self.cleanups.len() + self.cleaning.len() {
            self.next_number += 1;
            Effect::Start(ThreadNumber(self.next_number))
        } else {
            return None;
        };
        self.promised += 1;
        Some(effect)
    }

    fn begin_watch(&mut self) -> Effect {
        if self.watch.is_some() {
            return Effect::Nothing;
        }
        self.watch = Some(self.expected());
        Effect::Watch
    }

    fn expected(&self) -> u64 {
        self.begun + self.promised as u64
    }
}

#[cfg(test)]
mod tests;
