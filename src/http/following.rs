//! A call that is followed while it runs: its events and its answer as the pieces of one response.
//!
//! What the handler emits and the pieces of a body that comes piece by piece are one sequence of events; the head of the
//! answer is sent before the first of those pieces. A reader that goes away drops the call, which cancels it.

#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::sync::mpsc::{self, Sender};

use super::failed;
use super::observe::LateStatus;
use crate::calls::{Answer, AnswerBody};
use crate::exchange::events::{Event, Stream};
use crate::exchange::{Aborted, Events, IoSide};
use crate::failure::Failure;
use crate::wire::frame::{Frame, Head};

/// How many pieces may wait for the connection.
const WAITING: usize = 4;

/// How a call is written that is followed while it runs.
pub(super) trait Form: Send + 'static {
    /// Returns what is sent for a frame; empty for nothing.
    fn bytes(&mut self, frame: Frame) -> Bytes;
}

/// An answer that is there, or on its way.
pub(super) type Answered = Result<Answer, Failure>;

/// A response whose body has the events of a call, the `first` of which was read, and its answer, which gets `headers`,
/// too. A reader that goes away drops the call.
pub(super) fn response(
    events: Events,
    first: Option<Event>,
    answer: impl Future<Output = Answered> + Send + Unpin + 'static,
    headers: HeaderMap,
    form: impl Form,
) -> Response {
    let (sender, receiver) = mpsc::channel(WAITING);
    let status = LateStatus::default();
    let relay = Relay { sender, events, headers, form, status: status.clone() };
    tokio::spawn(relay.run(first, answer));
    let body = Body::from_stream(stream::unfold(receiver, async |mut receiver| {
        let piece: Result<Bytes, Aborted> = receiver.recv().await?;
        Some((piece, receiver))
    }));
    let mut response = Response::new(body);
    response.extensions_mut().insert(status);
    response
}

/// The reader went away.
struct Gone;

/// What sends the frames of one call.
struct Relay<F> {
    sender: Sender<Result<Bytes, Aborted>>,
    events: Events,
    headers: HeaderMap,
    form: F,
    status: LateStatus,
}

impl<F: Form> Relay<F> {
    async fn run(
        mut self,
        first: Option<Event>,
        answer: impl Future<Output = Answered> + Send + Unpin,
    ) {
        // A reader that has gone is no failure; what is dropped here cancels the call.
        let _: Result<(), Gone> = async {
            let (answer, piece) = self.before_the_head(first, answer).await?;
            let Answer { head, body } = match answer {
                Ok(answer) => answer,
                Err(failure) => return self.failure(&failure).await,
            };
            let mut headers = head.headers;
            headers.extend(std::mem::take(&mut self.headers));
            self.head(head.status.as_u16(), &headers).await?;
            let (first, io) = match body {
                AnswerBody::Stream(io) => (piece, Some(io)),
                // Without any piece among the events, it is the whole body.
                AnswerBody::Whole(body) => (piece.or(Some(body)), None),
            };
            if let Some(first) = first {
                self.send(Frame::Body(first)).await?;
            }
            self.rest(io).await
        }
        .await;
    }

    /// Sends the daemon's own answer.
    async fn failure(&mut self, failure: &Failure) -> Result<(), Gone> {
        let (parts, body) = failed(failure).into_parts();
        self.head(parts.status.as_u16(), &parts.headers).await?;
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        self.send(Frame::Body(body)).await?;
        self.send(Frame::End).await
    }

    /// Sends what is emitted before the answer's head; returns the answer, and the piece of its body that came first.
    async fn before_the_head(
        &mut self,
        first: Option<Event>,
        mut answer: impl Future<Output = Answered> + Send + Unpin,
    ) -> Result<(Answered, Option<Bytes>), Gone> {
        let mut event = first;
        loop {
            match event.take() {
                Some(Event::Body(piece)) => return Ok((answer.await, Some(piece))),
                Some(event) => self.pass_on(event).await?,
                None => {}
            }
            event = tokio::select! {
                biased;
                next = self.events.next() => match next {
                    // The answer is complete.
                    None => return Ok((answer.await, None)),
                    next => next,
                },
                answer = &mut answer => return self.rest_before_the_head(answer).await,
                () = self.sender.closed() => return Err(Gone),
            };
        }
    }

    /// The same once the head is there.
    async fn rest_before_the_head(
        &mut self,
        answer: Answered,
    ) -> Result<(Answered, Option<Bytes>), Gone> {
        while let Some(event) = self.events.ready() {
            match event {
                Event::Body(piece) => return Ok((answer, Some(piece))),
                event => self.pass_on(event).await?,
            }
        }
        Ok((answer, None))
    }

    /// Sends what is left of an answer's body, and what is emitted meanwhile; `io` is that of an answer that was not
    /// complete.
    async fn rest(&mut self, io: Option<IoSide>) -> Result<(), Gone> {
        loop {
            let event = tokio::select! {
                biased;
                event = self.events.next() => event,
                () = self.sender.closed() => return Err(Gone),
            };
            match event {
                Some(event) => self.pass_on(event).await?,
                None if io.as_ref().is_none_or(IoSide::is_complete) => {
                    return self.send(Frame::End).await;
                }
                None => return self.sender.send(Err(Aborted)).await.map_err(|_| Gone),
            }
        }
    }

    async fn head(&mut self, status: u16, headers: &HeaderMap) -> Result<(), Gone> {
        self.status.0.store(status, Ordering::Relaxed);
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        self.send(Frame::Head(Head { status, headers: headers.iter().map(header).collect() })).await
    }

    async fn pass_on(&mut self, event: Event) -> Result<(), Gone> {
        let frame = match event {
            Event::Output { stream: Stream::Stdout, bytes } => Frame::Stdout(bytes),
            Event::Output { stream: Stream::Stderr, bytes } => Frame::Stderr(bytes),
            Event::Body(piece) => Frame::Body(piece),
            Event::Exit(status) => Frame::Exit(status),
            Event::Log(record) => Frame::Log(record),
            Event::Progress(task) => Frame::Progress(task),
            Event::Question(question) => Frame::Question(question),
        };
        self.send(frame).await
    }

    /// Sends a frame and waits for room.
    async fn send(&mut self, frame: Frame) -> Result<(), Gone> {
        let bytes = self.form.bytes(frame);
        match bytes.is_empty() {
            true => Ok(()),
            false => self.sender.send(Ok(bytes)).await.map_err(|_| Gone),
        }
    }
}
