//! Sessions over a pipe, with a client of the same library, and time that passes by itself.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::exchange::head::ResponseHead;
use crate::exchange::messages::Taken;
use crate::exchange::request::Request;
use crate::exchange::testing::{Woken, head};
use crate::exchange::{Emitted, Extent, Incoming, PluginSide, exchange};

/// A session under way.
struct Started {
    client: WebSocketStream<DuplexStream>,
    plugin: PluginSide,
    ends: oneshot::Sender<()>,
    session: JoinHandle<()>,
}

async fn started(pipe: usize) -> Started {
    let (request, woken) = (Request::Received(head()), Arc::<Woken>::default());
    let (io, plugin) = exchange(request, Incoming::Messages, Extent::default(), 7, woken);
    let status = StatusCode::SWITCHING_PROTOCOLS;
    assert!(plugin.accept(ResponseHead { status, headers: HeaderMap::new() }));
    let messages = Messages::of(io).ok().expect("it was accepted");
    let (near, far) = duplex(pipe);
    let (ends, end) = oneshot::channel();
    let session = tokio::spawn(run(near, messages, async {
        // Without a sender it never ends.
        if end.await.is_err() {
            std::future::pending::<()>().await;
        }
    }));
    let client = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
    Started { client, plugin, ends, session }
}

/// What the plugin takes next.
async fn taken(plugin: &PluginSide) -> Taken {
    loop {
        match plugin.take() {
            Taken::Pending => sleep(Duration::from_millis(1)).await,
            taken => return taken,
        }
    }
}

fn code(frame: &Frame) -> u16 {
    match frame {
        Frame::Close(Some(frame)) => frame.code.into(),
        other => panic!("no close: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_pinged_and_closed_without_a_pong() {
    let begun = Instant::now();
    let Started { mut client, plugin, session, .. } = started(1024).await;
    // Its library answers when it reads.
    assert!(matches!(client.next().await, Some(Ok(Frame::Ping(_)))));
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert!(matches!(client.next().await, Some(Ok(Frame::Ping(_)))));
    assert_eq!(begun.elapsed().as_secs(), 40);
    sleep(Duration::from_secs(60)).await;
    let reason = Some("keepalive ping timeout".to_owned());
    assert_eq!(taken(&plugin).await, Taken::Closed(Close { code: 1011, reason }));
    session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_closes_the_client_and_cancels_a_handler_that_stays() {
    let Started { mut client, plugin, ends, session } = started(1024).await;
    assert_eq!(plugin.send(Message::Text(Bytes::from_static(b"last"))), Emitted::Sent);
    ends.send(()).unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Frame::text("last"));
    assert_eq!(code(&client.next().await.unwrap().unwrap()), 1012);
    assert!(client.next().await.is_none());
    session.await.unwrap();
    let reason = Some(String::new());
    assert_eq!(taken(&plugin).await, Taken::Closed(Close { code: 1012, reason }));
    sleep(HANDLER_MAX - Duration::from_secs(1)).await;
    assert!(!plugin.is_cancelled());
    sleep(Duration::from_secs(2)).await;
    assert!(plugin.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_neither_reads_nor_answers_holds_no_end_up() {
    let Started { client, plugin, ends, session } = started(64).await;
    for _ in 0..10 {
        plugin.send(Message::Binary(vec![0; 1000].into()));
    }
    let begun = Instant::now();
    ends.send(()).unwrap();
    session.await.unwrap();
    assert!(begun.elapsed() <= 2 * GOODBYE_MAX, "{:?}", begun.elapsed());
    drop(client);
    let Started { client, plugin, session, .. } = started(64).await;
    let begun = Instant::now();
    assert!(plugin.shut(Close { code: 1000, reason: None }));
    session.await.unwrap();
    assert!(begun.elapsed() <= REPLY_MAX + GOODBYE_MAX, "{:?}", begun.elapsed());
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_close_of_the_client_is_answered() {
    let Started { mut client, plugin, session, .. } = started(1024).await;
    client.close(None).await.unwrap();
    let reason = Some(String::new());
    assert_eq!(taken(&plugin).await, Taken::Closed(Close { code: 1005, reason }));
    assert!(matches!(client.next().await, Some(Ok(Frame::Close(None)))));
    assert!(client.next().await.is_none());
    session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn both_sides_may_send_at_once_more_than_the_way_holds() {
    let Started { mut client, plugin, .. } = started(64).await;
    for _ in 0..20 {
        plugin.send(Message::Binary(vec![1; 1000].into()));
    }
    // The client writes before it reads anything.
    for _ in 0..20 {
        client.send(Frame::binary(vec![2; 1000])).await.unwrap();
    }
    for _ in 0..20 {
        assert_eq!(client.next().await.unwrap().unwrap(), Frame::binary(vec![1; 1000]));
        assert_eq!(taken(&plugin).await, Taken::Message(Message::Binary(vec![2; 1000].into())));
    }
}

#[test]
fn errors_are_the_codes_of_the_protocol() {
    let code = |error: Error| match of_error(&error) {
        End::Fault(close) => close.code,
        End::Lost => 0,
        other => panic!("{other:?}"),
    };
    use tokio_tungstenite::tungstenite::error::CapacityError;
    let size = CapacityError::MessageTooLong { size: 2, max_size: 1 };
    assert_eq!(code(Error::Capacity(size)), 1009);
    assert_eq!(code(Error::Utf8("x".to_owned())), 1007);
    assert_eq!(code(Error::Protocol(ProtocolError::NonZeroReservedBits)), 1002);
    assert_eq!(code(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)), 0);
    assert_eq!(code(Error::ConnectionClosed), 0);
}
