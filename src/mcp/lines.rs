//! The transport in lines: the body of a request and that of its answer, one message a line.
//!
//! `skills-client mcp` passes them on from and to its own stdin and stdout. A daemon that leaves takes no further line,
//! says how many it has taken, answers those, and ends: the client sends the rest to its successor.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorData, JsonRpcError, JsonRpcMessage, RequestId,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage, serve_server_with_ct};
use rmcp::transport::Transport;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::face::Face;
use super::scope::Scope;
use super::session::Client;
use super::{Answer, MESSAGE_MAX, Shared};
use crate::wire;

/// How many messages may wait for the connection.
const WAITING: usize = 64;

/// Serves a connection; the answer's body ends when the client's has and all its requests are answered.
pub(super) fn serve<B>(shared: Arc<Shared>, scope: Scope, lines: B) -> Answer
where
    B: Body<Data = Bytes> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING);
    let gone = CancellationToken::new();
    let leaving = shared.leaving.subscribe();
    let client = Client::new(shared, Some(scope));
    let closing = client.session.closing.clone();
    let transport = Lines::new(lines, sender, leaving, closing);
    let guard = gone.clone().drop_guard();
    tokio::spawn(async move {
        // Fails only if the client ends before its first request.
        if let Ok(service) = serve_server_with_ct(Face(client), transport, gone).await {
            let _ = service.waiting().await;
        }
    });
    // A client that goes away drops the body, and with it what it waits for.
    let pieces = stream::unfold((receiver, guard), async |(mut receiver, guard)| {
        let piece: Result<_, Infallible> = Ok(Frame::data(receiver.recv().await?));
        Some((piece, (receiver, guard)))
    });
    StreamBody::new(pieces).boxed_unsync()
}

type Pieces = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, ()>> + Send>>;

/// The requests of the client that have no answer yet.
#[derive(Clone, Default)]
struct Open(Arc<watch::Sender<HashSet<RequestId>>>);

impl Open {
    fn add(&self, id: &RequestId) {
        self.0.send_if_modified(|open| open.insert(id.clone()));
    }

    fn remove(&self, id: &RequestId) {
        self.0.send_if_modified(|open| open.remove(id));
    }

    async fn none(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(HashSet::is_empty).await;
    }
}

struct Lines {
    pieces: Pieces,
    begun: BytesMut,
    taken: u64,
    sender: mpsc::Sender<Bytes>,
    leaving: watch::Receiver<bool>,
    open: Open,
    has_ended: bool,
    /// Ends what waits for changes.
    closing: CancellationToken,
}

/// What comes next on the connection.
enum Next {
    Line(Bytes),
    /// The client sends no more.
    End,
    /// The daemon takes no more.
    Leave,
}

impl Lines {
    fn new<B>(
        body: B,
        sender: mpsc::Sender<Bytes>,
        leaving: watch::Receiver<bool>,
        closing: CancellationToken,
    ) -> Lines
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let pieces = BodyExt::into_data_stream(body).map(|piece| piece.map_err(|_| ()));
        Lines {
            pieces: Box::pin(pieces.fuse()),
            begun: BytesMut::new(),
            taken: 0,
            sender,
            leaving,
            open: Open::default(),
            has_ended: false,
            closing,
        }
    }

    async fn next(&mut self) -> Next {
        if self.has_ended {
            return Next::End;
        }
        loop {
            // A line that is there was sent to this daemon, but only one that is handed on counts as taken.
            if *self.leaving.borrow() {
                return Next::Leave;
            }
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line = self.begun.split_to(end + 1).freeze();
                self.taken += 1;
                return Next::Line(line);
            }
            if self.begun.len() > MESSAGE_MAX {
                return Next::End;
            }
            tokio::select! {
                piece = self.pieces.next() => match piece {
                    Some(Ok(piece)) => self.begun.extend_from_slice(&piece),
                    None | Some(Err(())) if self.begun.is_empty() => return Next::End,
                    // The last line has no end.
                    None | Some(Err(())) => self.begun.extend_from_slice(b"\n"),
                },
                // An error means that the server is gone.
                _ = self.leaving.wait_for(|leaving| *leaving) => return Next::Leave,
            }
        }
    }

    /// Reads a line; what is no message is answered here.
    async fn message(&mut self, line: &[u8]) -> Option<ClientJsonRpcMessage> {
        match serde_json::from_slice::<ClientJsonRpcMessage>(line) {
            Ok(message) => {
                match &message {
                    JsonRpcMessage::Request(request) => {
                        // What waits for changes is no work that is to be finished.
                        let waits =
                            matches!(request.request, ClientRequest::SubscriptionsListenRequest(_));
                        if !waits {
                            self.open.add(&request.id);
                        }
                    }
                    JsonRpcMessage::Notification(notification) => {
                        if let rmcp::model::ClientNotification::CancelledNotification(cancelled) =
                            &notification.notification
                            && let Some(id) = &cancelled.params.request_id
                        {
                            self.open.remove(id);
                        }
                    }
                    _ => {}
                }
                Some(message)
            }
            Err(error) => {
                let id = serde_json::from_slice::<serde_json::Value>(line)
                    .ok()
                    .and_then(|value| serde_json::from_value(value.get("id")?.clone()).ok());
                let error = match serde_json::from_slice::<serde::de::IgnoredAny>(line) {
                    Ok(_) => ErrorData::invalid_request(error.to_string(), None),
                    Err(error) => ErrorData::parse_error(error.to_string(), None),
                };
                if let Some(line) = self::line(&JsonRpcError::new(id, error)) {
                    let sender = self.sender.clone();
                    // The client may be gone.
                    let _ = sender.send(line).await;
                }
                None
            }
        }
    }
}

fn line(message: &impl serde::Serialize) -> Option<Bytes> {
    let mut line = serde_json::to_vec(message)
        .inspect_err(|error| tracing::error!(%error, "a message could not be written as JSON"))
        .ok()?;
    line.push(b'\n');
    Some(line.into())
}

impl Transport<RoleServer> for Lines {
    type Error = Infallible;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        let (sender, open) = (self.sender.clone(), self.open.clone());
        async move {
            if let Some(line) = line(&item) {
                // The client may be gone.
                let _ = sender.send(line).await;
            }
            match &item {
                JsonRpcMessage::Response(response) => open.remove(&response.id),
                JsonRpcMessage::Error(JsonRpcError { id: Some(id), .. }) => open.remove(id),
                _ => {}
            }
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            match self.next().await {
                Next::Line(line) if line.trim_ascii().is_empty() => {}
                Next::Line(line) => {
                    if let Some(message) = self.message(&line).await {
                        return Some(message);
                    }
                }
                next => {
                    if matches!(next, Next::Leave) && !self.has_ended {
                        let text = format!("{}{}\n", wire::MCP_TAKEN, self.taken);
                        let _ = self.sender.send(text.into()).await;
                    }
                    self.has_ended = true;
                    self.closing.cancel();
                    self.open.none().await;
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
