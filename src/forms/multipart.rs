//! `multipart/form-data`.
//!
//! Plain is a body that begins with a delimiter, whose delimiters have nothing behind them, and that ends with the
//! last one, with or without a line break.

use std::borrow::Cow;

use memchr::memmem::{self, Finder};

use super::disposition::Head;
use super::{Entry, File, Limits};

/// Parses a body; `None` if it is uncertain.
pub(super) fn parse<'b>(boundary: &str, body: &'b [u8], limits: &Limits) -> Option<Vec<Entry<'b>>> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = Finder::new(&delimiter);
    let (mut entries, mut files, mut fields) = (Vec::new(), 0, 0);
    let mut rest = Rest { body, at: 0 };
    rest.skip(&delimiter.as_bytes()[2..])?;
    loop {
        if rest.skip(b"--").is_some() {
            let is_end = matches!(rest.bytes(), b"" | b"\r\n") && !entries.is_empty();
            return is_end.then_some(entries);
        }
        rest.skip(b"\r\n")?;
        let head = Head::parse(&body[rest.until(memmem::find(rest.bytes(), b"\r\n\r\n"), 4)?])?;
        let content = rest.until(finder.find(rest.bytes()), delimiter.len())?;
        let Head { name, filename, headers } = head;
        let entry = match filename {
            Some(filename) => {
                files += 1;
                let header = |(name, value): (&str, _)| (name.to_ascii_lowercase(), value);
                let headers = headers.into_iter().map(header).collect();
                Entry::File(File { name, filename, headers, content })
            }
            None => {
                fields += 1;
                if content.len() > limits.field_size {
                    return None;
                }
                let value = Cow::Borrowed(str::from_utf8(&body[content]).ok()?);
                Entry::Field { name: Cow::Borrowed(name), value }
            }
        };
        if files > limits.files || fields > limits.fields {
            return None;
        }
        entries.push(entry);
    }
}

/// What of a body was not parsed yet.
struct Rest<'b> {
    body: &'b [u8],
    at: usize,
}

impl<'b> Rest<'b> {
    fn bytes(&self) -> &'b [u8] {
        &self.body[self.at..]
    }

    /// Steps over `expected`; `None` if something else comes next.
    fn skip(&mut self, expected: &[u8]) -> Option<()> {
        self.bytes().starts_with(expected).then(|| self.at += expected.len())
    }

    /// Steps over the next `length` bytes, and `behind` more; returns the range of the first.
    fn until(&mut self, length: Option<usize>, behind: usize) -> Option<std::ops::Range<usize>> {
        let range = self.at..self.at + length?;
        self.at = range.end + behind;
        Some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { files: 1, fields: 2, field_size: 10 };
    const FIELD: &str = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
    const FILE: &str = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\n";

    fn parsed(body: &str) -> Option<Vec<(String, String)>> {
        let pair = |entry| match entry {
            Entry::Field { name, value } => (name.into_owned(), value.into_owned()),
            Entry::File(file) => (file.filename.to_owned(), body[file.content].to_owned()),
        };
        Some(parse("x", body.as_bytes(), &LIMITS)?.into_iter().map(pair).collect())
    }

    #[test]
    fn parts_are_separated_by_delimiters_alone() {
        let body = format!("{FIELD}--x\r\n\r\n--y\r\n{FIELD}\r\n{FILE}\r\n--\r\n\r\n--x--\r\n");
        let expected = [("a", "--x\r\n\r\n--y"), ("a", ""), ("n", "\r\n--\r\n")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parsed(&body), Some(expected.to_vec()));
    }

    #[test]
    fn anything_else_is_uncertain() {
        let whole = format!("{FIELD}1\r\n--x--");
        assert!(parsed(&whole).is_some());
        assert!(parsed(&format!("{whole}\r\n")).is_some());
        for body in [
            "".to_owned(),
            "--x--\r\n".to_owned(),
            format!("\r\n{whole}"),
            format!("preamble\r\n{whole}"),
            format!("{whole}\r\nepilogue"),
            format!("{FIELD}1\r\n--x"),
            format!("{FIELD}1\r\n--x-"),
            format!("{FIELD}1\r\n--x \r\n{whole}"),
            format!("{FIELD}1"),
            format!("{FIELD}12345678901\r\n--x--"),
            format!("{FIELD}\r\n{FIELD}\r\n{FIELD}\r\n--x--"),
            format!("{FILE}\r\n{FILE}\r\n--x--"),
            "--x\r\n\r\n1\r\n--x--".to_owned(),
        ] {
            assert_eq!(parsed(&body), None, "{body:?}");
        }
        assert_eq!(parse("x", &[FIELD.as_bytes(), b"\xff\r\n--x--"].concat(), &LIMITS), None);
    }
}
