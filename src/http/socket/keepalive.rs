//! Pings of a WebSocket whose client is silent, and the time until its pong.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The time from one pong to the next ping, and from the start to the first.
pub(super) const INTERVAL: Duration = Duration::from_secs(20);
/// The time that a client has for its pong.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

/// When to ping.
pub(super) struct Keepalive {
    timer: Pin<Box<Sleep>>,
    /// The number of the ping that was sent last.
    number: u32,
    is_awaited: bool,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A ping with this content.
    Ping([u8; 4]),
    /// The end: the last ping has no answer.
    End,
}

impl Keepalive {
    /// Starts the clock.
    pub(super) fn new() -> Keepalive {
        Keepalive { timer: Box::pin(sleep(INTERVAL)), number: 0, is_awaited: false }
    }

    /// Takes the content of a pong; only that of the last ping counts.
    pub(super) fn pong(&mut self, content: &[u8]) {
        if self.is_awaited && content == self.number.to_be_bytes() {
            self.is_awaited = false;
            self.timer.as_mut().reset(Instant::now() + INTERVAL);
        }
    }

    /// Waits until something is due. While the client `is_read` its pong arrives; otherwise it gets more time.
    pub(super) fn poll(&mut self, is_read: bool, context: &mut Context<'_>) -> Poll<Due> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            if self.is_awaited && is_read {
                return Poll::Ready(Due::End);
            }
            self.timer.as_mut().reset(Instant::now() + TIMEOUT);
            if !self.is_awaited {
                self.is_awaited = true;
                self.number = self.number.wrapping_add(1);
                return Poll::Ready(Due::Ping(self.number.to_be_bytes()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn due(keepalive: &mut Keepalive, is_read: bool) -> Due {
        poll_fn(|context| keepalive.poll(is_read, context)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_is_pinged_again_and_one_that_does_not_is_given_up() {
        let begun = Instant::now();
        let mut keepalive = Keepalive::new();
        assert_eq!(due(&mut keepalive, true).await, Due::Ping([0, 0, 0, 1]));
        assert_eq!(begun.elapsed().as_secs(), 20);
        keepalive.pong(&[9]);
        keepalive.pong(&[0, 0, 0, 1]);
        assert_eq!(due(&mut keepalive, true).await, Due::Ping([0, 0, 0, 2]));
        assert_eq!(begun.elapsed().as_secs(), 40);
        keepalive.pong(&[0, 0, 0, 1]);
        assert_eq!(due(&mut keepalive, true).await, Due::End);
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_not_read_is_not_given_up() {
        let mut keepalive = Keepalive::new();
        assert_eq!(due(&mut keepalive, false).await, Due::Ping([0, 0, 0, 1]));
        let later = tokio::time::timeout(TIMEOUT * 10, due(&mut keepalive, false)).await;
        assert!(later.is_err(), "{later:?}");
        assert_eq!(due(&mut keepalive, true).await, Due::End);
    }
}
