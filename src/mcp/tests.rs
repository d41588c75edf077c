//! Calls from their begin to their end: what they ask, how they wait, and what becomes of those that are left.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::ask::Asked;
use super::reporter::Reporter;
use super::running::{Running, Turn};
use super::waiting::{Held, Waiting};
use crate::activity::Activity;
use crate::exchange::events::{Event, Stream};
use crate::exchange::head::ResponseHead;
use crate::exchange::request::Request;
use crate::exchange::testing::{Woken, head};
use crate::exchange::{Extent, Incoming, PluginSide, exchange};
use crate::reports::{Asks, Question};

/// A call, its plugin's end, and what keeps the daemon awake.
fn call() -> (Running, PluginSide, Arc<Activity>) {
    let extent = Extent {
        with_events: true,
        with_output: true,
        with_replies: true,
        ends_with_caller: false,
    };
    let incoming = Incoming::Whole(Bytes::new());
    let (io, plugin) =
        exchange(Request::Received(head()), incoming, extent, 7, Arc::<Woken>::default());
    let activity = Activity::new();
    (Running::of(io, activity.begin()), plugin, activity)
}

fn question(number: u64, more: bool) -> Question {
    let (prompt, asks) = (format!("Question {number}"), Asks::Text);
    Question { number, prompt, asks, default: None, key: None, more }
}

async fn turn(running: &mut Running) -> Turn {
    running.turn(&mut Reporter::mute()).await
}

#[tokio::test]
async fn questions_that_belong_together_are_asked_together_and_the_call_goes_on() {
    let (mut running, plugin, _) = call();
    for (number, more) in [(1, true), (2, false), (3, false)] {
        plugin.emitter().emit(Event::Question(question(number, more)));
    }
    let numbers = |turn| match turn {
        Turn::Asks(asked) => asked.iter().map(|it: &Question| it.number).collect::<Vec<_>>(),
        Turn::Done(_) => panic!("it waits"),
    };
    assert_eq!(numbers(turn(&mut running).await), [1, 2]);
    running.reply(2, Some("b".to_owned()));
    running.reply(1, None);
    assert_eq!(plugin.wait().for_reply(1), Some(None));
    assert_eq!(plugin.wait().for_reply(2), Some(Some("b".to_owned())));
    assert_eq!(numbers(turn(&mut running).await), [3]);
    let output = |bytes| Event::Output { stream: Stream::Stdout, bytes: Bytes::from_static(bytes) };
    // A character in two pieces.
    plugin.emitter().emit(output(b"printed \xc3"));
    plugin.emitter().emit(output(b"\xa4"));
    drop(plugin.answer(StatusCode::OK, Bytes::from_static(b"1")));
    let Turn::Done(Ok(outcome)) = turn(&mut running).await else { panic!("it has ended") };
    assert_eq!((&*outcome.body, outcome.stdout.as_str()), (&b"1"[..], "printed ä"));
}

#[tokio::test]
async fn an_answer_in_pieces_is_whole_and_one_that_is_cut_off_a_failure() {
    let head = || ResponseHead { status: StatusCode::OK, headers: HeaderMap::new() };
    for is_cut in [false, true] {
        let (mut running, plugin, _) = call();
        plugin.respond(head());
        plugin.write(Bytes::from_static(b"a"), true);
        match is_cut {
            true => drop(plugin),
            false => drop(plugin.write(Bytes::from_static(b"b"), false)),
        }
        match turn(&mut running).await {
            Turn::Done(Ok(outcome)) => assert_eq!((&*outcome.body, is_cut), (&b"ab"[..], false)),
            Turn::Done(Err(failure)) => assert!(is_cut, "{failure}"),
            Turn::Asks(_) => panic!("it asks nothing"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_goes_on_only_with_its_own_request_and_not_for_ever() {
    let waiting = Arc::new(Waiting::default());
    let held = |running, request: &str| Held {
        request: request.to_owned(),
        running,
        asked: vec![Asked::new(question(1, false), 1)],
        count: 1,
    };
    let (running, plugin, activity) = call();
    let name = waiting.hold(held(running, "a"));
    assert!(waiting.take(&name, Some("b")).is_none(), "another request");
    assert!(waiting.take("other", Some("a")).is_none());
    let taken = waiting.take(&name, Some("a")).unwrap();
    assert!(waiting.take(&name, Some("a")).is_none(), "twice");
    assert!(!plugin.is_cancelled());
    assert_eq!(activity.in_flight(), 1, "it keeps the daemon awake");

    let name = waiting.hold(taken);
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert!(plugin.is_cancelled());
    assert_eq!(activity.in_flight(), 0);
    assert!(waiting.take(&name, Some("a")).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_oldest_of_too_many_calls_that_wait_is_cancelled() {
    let waiting = Arc::new(Waiting::default());
    let mut plugins = Vec::new();
    for _ in 0..257 {
        let (running, plugin, _) = call();
        waiting.hold(Held { request: String::new(), running, asked: Vec::new(), count: 0 });
        plugins.push(plugin);
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    let cancelled: Vec<bool> = plugins.iter().map(PluginSide::is_cancelled).collect();
    assert!(cancelled[0] && !cancelled[1..].contains(&true));
}

#[tokio::test]
async fn a_call_that_nothing_waits_for_any_more_is_cancelled() {
    let (running, plugin, activity) = call();
    drop(running);
    assert!(plugin.is_cancelled());
    assert_eq!(activity.in_flight(), 0);
}
