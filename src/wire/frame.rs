//! The answer to a shell's call as a sequence of frames: what the handler emits while it runs, then its answer.
//!
//! A frame is a byte for its kind, the length of its payload as four bytes in network order, and the payload. Frames
//! are the body of an HTTP answer whose [`ANSWER_HEADER`](super::ANSWER_HEADER) is
//! [`ANSWER_FRAMES`](super::ANSWER_FRAMES); a sequence without [`Frame::End`] was cut off.

use std::io::{self, Read};

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::reports::{LogRecord, Question, Task};

/// The longest payload of a frame, in bytes.
pub const PAYLOAD_MAX: usize = 1 << 20;

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// What the handler wrote to stdout.
    Stdout(Bytes),
    /// What it wrote to stderr.
    Stderr(Bytes),
    /// A log record of the call.
    Log(LogRecord),
    /// How far a task of the call is.
    Progress(Task),
    /// A question for the person who called.
    Question(Question),
    /// The head of the answer; no event follows that is not in the body.
    Head(Head),
    /// A piece of the answer's body.
    Body(Bytes),
    /// The exit status of the call, if it is not by the head: of an answer that failed halfway.
    Exit(u8),
    /// The answer is complete.
    End,
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case; a name may repeat.
    pub headers: Vec<(String, String)>,
}

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const LOG: u8 = 3;
const HEAD: u8 = 4;
const BODY: u8 = 5;
const END: u8 = 6;
const EXIT: u8 = 7;
const PROGRESS: u8 = 8;
const QUESTION: u8 = 9;

impl Frame {
    /// Returns the bytes of the frame, or of several with the same kind where its payload is too long for one.
    pub fn to_bytes(&self) -> Bytes {
        let json = |value: serde_json::Result<Vec<u8>>| Bytes::from(value.unwrap_or_default());
        let (kind, payload) = match self {
            Frame::Stdout(bytes) => (STDOUT, bytes.clone()),
            Frame::Stderr(bytes) => (STDERR, bytes.clone()),
            Frame::Log(record) => (LOG, json(serde_json::to_vec(&shortened(record)))),
            Frame::Progress(task) => (PROGRESS, json(serde_json::to_vec(task))),
            Frame::Question(question) => (QUESTION, json(serde_json::to_vec(question))),
            Frame::Head(head) => (HEAD, json(serde_json::to_vec(head))),
            Frame::Body(bytes) => (BODY, bytes.clone()),
            Frame::Exit(status) => (EXIT, Bytes::copy_from_slice(&[*status])),
            Frame::End => (END, Bytes::new()),
        };
        let mut written = BytesMut::with_capacity(payload.len() + 5);
        let mut rest = payload;
        loop {
            let piece = rest.split_to(rest.len().min(PAYLOAD_MAX));
            written.put_u8(kind);
            // At most `PAYLOAD_MAX`.
            written.put_u32(u32::try_from(piece.len()).unwrap_or(u32::MAX));
            written.extend_from_slice(&piece);
            if rest.is_empty() {
                return written.freeze();
            }
        }
    }

    /// Reads the next frame.
    ///
    /// # Errors
    /// The sequence is cut off, or no sequence of frames.
    pub fn read(reader: &mut impl Read) -> io::Result<Frame> {
        let mut start = [0; 5];
        reader.read_exact(&mut start)?;
        let [kind, length @ ..] = start;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        if length > PAYLOAD_MAX {
            return Err(invalid(format!("a frame is too long ({length} bytes)")));
        }
        let mut payload = vec![0; length];
        reader.read_exact(&mut payload)?;
        Ok(match kind {
            STDOUT => Frame::Stdout(payload.into()),
            STDERR => Frame::Stderr(payload.into()),
            LOG => Frame::Log(serde_json::from_slice(&payload)?),
            PROGRESS => Frame::Progress(serde_json::from_slice(&payload)?),
            QUESTION => Frame::Question(serde_json::from_slice(&payload)?),
            HEAD => Frame::Head(serde_json::from_slice(&payload)?),
            BODY => Frame::Body(payload.into()),
            EXIT => match payload[..] {
                [status] => Frame::Exit(status),
                _ => return Err(invalid("an exit status is one byte".to_owned())),
            },
            END => Frame::End,
            _ => return Err(invalid(format!("a frame is of the unknown kind {kind}"))),
        })
    }
}

/// Returns the record with as much of its message as fits into a frame.
fn shortened(record: &LogRecord) -> LogRecord {
    let end = record.message.floor_char_boundary(PAYLOAD_MAX / 8);
    LogRecord { message: record.message[..end].to_owned(), ..record.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::Asks;

    fn read(bytes: &Bytes) -> io::Result<Vec<Frame>> {
        let mut reader = &bytes[..];
        let mut frames = Vec::new();
        while !reader.is_empty() {
            frames.push(Frame::read(&mut reader)?);
        }
        Ok(frames)
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        let record = LogRecord { level: 20, logger: "a".into(), message: "ä\n".into() };
        let head =
            Head { status: 200, headers: vec![("content-type".into(), "text/plain".into())] };
        let question = Question {
            number: 1,
            prompt: "Which?".into(),
            asks: Asks::Choice(vec!["a".into()]),
            default: None,
            key: None,
            more: false,
        };
        for frame in [
            Frame::Stdout(Bytes::from_static(b"\x00\xff")),
            Frame::Stderr(Bytes::from_static(b"warning\n")),
            Frame::Log(record),
            Frame::Progress(Task { number: 1, total: Some(2.5), ..Task::default() }),
            Frame::Question(question),
            Frame::Head(head),
            Frame::Body(Bytes::new()),
            Frame::Exit(3),
            Frame::End,
        ] {
            assert_eq!(read(&frame.to_bytes()).unwrap(), [frame]);
        }
    }

    #[test]
    fn a_long_payload_is_in_several_frames() {
        let long = Bytes::from(vec![7; 2 * PAYLOAD_MAX + 1]);
        let frames = read(&Frame::Body(long.clone()).to_bytes()).unwrap();
        assert_eq!(frames.len(), 3);
        let joined: Vec<u8> = frames
            .iter()
            .flat_map(|frame| match frame {
                Frame::Body(bytes) => bytes.to_vec(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(joined, long);
        let message = "é".repeat(PAYLOAD_MAX);
        let record = Frame::Log(LogRecord { level: 10, logger: String::new(), message });
        assert_eq!(read(&record.to_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn what_is_cut_off_or_no_frame_is_an_error() {
        let whole = Frame::Stdout(Bytes::from_static(b"text")).to_bytes();
        for end in 1..whole.len() {
            let error = read(&whole.slice(..end)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
        for bytes in [&b"\x63\0\0\0\0"[..], b"\x01\xff\xff\xff\xff", b"\x04\0\0\0\x01{"] {
            assert!(read(&Bytes::from_static(bytes)).is_err());
        }
    }
}
