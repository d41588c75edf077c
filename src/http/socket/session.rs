//! A WebSocket from its handshake to its end: messages between the connection and the exchange with the plugin.

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame, Utf8Bytes};

use super::keepalive::{Due, Keepalive};
use crate::exchange::messages::{Close, Message, Messages, Outgoing};

/// The largest message of a client, in bytes.
const MESSAGE_MAX: usize = 16 << 20;
/// How much is read at a time, in bytes; each connection has as much memory for it.
const READ_SIZE: usize = 4 << 10;
/// From how many bytes on frames are written before there are no more of them.
const WRITE_SIZE: usize = 8 << 10;
/// The time for the client's answer to a plugin's close.
const REPLY_MAX: Duration = Duration::from_secs(10);
/// The same where the daemon ends the connection, and for the end of the connection itself.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// The time that a handler has when the daemon ended its WebSocket, before it is cancelled.
const HANDLER_MAX: Duration = Duration::from_secs(10);

/// Why no more messages pass.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The client closes.
    Client(Close),
    /// The connection broke.
    Lost,
    /// The client broke a rule, and is sent this.
    Fault(Close),
    /// The plugin closes.
    Plugin(Close),
    /// The handler has ended without a close.
    Handler,
    /// The plugin is reloaded, or the daemon ends.
    Restart,
}

/// Serves a WebSocket on `stream` until it ends, or until `ends`.
pub(super) async fn run<S>(stream: S, messages: Messages, ends: impl Future<Output = ()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_SIZE)
        .write_buffer_size(WRITE_SIZE)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let end = {
        let mut ends = pin!(ends);
        let mut passing =
            Passing { messages: &messages, keepalive: Keepalive::new(), is_unflushed: false };
        poll_fn(|context| match passing.poll(&mut socket, context) {
            Poll::Pending => ends.as_mut().poll(context).map(|()| End::Restart),
            ready => ready,
        })
        .await
    };
    match end {
        End::Client(close) => {
            messages.end(close);
            part(&mut socket, None, GOODBYE_MAX).await;
        }
        End::Lost => messages.end(Close::abnormal()),
        End::Fault(close) => {
            messages.end(close.clone());
            part(&mut socket, Some(close), GOODBYE_MAX).await;
        }
        End::Plugin(close) => part(&mut socket, Some(close), REPLY_MAX).await,
        End::Handler => part(&mut socket, None, REPLY_MAX).await,
        End::Restart => {
            let close = Close { code: 1012, reason: Some(String::new()) };
            messages.end(close.clone());
            part(&mut socket, Some(close), GOODBYE_MAX).await;
            // The connection has ended, its handler need not have.
            tokio::spawn(cancel_late(messages));
        }
    }
}

/// Passes messages in both directions.
struct Passing<'m> {
    messages: &'m Messages,
    keepalive: Keepalive,
    is_unflushed: bool,
}

