//! The answer to a shell's call of a plain function: plain HTTP if its handler emits nothing, else frames.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::sync::mpsc::{self, Sender};

use super::{dispatch, failed};
use crate::calls::{self, Answer, AnswerBody, Invocation};
use crate::exchange::Events;
use crate::exchange::events::{Event, Stream};
use crate::failure::Failure;
use crate::wire;
use crate::wire::frame::{Frame, Head, LogRecord};

/// How many frames may wait for the connection.
const WAITING: usize = 4;

/// Makes a call that is begun with events; the answer of the plugin gets `headers`, too.
pub(super) async fn call(invocation: Invocation<Body>, headers: HeaderMap) -> Response {
    let pending = match calls::begin(invocation).await {
        Ok(pending) => pending,
        Err(failure) => return failed(&failure),
    };
    let mut events = pending.events();
    let mut answer = Box::pin(pending.answer());
    let first = tokio::select! {
        biased;
        first = events.next() => first,
        answer = &mut answer => return begun(answer, events, headers),
    };
    let Some(first) = first else { return begun(answer.await, events, headers) };
    let (sender, response) = frames();
    tokio::spawn(async move {
        let answer = emitted(&sender, first, &mut events, answer).await;
        if let Some(answer) = answer {
            finish(&sender, events, whole(answer, headers)).await;
        }
    });
    response
}

/// The response of a call whose answer has begun.
fn begun(answer: Result<Answer, Failure>, mut events: Events, headers: HeaderMap) -> Response {
    let first = events.ready();
    if first.is_none() && !matches!(&answer, Ok(Answer { body: AnswerBody::Stream(_), .. })) {
        return whole(answer, headers);
    }
    let (sender, response) = frames();
    tokio::spawn(async move {
        if let Some(first) = first
            && !pass_on(&sender, first).await
        {
            return;
        }
        finish(&sender, events, whole(answer, headers)).await;
    });
    response
}

/// The answer as a response of its own.
fn whole(answer: Result<Answer, Failure>, headers: HeaderMap) -> Response {
    match answer {
        Ok(answer) => {
            let mut response = dispatch::written(answer);
            response.headers_mut().extend(headers);
            response
        }
        Err(failure) => failed(&failure),
    }
}

/// Sends what is emitted until the answer begins; `None` if the shell went away, which drops the call.
async fn emitted(
    sender: &Sender<Bytes>,
    first: Event,
    events: &mut Events,
    mut answer: impl Future<Output = Result<Answer, Failure>> + Unpin,
) -> Option<Result<Answer, Failure>> {
    let mut event = Some(first);
    loop {
        // Without another one the answer is complete.
        let Some(next) = event.take() else { return Some(answer.await) };
        if !pass_on(sender, next).await {
            return None;
        }
        event = tokio::select! {
            biased;
            next = events.next() => next,
            answer = &mut answer => return Some(answer),
            () = sender.closed() => return None,
        };
    }
}

/// Sends the answer, and between its pieces what is emitted.
async fn finish(sender: &Sender<Bytes>, mut events: Events, response: Response) {
    while let Some(event) = events.ready() {
        if !pass_on(sender, event).await {
            return;
        }
    }
    let (parts, mut body) = response.into_parts();
    let header = |(name, value): (&axum::http::HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = parts.headers.iter().map(header).collect();
    if !send(sender, Frame::Head(Head { status: parts.status.as_u16(), headers })).await {
        return;
    }
    let mut may_emit = true;
    loop {
        let frame = tokio::select! {
            biased;
            event = events.next(), if may_emit => match event {
                Some(event) => match of_event(event) {
                    Some(frame) => frame,
                    None => continue,
                },
                None => {
                    may_emit = false;
                    continue;
                }
            },
            piece = body.frame() => match piece {
                Some(Ok(piece)) => match piece.into_data() {
                    Ok(bytes) => Frame::Body(bytes),
                    Err(_) => continue,
                },
                // Without an end the answer is one that was cut off.
                Some(Err(_)) => return,
                None => Frame::End,
            },
            () = sender.closed() => return,
        };
        let is_last = frame == Frame::End;
        if !send(sender, frame).await || is_last {
            return;
        }
    }
}

/// The frame of an event; `None` for those that a shell has no use for.
fn of_event(event: Event) -> Option<Frame> {
    Some(match event {
        Event::Output { stream: Stream::Stdout, bytes } => Frame::Stdout(bytes),
        Event::Output { stream: Stream::Stderr, bytes } => Frame::Stderr(bytes),
        Event::Log { level, logger, message } => Frame::Log(LogRecord { level, logger, message }),
        Event::Progress { .. } | Event::Question { .. } => return None,
    })
}

/// Sends an event; false once the shell went away.
async fn pass_on(sender: &Sender<Bytes>, event: Event) -> bool {
    match of_event(event) {
        Some(frame) => send(sender, frame).await,
        None => true,
    }
}

/// Sends a frame and waits for room; false once the shell went away.
async fn send(sender: &Sender<Bytes>, frame: Frame) -> bool {
    sender.send(frame.to_bytes()).await.is_ok()
}

/// A response of frames, and the way to send them.
fn frames() -> (Sender<Bytes>, Response) {
    let (sender, receiver) = mpsc::channel::<Bytes>(WAITING);
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok::<_, Infallible>(piece), receiver))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let answer = HeaderValue::from_static(wire::ANSWER_FRAMES);
    response.headers_mut().insert(wire::ANSWER_HEADER, answer);
    (sender, response)
}
