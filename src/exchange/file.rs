//! A file as the body of an answer.
//!
//! The plugin's side opens it, so that it is sent whole even if it is removed meanwhile; the I/O side reads it on
//! the runtime's threads for blocking work, one piece ahead of the connection. The kernel's `sendfile` is out of reach:
//! hyper takes the bytes of a body, and writes them to the socket itself.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

/// Size of a piece, in bytes.
const PIECE: u64 = 256 * 1024;

/// The file of an exchange.
#[derive(Default)]
pub(super) enum Sending {
    /// There is none, or it is being read.
    #[default]
    Nothing,
    /// It was opened; reading begins when the body is asked for.
    Opened(File),
    /// It could not be read to its end, for this reason until the plugin takes it.
    Failed(Option<Box<io::Error>>),
}

/// A file that is read piece by piece.
pub(super) struct Reading {
    /// How many bytes are still to be read; `None` for all.
    left: Option<u64>,
    /// The next piece, and the file behind it.
    next: JoinHandle<io::Result<(File, Bytes)>>,
}

impl Reading {
    /// Begins to read `length` bytes, or the whole file.
    pub(super) fn begin(file: File, length: Option<u64>) -> Reading {
        Reading { left: length, next: next(file, length) }
    }

    /// The next piece, and whether it is the last; only the last may be empty.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<(Bytes, bool)>> {
        let outcome = ready!(Pin::new(&mut self.next).poll(context));
        Poll::Ready(outcome.map_err(io::Error::other).flatten().and_then(|(file, piece)| {
            let read = piece.len() as u64;
            if let Some(left) = &mut self.left {
                if read < PIECE.min(*left) {
                    return Err(too_short(*left - read));
                }
                *left -= read;
            }
            let is_last = self.left.map_or(read < PIECE, |left| left == 0);
            if !is_last {
                self.next = next(file, self.left);
            }
            Ok((piece, is_last))
        }))
    }
}

fn next(mut file: File, left: Option<u64>) -> JoinHandle<io::Result<(File, Bytes)>> {
    let size = left.map_or(PIECE, |left| left.min(PIECE));
    spawn_blocking(move || read(&mut file, size).map(|piece| (file, piece)))
}

/// Reads all of a file of `length` bytes at once.
///
/// # Errors
/// It cannot be read, or is shorter.
pub fn read_whole(mut file: File, length: u64) -> io::Result<Bytes> {
    let content = read(&mut file, length)?;
    match length - content.len() as u64 {
        0 => Ok(content),
        missing => Err(too_short(missing)),
    }
}

/// Reads up to `size` bytes; fewer only at the end of the file.
fn read(file: &mut File, size: u64) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(size).read_to_end(&mut piece)?;
    Ok(piece.into())
}

fn too_short(missing: u64) -> io::Error {
    let message = format!("the file ends {missing} bytes before its announced length");
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;

    use super::*;

    async fn pieces(size: u64, length: Option<u64>) -> io::Result<Vec<usize>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&vec![b'x'; usize::try_from(size).unwrap()])?;
        io::Seek::rewind(&mut file)?;
        let mut reading = Reading::begin(file, length);
        let mut sizes = Vec::new();
        loop {
            let (piece, is_last) = poll_fn(|context| reading.poll(context)).await?;
            sizes.push(piece.len());
            if is_last {
                return Ok(sizes);
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_read_to_its_announced_length() {
        let piece = PIECE as usize;
        assert_eq!(pieces(3, Some(3)).await.unwrap(), [3]);
        assert_eq!(pieces(PIECE, Some(PIECE)).await.unwrap(), [piece]);
        assert_eq!(pieces(2 * PIECE + 1, Some(2 * PIECE + 1)).await.unwrap(), [piece, piece, 1]);
        assert_eq!(pieces(2 * PIECE, Some(PIECE + 5)).await.unwrap(), [piece, 5], "it has grown");
        for length in [4, PIECE, PIECE + 1] {
            let error = pieces(3, Some(length)).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
        }
        let cut = pieces(PIECE, Some(PIECE + 2)).await.unwrap_err().to_string();
        assert_eq!(cut, "the file ends 2 bytes before its announced length");
    }

    #[tokio::test]
    async fn without_a_length_all_of_a_file_is_read() {
        let piece = PIECE as usize;
        assert_eq!(pieces(0, None).await.unwrap(), [0]);
        assert_eq!(pieces(3, None).await.unwrap(), [3]);
        assert_eq!(pieces(PIECE, None).await.unwrap(), [piece, 0]);
    }
}
