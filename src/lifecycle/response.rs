//! An answer: its head, read by `httparse`, and its [body](super::body).

use std::io::{self, BufRead, BufReader, Read};

use thiserror::Error;

use super::body::{Body, Rest, Sink};
use super::stream::Stream;
use super::upstream::Upstream;
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
    upstream: Option<Upstream>,
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
                    let body = self.body.unframed(sink);
                    let frame::Head { status, headers } = head;
                    return Ok(Response { status, headers, body, upstream: None });
                }
                frame => sink(frame)?,
            }
        }
    }

    /// Takes the way for replies or lines, of a request that [they follow](super::Following).
    pub fn take_upstream(&mut self) -> Option<Upstream> {
        self.upstream.take()
    }

    /// Has reads of the body wait without limit and without pings, as for a session, in which both ends may be silent.
    ///
    /// # Errors
    /// The system's error.
    pub fn set_patient(&mut self) -> io::Result<()> {
        self.body.set_patient()
    }

    /// Reads the whole body.
    pub fn bytes(mut self) -> Result<Vec<u8>, ExchangeError> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The exit status that came with the body, as far as it was read.
    pub fn exit(&self) -> Option<u8> {
        self.body.exit()
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
        upstream: Option<Upstream>,
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
            body: Body::new(stream, rest),
            upstream,
        }
    }
}
