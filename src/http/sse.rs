//! A plain function over HTTP whose caller takes server-sent events: its progress comes as events, then its result.
//!
//! A function that shows no progress is answered as for any other caller. Otherwise `event: progress` has a
//! [`Task`](crate::reports::Task); the end is `event: result` with the JSON of the result, or `event: error` with that of
//! the error. The items of a generator, which are events themselves, stand between.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::BytesMut;

use super::following::{self, Answered, Form};
use super::{failed, written};
use crate::calls::{self, Answer, AnswerBody, Context, Invocation, Readers};
use crate::exchange::Events;
use crate::exchange::events::Event;
use crate::wire::frame::{Frame, Head};

/// The media type.
const EVENTS: &str = "text/event-stream";

/// True if a request takes server-sent events.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter();
    accepts.filter_map(|accept| accept.to_str().ok()).any(|accept| accept.contains(EVENTS))
}

/// Makes a call and answers as it goes on.
pub(super) async fn call(invocation: Invocation<Body>) -> Response {
    let context = Context { events: Readers::Reports, ..Context::default() };
    let invocation = Invocation { context: Some(Box::new(context)), ..invocation };
    let pending = match calls::begin(invocation).await {
        Ok(pending) => pending,
        Err(failure) => return failed(&failure),
    };
    let mut events = pending.events();
    let mut answer = Box::pin(pending.answer());
    loop {
        let event = tokio::select! {
            biased;
            event = events.next() => event,
            answer = &mut answer => return streamed(events, None, answer),
        };
        match event {
            None => return streamed(events, None, answer.await),
            Some(body @ Event::Body(_)) => return streamed(events, Some(body), answer.await),
            Some(task @ Event::Progress(_)) => {
                let mut response = following::response(
                    events,
                    Some(task),
                    answer,
                    HeaderMap::new(),
                    ServerSent::default(),
                );
                let kind = HeaderValue::from_static(EVENTS);
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                return response;
            }
            Some(_) => {}
        }
    }
}

/// The answer whose head is there, and the rest of its body as it comes; `first` is the piece that was read.
fn streamed(events: Events, first: Option<Event>, answer: Answered) -> Response {
    let (head, io) = match (answer, first.as_ref()) {
        (Ok(Answer { head, body: AnswerBody::Stream(io) }), _) => (head, io),
        // The piece is all of the body.
        (Ok(Answer { head, .. }), Some(Event::Body(piece))) => {
            return written::response(Answer { head, body: AnswerBody::Whole(piece.clone()) });
        }
        (Ok(answer), _) => return written::response(answer),
        (Err(failure), _) => return failed(&failure),
    };
    let (status, headers) = (head.status, head.headers.clone());
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_events = kind.is_some_and(|kind| kind.starts_with(EVENTS));
    let answer = std::future::ready(Ok(Answer { head, body: AnswerBody::Stream(io) }));
    let none = HeaderMap::new();
    let mut response = match is_events {
        true => following::response(events, first, answer, none, ServerSent::default()),
        false => following::response(events, first, answer, none, Plain),
    };
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The body alone.
struct Plain;

impl Form for Plain {
    fn bytes(&mut self, frame: Frame) -> Bytes {
        match frame {
            Frame::Body(piece) => piece,
            _ => Bytes::new(),
        }
    }
}

/// Server-sent events.
#[derive(Default)]
struct ServerSent {
    head: Option<Head>,
    /// The result, or the error.
    body: BytesMut,
}

impl ServerSent {
    fn has(&self, kind: &str) -> bool {
        let headers = self.head.iter().flat_map(|head| &head.headers);
        headers.filter(|(name, _)| name == "content-type").any(|(_, value)| value.starts_with(kind))
    }

    /// The event that ends the response.
    fn end(&self) -> Bytes {
        if self.has(EVENTS) {
            return Bytes::new();
        }
        let failed = self.head.as_ref().is_none_or(|head| head.status >= 400);
        match (failed, self.has("application/json")) {
            (true, _) => event("error", &self.body),
            (false, true) => event("result", &self.body),
            (false, false) => event("error", br#"{"error":"the result is not JSON"}"#),
        }
    }
}

impl Form for ServerSent {
    fn bytes(&mut self, frame: Frame) -> Bytes {
        match frame {
            Frame::Progress(task) => {
                event("progress", &serde_json::to_vec(&task).unwrap_or_default())
            }
            Frame::Head(head) => {
                self.head = Some(head);
                Bytes::new()
            }
            Frame::Body(piece) if self.has(EVENTS) => piece,
            Frame::Body(piece) => {
                self.body.extend_from_slice(&piece);
                Bytes::new()
            }
            Frame::End => self.end(),
            _ => Bytes::new(),
        }
    }
}

/// A server-sent event.
pub(super) fn event(name: &str, data: &[u8]) -> Bytes {
    let mut event = format!("event: {name}\n").into_bytes();
    for line in data.split(|byte| *byte == b'\n') {
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(line);
        event.push(b'\n');
    }
    event.push(b'\n');
    event.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::Task;

    fn head(status: u16, kind: &str) -> Frame {
        Frame::Head(Head { status, headers: vec![("content-type".into(), kind.into())] })
    }

    fn written(frames: Vec<Frame>) -> String {
        let mut form = ServerSent::default();
        let bytes = frames.into_iter().flat_map(|frame| form.bytes(frame)).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_end_is_the_result_or_the_error() {
        let body = |text: &'static str| Frame::Body(Bytes::from_static(text.as_bytes()));
        let task = Task { number: 1, done: 2.0, ..Task::default() };
        let json = "application/json";
        let progress = "event: progress\ndata: \
            {\"number\":1,\"description\":\"\",\"done\":2.0,\"is_complete\":false}\n\n";
        for (frames, text) in [
            (
                vec![Frame::Progress(task), head(200, json), body("{\"a\""), body(":1}")],
                format!("{progress}event: result\ndata: {{\"a\":1}}\n\n"),
            ),
            (vec![head(500, json), body("{\n}")], "event: error\ndata: {\ndata: }\n\n".to_owned()),
            (
                vec![head(200, "image/png"), body("x")],
                "event: error\ndata: {\"error\":\"the result is not JSON\"}\n\n".to_owned(),
            ),
            (vec![head(200, EVENTS), body("data: 1\n\n")], "data: 1\n\n".to_owned()),
        ] {
            assert_eq!(written([frames, vec![Frame::End]].concat()), text);
        }
    }

    #[test]
    fn events_are_asked_for_by_the_header() {
        let asked = |accept: &'static str| {
            is_asked_for(&HeaderMap::from_iter([(
                header::ACCEPT,
                HeaderValue::from_static(accept),
            )]))
        };
        assert!(asked(EVENTS) && asked("application/json, text/event-stream;q=0.9"));
        assert!(!asked("*/*") && !is_asked_for(&HeaderMap::new()));
    }
}
