//! The answer to a shell's call: plain HTTP if its handler emits nothing, else frames.
//!
//! What the handler emits and the pieces of a body that comes piece by piece are one sequence of events; the head of the
//! answer is sent before the first of those pieces. A shell that goes away drops the call, which cancels it.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::sync::mpsc::{self, Sender};

use super::{dispatch, failed, running};
use crate::calls::{self, Answer, AnswerBody, Invocation};
use crate::exchange::events::{Event, Stream};
use crate::exchange::{Events, IoSide};
use crate::failure::Failure;
use crate::wire;
use crate::wire::frame::{Frame, Head};

/// How many frames may wait for the connection.
const WAITING: usize = 4;

type Answered = Result<Answer, Failure>;

/// Makes a call that is begun with events; the answer of the plugin is of this kind, one of the `ANSWER_` constants. From
/// `replies` come those to the questions of the handler.
pub(super) async fn call(
    invocation: Invocation<Body>,
    kind: &'static str,
    replies: Option<Body>,
) -> Response {
    let pending = match calls::begin(invocation).await {
        Ok(pending) => pending,
        Err(failure) => return failed(&failure),
    };
    if let Some(replies) = replies {
        tokio::spawn(running::pass_replies(replies, pending.signals()));
    }
    let headers = HeaderMap::from_iter([(
        HeaderName::from_static(wire::ANSWER_HEADER),
        HeaderValue::from_static(kind),
    )]);
    let mut events = pending.events();
    let mut answer = Box::pin(pending.answer());
    let first = tokio::select! {
        biased;
        first = events.next() => first,
        answer = &mut answer => match answer {
            Ok(Answer { body: AnswerBody::Stream(_), .. }) => {
                return framed(events, None, std::future::ready(answer), headers);
            }
            answer => match events.ready() {
                None => return whole(answer, headers),
                first => return framed(events, first, std::future::ready(answer), headers),
            }
        },
    };
    match first {
        // The answer is complete.
        None => whole(answer.await, headers),
        first => framed(events, first, answer, headers),
    }
}

/// The answer as a response of its own.
fn whole(answer: Answered, headers: HeaderMap) -> Response {
    match answer {
        Ok(answer) => {
            let mut response = dispatch::written(answer);
            response.headers_mut().extend(headers);
            response
        }
        Err(failure) => failed(&failure),
    }
}

/// A response of frames, which are sent as the call goes on.
fn framed(
    events: Events,
    first: Option<Event>,
    answer: impl Future<Output = Answered> + Send + Unpin + 'static,
    headers: HeaderMap,
) -> Response {
    let (sender, receiver) = mpsc::channel::<Bytes>(WAITING);
    let relay = Relay { sender, events, headers };
    tokio::spawn(relay.run(first, answer));
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok::<_, Infallible>(piece), receiver))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let answer = HeaderValue::from_static(wire::ANSWER_FRAMES);
    response.headers_mut().insert(wire::ANSWER_HEADER, answer);
    response
}

/// The shell went away.
struct Gone;

/// What sends the frames of one call.
struct Relay {
    sender: Sender<Bytes>,
    events: Events,
    headers: HeaderMap,
}

impl Relay {
    async fn run(
        mut self,
        first: Option<Event>,
        answer: impl Future<Output = Answered> + Send + Unpin,
    ) {
        // A shell that has gone is no failure; what is dropped here cancels the call.
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
    async fn failure(&self, failure: &Failure) -> Result<(), Gone> {
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
                // Without an end the answer is one that was cut off.
                None => return Ok(()),
            }
        }
    }

    async fn head(&self, status: u16, headers: &HeaderMap) -> Result<(), Gone> {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        self.send(Frame::Head(Head { status, headers: headers.iter().map(header).collect() })).await
    }

    async fn pass_on(&self, event: Event) -> Result<(), Gone> {
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
    async fn send(&self, frame: Frame) -> Result<(), Gone> {
        self.sender.send(frame.to_bytes()).await.map_err(|_| Gone)
    }
}
