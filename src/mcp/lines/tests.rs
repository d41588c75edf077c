//! The transport in lines: what counts as taken, and when it ends.

use http_body_util::StreamBody;
use rmcp::model::{ServerJsonRpcMessage, ServerResult};
use serde_json::json;

use super::*;

/// A connection, its client's end, and the switch of a daemon that leaves.
struct Ends {
    lines: Lines,
    client: mpsc::Sender<Bytes>,
    answer: mpsc::Receiver<Bytes>,
    leaving: watch::Sender<bool>,
}

fn ends() -> Ends {
    let (client, received) = mpsc::channel::<Bytes>(8);
    let pieces = stream::unfold(received, async |mut received| {
        let piece: Result<_, Infallible> = Ok(Frame::data(received.recv().await?));
        Some((piece, received))
    });
    let (sender, answer) = mpsc::channel(8);
    let leaving = watch::Sender::new(false);
    let body = StreamBody::new(pieces);
    let closing = CancellationToken::new();
    let lines = Lines::new(body, sender, leaving.subscribe(), closing);
    Ends { lines, client, answer, leaving }
}

fn request(id: u64, method: &str) -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"_meta": meta, "notifications": {}});
    format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

async fn answer(lines: &mut Lines, id: i64) {
    let result = ServerResult::empty(());
    let message = ServerJsonRpcMessage::response(result, RequestId::Number(id));
    lines.send(message).await.unwrap();
}

#[tokio::test]
async fn lines_come_in_any_pieces_and_what_is_no_message_is_answered() {
    let Ends { mut lines, client, mut answer, leaving: _leaving } = ends();
    let text = format!("\n{}not JSON\n{{}}\n{}", request(1, "ping"), request(2, "ping").trim_end());
    let (first, second) = text.split_at(30);
    for piece in [first, second] {
        client.send(Bytes::copy_from_slice(piece.as_bytes())).await.unwrap();
    }
    drop(client);
    for id in [1, 2] {
        let message = lines.receive().await.unwrap();
        let JsonRpcMessage::Request(message) = message else { panic!("{message:?}") };
        assert_eq!(message.id, RequestId::Number(id));
    }
    for code in [-32700, -32600] {
        let line: serde_json::Value =
            serde_json::from_slice(&answer.recv().await.unwrap()).unwrap();
        assert_eq!(line["error"]["code"], code, "{line}");
    }
}

#[tokio::test]
async fn the_end_of_the_input_waits_for_the_open_requests_but_for_no_subscription() {
    let Ends { mut lines, client, leaving: _leaving, answer: _answer } = ends();
    for text in [request(1, "ping"), request(2, "subscriptions/listen")] {
        client.send(text.into()).await.unwrap();
    }
    drop(client);
    assert!(lines.receive().await.is_some() && lines.receive().await.is_some());
    assert!(!lines.closing.is_cancelled());
    let open = lines.open.clone();
    let mut end = tokio::spawn(async move {
        let last = lines.receive().await;
        (last.is_none(), lines)
    });
    tokio::task::yield_now().await;
    assert!(!end.is_finished(), "1 has no answer");
    open.remove(&RequestId::Number(1));
    let (is_end, lines) = (&mut end).await.unwrap();
    assert!(is_end && lines.closing.is_cancelled());
}

#[tokio::test]
async fn a_daemon_that_leaves_says_how_many_lines_it_has_taken_once() {
    let Ends { mut lines, client, answer: mut answered, leaving } = ends();
    client.send(format!("{}{}", request(1, "ping"), request(2, "ping")).into()).await.unwrap();
    assert!(lines.receive().await.is_some());
    leaving.send_replace(true);
    // Cancelled and begun again, as in a loop that has other things to do.
    for _ in 0..3 {
        tokio::select! {
            biased;
            message = lines.receive() => panic!("{message:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(answered.recv().await.unwrap(), "#taken 1\n");
    answer(&mut lines, 1).await;
    assert!(lines.receive().await.is_none());
    let line = String::from_utf8(answered.recv().await.unwrap().to_vec()).unwrap();
    assert!(line.contains("\"id\":1"), "{line}");
    drop(lines);
    assert!(answered.recv().await.is_none());
}

#[tokio::test]
async fn a_request_that_is_cancelled_is_open_no_longer() {
    let Ends { mut lines, client, leaving: _leaving, answer: _answer } = ends();
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    client.send(format!("{}{cancel}\n", request(1, "ping")).into()).await.unwrap();
    drop(client);
    assert!(lines.receive().await.is_some() && lines.receive().await.is_some());
    assert!(lines.receive().await.is_none());
}
