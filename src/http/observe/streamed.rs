//! Answers that stream.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Observed;
use crate::recent::Outcome;

/// The body of an answer that streams, whose request is in flight until its last byte.
pub(super) struct Streamed {
    body: Body,
    observed: Observed,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.observed.look();
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None) = polled {
            self.finish();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Streamed {
    pub(super) fn new(body: Body, observed: Observed) -> Streamed {
        Streamed { body, observed }
    }

    /// Notes that the answer is whole.
    fn finish(&mut self) {
        let observed = &mut self.observed;
        if observed.is_answered {
            return;
        }
        let late = observed.late_status.as_ref().map(|it| it.0.load(Ordering::Relaxed));
        if let Some(status @ 1..) = late {
            observed.outcome = Outcome::Status(status);
        }
        observed.note(observed.begun.elapsed());
        observed.is_answered = true;
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        match self.body.is_end_stream() {
            true => self.finish(),
            false => self.observed.outcome = Outcome::Cancelled,
        }
    }
}
