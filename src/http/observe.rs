//! Every request has an id, a line in the log, and keeps the daemon from going idle; those to plugins are among the
//! [recent](crate::recent) calls.

mod called;
mod listed;
mod streamed;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::response::Response;
use http_body::Body as _;
use tokio::time::Instant;

use super::Service;
use super::meter::{Answering, Meter};
use crate::activity::InFlight;
use crate::lifecycle::cut::CutRequest;
use crate::metrics;
use crate::recent::{Listed, Outcome};
use crate::wire::REQUEST_ID_HEADER;
pub(super) use called::{Called, CalledCell, LateStatus};
use streamed::Streamed;

/// Made once: a name in letters is hashed anew each time.
static REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
/// From this time on a request is logged as slow.
const SLOW: Duration = Duration::from_secs(1);
/// The longest id that is taken from a client, in bytes.
const REQUEST_ID_MAX: usize = 128;

/// The id of the request at hand, as an extension of it.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) Arc<str>);

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
    called: OnceLock<CalledCell>,
    /// True for one that a plugin answers, which is counted as its command's.
    is_of_plugin: AtomicBool,
    /// True once all of the answer was handed over.
    is_answered: bool,
    /// How it ends, unless it is cut off.
    outcome: Outcome,
    late_status: Option<LateStatus>,
    listed: OnceLock<Listed>,
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
        called: OnceLock::new(),
        is_of_plugin: AtomicBool::new(false),
        is_answered: false,
        outcome: Outcome::Cancelled,
        late_status: None,
        listed: OnceLock::new(),
        answering,
    }
}

/// Reports a request that is cut off, before its answer or in the middle of it.
impl Drop for Observed {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        self.note(self.begun.elapsed());
        let service = &self.service;
        if !service.cutting.load(Ordering::Relaxed) {
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
    pub(super) fn called_cell(&self) -> CalledCell {
        self.called.get_or_init(CalledCell::default).clone()
    }

    /// Notes that a plugin answers it.
    pub(super) fn set_of_plugin(&self) {
        self.is_of_plugin.store(true, Ordering::Relaxed);
    }

    /// The method and path of the plugin's handler, if known, else of the request.
    fn called(&self) -> (&Method, &str) {
        match self.called.get().and_then(|cell| cell.called()) {
            Some(called) => (&called.method, called.path.as_str()),
            None => (&self.method, self.uri.path()),
        }
    }

    /// Logs the request, counts it if no plugin does, and echoes its id.
    pub(super) fn end(mut self, mut response: Response) -> Response {
        let (method, path) = self.called();
        let (duration, id) = (self.begun.elapsed(), &*self.id);
        let status = response.status().as_u16();
        if !self.is_of_plugin.load(Ordering::Relaxed) {
            let outcome = metrics::Outcome::of_status(status);
            self.service.registry.metrics.own.count(outcome, duration);
        }
        // Of most requests nothing is logged, so the fields are made where they are used.
        let plugin = || path.split('/').nth(1).unwrap_or_default();
        let duration_ms = || (duration.as_secs_f64() * 1e5).round() / 100.0;
        if duration >= SLOW {
            tracing::warn!(request_id = id, plugin = plugin(), %method, path, status, duration_ms = duration_ms(), "slow_request");
        } else if status >= 500 {
            tracing::warn!(request_id = id, plugin = plugin(), %method, path, status, duration_ms = duration_ms(), "request");
        } else {
            tracing::debug!(request_id = id, plugin = plugin(), %method, path, status, duration_ms = duration_ms(), "request");
        }
        if let Ok(value) = HeaderValue::from_str(id) {
            response.headers_mut().insert(&REQUEST_ID, value);
        }
        if response.extensions_mut().remove::<Waits>().is_some() {
            self.in_flight = None;
        }
        self.outcome = Outcome::Status(status);
        if let Some(held) = response.extensions_mut().remove::<Held>() {
            let listed = self.service.registry.recent.list(duration, || self.call());
            self.listed = listed.map(OnceLock::from).unwrap_or_default();
            // Set once: a request has one answer.
            let _ = held.0.set(self);
            return response;
        }
        if response.body().size_hint().exact().is_some() {
            self.note(duration);
            self.is_answered = true;
            return response;
        }
        self.late_status = response.extensions_mut().remove::<LateStatus>();
        response.map(|body| Body::new(Streamed::new(body, self)))
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
