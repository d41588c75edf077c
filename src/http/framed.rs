//! The answer to a shell's call: plain HTTP if its handler emits nothing, else frames.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use super::following::{self, Answered, Form};
use super::{failed, running, written};
use crate::calls::{self, Answer, AnswerBody, Invocation};
use crate::exchange::Events;
use crate::exchange::events::Event;
use crate::wire;
use crate::wire::frame::Frame;

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
        Some(Event::Body(piece)) => match answer.await {
            // The piece is all of the body.
            Ok(Answer { head, body: AnswerBody::Whole(_) }) if events.is_empty() => {
                whole(Ok(Answer { head, body: AnswerBody::Whole(piece) }), headers)
            }
            answer => framed(events, Some(Event::Body(piece)), std::future::ready(answer), headers),
        },
        first => framed(events, first, answer, headers),
    }
}

/// The answer as a response of its own.
fn whole(answer: Answered, headers: HeaderMap) -> Response {
    match answer {
        Ok(answer) => {
            let mut response = written::response(answer);
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
    let mut response = following::response(events, first, answer, headers, Frames);
    let answer = HeaderValue::from_static(wire::ANSWER_FRAMES);
    response.headers_mut().insert(wire::ANSWER_HEADER, answer);
    response
}

/// All frames, as they are.
struct Frames;

impl Form for Frames {
    fn bytes(&mut self, frame: Frame) -> Bytes {
        frame.to_bytes()
    }
}
