//! The bytes of a connection and the bodies of its requests, with marks for its [`Meter`], and with [`Targets`] encoded.
//!
//! hyper answers a request that it cannot read itself, without a body; such an answer is replaced by a failure as all
//! others are.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::StatusCode;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::meter::Meter;
use super::parting::{self, Parting};
use super::targets::Targets;
use crate::failure::{Failure, Kind};

/// The status of hyper's own answers, and what they begin with.
const OWN_ANSWERS: [(StatusCode, &str); 3] = [
    (
        StatusCode::BAD_REQUEST,
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n",
    ),
    (
        StatusCode::URI_TOO_LONG,
        "HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\n",
    ),
    (
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n",
    ),
];

/// The byte stream of a connection.
pub(super) struct Metered<Io> {
    inner: Io,
    meter: Arc<Meter>,
    targets: Targets,
    /// What was read and had no room when it was encoded.
    left: Bytes,
    /// After an answer in place of hyper's.
    parting: Option<Parting>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Metered<Io> {
    pub(super) fn new(inner: Io, meter: Arc<Meter>) -> Metered<Io> {
        Metered { inner, meter, targets: Targets::default(), left: Bytes::new(), parting: None }
    }

    /// Encodes the targets in what was read from `before` on.
    fn encode(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let whole = self.meter.whole();
        if let Some(encoded) = self.targets.encode(&buffer.filled()[before..], whole) {
            buffer.set_filled(before);
            self.left = encoded.into();
            self.hand_on(buffer);
        }
    }

    /// Hands on as much as there is room for of what is left.
    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.left.len().min(buffer.remaining());
        buffer.put_slice(&self.left.split_to(length));
    }

    /// Writes an answer in place of that of hyper which begins with `head`; `None` for any other answer.
    fn replace(&mut self, head: &[u8], context: &mut Context<'_>) -> Option<Poll<io::Result<()>>> {
        if !head.starts_with(b"HTTP/1.1 4") {
            return None;
        }
        let (status, _) = OWN_ANSWERS.iter().find(|(_, own)| head.starts_with(own.as_bytes()))?;
        let answer = parting::answer(*status, &unreadable(*status, self.meter.header_bytes));
        let written = Pin::new(&mut self.inner).poll_write(context, &answer);
        Some(written.map_ok(|length| {
            // Shorter only for an end that has not read earlier answers, and will not miss this one.
            if length == answer.len() {
                self.parting = Some(Parting::new());
            }
        }))
    }

    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => self.meter.note_blocked(),
            Poll::Ready(_) => self.meter.note_written(),
        }
        written
    }
}

/// The failure of a request that hyper cannot read.
fn unreadable(status: StatusCode, header_bytes: usize) -> Failure {
    match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Failure::new(
            Kind::TooLarge,
            format!("request head too large (limit {} KiB and 100 headers)", header_bytes >> 10),
        )
        .hint("Send large values in the body, or raise `limits.header_bytes` in config.toml."),
        StatusCode::URI_TOO_LONG => {
            Failure::new(Kind::TooLarge, "request target too long (limit 64 KiB)")
                .hint("Send large values in the body.")
        }
        _ => Failure::new(Kind::Usage, "the request is not valid HTTP/1.1")
            .hint("Percent-encode what no URL has: `\"` as %22, `<` as %3C, a space as %20."),
    }
}

/// The failure of a request that does not come to its end.
pub(super) fn late(what: &str, setting: &str) -> Failure {
    Failure::new(Kind::Timeout, format!("the {what} of the request did not arrive in time"))
        .hint(format!("Send it without a pause, or raise `limits.{setting}` in config.toml."))
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for Metered<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.meter.head_is_late() {
            // A connection on which nothing was asked is closed as it is.
            if this.meter.is_begun() {
                let failure = late("head", "head_timeout");
                let answer = parting::answer(StatusCode::REQUEST_TIMEOUT, &failure);
                // Earlier answers were read, or there are none: there is room for it.
                let _ = Pin::new(&mut this.inner).poll_write(context, &answer);
            }
            return Poll::Ready(Ok(()));
        }
        if !this.left.is_empty() {
            this.hand_on(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.meter.note_read();
            this.encode(buffer, before);
        }
        polled
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Metered<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(replaced) = this.replace(bytes, context) {
            return replaced.map_ok(|()| bytes.len());
        }
        let written = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.noted(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let first = pieces.first().map_or(&[][..], |piece| piece);
        if let Some(replaced) = this.replace(first, context) {
            return replaced.map_ok(|()| pieces.iter().map(|piece| piece.len()).sum());
        }
        let written = Pin::new(&mut this.inner).poll_write_vectored(context, pieces);
        this.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.parting {
            Some(parting) => parting.poll(&mut this.inner, context),
            None => Pin::new(&mut this.inner).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

/// The body of a request.
pub(super) struct MeteredBody {
    inner: Incoming,
    meter: Arc<Meter>,
}

impl MeteredBody {
    pub(super) fn new(inner: Incoming, meter: Arc<Meter>) -> MeteredBody {
        MeteredBody { inner, meter }
    }
}

impl Body for MeteredBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                self.meter.leave_body();
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                // First, so that a mark that is set from now on wakes this.
                self.meter.await_body(context.waker());
                match self.meter.body_is_late() {
                    true => Poll::Ready(Some(Err(late("body", "body_timeout").into()))),
                    false => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for MeteredBody {
    fn drop(&mut self) {
        self.meter.leave_body();
    }
}
