//! The client's lines, read on a thread of their own.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender};

use super::event::Event;

/// The longest line, in bytes.
pub(super) const LINE_MAX: usize = 64 << 20;

/// Sends each line of `source`, then its end; the next one is read after `taken` has come for the last.
pub(super) fn pass(source: impl Read, events: &Sender<Event>, taken: &Receiver<()>) {
    let mut source = BufReader::new(source);
    loop {
        let event = next(&mut source, LINE_MAX);
        let is_end = matches!(event, Event::InputEnded);
        if events.send(event).is_err() || is_end || taken.recv().is_err() {
            return;
        }
    }
}

/// Reads the next line that is not blank; a source that cannot be read has ended.
fn next(source: &mut impl BufRead, max: usize) -> Event {
    let mut line = Vec::new();
    loop {
        line.clear();
        match source.by_ref().take(max as u64 + 1).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return Event::InputEnded,
            Ok(_) => {}
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > max {
            return match skip_line(source) {
                Ok(()) => Event::TooLong,
                Err(_) => Event::InputEnded,
            };
        }
        if !line.trim_ascii().is_empty() {
            return Event::Line(line);
        }
    }
}

/// Reads up to the end of a line without keeping it.
fn skip_line(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let piece = match source.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = piece.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(piece.len(), |at| at + 1);
        source.consume(count);
        if end.is_some() || count == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_limited_and_blank_ones_left_out() {
        let source = &b"1234\n12345\n\n  \r\n123456789\nlast"[..];
        let mut source = BufReader::with_capacity(3, source);
        let mut next = || match next(&mut source, 4) {
            Event::Line(line) => String::from_utf8(line).unwrap(),
            Event::TooLong => "too long".to_owned(),
            _ => "end".to_owned(),
        };
        let seen = [next(), next(), next(), next(), next()];
        assert_eq!(seen, ["1234", "too long", "too long", "last", "end"]);
    }
}
