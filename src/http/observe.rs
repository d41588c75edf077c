//! Every request has an id, a line in the log, and keeps the daemon from going idle; those to plugins are among the
//! [recent](crate::recent) calls.

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use super::Service;
use super::meter::{Answering, Meter};
use crate::activity::InFlight;
use crate::lifecycle::cut::CutRequest;
use crate::manifest::check_name;
use crate::mcp::scope;
use crate::metrics;
use crate::recent::{Call, Face, LONG, Listed, Outcome};
use crate::wire::{self, REQUEST_ID_HEADER};

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
pub(super) struct CalledCell(Arc<Calling>);

/// What is known of a client's call.
#[derive(Debug, Default)]
struct Calling {
    /// The plugin that it is for, before more is known.
    plugin: OnceLock<String>,
    called: OnceLock<Called>,
}

/// The status of an answer that is known only while it is sent, as an extension of it; zero before.
#[derive(Clone, Debug, Default)]
pub(super) struct LateStatus(pub(super) Arc<AtomicU16>);

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

    /// Lists the request as under way once it takes long, while there is a reader; called at each poll.
    pub(super) fn look(&self) {
        let recent = &self.service.registry.recent;
        if !recent.is_read() || self.listed.get().is_some() || !self.is_call() {
            return;
        }
        let ran = self.begun.elapsed();
        if ran >= LONG
            && let Some(listed) = recent.list(ran, || self.call())
        {
            // Set once: all polls are by one task.
            let _ = self.listed.set(listed);
        }
    }

    /// False for what only waits, and for the connection of an agent, whose calls are listed one by one.
    fn is_call(&self) -> bool {
        let path = self.uri.path();
        let below_mcp = path.strip_prefix(scope::PATH);
        let is_agents =
            path == wire::MCP || below_mcp.is_some_and(|it| it.is_empty() || it.starts_with('/'));
        self.in_flight.is_some() && !is_agents
    }

    /// Keeps the request as a recent call; of those to the daemon itself only what took long or failed.
    fn note(&self, took: Duration) {
        let is_of_plugin = self.is_of_plugin.load(Ordering::Relaxed);
        let has_failed = self.outcome.is_error();
        if self.is_call() && (is_of_plugin || has_failed || took >= LONG) {
            let recent = &self.service.registry.recent;
            recent.ended(self.begun + took, took, self.outcome, || self.call());
        }
    }

    /// What the request is known by.
    fn call(&self) -> Call {
        let (method, path) = self.called();
        let is_shell = self.uri.path() == wire::RUN;
        let awaited = self.called.get().and_then(|cell| cell.0.plugin.get());
        let first = path.split('/').nth(1).unwrap_or_default();
        let (plugin, name) = match awaited {
            Some(plugin) if path == wire::RUN => {
                (plugin.clone(), "waits for its plugin".to_owned())
            }
            _ if check_name(first).is_err() => (String::new(), format!("{method} {path}")),
            _ => (first.to_owned(), format!("{method} {path}")),
        };
        let face = if is_shell { Face::Shell } else { Face::Http };
        Call { face, plugin, name, request: self.id.clone() }
    }

    /// The method and path of the plugin's handler, if known, else of the request.
    fn called(&self) -> (&Method, &str) {
        match self.called.get().and_then(|cell| cell.0.called.get()) {
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
        if !self.is_of_plugin.load(Ordering::Relaxed) {
            let outcome = metrics::Outcome::of_status(status);
            self.service.registry.metrics.own.count(outcome, duration);
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
        response.map(|body| Body::new(Streamed { body, observed: self }))
    }
}

impl CalledCell {
    /// Notes the plugin that the call is for.
    pub(super) fn awaits(&self, plugin: &str) {
        // Fails only if it is called twice.
        let _ = self.0.plugin.set(plugin.to_owned());
    }

    /// Notes what the call came down to.
    pub(super) fn set(&self, called: Called) {
        // Fails only if it is called twice.
        let _ = self.0.called.set(called);
    }
}

/// The body of an answer that streams, whose request is in flight until its last byte.
struct Streamed {
    body: Body,
    observed: Observed,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.observed.look();
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None) = polled {
            self.finish();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Streamed {
    /// Notes that the answer is whole.
    fn finish(&mut self) {
        let observed = &mut self.observed;
        if observed.is_answered {
            return;
        }
        let late = observed.late_status.as_ref().map(|it| it.0.load(Ordering::Relaxed));
        if let Some(status @ 1..) = late {
            observed.outcome = Outcome::Status(status);
        }
        observed.note(observed.begun.elapsed());
        observed.is_answered = true;
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        match self.body.is_end_stream() {
            true => self.finish(),
            false => self.observed.outcome = Outcome::Cancelled,
        }
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
