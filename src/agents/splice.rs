//! Replacing parts of a text.

use std::ops::Range;

/// A part of a text, and what replaces it.
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl Splice {
    pub(super) fn insert(at: usize, text: impl Into<String>) -> Splice {
        Splice { range: at..at, text: text.into() }
    }

    pub(super) fn replace(range: Range<usize>, text: impl Into<String>) -> Splice {
        Splice { range, text: text.into() }
    }

    pub(super) fn cut(range: Range<usize>) -> Splice {
        Splice { range, text: String::new() }
    }
}

/// Returns `text` with all splices; two at one place are in their own order, and only cuts may overlap.
pub(super) fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.range.start);
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for Splice { range, text: new } in splices {
        result.push_str(&text[at..range.start.max(at)]);
        result.push_str(&new);
        at = range.end.max(at);
    }
    result.push_str(&text[at..]);
    result
}

/// Returns the line break of `text`.
pub(super) fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Returns the number of the line of the byte `at`, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// Returns the start of the line of the byte `at`.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |before| before + 1)
}

/// Returns the end of the line of the byte `at`, its break included.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}
