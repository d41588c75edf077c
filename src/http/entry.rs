//! The one way in: what happens to a request before it is answered.
//!
//! Hundreds of thousands of requests may pass here in a second, so a request for a plugin that serves goes
//! straight to it; the router takes all others. No plugin can have a name that
//! hides a route of the daemon's ([`crate::manifest::check_name`]), and the pages that the daemon adds below a
//! plugin's prefix are in [`PAGES`].

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tower_service::Service as _;

use super::dispatch;
use super::gate::Gate;
use super::guard::{self, Passed};
use super::meter::Meter;
use super::metered::{self, MeteredBody};
use super::observe::{Observed, OfPlugin};
use super::peer::Peer;
use super::relay::{self, Repeatable};
use super::socket::Slot;
use super::{Service, failed, observe, origins};
use crate::registry::Served;
use crate::settings::Settings;

/// What the daemon itself answers below a plugin's prefix.
const PAGES: [&str; 3] = ["help", "commands", "openapi.json"];

/// Makes the service of each connection.
#[derive(Clone)]
pub struct Entry(Arc<Shared>);

struct Shared {
    service: Arc<Service>,
    router: Router,
    gate: Gate,
}

/// The service of one connection.
pub struct Connection {
    shared: Arc<Shared>,
    peer: Peer,
    slot: Slot,
    settings: Arc<Settings>,
    meter: Arc<Meter>,
}

impl Entry {
    pub(super) fn new(service: Arc<Service>, router: Router) -> Entry {
        let gate = Gate::new(service.settings.clone());
        Entry(Arc::new(Shared { service, router, gate }))
    }
}

impl Entry {
    /// The service of a connection from `peer`.
    pub(crate) fn connection(&self, peer: Peer) -> Connection {
        let settings = self.0.service.settings.now();
        let meter = Arc::new(Meter::new(peer != Peer::Unix, &settings.limits));
        Connection { shared: self.0.clone(), peer, slot: Slot::default(), settings, meter }
    }

    /// What decides which connections are served.
    pub(super) fn gate(&self) -> &Gate {
        &self.0.gate
    }
}

/// A request's answer on the way.
type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Connection {
    /// The place for the WebSocket that the connection becomes.
    pub(super) fn slot(&self) -> Slot {
        self.slot.clone()
    }

    /// The settings that it began with.
    pub(super) fn settings(&self) -> Arc<Settings> {
        self.settings.clone()
    }

    /// Its meter.
    pub(super) fn meter(&self) -> Arc<Meter> {
        self.meter.clone()
    }

    /// Answers a request.
    pub(crate) fn call(&self, mut request: Request) -> Answering {
        let (shared, peer) = (self.shared.clone(), self.peer);
        let answering = self.meter.answer();
        self.slot.offer(&mut request);
        Box::pin(async move {
            let observed = observe::begin(shared.service.clone(), &request, answering);
            let (passed, response) = match guard::check(peer, &shared.service, &request) {
                Err(refused) => (Passed::Plain, failed(&refused)),
                Ok(passed @ Passed::Preflight(_)) => (passed, origins::preflight(&request)),
                Ok(passed) => {
                    if let (Passed::Own, Some(meter)) = (&passed, observed.meter()) {
                        meter.trust();
                    }
                    let mut answer = pin!(shared.answer(peer, &observed, request));
                    let watched = poll_fn(|context| {
                        observed.look();
                        answer.as_mut().poll(context)
                    });
                    (passed, watched.await)
                }
            };
            let response = match observed.meter().is_some_and(Meter::body_is_late) {
                true => late(),
                false => response,
            };
            let mut response = observed.end(response);
            if let Passed::Foreign(origin) | Passed::Preflight(origin) = passed {
                origins::allow(&mut response, origin);
            }
            let is_http = response.status() != StatusCode::SWITCHING_PROTOCOLS;
            if is_http && shared.service.closing.load(Ordering::Relaxed) {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

impl hyper::service::Service<hyper::Request<Incoming>> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: hyper::Request<Incoming>) -> Answering {
        let has_body = !request.body().is_end_stream();
        if !has_body && request.extensions().get::<OnUpgrade>().is_none() {
            self.meter.note_whole();
        }
        let is_timed = self.meter.is_timed() && has_body;
        let request = match is_timed {
            true => request.map(|body| Body::new(MeteredBody::new(body, self.meter.clone()))),
            false => request.map(Body::new),
        };
        Connection::call(self, request)
    }
}

/// The answer to a request whose body does not come.
fn late() -> Response {
    let mut response = failed(&metered::late("body", "body_timeout"));
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

impl Shared {
    async fn answer(&self, peer: Peer, observed: &Observed, mut request: Request) -> Response {
        let id = observed.id();
        if let Some(served) = self.plugin(request.uri().path()) {
            observed.set_of_plugin();
            return dispatch::answer(&self.service, served, peer, id, request).await;
        }
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(id);
        request.extensions_mut().insert(observed.called_cell());
        let repeatable = Repeatable::of(&request);
        let mut response = match self.router.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.extensions_mut().remove::<OfPlugin>().is_some() {
            observed.set_of_plugin();
        }
        match repeatable {
            Some(repeatable) if relay::is_elsewhere(&self.service, &response) => {
                relay::forward(&self.service, repeatable.into_request()).await
            }
            _ => response,
        }
    }

    /// The plugin that surely answers a request for `path`.
    fn plugin(&self, path: &str) -> Option<Arc<Served>> {
        let mut segments = path.split('/').skip(1);
        let served = self.service.registry.ready(segments.next()?)?;
        let is_page = segments.next().is_some_and(|segment| PAGES.contains(&segment));
        (!is_page).then_some(served)
    }
}