impl Passing<'_> {
    fn poll<S>(&mut self, socket: &mut WebSocketStream<S>, context: &mut Context<'_>) -> Poll<End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut socket = Pin::new(socket);
        let written = self.write(socket.as_mut(), context);
        if let Poll::Ready(Some(end)) = written {
            return Poll::Ready(end);
        }
        let is_broken = written.is_ready();
        let is_read = loop {
            // A connection that takes nothing more may still have the client's close.
            if !is_broken && self.messages.poll_room(context).is_pending() {
                break false;
            }
            match socket.as_mut().poll_next(context) {
                Poll::Pending if is_broken => return Poll::Ready(End::Lost),
                Poll::Pending => break true,
                Poll::Ready(None) => return Poll::Ready(End::Lost),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(of_error(&error)),
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(end) = self.received(frame) {
                        return Poll::Ready(end);
                    }
                }
            }
        };
        match self.keepalive.poll(is_read, context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Due::End) => {
                let reason = Some("keepalive ping timeout".to_owned());
                Poll::Ready(End::Fault(Close { code: 1011, reason }))
            }
            Poll::Ready(Due::Ping(content)) => {
                let ping = Frame::Ping(Bytes::copy_from_slice(&content));
                // A broken connection is found when it is read.
                let _ = socket.as_mut().start_send(ping);
                self.is_unflushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// Sends what the plugin sent; ready with its end, or with none once the connection is broken.
    fn write<S>(
        &mut self,
        mut socket: Pin<&mut WebSocketStream<S>>,
        context: &mut Context<'_>,
    ) -> Poll<Option<End>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            match socket.as_mut().poll_ready(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Ready(Ok(())) => {}
            }
            let message = match self.messages.poll_next(context) {
                Poll::Pending => break,
                Poll::Ready(None) => return Poll::Ready(Some(End::Handler)),
                Poll::Ready(Some(Outgoing::Close(close))) => {
                    return Poll::Ready(Some(End::Plugin(close)));
                }
                Poll::Ready(Some(Outgoing::Message(message))) => message,
            };
            let Some(frame) = frame(message) else { continue };
            if socket.as_mut().start_send(frame).is_err() {
                return Poll::Ready(None);
            }
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            match socket.as_mut().poll_flush(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Ready(Ok(())) => self.is_unflushed = false,
            }
        }
        Poll::Pending
    }

    /// Takes a frame of the client; returns the end of a close.
    fn received(&mut self, frame: Frame) -> Option<End> {
        match frame {
            Frame::Text(text) => self.messages.deliver(Message::Text(text.into())),
            Frame::Binary(bytes) => self.messages.deliver(Message::Binary(bytes)),
            Frame::Pong(content) => self.keepalive.pong(&content),
            Frame::Close(frame) => return Some(End::Client(of_close(frame))),
            // Pings are answered by the library; raw frames are never read.
            Frame::Ping(_) | Frame::Frame(_) => {}
        }
        None
    }
}

/// Ends the connection: sends `close` and waits for the answer to it, or sends what is left, at most for `limit`.
async fn part<S>(socket: &mut WebSocketStream<S>, close: Option<Close>, limit: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // An error means that the client has gone.
    let _ = timeout(limit, async {
        let Some(Close { code, reason }) = close else { return socket.flush().await };
        let reason = reason.unwrap_or_default().into();
        socket.send(Frame::Close(Some(CloseFrame { code: code.into(), reason }))).await?;
        while let Some(Ok(_)) = socket.next().await {}
        Ok(())
    })
    .await;
    // Data that was not read would have the system discard what was sent.
    let _ = timeout(GOODBYE_MAX, async {
        let stream = socket.get_mut();
        stream.shutdown().await?;
        let mut unread = [0; 512];
        while stream.read(&mut unread).await? > 0 {}
        std::io::Result::Ok(())
    })
    .await;
}

/// Cancels a handler that does not end.
async fn cancel_late(messages: Messages) {
    if timeout(HANDLER_MAX, poll_fn(|context| messages.poll_done(context))).await.is_err() {
        messages.cancel();
    }
}

/// A message as a frame; `None` for text that is not UTF-8.
fn frame(message: Message) -> Option<Frame> {
    match message {
        Message::Binary(bytes) => Some(Frame::Binary(bytes)),
        Message::Text(text) => Utf8Bytes::try_from(text).ok().map(Frame::Text),
    }
}

/// The close that a client sent.
fn of_close(frame: Option<CloseFrame>) -> Close {
    match frame {
        Some(frame) => Close { code: frame.code.into(), reason: Some(frame.reason.to_string()) },
        None => Close { code: 1005, reason: Some(String::new()) },
    }
}

/// The end that an error of reading means.
fn of_error(error: &Error) -> End {
    let fault = |code: u16, reason: String| End::Fault(Close { code, reason: Some(reason) });
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Lost,
        Error::Protocol(error) => fault(1002, error.to_string()),
        Error::Utf8(_) => fault(1007, "invalid UTF-8".to_owned()),
        Error::Capacity(_) => fault(1009, format!("message exceeds limit of {MESSAGE_MAX} bytes")),
        _ => End::Lost,
    }
}
