//! A call that is followed while it runs: its events and its answer as the pieces of one response.
//!
//! What the handler emits and the pieces of a body that comes piece by piece are one sequence of events; the head of the
//! answer is sent before the first of those pieces. A reader that goes away drops the call, which cancels it.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::sync::mpsc::{self, Sender};

use super::failed;
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

/// The body of a response that has the events of a call, the `first` of which was read, and its answer, which gets
/// `headers`, too. A reader that goes away drops the call.
pub(super) fn body(
    events: Events,
    first: Option<Event>,
    answer: impl Future<Output = Answered> + Send + Unpin + 'static,
    headers: HeaderMap,
    form: impl Form,
) -> Body {
    let (sender, receiver) = mpsc::channel(WAITING);
    let relay = Relay { sender, events, headers, form };
    tokio::spawn(relay.run(first, answer));
    Body::from_stream(stream::unfold(receiver, async |mut receiver| {
        let piece: Result<Bytes, Aborted> = receiver.recv().await?;
        Some((piece, receiver))
    }))
}

/// The reader went away.
struct Gone;

/// What sends the frames of one call.
struct Relay<F> {
    sender: Sender<Result<Bytes, Aborted>>,
    events: Events,
    headers: HeaderMap,
    form: F,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;

    use super::*;
    use crate::exchange::events::{Event, Stream as Output};
    use crate::exchange::head::ResponseHead;
    use crate::exchange::request::{Addressed, Composed, Request};
    use crate::exchange::{Extent, Incoming, PluginSide, Wake, exchange};
    use crate::wire::frame::Frame;

    struct Unwoken;

    impl Wake for Unwoken {
        fn wake(&self, _: u64) {}
    }

    struct Whole;

    impl Form for Whole {
        fn bytes(&mut self, frame: Frame) -> Bytes {
            frame.to_bytes()
        }
    }

    /// Both ends of a call, and the frames of its response as they are read.
    fn followed() -> (PluginSide, Body) {
        let extent = Extent {
            with_events: true,
            with_output: true,
            ends_with_caller: true,
            ..Extent::default()
        };
        let request = Addressed::new(Composed::default(), "p", 1, "0".into());
        let request = Request::Composed(Box::new(request));
        let (io, plugin) = exchange(request, Incoming::OfRequest, extent, 1, Arc::new(Unwoken));
        let events = io.events();
        let answer = Box::pin(async move {
            let head = io
                .head()
                .await
                .map_err(|error| Failure::new(crate::failure::Kind::Plugin, error.to_string()))?;
            let body = match io.whole() {
                Some(body) => AnswerBody::Whole(body),
                None => AnswerBody::Stream(io),
            };
            Ok(Answer { head, body })
        });
        (plugin, body(events, None, answer, HeaderMap::new(), Whole))
    }

    fn read(mut bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            frames.push(Frame::read(&mut bytes).unwrap());
        }
        frames
    }

    /// The kinds of frames, with what they carry.
    fn shown(frames: &[Frame]) -> Vec<String> {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let show = |frame: &Frame| match frame {
            Frame::Stdout(bytes) => format!("out {}", text(bytes)),
            Frame::Head(head) => format!("head {}", head.status),
            Frame::Body(bytes) => format!("body {}", text(bytes)),
            Frame::Exit(status) => format!("exit {status}"),
            Frame::End => "end".to_owned(),
            other => format!("{other:?}"),
        };
        frames.iter().map(show).collect()
    }

    fn output(text: &'static str) -> Event {
        Event::Output { stream: Output::Stdout, bytes: Bytes::from_static(text.as_bytes()) }
    }

    fn ok() -> ResponseHead {
        ResponseHead { status: axum::http::StatusCode::OK, headers: HeaderMap::new() }
    }

    async fn frames(body: Body) -> Vec<String> {
        shown(&read(&body.collect().await.unwrap().to_bytes()))
    }

    #[tokio::test]
    async fn what_is_emitted_comes_before_the_head_and_between_the_pieces() {
        let (plugin, body) = followed();
        let _ = plugin.emit(output("a"));
        plugin.respond(ok());
        let _ = plugin.emit(output("b"));
        plugin.write(Bytes::from_static(b"1"), true);
        let _ = plugin.emit(output("c"));
        plugin.write(Bytes::from_static(b"2"), true);
        let _ = plugin.emit(Event::Exit(3));
        plugin.write(Bytes::new(), false);
        let expected = ["out a", "out b", "head 200", "body 1", "out c", "body 2", "exit 3", "end"];
        assert_eq!(frames(body).await, expected);
    }

    #[tokio::test]
    async fn a_whole_answer_comes_after_all_that_was_emitted() {
        let (plugin, body) = followed();
        let _ = plugin.emit(output("a"));
        if let Some(waker) = plugin.answer(axum::http::StatusCode::OK, Bytes::from_static(b"{}")) {
            waker.wake();
        }
        assert_eq!(frames(body).await, ["out a", "head 200", "body {}", "end"]);
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_has_no_end_and_one_that_was_never_begun_is_a_failure() {
        let (plugin, mut body) = followed();
        plugin.respond(ok());
        plugin.write(Bytes::from_static(b"half"), true);
        drop(plugin);
        let mut bytes = Vec::new();
        let cut = loop {
            match body.frame().await {
                Some(Ok(frame)) => bytes.extend_from_slice(&frame.into_data().unwrap()),
                end => break end,
            }
        };
        assert!(matches!(cut, Some(Err(_))), "the response is cut off, too");
        assert_eq!(shown(&read(&bytes)), ["head 200", "body half"]);
        let (plugin, body) = followed();
        drop(plugin);
        let frames = frames(body).await;
        assert_eq!((&*frames[0], frames.last().unwrap().as_str()), ("head 503", "end"));
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_cancels_the_call() {
        let (plugin, mut body) = followed();
        let _ = plugin.emit(output("a"));
        body.frame().await.unwrap().unwrap();
        assert!(!plugin.is_cancelled());
        drop(body);
        while !plugin.is_cancelled() {
            tokio::task::yield_now().await;
        }
    }
}
