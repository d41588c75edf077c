//! Requests to one plugin that is given at most so many at once: each [enters](Admission::enter) and keeps its
//! [`Permit`] until the plugin has ended it. One that goes away while it waits leaves the queue.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::queue::{Entered, Number, Queue};

/// The requests to one plugin.
#[derive(Debug)]
pub struct Admission {
    /// A waiter gets its permit.
    queue: Mutex<Queue<oneshot::Sender<Permit>>>,
    /// No request waits any more.
    emptied: Notify,
}

/// The right of one request to be under way, until dropped.
#[derive(Debug)]
pub struct Permit(Arc<Admission>);

/// Too many requests wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A request that waits; dropped before it was admitted, it leaves the queue.
struct Waiting<'a> {
    admission: &'a Admission,
    number: Number,
}

impl Admission {
    /// Returns the admission of a plugin without requests.
    pub fn new(concurrent: u32, waiting: u32) -> Arc<Admission> {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let queue = Mutex::new(Queue::new(size(concurrent), size(waiting)));
        Arc::new(Admission { queue, emptied: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Queue<oneshot::Sender<Permit>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the request may be given to the plugin.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn enter(self: &Arc<Self>) -> Result<Permit, Full> {
        let (sender, receiver) = oneshot::channel();
        let entered = self.lock().enter(sender);
        let number = match entered {
            Entered::Admitted => return Ok(Permit(self.clone())),
            Entered::Refused => return Err(Full),
            Entered::Waits(number) => number,
        };
        let _waiting = Waiting { admission: self, number };
        // The sender is in the queue until it sends.
        receiver.await.map_err(|_| Full)
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.lock().waiting()
    }

    /// Waits until no request waits.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn notify_if_empty(&self) {
        if self.lock().is_empty() {
            self.emptied.notify_waiters();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // A sender that is dropped here has no receiver any more.
        self.admission.lock().cancel(self.number);
        self.admission.notify_if_empty();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let next = self.0.lock().leave();
        if let Some(next) = next {
            // One that goes away at this moment drops its permit in turn.
            let _ = next.send(Permit(self.0.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn waiters_are_admitted_in_order_and_those_that_go_away_are_passed_over() {
        let admission = Admission::new(1, 2);
        let first = admission.enter().await.unwrap();
        let mut gone = Box::pin(admission.enter());
        let mut second = pin!(admission.enter());
        assert!(poll!(&mut gone).is_pending() && poll!(&mut second).is_pending());
        assert_eq!(admission.enter().await.unwrap_err(), Full);
        drop(gone);
        let mut third = pin!(admission.enter());
        let mut emptied = pin!(admission.emptied());
        assert!(poll!(&mut third).is_pending() && poll!(&mut emptied).is_pending());
        drop(first);
        assert!(poll!(&mut third).is_pending());
        let Poll::Ready(Ok(second)) = poll!(&mut second) else { panic!("not admitted") };
        drop(second);
        assert!(poll!(&mut third).is_ready());
        emptied.await;
        drop(admission.enter().await.unwrap());
    }

    #[tokio::test]
    async fn a_permit_that_is_sent_to_a_waiter_that_goes_away_is_not_lost() {
        let admission = Admission::new(1, 2);
        let first = admission.enter().await.unwrap();
        let mut waiting = Box::pin(admission.enter());
        assert!(poll!(&mut waiting).is_pending());
        drop(first);
        drop(waiting);
        drop(admission.enter().await.unwrap());
    }
}
