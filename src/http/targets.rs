//! Request targets with characters that no URI has, as people type them:
//! `curl 'http://localhost:9100/jira/search?jql=due<now()'`.
//!
//! hyper refuses such a request where other servers take it, so these characters are percent-encoded as they arrive.
//! That is right in a request line only; anywhere else it would change a body. So [`Targets`] follows the stream for as
//! long as it is certain where a request line begins: at the begin of the connection, and after each request that
//! consists of its head, as most do. After any other nothing is encoded any more.

/// What hyper refuses in a path, and in a query.
const NOT_IN_PATH: &[u8] = b"<>`";
const NOT_IN_QUERY: &[u8] = b"\"<>";

/// The request lines of one connection.
#[derive(Debug, Default)]
pub(super) struct Targets {
    place: Place,
    /// How many heads have come to their end.
    heads: u32,
}

/// Where in its request the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before its first byte, if all requests until then consist of their heads.
    #[default]
    Begin,
    Method,
    Path,
    Query,
    /// After its target, in a line.
    Line,
    /// At the begin of another line.
    NextLine,
    /// After the `\r` of the empty line that ends its head.
    LastLine,
    /// Not known.
    Lost,
}

impl Targets {
    /// Returns the next bytes of the stream with their targets encoded, or `None` if these need not be.
    ///
    /// `whole` is how many requests were taken that consist of their heads.
    pub(super) fn encode(&mut self, read: &[u8], whole: u32) -> Option<Vec<u8>> {
        // The last request has a body, or becomes something else than HTTP.
        if self.place == Place::Begin && self.heads != whole {
            self.place = Place::Lost;
        }
        let mut encoded: Option<Vec<u8>> = None;
        let mut kept = 0;
        let mut at = 0;
        while at < read.len() && self.place != Place::Lost {
            if self.place == Place::Line {
                let Some(length) = read[at..].iter().position(|byte| *byte == b'\n') else { break };
                at += length;
            }
            let byte = read[at];
            let refused = match self.place {
                Place::Path => NOT_IN_PATH,
                Place::Query => NOT_IN_QUERY,
                _ => &[],
            };
            if refused.contains(&byte) {
                let encoded = encoded.get_or_insert_default();
                encoded.extend_from_slice(&read[kept..at]);
                encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
                kept = at + 1;
            }
            self.place = self.after(byte, at == 0);
            at += 1;
        }
        encoded.as_mut()?.extend_from_slice(&read[kept..]);
        encoded
    }

    /// The place after `byte`, which is the first of what was read or not.
    fn after(&mut self, byte: u8, is_first: bool) -> Place {
        match (self.place, byte) {
            // Empty lines before a request line are allowed, but no client sends them.
            (Place::Begin, b'\r' | b'\n') => Place::Lost,
            (Place::Begin, _) if is_first => Place::Method,
            // It came with the head before it, of which is not known yet whether a body follows.
            (Place::Begin, _) => Place::Lost,
            (Place::Method, b' ') => Place::Path,
            (Place::Path, b'?') => Place::Query,
            (Place::Path | Place::Query, b' ') => Place::Line,
            (Place::NextLine, b'\r') => Place::LastLine,
            (Place::NextLine | Place::LastLine, b'\n') => {
                self.heads = self.heads.wrapping_add(1);
                Place::Begin
            }
            (Place::LastLine, _) => Place::Lost,
            (Place::Method | Place::Path | Place::Query | Place::Line, b'\n') => Place::NextLine,
            (Place::NextLine, _) => Place::Line,
            (place, _) => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: &str = " HTTP/1.1\r\nhost: \"a<b>`\"\r\n\r\n";

    /// What becomes of the pieces; before each, so many requests were taken that consist of their heads.
    fn encoded(targets: &mut Targets, pieces: &[(&str, u32)]) -> String {
        let passed = pieces.iter().map(|(piece, whole)| {
            let encoded = targets.encode(piece.as_bytes(), *whole);
            encoded.map_or((*piece).to_owned(), |encoded| String::from_utf8(encoded).unwrap())
        });
        passed.collect()
    }

    #[test]
    fn what_hyper_refuses_is_encoded_in_path_and_query() {
        let sent = format!("GET /a<b>`\"?q=\"<1>\"`&<{HEADERS}");
        let expected = format!("GET /a%3Cb%3E%60\"?q=%22%3C1%3E%22`&%3C{HEADERS}");
        assert_eq!(encoded(&mut Targets::default(), &[(&sent, 0)]), expected);
        for at in 1..sent.len() {
            let (first, second) = sent.split_at(at);
            let mut targets = Targets::default();
            assert_eq!(
                encoded(&mut targets, &[(first, 0), (second, 0)]),
                expected,
                "split at {at}"
            );
            assert_eq!((targets.place, targets.heads), (Place::Begin, 1), "split at {at}");
        }
        for line_end in ["\n", "\r\n"] {
            let sent = format!("GET /<{}", HEADERS.replace("\r\n", line_end));
            let mut targets = Targets::default();
            assert_eq!(encoded(&mut targets, &[(&sent, 0)]), sent.replacen('<', "%3C", 1));
            assert_eq!(targets.place, Place::Begin);
        }
    }

    #[test]
    fn what_needs_no_change_is_not_copied() {
        let sent = format!("GET /a?b=c{HEADERS}");
        assert_eq!(Targets::default().encode(sent.as_bytes(), 0), None);
    }

    #[test]
    fn the_next_request_is_encoded_once_the_one_before_was_taken_whole() {
        let sent = format!("GET /<{HEADERS}");
        let expected = sent.replacen('<', "%3C", 1);
        let mut targets = Targets::default();
        let pieces: Vec<_> = (0..3).map(|whole| (&*sent, whole)).collect();
        assert_eq!(encoded(&mut targets, &pieces), expected.repeat(3));
    }

    #[test]
    fn what_may_be_a_body_is_never_changed() {
        let head = "POST /a HTTP/1.1\r\ncontent-length: 40\r\n\r\n";
        let body = format!("GET /<{HEADERS}");
        let unchanged = |pieces: &[(&str, u32)]| {
            let sent: String = pieces.iter().map(|(piece, _)| *piece).collect();
            assert_eq!(encoded(&mut Targets::default(), pieces), sent);
        };
        unchanged(&[(head, 0), (&body, 0), (&body, 1)]);
        unchanged(&[(&format!("{head}{body}"), 0), (&body, 1), (&body, 2)]);
        // Of the second head it is not certain that it is one: nothing is encoded after it either.
        let get = format!("GET /a{HEADERS}");
        unchanged(&[(&format!("{get}{get}"), 0), (&body, 1), (&body, 2)]);
        unchanged(&[(&format!("{get}G"), 0), (&body[1..], 1), (&body, 2)]);
        unchanged(&[(&format!("\r\n{body}"), 0)]);
    }
}
