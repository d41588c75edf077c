//! Messages between both ends, their bounds and their end.

use std::future::poll_fn;

use futures_util::{FutureExt, poll};
use http::{HeaderMap, StatusCode};

use super::*;
use crate::exchange::request::Request;
use crate::exchange::testing::{Woken, head};
use crate::exchange::{Extent, Incoming, exchange};

fn pair() -> (IoSide, PluginSide, Arc<Woken>) {
    let woken = Arc::new(Woken::default());
    let (request, incoming) = (Request::Received(head()), Incoming::Messages);
    let (io, plugin) = exchange(request, incoming, Extent::default(), 7, woken.clone());
    (io, plugin, woken)
}

fn accepting() -> ResponseHead {
    ResponseHead { status: StatusCode::SWITCHING_PROTOCOLS, headers: HeaderMap::new() }
}

async fn open() -> (Messages, PluginSide, Arc<Woken>) {
    let (io, plugin, woken) = pair();
    assert!(plugin.accept(accepting()));
    assert_eq!(io.head().await.unwrap().status, 101);
    (Messages::of(io).ok().expect("it was accepted"), plugin, woken)
}

fn text(content: &'static str) -> Message {
    Message::Text(Bytes::from_static(content.as_bytes()))
}

fn large() -> Message {
    Message::Binary(vec![0; BUFFER].into())
}

fn close(code: u16) -> Close {
    Close { code, reason: Some("why".to_owned()) }
}

async fn next(messages: &Messages) -> Option<Outgoing> {
    poll_fn(|context| messages.poll_next(context)).await
}

/// What is there to be sent.
fn next_ready(messages: &Messages) -> Option<Outgoing> {
    poll_fn(|context| messages.poll_next(context)).now_or_never().flatten()
}

async fn has_room(messages: &Messages) -> bool {
    poll!(poll_fn(|context| messages.poll_room(context))).is_ready()
}

#[tokio::test]
async fn the_accept_wakes_the_io_side_and_messages_pass_both_ways() {
    let (io, plugin, woken) = pair();
    assert!(plugin.is_socket());
    let mut head = Box::pin(io.head());
    assert!(poll!(&mut head).is_pending());
    assert!(plugin.accept(accepting()));
    assert_eq!(head.await.unwrap().status, 101);
    let messages = Messages::of(io).ok().expect("it was accepted");
    assert_eq!(plugin.take(), Taken::Pending);
    messages.deliver(text("a"));
    messages.deliver(Message::Binary(Bytes::from_static(b"b")));
    assert_eq!(woken.news(), 1);
    assert_eq!(plugin.take(), Taken::Message(text("a")));
    assert_eq!(plugin.take(), Taken::Message(Message::Binary(Bytes::from_static(b"b"))));
    assert_eq!(plugin.take(), Taken::Pending);
    assert_eq!(plugin.send(text("c")), Emitted::Sent);
    assert_eq!(next(&messages).await, Some(Outgoing::Message(text("c"))));
    assert_eq!(woken.news(), 0, "a plugin that waits for a message is not woken by its own");
}

#[tokio::test]
async fn a_refusal_is_an_answer_as_any_other() {
    let (io, plugin, _) = pair();
    plugin.respond(ResponseHead { status: StatusCode::FORBIDDEN, headers: HeaderMap::new() });
    assert!(plugin.write(Bytes::from_static(b"no"), false));
    assert_eq!(io.head().await.unwrap().status, 403);
    let io = Messages::of(io).err().expect("it was not accepted");
    assert_eq!(io.whole().unwrap(), "no");
    assert_eq!(plugin.take(), Taken::Closed(Close::abnormal()));
}

#[tokio::test]
async fn a_client_that_went_away_before_the_accept_is_noticed() {
    let (io, plugin, woken) = pair();
    assert_eq!(plugin.take(), Taken::Pending);
    drop(io);
    assert_eq!(woken.news(), 1);
    assert!(!plugin.accept(accepting()));
    assert_eq!(plugin.take(), Taken::Closed(Close::abnormal()));
}

