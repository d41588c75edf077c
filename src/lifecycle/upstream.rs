//! What a client sends while the answer is made, as the rest of a chunked body: stdin, a file, replies to questions, or
//! lines of a session.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;

use socket2::Socket;

use super::stream::is_timeout;
use crate::wire::Reply;

/// The longest chunk of stdin or a file, in bytes.
const CHUNK_MAX: usize = 256 * 1024;

/// Returns `bytes` as one chunk.
pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// The rest of a request's body: lines, each sent at once, from any thread.
#[derive(Debug)]
pub struct Upstream {
    socket: Socket,
}

impl Upstream {
    pub(super) fn over(socket: Socket) -> Upstream {
        Upstream { socket }
    }

    /// Sends a reply to a question of a call.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn reply(&self, reply: &Reply) -> io::Result<()> {
        self.line(&serde_json::to_vec(reply)?, || true)
    }

    /// Sends `line`, which has no newline; `waits` decides, after each tick without progress, whether to go on.
    ///
    /// # Errors
    /// The connection has ended, or is not waited for any longer.
    pub fn line(&self, line: &[u8], waits: impl FnMut() -> bool) -> io::Result<()> {
        let mut bytes = format!("{:x}\r\n", line.len() + 1).into_bytes();
        bytes.reserve_exact(line.len() + 3);
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\n\r\n");
        write(&self.socket, &bytes, waits)
    }

    /// Ends the body.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn end(&self) -> io::Result<()> {
        write(&self.socket, &chunk(b""), || true)
    }

    /// Ends the connection, which the reader of the answer notices.
    pub fn abandon(&self) {
        // Fails only if it has ended.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Sends a source on a thread of its own, until it ends or the connection does; the program does not wait for it.
pub(super) fn send(socket: Socket, source: impl Read + Send + 'static) {
    thread::spawn(move || pump(source, &socket));
}

/// Sends what `source` has as chunks, and the end of the body; one that cannot be read is cut off.
fn pump(mut source: impl Read, socket: &Socket) {
    let mut buffer = vec![0; CHUNK_MAX];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return drop(socket.shutdown(Shutdown::Write)),
        };
        // Without data it is the last chunk.
        if write(socket, &chunk(&buffer[..count]), || true).is_err() || count == 0 {
            return;
        }
    }
}

/// Writes all of `bytes`, however long the daemon takes to read them, as long as `waits` returns true.
fn write(mut socket: &Socket, mut bytes: &[u8], mut waits: impl FnMut() -> bool) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) && waits() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn pair() -> (Socket, Socket) {
        Socket::pair(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap()
    }

    #[test]
    fn a_source_is_sent_in_chunks_with_an_end() {
        let (client, mut server) = pair();
        pump(&b"hello"[..], &client);
        drop(client);
        let mut sent = String::new();
        server.read_to_string(&mut sent).unwrap();
        assert_eq!(sent, "5\r\nhello\r\n0\r\n\r\n");
    }

    #[test]
    fn a_reader_may_take_longer_than_the_timeout() {
        let (client, mut server) = pair();
        client.set_write_timeout(Some(Duration::from_millis(1))).unwrap();
        let bytes = vec![b'x'; 4 << 20];
        let sending = bytes.clone();
        let writer = thread::spawn(move || pump(&sending[..], &client));
        let mut sent = Vec::new();
        server.read_to_end(&mut sent).unwrap();
        writer.join().unwrap();
        assert_eq!(sent.iter().filter(|byte| **byte == b'x').count(), bytes.len());
        assert!(sent.ends_with(b"0\r\n\r\n"));
    }

    #[test]
    fn a_reader_that_goes_away_ends_it() {
        let (client, server) = pair();
        drop(server);
        pump(io::repeat(b'x'), &client);
    }
}
