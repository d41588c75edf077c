//! The body of a client's call: a [`Run`] in one line, and what the client sends while the call runs.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

use super::OWN_BODY_MAX;
use crate::exchange::Signals;
use crate::exchange::events::Signal;
use crate::failure::{Failure, Kind};
use crate::wire::{Reply, Run};

/// The longest line with a reply, in bytes.
const REPLY_MAX: usize = 1 << 20;

/// Returns the call in the first line of a body, and the rest of the body as it comes.
///
/// # Errors
/// The line is no [`Run`], or too long.
pub(super) async fn begun(headers: &HeaderMap, body: Body) -> Result<(Run, Body), Failure> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok());
    let size = length.and_then(|text| text.parse().ok());
    if size.is_some_and(|size: u64| size > OWN_BODY_MAX as u64) {
        return Err(too_large(size));
    }
    let wrong = |error: String| Failure::new(Kind::Usage, error);
    let (mut pieces, mut line) = (body.into_data_stream(), BytesMut::new());
    let mut rest = Bytes::new();
    while let Some(piece) = pieces.next().await {
        let mut piece = piece.map_err(|error| wrong(error.to_string()))?;
        if let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            rest = piece.split_off(end).slice(1..);
            line.extend_from_slice(&piece);
            break;
        }
        line.extend_from_slice(&piece);
        if line.len() > OWN_BODY_MAX {
            return Err(too_large(None));
        }
    }
    let run = serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
    let rest = stream::iter((!rest.is_empty()).then_some(Ok(rest)));
    Ok((run, Body::from_stream(rest.chain(pieces))))
}

fn too_large(size: Option<u64>) -> Failure {
    Failure::body_too_large(size, OWN_BODY_MAX as u64).hint(
        "The values of a call are sent as one JSON document; give a path to a file where the command takes one.",
    )
}

/// Passes the replies in a body on, until it or the call ends; a call whose body was cut off is cancelled.
pub(super) async fn pass_replies(body: Body, signals: Signals) {
    let (mut pieces, mut begun) = (body.into_data_stream(), BytesMut::new());
    while let Some(Ok(piece)) = pieces.next().await {
        begun.extend_from_slice(&piece);
        while let Some(end) = begun.iter().position(|byte| *byte == b'\n') {
            let line = begun.split_to(end + 1);
            let Ok(Reply { question, answer }) = serde_json::from_slice(&line) else { continue };
            // False only for a question that waits no longer.
            signals.send(Signal::Reply { question, reply: answer });
        }
        if begun.len() > REPLY_MAX {
            break;
        }
    }
    signals.send(Signal::Cancel);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn body(pieces: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(pieces.iter().map(|piece| Ok::<_, Infallible>(*piece))))
    }

    async fn read(pieces: &'static [&'static str]) -> Result<(String, Bytes), String> {
        let (run, rest) =
            begun(&HeaderMap::new(), body(pieces)).await.map_err(|failure| failure.error)?;
        Ok((run.plugin, axum::body::to_bytes(rest, usize::MAX).await.unwrap()))
    }

    #[tokio::test]
    async fn the_first_line_is_the_call_and_the_rest_follows() {
        const CALL: &str = r#"{"client": "1", "plugin": "p", "arguments": []}"#;
        const WITH_REST: &str = "{\"client\": \"1\", \"plugin\": \"p\", \"arguments\": []}\nab";
        let expected =
            |rest: &'static str| Ok(("p".to_owned(), Bytes::from_static(rest.as_bytes())));
        assert_eq!(read(&[CALL]).await, expected(""), "without an end of line");
        assert_eq!(read(&[CALL, "\n"]).await, expected(""));
        assert_eq!(read(&[CALL, "\na", "\nb"]).await, expected("a\nb"));
        assert_eq!(read(&[WITH_REST, "c"]).await, expected("abc"));
        assert!(read(&["{}\n"]).await.unwrap_err().contains("missing field"));
        assert!(read(&[]).await.is_err());
    }

    #[tokio::test]
    async fn a_call_that_is_too_long_is_refused_before_it_is_read() {
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, 70_000_000.into())]);
        let refused = begun(&headers, Body::empty()).await.unwrap_err();
        assert!(refused.error.contains("too large"), "{refused}");
    }
}
