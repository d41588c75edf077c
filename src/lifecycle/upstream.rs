//! What a client sends while its call runs, as the rest of a chunked body: stdin, a file, or replies to questions.

use std::io::{self, ErrorKind, Read, Write};
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

/// The way for replies to the questions of a call.
#[derive(Debug)]
pub struct Replies {
    socket: Socket,
}

impl Replies {
    pub(super) fn over(socket: Socket) -> Replies {
        Replies { socket }
    }

    /// Sends a reply.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn send(&self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        write(&self.socket, &chunk(&line))
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
            Err(_) => return drop(socket.shutdown(std::net::Shutdown::Write)),
        };
        // Without data it is the last chunk.
        if write(socket, &chunk(&buffer[..count])).is_err() || count == 0 {
            return;
        }
    }
}

/// Writes all of `bytes`, however long the daemon takes to read them.
fn write(mut socket: &Socket, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
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
