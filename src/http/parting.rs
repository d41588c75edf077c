//! Answers outside of HTTP's usual course: to connections that are not served, and in place of hyper's own.
//!
//! A connection that is closed while something of the request is still to be read is reset, and the answer may be lost
//! with it. So what comes is read for a moment.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};

use crate::failure::{Failure, Kind};
use crate::wire;

/// The longest time for the rest of a request that is refused.
const TIME_MAX: Duration = Duration::from_secs(1);
/// How much of a request that is refused is read, in bytes.
const READ_MAX: usize = 4 << 20;

/// A failure as an answer, after which the connection ends.
pub(super) fn answer(status: StatusCode, failure: &Failure) -> Vec<u8> {
    // Plain data.
    let body = serde_json::to_string(failure).unwrap_or_default();
    let retry = if failure.kind == Kind::Unavailable { "retry-after: 1\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{}: {}\r\n{retry}\r\n{body}",
        body.len(),
        wire::ANSWER_HEADER,
        wire::ANSWER_FAILURE,
    )
    .into_bytes()
}

/// Writes an answer to a connection that is not served, and closes it.
pub(super) async fn turn_away(mut io: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) {
    let mut parting = Parting::new();
    let said = async {
        io.write_all(&answer).await?;
        std::future::poll_fn(|context| parting.poll(&mut io, context)).await
    };
    // The other end may be gone, or not read: it has had its chance.
    let _ = timeout(TIME_MAX, said).await;
}

/// The end of a connection after its last answer was written.
pub(super) struct Parting {
    timer: Pin<Box<Sleep>>,
    left: usize,
    is_shut: bool,
}

impl Parting {
    pub(super) fn new() -> Parting {
        Parting { timer: Box::pin(sleep(TIME_MAX)), left: READ_MAX, is_shut: false }
    }

    /// Closes this direction, and reads until the other end closes, or long enough.
    pub(super) fn poll<Io: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut Io,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_shut {
            ready!(Pin::new(&mut *io).poll_shutdown(context))?;
            self.is_shut = true;
        }
        let mut space = [0; 8 << 10];
        while self.left > 0 {
            let mut read = ReadBuf::new(&mut space);
            match Pin::new(&mut *io).poll_read(context, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                    self.left = self.left.saturating_sub(read.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return self.timer.as_mut().poll(context).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn an_answer_arrives_before_the_whole_request_was_sent() {
        let (here, mut there) = tokio::io::duplex(64);
        let failure = Failure::new(Kind::Unavailable, "too many");
        let sent = answer(StatusCode::SERVICE_UNAVAILABLE, &failure);
        let turned_away = tokio::spawn(turn_away(here, sent.clone()));
        let mut received = Vec::new();
        there.write_all(&[b'x'; 50]).await.unwrap();
        there.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, sent);
        there.write_all(&[b'x'; 500]).await.unwrap();
        drop(there);
        turned_away.await.unwrap();
        let text = String::from_utf8(received).unwrap();
        assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n"));
        assert!(text.contains("\r\nretry-after: 1\r\n"), "{text}");
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(serde_json::from_str::<Failure>(body).unwrap(), failure);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_neither_reads_nor_ends_is_left() {
        let (here, _there) = tokio::io::duplex(8);
        turn_away(here, vec![b'x'; 100]).await;
        let (here, _there) = tokio::io::duplex(200);
        turn_away(here, vec![b'x'; 100]).await;
    }
}
