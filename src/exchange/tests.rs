//! Both ends of an exchange.

mod files;

use std::sync::atomic::AtomicBool;

use http::HeaderMap;
use http_body_util::BodyExt;

use super::events::{Event, Signal, Stream};
use super::testing::{Woken, head};
use super::*;
use crate::reports::{Asks, LogRecord, Question, Task};

fn pair(incoming: Incoming) -> (IoSide, PluginSide, Arc<Woken>) {
    new(incoming, false)
}

fn new(incoming: Incoming, with_events: bool) -> (IoSide, PluginSide, Arc<Woken>) {
    let extent =
        Extent { with_events, with_output: true, with_replies: true, ends_with_caller: false };
    with(incoming, extent)
}

fn with(incoming: Incoming, extent: Extent) -> (IoSide, PluginSide, Arc<Woken>) {
    let woken = Arc::new(Woken::default());
    let (io, plugin) = exchange(Request::Received(head()), incoming, extent, 7, woken.clone());
    (io, plugin, woken)
}

fn ok() -> ResponseHead {
    ResponseHead { status: StatusCode::OK, headers: HeaderMap::new() }
}

#[tokio::test]
async fn a_whole_answer_has_a_known_size() {
    let (io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
    assert_eq!(plugin.receive(), Received::Chunk(Bytes::new(), false));
    plugin.respond(ok());
    assert!(plugin.write(Bytes::from_static(b"hello"), false));
    drop(plugin);
    assert_eq!(io.head().await.unwrap().status, StatusCode::OK);
    assert_eq!(http_body::Body::size_hint(&io).exact(), Some(5));
    assert_eq!(io.collect().await.unwrap().to_bytes(), "hello");
    assert_eq!(woken.times(), 0, "the plugin does not wait");
}

#[tokio::test]
async fn the_body_wakes_a_plugin_that_waits_and_ends_once() {
    let (io, plugin, woken) = pair(Incoming::Fed);
    let feed = io.feed();
    assert_eq!(plugin.receive(), Received::Pending);
    assert!(feed.push(Bytes::from_static(b"a")).await);
    assert_eq!(woken.times(), 1);
    assert_eq!(plugin.receive(), Received::Chunk(Bytes::from_static(b"a"), true));
    feed.end();
    assert_eq!(plugin.receive(), Received::Chunk(Bytes::new(), false));
    assert_eq!(plugin.receive(), Received::Pending);
    drop(io);
    assert_eq!(woken.times(), 2);
    assert_eq!(plugin.receive(), Received::Disconnected);
}

#[tokio::test]
async fn a_plugin_that_is_ahead_is_held_back_and_woken_when_there_is_room() {
    let (mut io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
    plugin.respond(ok());
    assert!(!plugin.write(Bytes::from(vec![0; BUFFER]), true));
    assert!(plugin.is_full());
    io.frame().await.unwrap().unwrap();
    assert_eq!(woken.times(), 1);
    assert!(!plugin.is_full());
}

#[tokio::test]
async fn a_plugin_that_lets_go_aborts_the_answer() {
    let (io, plugin, _) = pair(Incoming::Whole(Bytes::new()));
    drop(plugin);
    assert!(io.head().await.is_err());
    let (io, plugin, _) = pair(Incoming::Whole(Bytes::new()));
    plugin.respond(ok());
    plugin.write(Bytes::from_static(b"half"), true);
    drop(plugin);
    io.head().await.unwrap();
    assert!(io.collect().await.is_err());
}

fn output(text: &str) -> Event {
    Event::Output { stream: Stream::Stdout, bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

#[tokio::test]
async fn events_come_in_order_and_end_with_the_answer() {
    let (io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
    let mut events = io.events();
    let log = Event::Log(LogRecord { level: 20, logger: "l".into(), message: "m".into() });
    let progress = Event::Progress(Task { number: 1, done: 0.5, ..Task::default() });
    for event in [&output("a"), &log, &progress, &output("b")] {
        assert_eq!(plugin.emitter().emit(event.clone()), Emitted::Sent);
    }
    plugin.respond(ok());
    plugin.write(Bytes::new(), false);
    assert_eq!(plugin.emitter().emit(output("late")), Emitted::Dropped);
    for event in [output("a"), log, progress, output("b")] {
        assert_eq!(events.next().await, Some(event));
    }
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_reader_of_events_is_woken_by_the_next_and_by_every_kind_of_end() {
    let (io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
    let mut events = io.events();
    let (event, ()) = tokio::join!(events.next(), async {
        let _ = plugin.emitter().emit(output("a"));
    });
    assert_eq!(event, Some(output("a")));
    let (event, ()) = tokio::join!(events.next(), async { drop(plugin) });
    assert_eq!(event, None, "the plugin let go");

    let (io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
    let mut events = io.events();
    let (event, ()) = tokio::join!(events.next(), async { drop(io) });
    assert_eq!(event, None, "the caller went away");
    assert_eq!(plugin.emitter().emit(output("x")), Emitted::Dropped);

    let (io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
    let mut events = io.events();
    let answer = async { drop(plugin.answer(StatusCode::OK, Bytes::new())) };
    let (event, ()) = tokio::join!(events.next(), answer);
    assert_eq!(event, None, "the answer is complete");
}

#[tokio::test]
async fn an_emitter_that_outlives_its_call_has_no_reader_and_waits_for_none() {
    let (_io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
    let emitter = plugin.emitter();
    assert!(emitter.has_events());
    drop(plugin);
    assert!(!emitter.has_events());
    assert_eq!(emitter.emit(output("late")), Emitted::Dropped);
    emitter.wait().for_room();
    assert_eq!(emitter.wait().for_reply(1), None);
}

#[tokio::test]
async fn a_plugin_that_emits_too_much_is_held_back_and_woken_when_there_is_room() {
    let (io, plugin, woken) = new(Incoming::Whole(Bytes::new()), true);
    let mut events = io.events();
    let big = output(&"x".repeat(BUFFER / 2));
    assert_eq!(plugin.emitter().emit(big.clone()), Emitted::Sent);
    assert_eq!(plugin.emitter().emit(big.clone()), Emitted::Full);
    assert!(plugin.is_full(), "pieces of the body are among the events");
    events.next().await.unwrap();
    assert_eq!(woken.times(), 0);
    events.next().await.unwrap();
    assert_eq!(woken.times(), 1);
    assert!(!plugin.is_full());
}

#[tokio::test]
async fn without_a_use_for_events_they_are_dropped_where_they_arise() {
    let (io, plugin, _) = pair(Incoming::Whole(Bytes::new()));
    assert_eq!(plugin.emitter().emit(output("a")), Emitted::Dropped);
    assert_eq!(io.events().next().await, None);
    let reply = Signal::Reply { question: 1, reply: None };
    assert!(!io.signals().send(reply), "there was no question");
    let extent = Extent { with_events: true, ..Extent::default() };
    let (io, plugin, _) = with(Incoming::Whole(Bytes::new()), extent);
    let emitter = plugin.emitter();
    assert!(emitter.has_events() && !emitter.has_output() && !emitter.has_replies());
    assert_eq!(plugin.emitter().emit(output("a")), Emitted::Dropped);
    assert_eq!(plugin.emitter().emit(question(1)), Emitted::Dropped);
    assert_eq!(plugin.emitter().emit(Event::Exit(1)), Emitted::Sent);
    assert_eq!(io.events().next().await, Some(Event::Exit(1)));
}

fn question(number: u64) -> Event {
    let prompt = "Go on?".to_owned();
    Event::Question(Question {
        number,
        prompt,
        asks: Asks::Confirmation,
        default: None,
        key: None,
        more: false,
    })
}

#[test]
fn a_question_gets_one_reply_which_its_thread_waits_for() {
    let (io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
    let reply =
        |question, text: Option<&str>| Signal::Reply { question, reply: text.map(str::to_owned) };
    assert!(!io.signals().send(reply(1, None)), "it was not asked yet");
    let [one, two] = [1, 2].map(|number| {
        assert_eq!(plugin.emitter().emit(question(number)), Emitted::Sent);
        let wait = plugin.wait();
        std::thread::spawn(move || wait.for_reply(number))
    });
    assert!(io.signals().send(reply(2, Some("yes"))));
    assert_eq!(two.join().unwrap(), Some(Some("yes".to_owned())));
    assert!(!io.signals().send(reply(2, Some("no"))), "it has its reply");
    assert!(io.signals().send(reply(1, None)));
    assert_eq!(one.join().unwrap(), Some(None), "the caller cannot answer");

    assert_eq!(plugin.emitter().emit(question(3)), Emitted::Sent);
    let wait = plugin.wait();
    let gone = std::thread::spawn(move || wait.for_reply(3));
    assert!(io.signals().send(Signal::Cancel));
    assert_eq!(gone.join().unwrap(), None);
}

#[test]
fn a_cancellation_wakes_the_plugin_once() {
    let (io, plugin, woken) = new(Incoming::Whole(Bytes::new()), true);
    let signals = io.signals();
    assert!(signals.send(Signal::Cancel) && signals.send(Signal::Cancel));
    assert_eq!(woken.times(), 1, "it waits for nothing, and is woken once");
    assert!(plugin.is_cancelled());
    plugin.respond(ok());
    plugin.write(Bytes::new(), false);
    assert!(!signals.send(Signal::Cancel), "the call is over");
}

#[test]
fn the_end_of_a_call_is_waited_for_until_the_wait_itself_is_ended() {
    let waiting = |plugin: &PluginSide| {
        let (wait, ended) = (plugin.wait(), Arc::new(AtomicBool::new(false)));
        let (other, flag) = (wait.clone(), ended.clone());
        (std::thread::spawn(move || other.for_end(&flag)), move || wait.end(&ended))
    };
    let (_io, plugin, _) = pair(Incoming::Whole(Bytes::new()));
    let (thread, end) = waiting(&plugin);
    end();
    assert!(!thread.join().unwrap());
    let (thread, _) = waiting(&plugin);
    drop(plugin.answer(StatusCode::OK, Bytes::new()));
    assert!(thread.join().unwrap());
}

#[test]
fn a_call_without_events_can_be_cancelled() {
    let (io, plugin, woken) = pair(Incoming::Fed);
    assert_eq!(plugin.receive(), Received::Pending);
    assert!(io.signals().send(Signal::Cancel));
    assert_eq!(woken.times(), 1);
    assert_eq!(plugin.receive(), Received::Disconnected);
}

#[test]
fn a_cancellation_wakes_a_plugin_that_waits_for_nothing_of_the_exchange() {
    let (io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
    assert!(!plugin.is_cancelled());
    assert!(io.signals().send(Signal::Cancel));
    drop(io);
    assert_eq!(woken.times(), 1);
    assert!(plugin.is_cancelled(), "also once the answer has no reader");
}

#[test]
fn the_body_of_a_composed_request_is_written_when_it_is_asked_for() {
    let composed = request::Composed {
        body: Some([("a".to_owned(), 1.into())].into_iter().collect()),
        ..request::Composed::default()
    };
    let composed =
        Request::Composed(Box::new(request::Addressed::new(composed, "p", 1, "0".into())));
    let woken = Arc::new(Woken::default());
    let (_io, plugin) = exchange(composed, Incoming::OfRequest, Extent::default(), 7, woken);
    assert_eq!(plugin.receive(), Received::Chunk(Bytes::from_static(b"{\"a\":1}"), false));
    assert_eq!(plugin.receive(), Received::Pending);
}

#[tokio::test]
async fn pieces_of_a_body_are_among_the_events_in_their_order() {
    let (io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
    let mut events = io.events();
    let body = |text: &'static [u8]| Bytes::from_static(text);
    plugin.respond(ok());
    let _ = plugin.emitter().emit(output("a"));
    assert!(plugin.write(body(b"1"), true));
    let _ = plugin.emitter().emit(output("b"));
    assert!(plugin.write(body(b"2"), false));
    assert_eq!(io.head().await.unwrap().status, StatusCode::OK);
    assert_eq!(io.whole(), None, "its pieces are elsewhere");
    assert!(io.is_complete());
    // A complete answer is read to its end, whatever becomes of the rest of the exchange.
    drop((io, plugin));
    for event in [output("a"), Event::Body(body(b"1")), output("b"), Event::Body(body(b"2"))] {
        assert_eq!(events.next().await, Some(event));
    }
    assert_eq!(events.ready(), None);
    assert_eq!(events.next().await, None);
}

#[test]
fn a_call_that_ends_with_its_caller_is_cancelled_unless_its_answer_is_complete() {
    let extent = Extent { ends_with_caller: true, ..Extent::default() };
    let (io, plugin, woken) = with(Incoming::Whole(Bytes::new()), extent);
    drop(io);
    assert!(plugin.is_cancelled());
    assert_eq!(woken.times(), 1);

    let (io, plugin, _) = with(Incoming::Whole(Bytes::new()), extent);
    drop(plugin.answer(StatusCode::OK, Bytes::new()));
    drop(io);
    assert!(!plugin.is_cancelled(), "its answer is complete");

    let (io, plugin, _) = with(Incoming::Whole(Bytes::new()), Extent::default());
    drop(io);
    assert!(!plugin.is_cancelled(), "it decides itself");
}

#[test]
fn threads_wait_for_room_until_events_are_read_or_nothing_would_be() {
    let full = || {
        let (io, plugin, _) = new(Incoming::Whole(Bytes::new()), true);
        assert_eq!(plugin.emitter().emit(output(&"x".repeat(BUFFER))), Emitted::Full);
        let wait = plugin.wait();
        let waits = std::thread::spawn(move || wait.for_room());
        (io, plugin, waits)
    };
    // Each end by itself, for a thread that waits already or will.
    let (io, _plugin, waits) = full();
    assert!(io.events().ready().is_some());
    waits.join().unwrap();
    let (io, _plugin, waits) = full();
    drop(io);
    waits.join().unwrap();
    let (io, _plugin, waits) = full();
    assert!(io.signals().send(Signal::Cancel));
    waits.join().unwrap();
    let (_io, plugin, waits) = full();
    drop(plugin);
    waits.join().unwrap();
}
