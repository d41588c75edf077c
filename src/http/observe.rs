//! Every request has an id, a line in the log, and keeps the daemon from going idle.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::response::Response;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::Service;
use super::meter::{Answering, Meter};
use crate::activity::InFlight;
use crate::lifecycle::cut::CutRequest;
use crate::metrics::Outcome;
use crate::wire::REQUEST_ID_HEADER;

/// Made once: a name in letters is hashed anew each time.
static REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
/// From this time on a request is logged as slow.
const SLOW: Duration = Duration::from_secs(1);
/// The longest id that is taken from a client, in bytes.
const REQUEST_ID_MAX: usize = 128;

/// The id of the request at hand, as an extension of it.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// The request that a client's call came down to.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) method: Method,
    pub(super) path: String,
}

/// The place for a [`Called`], as an extension of the request.
#[derive(Clone, Debug, Default)]
pub(super) struct CalledCell(pub(super) Arc<OnceLock<Called>>);

/// Marks an answer, as an extension of it, that waits for what may happen: it does not keep the daemon awake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits;

/// Marks an answer, as an extension of it, of a call that is counted as its command's.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfPlugin;

/// A request in flight.
pub(super) struct Observed {
    begun: Instant,
    service: Arc<Service>,
    /// None for what only waits, which does not keep the daemon awake.
    in_flight: Option<InFlight>,
    id: Arc<str>,
    method: Method,
    uri: Uri,
    /// Only requests for the daemon's own routes have one.
    called: Option<CalledCell>,
    /// True for one that a plugin answers, which is counted as its command's.
    pub(super) is_of_plugin: bool,
    is_answered: bool,
    /// On a connection that is timed.
    answering: Option<Answering>,
}

/// The place for the request of a WebSocket, which is in flight until that ends; an extension of the answer that
/// accepts it.
#[derive(Clone, Default)]
pub(super) struct Held(Arc<OnceLock<Observed>>);

/// Gives the request its id and counts it as in flight.
pub(super) fn begin(
    service: Arc<Service>,
    request: &Request,
    answering: Option<Answering>,
) -> Observed {
    let begun = Instant::now();
    let in_flight = Some(service.activity.begin_at(begun));
    let id = request_id(request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    Observed {
        begun,
        service,
        in_flight,
        id,
        method,
        uri,
        called: None,
        is_of_plugin: false,
        is_answered: false,
        answering,
    }
}

/// Reports a request that is cut off, before its answer or in the middle of it.
impl Drop for Observed {
    fn drop(&mut self) {
        let service = &self.service;
        if self.is_answered || !service.cutting.load(Ordering::Relaxed) {
            return;
        }
        let (method, path) = self.called();
        let request = CutRequest {
            method: method.to_string(),
            path: path.to_owned(),
            seconds: self.begun.elapsed().as_secs(),
        };
        service.cut.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    }
}

impl Observed {
    /// The meter of a connection that is timed.
    pub(super) fn meter(&self) -> Option<&Meter> {
        self.answering.as_ref().map(Answering::meter)
    }

    /// The request's id.
    pub(super) fn id(&self) -> RequestId {
        RequestId(self.id.clone())
    }

    /// The place for what the request comes down to.
    pub(super) fn called_cell(&mut self) -> CalledCell {
        self.called.get_or_insert_default().clone()
    }

    /// The method and path of the plugin's handler, if known, else of the request.
    fn called(&self) -> (&Method, &str) {
        match self.called.as_ref().and_then(|cell| cell.0.get()) {
            Some(called) => (&called.method, called.path.as_str()),
            None => (&self.method, self.uri.path()),
        }
    }

    /// Logs the request, counts it if no plugin does, and echoes its id.
    pub(super) fn end(mut self, mut response: Response) -> Response {
        let (method, path) = self.called();
        let (duration, id) = (self.begun.elapsed(), &self.id);
        let duration_ms = (duration.as_secs_f64() * 1e5).round() / 100.0;
        let status = response.status().as_u16();
        let plugin = path.split('/').nth(1).unwrap_or_default();
        if !self.is_of_plugin {
            self.service.registry.metrics.own.count(Outcome::of_status(status), duration);
        }
        if duration >= SLOW {
            tracing::warn!(request_id = &**id, plugin, %method, path, status, duration_ms, "slow_request");
        } else if status >= 500 {
            tracing::warn!(request_id = &**id, plugin, %method, path, status, duration_ms, "request");
        } else {
            tracing::debug!(request_id = &**id, plugin, %method, path, status, duration_ms, "request");
        }
        if let Ok(value) = HeaderValue::from_str(id) {
            response.headers_mut().insert(&REQUEST_ID, value);
        }
        if response.extensions_mut().remove::<Waits>().is_some() {
            self.in_flight = None;
        }
        if let Some(held) = response.extensions_mut().remove::<Held>() {
            // Set once: a request has one answer.
            let _ = held.0.set(self);
            return response;
        }
        if response.body().size_hint().exact().is_some() {
            self.is_answered = true;
            return response;
        }
        // An answer that streams is in flight until its last byte.
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _ = &self;
                frame
            }))
        })
    }
}

/// The client's own id, if it is short and printable, else a new one of 8 hex digits.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    headers
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= REQUEST_ID_MAX)
        .map_or_else(fresh_id, Arc::from)
}

/// Eight hex digits, different for each request; they are no secret.
fn fresh_id() -> Arc<str> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static KEYS: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let hash = KEYS.get_or_init(RandomState::new).hash_one(count);
    // Each request passes here: digits without a text in between.
    let digits = std::array::from_fn(|at| b"0123456789abcdef"[(hash >> (4 * at)) as usize & 15]);
    let digits: [u8; 8] = digits;
    std::str::from_utf8(&digits).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_or_made() {
        let mut headers = HeaderMap::new();
        let made = request_id(&headers);
        assert!(made.len() == 8 && made.chars().all(|c| c.is_ascii_hexdigit()), "{made}");
        assert_ne!(made, request_id(&headers));
        headers.insert(REQUEST_ID_HEADER, "abc".parse().unwrap());
        assert_eq!(&*request_id(&headers), "abc");
        headers.insert(REQUEST_ID_HEADER, "x".repeat(129).parse().unwrap());
        assert_eq!(request_id(&headers).len(), 8);
    }
}
