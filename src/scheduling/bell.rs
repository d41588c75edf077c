//! When a thread that sleeps is woken for the calls that have come: once for many.
//!
//! An I/O thread reads what several connections have sent, one after the other. To wake the plugin's thread for the
//! first of these calls lets the two take turns for the rest: on a busy machine that cost 0.8 context switches a
//! call. So the wake-up is put off until the I/O thread has read what was there, but not beyond [`CALLS_MAX`] calls,
//! and nothing but calls waits for it.

/// For how many calls a wake-up is put off at most.
pub const CALLS_MAX: u32 = 8;

/// What the host does next, outside of its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ring {
    /// Nothing: the thread is awake, or is woken soon.
    Not,
    /// Call [`Bell::due`] once the I/O thread has read what was there.
    Soon,
    /// Wake the thread.
    Now,
}

/// The wake-ups of one thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bell {
    /// How many calls have come since a wake-up was put off, which is due.
    put_off: Option<u32>,
}

impl Bell {
    /// A call came, for which the thread has to be woken or not.
    pub fn called(&mut self, sleeps: bool) -> Ring {
        match &mut self.put_off {
            None if !sleeps => Ring::Not,
            None => {
                self.put_off = Some(1);
                Ring::Soon
            }
            Some(calls) if *calls + 1 < CALLS_MAX => {
                *calls += 1;
                Ring::Not
            }
            Some(_) => {
                self.put_off = None;
                Ring::Now
            }
        }
    }

    /// Something came that is not to wait, for which the thread has to be woken or not.
    pub fn urgent(&mut self, sleeps: bool) -> Ring {
        let was_put_off = self.put_off.take().is_some();
        if sleeps || was_put_off { Ring::Now } else { Ring::Not }
    }

    /// The I/O thread has read what was there; returns true if the thread is to be woken.
    #[must_use]
    pub fn due(&mut self) -> bool {
        self.put_off.take().is_some()
    }

    /// The thread is awake, and has seen all that came.
    pub fn answered(&mut self) {
        self.put_off = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can happen; the thread sleeps again after each `Answered`.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Called,
        Urgent,
        Due,
        Answered,
    }

    const EVENTS: [Event; 4] = [Event::Called, Event::Urgent, Event::Due, Event::Answered];

    /// A bell beside what it is for.
    #[derive(Clone, Default)]
    struct World {
        bell: Bell,
        /// Something came that the thread has not seen.
        waits: bool,
        /// The thread was woken since it last slept.
        woken: bool,
        /// `due` is to be called.
        promised: bool,
        /// Calls that came while the thread was not woken.
        calls: u32,
    }

    impl World {
        /// As the host does: the thread has to be woken for the first that comes while it sleeps.
        fn happens(&mut self, event: Event) {
            let sleeps = !self.waits;
            let ring = match event {
                Event::Called => {
                    self.waits = true;
                    self.calls += u32::from(!self.woken);
                    self.bell.called(sleeps)
                }
                Event::Urgent => {
                    self.waits = true;
                    let ring = self.bell.urgent(sleeps);
                    assert!(self.woken || ring == Ring::Now, "it does not wait");
                    ring
                }
                Event::Due => {
                    self.promised = false;
                    if self.bell.due() { Ring::Now } else { Ring::Not }
                }
                Event::Answered => {
                    self.bell.answered();
                    (self.waits, self.woken, self.calls) = (false, false, 0);
                    return;
                }
            };
            match ring {
                Ring::Not => {}
                Ring::Soon => self.promised = true,
                Ring::Now => {
                    assert!(!self.woken, "one wake-up is enough");
                    self.woken = true;
                }
            }
        }

        fn check(&self, so_far: &[Event]) {
            assert!(!self.waits || self.woken || self.promised, "forgotten: {so_far:?}");
            assert!(self.woken || self.calls < CALLS_MAX, "too many wait: {so_far:?}");
        }
    }

    fn all(world: &World, so_far: &mut Vec<Event>, left: usize) {
        world.check(so_far);
        if left == 0 {
            return;
        }
        for event in EVENTS {
            let mut next = world.clone();
            so_far.push(event);
            next.happens(event);
            all(&next, so_far, left - 1);
            so_far.pop();
        }
    }

    #[test]
    fn in_no_order_of_events_is_a_call_forgotten() {
        all(&World::default(), &mut Vec::new(), 7);
    }

    #[test]
    fn calls_beyond_the_most_do_not_wait() {
        let mut bell = Bell::default();
        assert_eq!(bell.called(true), Ring::Soon);
        for _ in 2..CALLS_MAX {
            assert_eq!(bell.called(false), Ring::Not);
        }
        assert_eq!(bell.called(false), Ring::Now);
        assert!(!bell.due(), "it has rung");
        assert_eq!(bell.called(false), Ring::Not, "it is awake");
    }
}
