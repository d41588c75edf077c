//! A client of WebSockets, over TCP and over the Unix socket.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message, WebSocket, client};

use super::{Home, LIMIT};

/// A byte stream to the daemon.
pub(crate) trait Stream: Read + Write + Debug + Send {}

impl<T: Read + Write + Debug + Send> Stream for T {}

/// A WebSocket that was accepted.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) inner: WebSocket<Box<dyn Stream>>,
    /// Of the answer that accepted it.
    pub(crate) headers: HeaderMap,
}

/// The answer to a handshake that was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A connection over TCP.
pub(crate) fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the daemon listens");
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// A connection over the Unix socket.
pub(crate) fn unix(home: &Home) -> UnixStream {
    let stream = UnixStream::connect(home.paths().socket()).expect("the daemon listens");
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

impl Socket {
    /// Opens the WebSocket at `target` over TCP.
    #[track_caller]
    pub(crate) fn open(home: &Home, target: &str) -> Socket {
        Socket::over(tcp(home.port()), target, &[]).unwrap()
    }

    /// Opens the WebSocket at `target` on a connection.
    pub(crate) fn over(
        stream: impl Stream + 'static,
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Socket, Box<Refusal>> {
        let stream: Box<dyn Stream> = Box::new(stream);
        let mut request = format!("ws://localhost{target}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        match client(request, stream) {
            Ok((inner, response)) => Ok(Socket { inner, headers: response.headers().clone() }),
            Err(HandshakeError::Failure(Error::Http(response))) => Err(Box::new(Refusal {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default())
                    .into_owned(),
            })),
            Err(error) => panic!("no answer to the handshake: {error}"),
        }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, message: impl Into<Message>) {
        self.inner.send(message.into()).unwrap();
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn receive(&mut self) -> Message {
        self.inner.read().unwrap()
    }

    #[track_caller]
    pub(crate) fn text(&mut self) -> String {
        self.receive().into_text().unwrap().to_string()
    }

    /// The code and reason of the server's close, after messages that are dropped; `None` without a close.
    pub(crate) fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            match self.inner.read() {
                Ok(Message::Close(frame)) => {
                    let frame = frame.expect("the daemon's close has a code");
                    // Sends the reply.
                    while self.inner.read().is_ok() {}
                    return Some((frame.code.into(), frame.reason.to_string()));
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("neither message nor end")
                }
                Err(_) => return None,
            }
        }
    }

    /// Closes and waits for the end.
    pub(crate) fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.inner.close(Some(frame)).unwrap();
        while self.inner.read().is_ok() {}
    }
}
