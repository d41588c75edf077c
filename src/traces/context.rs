//! The context of a span, which W3C Trace Context writes as `traceparent`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

/// The longest `tracestate`, in characters: what W3C Trace Context has every system pass on.
const STATE_MAX: usize = 512;

/// The id of a trace: 16 bytes, not all of them zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

/// The id of a span: 8 bytes, not all of them zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub u64);

/// A span, as others refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanContext {
    /// Its trace.
    pub trace: TraceId,
    /// Its own id.
    pub span: SpanId,
    /// Whether it is recorded.
    pub is_sampled: bool,
}

/// What systems along a trace keep for themselves, which W3C Trace Context writes as `tracestate`: passed on as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceState(Option<Arc<str>>);

/// A text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl TraceId {
    /// Returns a random id.
    pub fn random() -> TraceId {
        TraceId(Uuid::new_v4().as_u128())
    }
}

impl SpanId {
    /// Returns a random id.
    pub fn random() -> SpanId {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        // The bits that a UUID fixes lie elsewhere in each half.
        SpanId(high ^ low.rotate_left(24))
    }
}

impl TraceState {
    /// Returns the state of several headers or one variable; none if it is longer than what has to be passed on, or is
    /// not printable ASCII.
    pub fn joined<'t>(parts: impl IntoIterator<Item = &'t str>) -> TraceState {
        let parts = parts.into_iter().map(str::trim).filter(|part| !part.is_empty());
        let text = parts.collect::<Vec<_>>().join(",");
        let is_printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let fits = !text.is_empty() && text.len() <= STATE_MAX && text.bytes().all(is_printable);
        TraceState(fits.then(|| text.into()))
    }

    /// The text, if there is a state.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}

impl FromStr for SpanContext {
    type Err = Malformed;

    /// Parses version 00, and of later versions what they have in common with it.
    fn from_str(text: &str) -> Result<SpanContext, Malformed> {
        let mut fields = text.trim().splitn(5, '-');
        let mut field = |digits: usize| fields.next().and_then(|field| hex(field, digits));
        let version = field(2).filter(|version| *version != 0xff);
        let (trace, span, flags) = (field(32), field(16), field(2));
        match (version, trace, span, flags, fields.next()) {
            (Some(0), .., Some(_)) => Err(Malformed),
            (Some(_), Some(trace), Some(span), Some(flags), _) if trace != 0 && span != 0 => {
                let span = SpanId(u64::try_from(span).map_err(|_| Malformed)?);
                Ok(SpanContext { trace: TraceId(trace), span, is_sampled: flags & 1 == 1 })
            }
            _ => Err(Malformed),
        }
    }
}

/// Parses a number of exactly so many lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == digits && text.bytes().all(is_hex);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_written_as_it_was_read() {
        for text in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000001-0000000000000001-00",
        ] {
            assert_eq!(text.parse::<SpanContext>().unwrap().to_string(), text);
        }
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more-of-it";
        assert!(later.parse::<SpanContext>().unwrap().is_sampled);
    }

    #[test]
    fn a_state_is_kept_as_it_is_unless_it_is_too_long_or_no_text() {
        let joined = |parts: &[&str]| TraceState::joined(parts.iter().copied());
        assert_eq!(joined(&["a=1, b=2"]).text(), Some("a=1, b=2"));
        assert_eq!(joined(&["a=1 ", "", "c=3"]).text(), Some("a=1,c=3"));
        assert_eq!(joined(&["x".repeat(512).as_str()]).text().map(str::len), Some(512));
        for parts in [&[][..], &[" "], &["x".repeat(513).as_str()], &["a=\u{e4}"], &["a=\tb"]] {
            assert_eq!(joined(parts), TraceState::default());
        }
    }

    #[test]
    fn what_the_specification_forbids_is_malformed() {
        for text in [
            "",
            "00",
            "00-1-2-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert_eq!(text.parse::<SpanContext>(), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn random_ids_differ() {
        assert_ne!(TraceId::random(), TraceId::random());
        assert_ne!(SpanId::random(), SpanId::random());
    }
}
