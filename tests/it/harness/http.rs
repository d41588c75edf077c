//! HTTP over TCP, as from any other program on the machine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::LIMIT;

/// The answer of an HTTP request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Sends one request; `Host` is added unless `headers` has one.
    pub(crate) fn of(
        port: u16,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        Sent::new(port, method, target, headers, body).answer(LIMIT).expect("a whole answer")
    }

    pub(crate) fn parse(bytes: &[u8]) -> Answer {
        let mut slots = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut slots);
        let length = parsed.parse(bytes).expect("an HTTP answer").unwrap();
        let headers: Vec<(String, String)> = parsed
            .headers
            .iter()
            .map(|header| {
                let value = String::from_utf8_lossy(header.value).into_owned();
                (header.name.to_ascii_lowercase(), value)
            })
            .collect();
        let mut answer = Answer { status: parsed.code.unwrap(), headers, body: Vec::new() };
        let body = &bytes[length..];
        answer.body = match answer.header("transfer-encoding") {
            Some("chunked") => whole(body),
            _ => body.to_vec(),
        };
        answer
    }

    /// The first header `name`, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request that was sent and not yet answered, on a connection of its own.
pub(crate) struct Sent(TcpStream);

impl Sent {
    /// Sends one request; `Host` is added unless `headers` has one.
    pub(crate) fn new(
        port: u16,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Sent {
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the daemon listens on TCP");
        let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("host: localhost:{port}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // A request that is refused early is answered before all of it is read.
        let _ = stream.write_all(body);
        Sent(stream)
    }

    /// Waits for the answer, `limit` at most from one piece of it to the next.
    pub(crate) fn answer(mut self, limit: Duration) -> io::Result<Answer> {
        self.0.set_read_timeout(Some(limit))?;
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        Ok(Answer::parse(&bytes))
    }
}

/// A connection that is kept.
pub(crate) struct Kept(BufReader<TcpStream>);

impl Kept {
    pub(crate) fn new(port: u16) -> Kept {
        Kept(BufReader::new(super::socket::tcp(port)))
    }

    /// Sends bytes, and reads the one answer to them, which has a length.
    pub(crate) fn ask(&mut self, request: &str) -> Answer {
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            assert_ne!(
                self.0.read_until(b'\n', &mut bytes).unwrap(),
                0,
                "the connection was closed"
            );
        }
        let mut answer = Answer::parse(&bytes);
        answer.body = vec![0; answer.header("content-length").unwrap().parse().unwrap()];
        self.0.read_exact(&mut answer.body).unwrap();
        answer
    }
}

/// Puts the chunks of a body together.
fn whole(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let (start, size) = httparse::parse_chunk_size(chunks).expect("a chunk").unwrap();
        let size = usize::try_from(size).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&chunks[start..start + size]);
        chunks = &chunks[start + size + 2..];
    }
}
