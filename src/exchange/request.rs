//! The request of a call: received over HTTP, or composed of a command's values.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::head::{RequestHead, Target};

/// Everything but RFC 3986's unreserved characters.
pub(crate) const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The request of a call.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most requests come over HTTP: they are not to allocate"
)]
pub enum Request {
    /// A request as it came.
    Received(RequestHead),
    /// A request made of values.
    Composed(Box<Addressed>),
}

impl Request {
    /// The head as FastAPI sees it; that of a composed request is written when it is first asked for.
    pub fn head(&self) -> &RequestHead {
        match self {
            Request::Received(head) => head,
            Request::Composed(addressed) => &addressed.written().head,
        }
    }

    /// The id of the request, in all logs.
    pub fn id(&self) -> &Arc<str> {
        match self {
            Request::Received(head) => &head.request_id,
            Request::Composed(addressed) => &addressed.request_id,
        }
    }

    /// The body of a composed request; a received one has its body elsewhere.
    pub(super) fn body(&self) -> Bytes {
        match self {
            Request::Received(_) => Bytes::new(),
            Request::Composed(addressed) => addressed.written().body.clone(),
        }
    }
}

/// A request made of a command's values.
#[derive(Clone, Debug, Default)]
pub struct Composed {
    /// Method.
    pub method: Method,
    /// The decoded path below the plugin's prefix, one per segment; a trailing slash gives an empty one.
    pub segments: Vec<String>,
    /// The parameters of the path and their values.
    pub path: Vec<(String, String)>,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// Headers that are parameters.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Cookies that are parameters.
    pub cookies: Vec<(String, String)>,
    /// The fields of the JSON body; `None` without a body.
    pub body: Option<Map<String, Value>>,
    /// A JSON body that is no object.
    pub whole_body: Option<Value>,
}

/// A composed request to one plugin; HTTP is written of it only where FastAPI is asked.
#[derive(Debug)]
pub struct Addressed {
    composed: Composed,
    plugin: String,
    port: u16,
    request_id: Arc<str>,
    written: OnceLock<Written>,
}

#[derive(Debug)]
struct Written {
    head: RequestHead,
    body: Bytes,
}

impl Addressed {
    /// Addresses `composed` to `plugin` of the daemon at `port`, under the id `request_id`.
    pub fn new(composed: Composed, plugin: &str, port: u16, request_id: Arc<str>) -> Addressed {
        let plugin = plugin.to_owned();
        Addressed { composed, plugin, port, request_id, written: OnceLock::new() }
    }

    /// The values.
    pub fn composed(&self) -> &Composed {
        &self.composed
    }

    /// The id of the request, in all logs.
    pub fn id(&self) -> &str {
        &self.request_id
    }

    /// The decoded path, prefix included.
    pub fn path(&self) -> String {
        let below = self.composed.segments.iter().map(|segment| format!("/{segment}"));
        format!("/{}{}", self.plugin, below.collect::<String>())
    }

    fn written(&self) -> &Written {
        self.written.get_or_init(|| {
            let composed = &self.composed;
            // JSON values are always JSON.
            let whole = composed.whole_body.as_ref().map(serde_json::to_vec);
            let body = whole.or_else(|| composed.body.as_ref().map(serde_json::to_vec));
            let body = body.map(|body| Bytes::from(body.unwrap_or_default()));
            let head = RequestHead {
                method: composed.method.clone(),
                target: Target::new(&self.encoded_path(), &composed.encoded_query()),
                version: Version::HTTP_11,
                headers: self.all_headers(body.as_ref().map(Bytes::len)),
                client: None,
                server: ("localhost", self.port),
                request_id: self.request_id.clone(),
            };
            Written { head, body: body.unwrap_or_default() }
        })
    }

    fn encoded_path(&self) -> String {
        let mut path = format!("/{}", self.plugin);
        for segment in &self.composed.segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, ENCODED));
        }
        path
    }

    fn all_headers(&self, length: Option<usize>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(host) = HeaderValue::try_from(format!("localhost:{}", self.port)) {
            headers.insert(header::HOST, host);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("skills-client"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(self.composed.headers.iter().cloned());
        if let Some(cookies) = self.composed.cookie_header() {
            headers.append(header::COOKIE, cookies);
        }
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        headers
    }
}

impl Composed {
    fn encoded_query(&self) -> String {
        let mut query = String::new();
        for (name, value) in &self.query {
            if !query.is_empty() {
                query.push('&');
            }
            query.extend(utf8_percent_encode(name, ENCODED));
            query.push('=');
            query.extend(utf8_percent_encode(value, ENCODED));
        }
        query
    }

    fn cookie_header(&self) -> Option<HeaderValue> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        HeaderValue::try_from(cookies.join("; ")).ok().filter(|_| !cookies.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composed_request_is_written_as_the_same_call_over_http() {
        let composed = Composed {
            method: Method::POST,
            segments: vec!["a b".into(), "ü/é".into()],
            query: vec![("q".into(), "x&y".into()), ("n".into(), "1".into())],
            cookies: vec![("s".into(), "1".into()), ("t".into(), "2".into())],
            body: Some(Map::from_iter([("k".to_owned(), Value::from(1))])),
            ..Composed::default()
        };
        let request = Request::Composed(Box::new(Addressed::new(composed, "p", 9100, "id".into())));
        let head = request.head();
        assert_eq!(head.target.raw_path(), "/p/a%20b/%C3%BC%2F%C3%A9");
        assert_eq!(head.target.query(), "q=x%26y&n=1");
        assert_eq!(head.headers["cookie"], "s=1; t=2");
        assert_eq!(head.headers["content-length"], "7");
        assert_eq!((request.body(), &**request.id()), (Bytes::from_static(b"{\"k\":1}"), "id"));
    }
}
