//! The body of an answer: with a length, in chunks, or up to the end of the connection; perhaps a sequence of frames.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use bytes::{Buf, Bytes};

use super::stream::Stream;
use crate::wire::frame::Frame;

/// The rest of an answer after its head.
#[derive(Debug)]
pub(super) struct Body {
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

/// What is left of a body.
#[derive(Debug)]
pub(super) enum Rest {
    /// As many bytes.
    Length(u64),
    /// As many bytes of a chunk, and the chunks after it; `first` before the first one.
    Chunks { in_chunk: u64, first: bool },
    /// All bytes up to the end of the connection.
    UntilEnd,
    /// Nothing.
    Nothing,
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
    /// Returns the body in `stream`.
    pub(super) fn new(stream: BufReader<Stream>, rest: Rest) -> Body {
        Body { stream, rest, frames: None }
    }

    /// Returns the body in a body of frames, of which `sink` takes the others.
    pub(super) fn unframed(self, sink: Sink) -> Body {
        let frames = Frames { sink, piece: Bytes::new(), exit: None, ended: false };
        Body { frames: Some(frames), ..self }
    }

    /// Has reads wait without limit.
    pub(super) fn set_patient(&mut self) -> io::Result<()> {
        self.stream.get_mut().set_patient()
    }

    /// The exit status among the frames that were read.
    pub(super) fn exit(&self) -> Option<u8> {
        self.frames.as_ref().and_then(|frames| frames.exit)
    }

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
