//! One HTTP request over the daemon's Unix socket, blocking, without a runtime.
//!
//! Just enough HTTP/1.1 for a server that is always ours: a head, a body of known length, and an answer read by
//! `httparse`, with a length, in chunks, or up to the end of the connection. Each connection carries one
//! request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use thiserror::Error;

use crate::paths::Paths;

/// The largest response head, in bytes.
const HEAD_MAX: usize = 64 * 1024;
/// The most headers in a response.
const HEADERS_MAX: usize = 64;

/// A connection to a daemon that listens.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Method in capitals.
    pub method: &'a str,
    /// Path and query, already encoded.
    pub target: &'a str,
    /// Further headers; neither names nor values hold line breaks.
    pub headers: &'a [(&'a str, &'a str)],
    /// JSON body; empty for none.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A GET without further headers.
    pub fn get(target: &'a str) -> Request<'a> {
        Request { method: "GET", target, headers: &[], body: &[] }
    }

    /// A POST without a body.
    pub fn post(target: &'a str) -> Request<'a> {
        Request { method: "POST", target, headers: &[], body: &[] }
    }
}

/// Why an exchange failed.
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
    /// No answer came in the time given.
    #[error("no answer in time")]
    TimedOut,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug)]
struct Body {
    stream: BufReader<UnixStream>,
    rest: Rest,
}

/// How much of a body is still to come.
#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunks { in_chunk: u64, first: bool },
    UntilEnd,
    Nothing,
}

impl Connection {
    /// Connects; `None` where no daemon listens.
    pub fn open(paths: &Paths) -> Option<Connection> {
        UnixStream::connect(paths.socket()).ok().map(|stream| Connection { stream })
    }

    /// Limits how long each read may take; `None` waits for ever.
    pub fn timeout(self, limit: Option<Duration>) -> Connection {
        // Fails only for a duration of zero.
        let _ = self.stream.set_read_timeout(limit.filter(|limit| !limit.is_zero()));
        self
    }

    /// Sends `request` and reads the head of the answer.
    ///
    /// `idle` is called each time the read timeout passes without an answer; it says whether to go on waiting.
    pub fn send(
        mut self,
        request: &Request,
        mut idle: impl FnMut() -> bool,
    ) -> Result<Response, ExchangeError> {
        // `Expect` makes the daemon answer `100 Continue` when it begins to read the request: an end of the
        // connection before that proves that nothing was done.
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nuser-agent: skills-client/{}\r\n",
            request.method,
            request.target,
            crate::VERSION
        );
        for (name, value) in request.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !request.body.is_empty() {
            head.push_str(&format!(
                "content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n",
                request.body.len()
            ));
        } else if request.method != "GET" {
            head.push_str("content-length: 0\r\n");
        }
        head.push_str("\r\n");
        // A refused large body is answered before it is read whole: the answer counts, not the failed write.
        let sent = self
            .stream
            .write_all(head.as_bytes())
            .and_then(|()| self.stream.write_all(request.body));
        let mut reader = BufReader::new(self.stream);
        let mut taken = false;
        loop {
            let head = match read_head(&mut reader, &mut idle) {
                Ok(head) => head,
                Err(ExchangeError::Interrupted(_)) if !taken => {
                    return Err(ExchangeError::NotTaken);
                }
                Err(error) => return Err(error),
            };
            if head.status != 100 {
                if let Err(error) = sent
                    && head.status < 400
                {
                    return Err(ExchangeError::Interrupted(error));
                }
                return Ok(head.into_response(reader, request.method));
            }
            taken = true;
        }
    }
}

impl Response {
    /// The first header `name`, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// All headers `name`, which is given in lower case.
    pub fn headers_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Reads the whole body.
    pub fn bytes(mut self) -> Result<Vec<u8>, ExchangeError> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes).map_err(ExchangeError::from_read)?;
        Ok(bytes)
    }

    /// The body, to be read as it comes.
    pub fn reader(&mut self) -> &mut impl Read {
        &mut self.body
    }
}

impl ExchangeError {
    /// The error behind a failed read of a body.
    pub fn from_read(error: io::Error) -> ExchangeError {
        if is_timeout(&error) { ExchangeError::TimedOut } else { ExchangeError::Interrupted(error) }
    }
}

struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    fn into_response(self, stream: BufReader<UnixStream>, method: &str) -> Response {
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
        Response { status: self.status, headers: self.headers, body: Body { stream, rest } }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn read_head(
    reader: &mut BufReader<UnixStream>,
    idle: &mut impl FnMut() -> bool,
) -> Result<Head, ExchangeError> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        match reader.by_ref().take((HEAD_MAX - head.len()) as u64).read_until(b'\n', &mut head) {
            Ok(0) if head.len() == HEAD_MAX => {
                return Err(ExchangeError::Malformed("its head is too long".into()));
            }
            Ok(0) => return Err(ExchangeError::Interrupted(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if is_timeout(&error) => {
                if !idle() {
                    return Err(ExchangeError::TimedOut);
                }
            }
            Err(error) => return Err(ExchangeError::Interrupted(error)),
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

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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
}

impl Body {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers one request with `answer` and hangs up.
    fn exchange(answer: &'static [u8], body: &[u8]) -> Result<Response, ExchangeError> {
        let (client, mut server) = UnixStream::pair().unwrap();
        let request = Request { method: "POST", target: "/x", headers: &[], body };
        let mut rest = vec![0; body.len()];
        let serve = std::thread::spawn(move || {
            let mut head = Vec::new();
            let mut reader = BufReader::new(server.try_clone().unwrap());
            while !head.ends_with(b"\r\n\r\n") {
                reader.read_until(b'\n', &mut head).unwrap();
            }
            // Whoever hangs up before the body came leaves the client with a broken pipe.
            reader.read_exact(&mut rest).unwrap();
            let _ = server.write_all(answer);
            head
        });
        let response = Connection { stream: client }.send(&request, || false);
        let head = String::from_utf8(serve.join().unwrap()).unwrap();
        assert!(head.starts_with("POST /x HTTP/1.1\r\n"), "{head}");
        response
    }

    #[test]
    fn bodies_of_known_length_in_chunks_and_to_the_end() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..],
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nhello",
        ] {
            assert_eq!(exchange(answer, b"{}").unwrap().bytes().unwrap(), b"hello");
        }
    }

    #[test]
    fn an_end_before_the_request_was_taken_may_be_repeated_and_later_ones_not() {
        assert!(matches!(exchange(b"", b"{}"), Err(ExchangeError::NotTaken)));
        let taken = exchange(b"HTTP/1.1 100 Continue\r\n\r\n", b"{}");
        assert!(matches!(taken, Err(ExchangeError::Interrupted(_))), "{taken:?}");
    }

    #[test]
    fn a_body_cut_short_is_an_error() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ] {
            assert!(exchange(answer, b"").unwrap().bytes().is_err());
        }
    }

    #[test]
    fn what_is_not_http_is_refused() {
        assert!(matches!(exchange(b"220 smtp\r\n\r\n", b""), Err(ExchangeError::Malformed(_))));
    }
}