#[tokio::test]
async fn a_plugin_that_is_behind_leaves_no_room() {
    let (messages, plugin, _) = open().await;
    assert!(has_room(&messages).await);
    messages.deliver(large());
    assert!(!has_room(&messages).await);
    let mut room = std::pin::pin!(poll_fn(|context| messages.poll_room(context)));
    assert!(poll!(&mut room).is_pending());
    assert_eq!(plugin.take(), Taken::Message(large()));
    room.await;
    messages.deliver(large());
    drop(plugin);
    assert!(has_room(&messages).await, "nothing waits for a plugin that has gone");
}

#[tokio::test]
async fn a_plugin_that_is_ahead_waits_until_the_client_has_read() {
    let (messages, plugin, woken) = open().await;
    assert_eq!(plugin.send(large()), Emitted::Full);
    assert!(plugin.is_full());
    assert_eq!(woken.news(), 0);
    assert_eq!(next(&messages).await, Some(Outgoing::Message(large())));
    assert_eq!(woken.news(), 1);
    assert!(!plugin.is_full());
    assert_eq!(plugin.send(large()), Emitted::Full);
    messages.end(close(1001));
    assert_eq!(woken.news(), 1, "nothing of it will be read");
    assert!(!plugin.is_full());
    assert_eq!(plugin.send(text("late")), Emitted::Dropped);
}

#[tokio::test]
async fn the_end_comes_after_the_messages_before_it_and_only_the_first_counts() {
    let (messages, plugin, _) = open().await;
    messages.deliver(text("a"));
    messages.end(close(4000));
    messages.end(close(1012));
    messages.deliver(text("late"));
    assert_eq!(plugin.take(), Taken::Message(text("a")));
    assert_eq!(plugin.take(), Taken::Closed(close(4000)));
    assert_eq!(plugin.take(), Taken::Closed(close(4000)));
    assert!(plugin.shut(close(1000)));
    assert_eq!(next_ready(&messages), None, "it is closed already");
    let (messages, plugin, _) = open().await;
    messages.end(Close::abnormal());
    assert!(!plugin.shut(close(1000)));
}

#[tokio::test]
async fn a_close_of_the_plugin_is_sent_last_and_is_its_own_end() {
    let (messages, plugin, _) = open().await;
    assert_eq!(plugin.send(text("a")), Emitted::Sent);
    assert!(plugin.shut(close(3000)));
    assert_eq!(plugin.send(text("late")), Emitted::Dropped);
    assert_eq!(plugin.take(), Taken::Closed(close(3000)));
    assert_eq!(next(&messages).await, Some(Outgoing::Message(text("a"))));
    assert_eq!(next(&messages).await, Some(Outgoing::Close(close(3000))));
    drop(plugin);
    assert_eq!(next(&messages).await, None);
    poll_fn(|context| messages.poll_done(context)).await;
}

#[tokio::test]
async fn a_handler_that_has_ended_is_the_end_after_what_it_sent() {
    let (messages, plugin, _) = open().await;
    assert_eq!(plugin.send(text("a")), Emitted::Sent);
    drop(plugin);
    assert_eq!(next(&messages).await, Some(Outgoing::Message(text("a"))));
    assert_eq!(next(&messages).await, None);
}

#[tokio::test]
async fn a_cancelled_handler_is_woken_and_its_connection_is_lost() {
    let (messages, plugin, woken) = open().await;
    assert_eq!(plugin.take(), Taken::Pending);
    messages.cancel();
    assert_eq!(woken.news(), 1);
    assert!(plugin.is_cancelled());
    assert_eq!(plugin.take(), Taken::Closed(Close::abnormal()));
    let (messages, plugin, _) = open().await;
    drop(messages);
    assert_eq!(plugin.take(), Taken::Closed(Close::abnormal()));
    assert_eq!(plugin.send(text("late")), Emitted::Dropped);
}
