//! One HTTP request over the daemon's Unix socket, or its TCP port, blocking, without a runtime.
//!
//! Only the part of HTTP/1.1 that the daemon needs: a head, a body of known length, and an
//! [answer](super::response). Each connection carries one request.

use std::io::{self, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::request::{Following, Request};
use super::response::{ExchangeError, Head, Response};
use super::stream::{Stream, Waiting};
use super::tcp::Tcp;
use super::upstream::{self, Upstream};
use crate::paths::Paths;

/// Time for a connection to the TCP port of this machine.
const TCP_LIMIT: Duration = Duration::from_millis(50);

/// A connection to a daemon that listens.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    way: Way,
    /// What makes a request over TCP one of the user's own.
    token: Option<String>,
}

/// How a daemon is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// By its Unix socket.
    #[default]
    Unix,
    /// By its TCP port, with the token of [`Tcp`].
    Tcp,
}

/// Error of connecting to a daemon that may listen.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The kernel refuses it: a permission, a sandbox, a limit.
    #[error("cannot connect to the daemon's socket {}: {source}", path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The daemon accepts no connections: its queue is full.
    #[error("the daemon does not respond")]
    Unresponsive,
}

impl Connection {
    /// Connects; `None` where no daemon listens. No wait on the connection takes longer than `tick`, that for
    /// being connected not longer than `attempts` of them, unless [`Connection::set_waiting`] decides otherwise.
    pub(super) fn open(
        paths: &Paths,
        tick: Duration,
        attempts: usize,
    ) -> Result<Option<Connection>, ConnectError> {
        let path = paths.socket();
        match Stream::connect(&path, tick, attempts) {
            Ok(stream) => {
                Ok(stream.map(|stream| Connection { stream, way: Way::Unix, token: None }))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(ConnectError::Unresponsive)
            }
            Err(source) => Err(ConnectError::Refused { path, source }),
        }
    }

    /// Connects to the daemon's TCP port; `None` where no daemon listens or none is known.
    ///
    /// # Errors
    /// The address, and the kernel's error.
    pub(super) fn open_tcp(
        paths: &Paths,
        tick: Duration,
    ) -> Result<Option<Connection>, (SocketAddr, io::Error)> {
        let Some(Tcp { address, token }) = Tcp::read(paths) else { return Ok(None) };
        let connected = Stream::connect_tcp(address, tick, TCP_LIMIT);
        let stream = connected.map_err(|error| (address, error))?;
        Ok(stream.map(|stream| Connection { stream, way: Way::Tcp, token: Some(token) }))
    }

    /// How the daemon was reached.
    pub fn way(&self) -> Way {
        self.way
    }

    /// Sets the decision, after each tick without progress, whether to go on waiting.
    pub(super) fn set_waiting(&mut self, waiting: Waiting) {
        self.stream.set_waiting(waiting);
    }

    /// Sends `request` and reads the head of the answer.
    ///
    /// # Errors
    /// [`ExchangeError::NotTaken`] alone means that the request was not carried out and will not be.
    pub fn send(mut self, request: &Request) -> Result<Response, ExchangeError> {
        let is_open = !matches!(request.follows, Following::Nothing);
        let is_session = matches!(request.follows, Following::Lines);
        let head = request.head(self.token.as_deref());
        // A refused large body is answered before it is read whole: the answer counts, not the failed write.
        let line =
            (is_open && !is_session).then(|| upstream::chunk(&[request.body, b"\n"].concat()));
        let sent = self
            .stream
            .write_all(head.as_bytes())
            .and_then(|()| self.stream.write_all(line.as_deref().unwrap_or(request.body)));
        if let Err(error) = &sent
            && error.kind() == io::ErrorKind::TimedOut
        {
            return Err(ExchangeError::Unresponsive);
        }
        // Only once the request was taken: what is read cannot be sent again.
        let mut unsent = match is_open {
            true => Some(self.stream.writer()?),
            false => None,
        };
        let mut upstream = None;
        let mut reader = BufReader::new(self.stream);
        let mut taken = false;
        loop {
            let head = match Head::read(&mut reader) {
                Ok(head) => head,
                // The daemon begins nothing before it has read the whole body.
                Err(ExchangeError::Interrupted(_)) if !taken || sent.is_err() => {
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
                let upstream = match unsent {
                    Some(socket) if is_session => Some(Upstream::over(socket)),
                    _ => upstream,
                };
                return Ok(head.into_response(reader, request.method, upstream));
            }
            if is_session {
                continue;
            }
            taken = true;
            if let Some(socket) = unsent.take() {
                match request.follows {
                    Following::Nothing | Following::Lines => {}
                    Following::Stdin => upstream::send(socket, io::stdin()),
                    Following::File(file) => upstream::send(socket, file.try_clone()?),
                    Following::Replies => upstream = Some(Upstream::over(socket)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, Read};
    use std::os::unix::net::UnixStream;

    fn over(client: UnixStream) -> Connection {
        Connection { stream: Stream::over(client), way: Way::Unix, token: None }
    }

    /// Answers one request with `answer` and hangs up.
    fn exchange(answer: &'static [u8], body: &[u8]) -> Result<Response, ExchangeError> {
        let (client, mut server) = UnixStream::pair().unwrap();
        let request = Request { body, ..Request::post("/x") };
        let mut rest = vec![0; body.len()];
        let serve = std::thread::spawn(move || {
            let mut head = Vec::new();
            let mut reader = BufReader::new(server.try_clone().unwrap());
            while !head.ends_with(b"\r\n\r\n") {
                reader.read_until(b'\n', &mut head).unwrap();
            }
            // A server that closes before the body came leaves the client with a broken pipe.
            reader.read_exact(&mut rest).unwrap();
            let _ = server.write_all(answer);
            head
        });
        let response = over(client).send(&request);
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
    fn a_request_of_which_the_body_could_not_be_sent_may_be_repeated() {
        let (client, mut server) = UnixStream::pair().unwrap();
        let body = vec![b' '; 8 << 20];
        let request = Request { body: &body, ..Request::post("/x") };
        let serve = std::thread::spawn(move || {
            server.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
            server.read_exact(&mut [0; 1024]).unwrap();
        });
        let sent = over(client).send(&request);
        assert!(matches!(sent, Err(ExchangeError::NotTaken)), "{sent:?}");
        serve.join().unwrap();
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
