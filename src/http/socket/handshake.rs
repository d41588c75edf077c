//! The handshake of RFC 6455: which request is for a WebSocket, and which of those are refused.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The version of the protocol that is served.
const VERSION: &str = "13";
/// Length of a key, decoded, in bytes.
const KEY_LENGTH: usize = 16;
/// What a plugin cannot set in the answer to a handshake.
const OWN: [HeaderName; 6] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_ACCEPT,
    // No extension is served.
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// Why a handshake is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The method is not `GET`.
    Method,
    /// A header is missing or invalid; the text names it.
    Header(String),
    /// The version is another one.
    Version(String),
}

/// True for a request that asks for a WebSocket, however wrong its other headers.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let is_websocket = headers
        .get(header::UPGRADE)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    is_websocket
        && headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case("upgrade"))
}

/// Returns the answer to the client's key.
///
/// # Errors
/// The handshake is not one that can succeed.
pub(super) fn judge(method: &Method, headers: &HeaderMap) -> Result<HeaderValue, Refused> {
    if method != Method::GET {
        return Err(Refused::Method);
    }
    let key = only(headers, &header::SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key")?;
    if STANDARD.decode(key).ok().is_none_or(|decoded| decoded.len() != KEY_LENGTH) {
        return Err(Refused::Header(format!("invalid Sec-WebSocket-Key header: {key}")));
    }
    let version = only(headers, &header::SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version")?;
    if version != VERSION {
        return Err(Refused::Version(version.to_owned()));
    }
    HeaderValue::try_from(derive_accept_key(key.as_bytes()))
        .map_err(|error| Refused::Header(error.to_string()))
}

/// The only value of a header.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName, shown: &str) -> Result<&'h str, Refused> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    let value = first.and_then(|value| value.to_str().ok());
    match (value, second) {
        (Some(value), None) => Ok(value),
        (_, Some(_)) => Err(Refused::Header(format!("invalid {shown} header: multiple values"))),
        (None, None) if first.is_some() => {
            Err(Refused::Header(format!("invalid {shown} header: not text")))
        }
        (None, None) => Err(Refused::Header(format!("missing {shown} header"))),
    }
}

/// The answer that makes the connection a WebSocket; `given` are the plugin's own headers.
pub(super) fn accepted(answer_to_key: HeaderValue, mut given: HeaderMap) -> Response {
    for name in &OWN {
        given.remove(name);
    }
    given.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    given.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    given.insert(header::SEC_WEBSOCKET_ACCEPT, answer_to_key);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = given;
    response
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, extra, why) = match self {
            Refused::Method => {
                let allowed = (header::ALLOW, HeaderValue::from_static("GET"));
                (StatusCode::METHOD_NOT_ALLOWED, Some(allowed), "the method is not GET".to_owned())
            }
            Refused::Header(why) => (StatusCode::BAD_REQUEST, None, why),
            Refused::Version(given) => (
                StatusCode::UPGRADE_REQUIRED,
                Some((header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION))),
                format!("invalid Sec-WebSocket-Version header: {given}"),
            ),
        };
        let text = format!("Failed to open a WebSocket connection: {why}.\n");
        let mut response = (status, text).into_response();
        response.headers_mut().extend(extra);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
    ];

    /// The headers of a handshake with other values for some; an empty one removes the header.
    fn headers(other: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in GOOD {
            headers.insert(name, value.parse().unwrap());
        }
        for (name, value) in other {
            match value.is_empty() {
                true => headers.remove(*name),
                false => headers.insert(*name, value.parse().unwrap()),
            };
        }
        headers
    }

    #[test]
    fn an_upgrade_to_websocket_asks_for_one() {
        assert!(is_asked_for(&headers(&[])));
        assert!(is_asked_for(&headers(&[("sec-websocket-key", "")])));
        assert!(!is_asked_for(&headers(&[("upgrade", "h2c")])));
        assert!(!is_asked_for(&headers(&[("upgrade", "")])));
        assert!(!is_asked_for(&headers(&[("connection", "keep-alive")])));
        assert!(!is_asked_for(&headers(&[("connection", "")])));
    }

    #[test]
    fn a_handshake_is_answered_by_its_key() {
        let answer = judge(&Method::GET, &headers(&[])).unwrap();
        assert_eq!(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_cannot_succeed_is_refused() {
        let refused = |method: Method, other: &[(&'static str, &str)]| {
            let response = judge(&method, &headers(other)).unwrap_err().into_response();
            (response.status().as_u16(), response.headers().clone())
        };
        let (status, headers) = refused(Method::POST, &[]);
        assert_eq!((status, headers["allow"].to_str().unwrap()), (405, "GET"));
        let (status, headers) = refused(Method::GET, &[("sec-websocket-version", "8")]);
        assert_eq!((status, headers["sec-websocket-version"].to_str().unwrap()), (426, "13"));
        for other in [
            ("sec-websocket-key", ""),
            ("sec-websocket-key", "short"),
            ("sec-websocket-key", "c2hvcnQ="),
            ("sec-websocket-version", ""),
        ] {
            assert_eq!(refused(Method::GET, &[other]).0, 400, "{other:?}");
        }
        let mut twice = super::tests::headers(&[]);
        twice.append("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap());
        assert!(matches!(judge(&Method::GET, &twice), Err(Refused::Header(_))));
    }

    #[test]
    fn the_connection_is_not_for_a_plugin_to_describe() {
        let mut given = HeaderMap::new();
        given.insert("x-own", "1".parse().unwrap());
        given.insert("sec-websocket-protocol", "chat".parse().unwrap());
        given.insert("sec-websocket-extensions", "permessage-deflate".parse().unwrap());
        given.insert("connection", "close".parse().unwrap());
        let response = accepted("key".parse().unwrap(), given);
        assert_eq!(response.status(), 101);
        let mut names: Vec<&str> = response.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["connection", "sec-websocket-accept", "sec-websocket-protocol", "upgrade", "x-own"]
        );
        assert_eq!(response.headers()["connection"], "Upgrade");
    }
}
