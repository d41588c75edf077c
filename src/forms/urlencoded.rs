//! `application/x-www-form-urlencoded`.
//!
//! Escapes that are no UTF-8, characters outside of ASCII, and what versions of `python-multipart` disagree on (`;`, which is
//! a separator in old ones, and fields without `=`, which are lost at the end) are uncertain.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{Entry, Limits};

/// Parses a body; `None` if it is uncertain.
pub(super) fn parse<'b>(body: &'b [u8], limits: &Limits) -> Option<Vec<Entry<'b>>> {
    let text = str::from_utf8(body).ok().filter(|text| text.is_ascii() && !text.contains(';'))?;
    let mut entries = Vec::new();
    for field in text.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=')?;
        if entries.len() == limits.fields || name.len() + value.len() > limits.field_size {
            return None;
        }
        entries.push(Entry::Field { name: unescaped(name)?, value: unescaped(value)? });
    }
    Some(entries)
}

/// The text with spaces for `+` and bytes for `%XX`; an escape that is none stays as it is.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().ok();
    }
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { files: 0, fields: 4, field_size: 20 };

    fn parsed(body: &str) -> Option<Vec<(String, String)>> {
        let pair = |entry| match entry {
            Entry::Field { name, value } => (name.into_owned(), value.into_owned()),
            Entry::File(file) => panic!("{file:?}"),
        };
        Some(parse(body.as_bytes(), &LIMITS)?.into_iter().map(pair).collect())
    }

    #[track_caller]
    fn is(body: &str, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        assert_eq!(parsed(body), Some(expected.collect()), "{body}");
    }

    #[test]
    fn fields_are_decoded() {
        is("", &[]);
        is("&&", &[]);
        is("a=1&a=2&b=", &[("a", "1"), ("a", "2"), ("b", "")]);
        is("&a=b=c&&=x&=", &[("a", "b=c"), ("", "x"), ("", "")]);
        is("a+b=c%2Bd+%c3%BC", &[("a b", "c+d ü")]);
        is("a=%&b=%4&c=%zz%41", &[("a", "%"), ("b", "%4"), ("c", "%zzA")]);
    }

    #[test]
    fn anything_else_is_uncertain() {
        for body in ["a=1;b=2", "a=ü", "a=%ff", "a=%ed%a0%80", "a", "a=&b=&c=&d=&e="] {
            assert_eq!(parsed(body), None, "{body}");
        }
        is("a=1234567890123456789", &[("a", "1234567890123456789")]);
        assert_eq!(parsed("a=12345678901234567890"), None);
        assert_eq!(parse(b"a=\xff", &LIMITS), None);
    }
}
