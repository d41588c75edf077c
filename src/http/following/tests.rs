//! Calls that are followed, their plugin's side played by the test.

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
    (plugin, response(events, None, answer, HeaderMap::new(), Whole).into_body())
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
    let _ = plugin.emitter().emit(output("a"));
    plugin.respond(ok());
    let _ = plugin.emitter().emit(output("b"));
    plugin.write(Bytes::from_static(b"1"), true);
    let _ = plugin.emitter().emit(output("c"));
    plugin.write(Bytes::from_static(b"2"), true);
    let _ = plugin.emitter().emit(Event::Exit(3));
    plugin.write(Bytes::new(), false);
    let expected = ["out a", "out b", "head 200", "body 1", "out c", "body 2", "exit 3", "end"];
    assert_eq!(frames(body).await, expected);
}

#[tokio::test]
async fn a_whole_answer_comes_after_all_that_was_emitted() {
    let (plugin, body) = followed();
    let _ = plugin.emitter().emit(output("a"));
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
    let _ = plugin.emitter().emit(output("a"));
    body.frame().await.unwrap().unwrap();
    assert!(!plugin.is_cancelled());
    drop(body);
    while !plugin.is_cancelled() {
        tokio::task::yield_now().await;
    }
}
