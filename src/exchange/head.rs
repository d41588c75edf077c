//! The heads of a request and of its answer.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use percent_encoding::percent_decode_str;

/// The head of a request, as a plugin sees it.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub target: Target,
    /// HTTP version.
    pub version: Version,
    /// Headers.
    pub headers: HeaderMap,
    /// The client's address and port; `None` on a Unix socket.
    pub client: Option<SocketAddr>,
    /// The daemon's address and port.
    pub server: (&'static str, u16),
    /// The id of the request, in all logs.
    pub request_id: Arc<str>,
}

/// The head of an answer.
#[derive(Debug)]
pub struct ResponseHead {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
}

impl ResponseHead {
    /// The head of a JSON answer; the server adds its length.
    pub fn json(status: StatusCode) -> ResponseHead {
        // Room for the request's id too, which the daemon adds.
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ResponseHead { status, headers }
    }
}

/// Path and query of a request.
#[derive(Clone, Debug)]
pub struct Target {
    /// Both, one after the other, as they were sent.
    sent: Box<str>,
    /// Where the query begins.
    query: usize,
    /// The path, if it had to be decoded.
    decoded: Option<Box<str>>,
}

impl Target {
    /// The target of a path and a query without its `?`, both as they were sent.
    pub fn new(path: &str, query: &str) -> Target {
        let mut sent = String::with_capacity(path.len() + query.len());
        sent.push_str(path);
        sent.push_str(query);
        let decode = || percent_decode_str(path).decode_utf8_lossy().into();
        let decoded = path.contains('%').then(decode);
        Target { sent: sent.into_boxed_str(), query: path.len(), decoded }
    }

    /// The path, percent-decoded.
    pub fn path(&self) -> &str {
        self.decoded.as_deref().unwrap_or_else(|| self.raw_path())
    }

    /// The path as it was sent.
    pub fn raw_path(&self) -> &str {
        &self.sent[..self.query]
    }

    /// The query string as it was sent.
    pub fn query(&self) -> &str {
        &self.sent[self.query..]
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_keeps_what_was_sent_and_decodes_the_path() {
        let target = Target::new("/a%20b/%C3%BC", "q=%20");
        assert_eq!((target.path(), target.raw_path()), ("/a b/ü", "/a%20b/%C3%BC"));
        assert_eq!(target.query(), "q=%20");
        let plain = Target::new("/a", "");
        assert_eq!((plain.path(), plain.raw_path(), plain.query()), ("/a", "/a", ""));
    }
}
