//! The `Content-Type` header of a form.

/// Longest boundary, by RFC 2046.
const BOUNDARY_MAX: usize = 70;

/// The kind of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ContentType<'h> {
    /// `application/x-www-form-urlencoded`.
    UrlEncoded,
    /// `multipart/form-data`, in UTF-8.
    Multipart {
        /// What separates the parts.
        boundary: &'h str,
    },
}

impl<'h> ContentType<'h> {
    /// Reads the value of the header; `None` for any other content type or parameter.
    pub(super) fn parse(header: &'h str) -> Option<ContentType<'h>> {
        let mut pieces = header.split(';');
        let essence = pieces.next()?.trim_end_matches([' ', '\t']);
        let (mut boundary, mut charset) = (None, None);
        for piece in pieces {
            let (name, value) = piece.trim_matches([' ', '\t']).split_once('=')?;
            let place = match name {
                _ if name.eq_ignore_ascii_case("boundary") => &mut boundary,
                _ if name.eq_ignore_ascii_case("charset") => &mut charset,
                _ => return None,
            };
            if place.replace(unquoted(value)?).is_some() {
                return None;
            }
        }
        if charset.is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
            return None;
        }
        // Old versions compare as it is sent.
        match (essence, boundary) {
            ("application/x-www-form-urlencoded", None) => Some(ContentType::UrlEncoded),
            ("multipart/form-data", Some(boundary)) if boundary.len() <= BOUNDARY_MAX => {
                Some(ContentType::Multipart { boundary })
            }
            _ => None,
        }
    }
}

/// The value of a parameter, quoted or not, if all of its characters are plain.
fn unquoted(value: &str) -> Option<&str> {
    let (value, more) = match value.strip_prefix('"') {
        Some(rest) => (rest.strip_suffix('"')?, "'()+_,./:=?-"),
        None => (value, "_.+-"),
    };
    let is_plain = |each: char| each.is_ascii_alphanumeric() || more.contains(each);
    (!value.is_empty() && value.chars().all(is_plain)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_spellings_are_known() {
        let boundary = |header| match ContentType::parse(header) {
            Some(ContentType::Multipart { boundary }) => Some(boundary),
            _ => None,
        };
        assert_eq!(boundary("multipart/form-data; boundary=a-b_c"), Some("a-b_c"));
        assert_eq!(boundary("multipart/form-data;BOUNDARY=\"a:b=c\""), Some("a:b=c"));
        assert_eq!(boundary("multipart/form-data; charset=UTF-8; boundary=x"), Some("x"));
        for end in ["", "; charset=utf-8", " ;charset=\"UTF-8\""] {
            let header = format!("application/x-www-form-urlencoded{end}");
            assert_eq!(ContentType::parse(&header), Some(ContentType::UrlEncoded), "{header}");
        }
    }

    #[test]
    fn anything_else_is_uncertain() {
        let too_long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for header in [
            "",
            "application/json",
            "multipart/form-data",
            "Multipart/form-data; boundary=a",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data; boundary=a b",
            "multipart/form-data; boundary=\"a b\"",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=a;",
            "multipart/form-data; boundary*=utf-8''a",
            "multipart/form-data; boundary = a",
            "multipart/form-data; charset=latin-1; boundary=a",
            "multipart/mixed; boundary=a",
            "application/x-www-form-urlencoded; boundary=a",
            "application/x-www-form-urlencoded; charset=ü",
            &too_long,
        ] {
            assert_eq!(ContentType::parse(header), None, "{header}");
        }
    }
}
