//! The head of one part of a multipart body.
//!
//! | part of the head | plain is |
//! | --- | --- |
//! | lines | at most [`HEADERS_MAX`], each of at most [`LINE_MAX`] bytes |
//! | name of a header | letters and hyphens |
//! | value of a header | no control characters, not empty |
//! | `Content-Disposition` | `form-data; name="…"` or `form-data; name="…"; filename="…"`, in UTF-8, without backslashes |

use memchr::memmem;

/// Most headers of a part; newer versions of `python-multipart` refuse more.
const HEADERS_MAX: usize = 8;
/// Longest line of a head, in bytes; shorter than the limit of `python-multipart`.
const LINE_MAX: usize = 4096;

/// The head of a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'b> {
    /// Name of the field.
    pub(super) name: &'b str,
    /// Name of the file, if the part is one.
    pub(super) filename: Option<&'b str>,
    /// All headers as they were sent.
    pub(super) headers: Vec<(&'b str, &'b [u8])>,
}

impl<'b> Head<'b> {
    /// Parses the lines of a head, without the empty one at its end; `None` if they are uncertain.
    pub(super) fn parse(text: &'b [u8]) -> Option<Head<'b>> {
        let (mut headers, mut disposition) = (Vec::new(), None);
        let mut rest = Some(text);
        while let Some(text) = rest {
            let line;
            (line, rest) = match memmem::find(text, b"\r\n") {
                Some(end) => (&text[..end], Some(&text[end + 2..])),
                None => (text, None),
            };
            let (name, value) = header(line).filter(|_| headers.len() < HEADERS_MAX)?;
            if name.eq_ignore_ascii_case("content-disposition")
                && disposition.replace(value).is_some()
            {
                return None;
            }
            headers.push((name, value));
        }
        let (name, filename) = names(disposition?)?;
        Some(Head { name, filename, headers })
    }
}

/// Name and value of a header.
fn header(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = memchr::memchr(b':', line).filter(|_| line.len() <= LINE_MAX)?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii_start());
    let is_plain = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'-';
    if !name.first()?.is_ascii_alphabetic() || !name.iter().all(is_plain) {
        return None;
    }
    // Behind the name too: only spaces may have been cut off there.
    let has_controls = line[colon..].iter().any(u8::is_ascii_control);
    (!value.is_empty() && !has_controls).then_some((str::from_utf8(name).ok()?, value))
}

/// The names in the value of a `Content-Disposition`: of the field and, if it is one, of the file.
fn names(disposition: &[u8]) -> Option<(&str, Option<&str>)> {
    let disposition = str::from_utf8(disposition).ok()?;
    let (name, rest) = disposition.strip_prefix("form-data; name=\"")?.split_once('"')?;
    let filename = match rest {
        "" => None,
        _ => Some(rest.strip_prefix("; filename=\"")?.strip_suffix('"')?),
    };
    let is_plain = |text: &str| !text.contains(['"', '\\']);
    let are_plain = !name.is_empty() && is_plain(name) && filename.is_none_or(is_plain);
    are_plain.then_some((name, filename))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(text: &str) -> Option<(&str, Option<&str>)> {
        Head::parse(text.as_bytes()).map(|head| (head.name, head.filename))
    }

    #[test]
    fn plain_heads_are_parsed() {
        let head = "content-Disposition:  form-data; name=\"a; b\"; filename=\"ü.txt\"\r\n\
                    Content-Type: text/plain";
        assert_eq!(names_of(head), Some(("a; b", Some("ü.txt"))));
        let headers = Head::parse(head.as_bytes()).unwrap().headers;
        assert_eq!(headers[1], ("Content-Type", b"text/plain".as_slice()));
        let field = "Content-Disposition:form-data; name=\"ü\"";
        assert_eq!(names_of(field), Some(("ü", None)));
        let empty = "Content-Disposition: form-data; name=\"a\"; filename=\"\"";
        assert_eq!(names_of(empty), Some(("a", Some(""))));
    }

    #[test]
    fn anything_else_is_uncertain() {
        let plain = "Content-Disposition: form-data; name=\"a\"";
        let many = format!("{plain}{}", "\r\nX: y".repeat(HEADERS_MAX));
        let long = format!("{plain}\r\nX: {}", "y".repeat(LINE_MAX));
        for head in [
            "",
            "Content-Type: text/plain",
            "Content-Disposition: form-data; name=a",
            "Content-Disposition: form-data; name=\"\"",
            "Content-Disposition: form-data; name=\"a",
            "Content-Disposition: form-data; name=\"a\\\"b\"",
            "Content-Disposition: form-data; name=\"a\"; filename=b",
            "Content-Disposition: form-data; name=\"a\"; filename=\"C:\\b\"",
            "Content-Disposition: form-data; name=\"a\"; filename*=utf-8''b",
            "Content-Disposition: form-data; name=\"a\"; filename=\"b\"; filename=\"c\"",
            "Content-Disposition: form-data; filename=\"b\"; name=\"a\"",
            "Content-Disposition: form-data; name=\"a\tb\"",
            "Content-Disposition:\tform-data; name=\"a\"",
            &format!("{plain}\r\n{plain}"),
            &format!("{plain}\r\n"),
            &format!("{plain}\r\nX"),
            &format!("{plain}\r\nX:"),
            &format!("{plain}\r\nX1: y"),
            &format!("{plain}\r\n-X: y"),
            &format!("{plain}\r\n X: y"),
            &format!("{plain}\r\nX: y\rz"),
            &format!("{plain}\nX: y"),
            &many,
            &long,
        ] {
            assert_eq!(names_of(head), None, "{head:?}");
        }
        assert_eq!(Head::parse(b"Content-Disposition: form-data; name=\"\xff\""), None);
    }
}
