//! An answer: its head read by `httparse`, its body with a length, in chunks, or up to the end of the connection.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use bytes::{Buf, Bytes};
use thiserror::Error;

use super::stream::Stream;
use super::upstream::Replies;
use crate::wire::frame::{self, Frame};

/// The largest response head, in bytes.
const HEAD_MAX: usize = 64 * 1024;
/// The most headers in a response.
const HEADERS_MAX: usize = 64;

/// Error of an exchange.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// The daemon went away before it began to work on the request: sending it again is safe.
    #[error("the daemon went away before it took the request")]
    NotTaken,
    /// The daemon went away while it worked on the request.
    #[error("the daemon went away while it worked on the request: {0}")]
    Interrupted(io::Error),
    /// The answer is not HTTP.
    #[error("the daemon's answer is not HTTP: {0}")]
    Malformed(String),
    /// The daemon hangs.
    #[error("the daemon does not respond")]
    Unresponsive,
}

impl From<io::Error> for ExchangeError {
    fn from(error: io::Error) -> ExchangeError {
        match error.kind() {
            io::ErrorKind::TimedOut => ExchangeError::Unresponsive,
            _ => ExchangeError::Interrupted(error),
        }
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    replies: Option<Replies>,
}

#[derive(Debug)]
struct Body {
    stream: BufReader<Stream>,
    rest: Rest,
    /// The body is a sequence of frames, of which only the answer's own are read.
    frames: Option<Frames>,
}

/// Takes what a handler emits: all frames but those of the answer itself.
///
/// # Errors
/// It cannot be written; the answer is not read any further.
pub type Sink = Box<dyn FnMut(Frame) -> io::Result<()>>;

struct Frames {
    sink: Sink,
    /// What is left of the last piece of the answer's body.
    piece: Bytes,
    exit: Option<u8>,
    ended: bool,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The rest of a body.
#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunks { in_chunk: u64, first: bool },
    UntilEnd,
    Nothing,
}

impl Response {
    /// Returns the first header `name`, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns all headers `name`, which is given in lower case.
    pub fn headers_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the answer in a body of frames; `sink` takes what comes before it, and, while its body is read, what
    /// comes between.
    ///
    /// # Errors
    /// The frames are cut off, or the sink fails.
    pub fn unframed(mut self, mut sink: Sink) -> Result<Response, ExchangeError> {
        loop {
            match Frame::read(&mut self.body)? {
                Frame::Head(head) => {
                    let frames = Frames { sink, piece: Bytes::new(), exit: None, ended: false };
                    let body = Body { frames: Some(frames), ..self.body };
                    let frame::Head { status, headers } = head;
                    return Ok(Response { status, headers, body, replies: None });
                }
                frame => sink(frame)?,
            }
        }
    }

    /// Takes the way for replies to questions, of a request that was sent with one.
    pub fn take_replies(&mut self) -> Option<Replies> {
        self.replies.take()
    }

    /// Reads the whole body.
    pub fn bytes(mut self) -> Result<Vec<u8>, ExchangeError> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The exit status that came with the body, as far as it was read.
    pub fn exit(&self) -> Option<u8> {
        self.body.frames.as_ref().and_then(|frames| frames.exit)
    }

    /// Returns a reader of the body.
    pub fn reader(&mut self) -> &mut impl Read {
        &mut self.body
    }
}

/// The head of an answer.
pub(super) struct Head {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads the next head.
    pub(super) fn read(reader: &mut BufReader<Stream>) -> Result<Head, ExchangeError> {
        let mut head = Vec::with_capacity(512);
        while !head.ends_with(b"\r\n\r\n") {
            match reader.by_ref().take((HEAD_MAX - head.len()) as u64).read_until(b'\n', &mut head)
            {
                Ok(0) if head.len() == HEAD_MAX => {
                    return Err(ExchangeError::Malformed(
                        "its head is too long (limit 64 KiB)".into(),
                    ));
                }
                Ok(0) => {
                    return Err(ExchangeError::Interrupted(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut slots = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Response::new(&mut slots);
        parsed.parse(&head).map_err(|error| ExchangeError::Malformed(error.to_string()))?;
        Ok(Head {
            status: parsed.code.unwrap_or_default(),
            headers: parsed
                .headers
                .iter()
                .map(|header| {
                    let value = String::from_utf8_lossy(header.value).into_owned();
                    (header.name.to_ascii_lowercase(), value)
                })
                .collect(),
        })
    }

    /// Returns the answer whose body follows in `stream`.
    pub(super) fn into_response(
        self,
        stream: BufReader<Stream>,
        method: &str,
        replies: Option<Replies>,
    ) -> Response {
        let header = |name: &str| {
            self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
        };
        let rest = if method == "HEAD" || self.status == 204 || self.status == 304 {
            Rest::Nothing
        } else if header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            Rest::Chunks { in_chunk: 0, first: true }
        } else if let Some(length) = header("content-length").and_then(|text| text.parse().ok()) {
            Rest::Length(length)
        } else {
            Rest::UntilEnd
        };
        Response {
            status: self.status,
            headers: self.headers,
            body: Body { stream, rest, frames: None },
            replies,
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut frames) = self.frames.take() else { return self.read_raw(buffer) };
        let outcome = frames.read(self, buffer);
        self.frames = Some(frames);
        outcome
    }
}

impl Frames {
    /// Reads of the answer's body, which comes in frames from `source`.
    fn read(&mut self, source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match Frame::read(source)? {
                Frame::Body(piece) => self.piece = piece,
                Frame::Exit(status) => self.exit = Some(status),
                Frame::End => self.ended = true,
                Frame::Head(_) => {
                    let error = "an answer has two heads";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
                frame => (self.sink)(frame)?,
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl Body {
    /// Reads of the body as HTTP carries it.
    fn read_raw(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Rest::Chunks { in_chunk: 0, first } = self.rest {
            let size = self.next_chunk(first)?;
            self.rest = match size {
                0 => Rest::Nothing,
                _ => Rest::Chunks { in_chunk: size, first: false },
            };
        }
        let most = match self.rest {
            Rest::Nothing | Rest::Length(0) => return Ok(0),
            Rest::Length(left) | Rest::Chunks { in_chunk: left, .. } => {
                buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX))
            }
            Rest::UntilEnd => buffer.len(),
        };
        let count = self.stream.read(&mut buffer[..most])?;
        match &mut self.rest {
            Rest::Length(left) | Rest::Chunks { in_chunk: left, .. } if count > 0 => {
                *left -= count as u64;
            }
            Rest::Length(_) | Rest::Chunks { .. } if most > 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            _ => {}
        }
        Ok(count)
    }

    /// Reads up to the next chunk's data and returns its size, 0 for the last.
    fn next_chunk(&mut self, first: bool) -> io::Result<u64> {
        let mut line = Vec::new();
        if !first {
            self.line(&mut line)?;
            line.clear();
        }
        self.line(&mut line)?;
        match httparse::parse_chunk_size(&line) {
            Ok(httparse::Status::Complete((_, size))) => Ok(size),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk has no size")),
        }
    }

    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        match self.stream.by_ref().take(1024).read_until(b'\n', line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
