//! The one way in: what happens to a request before it is answered.
//!
//! Hundreds of thousands of requests may pass here in a second, so a request for a plugin that serves goes
//! straight to it; the router takes all others. No plugin can have a name that
//! hides a route of the daemon's ([`crate::manifest::check_name`]), and the pages that the daemon adds below a
//! plugin's prefix are in [`PAGES`].

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::body::Incoming;
use tower_service::Service as _;

use super::dispatch;
use super::observe::{Observed, OfPlugin};
use super::peer::Peer;
use super::relay::{self, Repeatable};
use super::socket::Slot;
use super::{Service, failed, guard, observe};
use crate::registry::Served;

/// What the daemon itself answers below a plugin's prefix.
const PAGES: [&str; 3] = ["help", "commands", "openapi.json"];

/// Makes the service of each connection.
#[derive(Clone)]
pub struct Entry(Arc<Shared>);

struct Shared {
    service: Arc<Service>,
    router: Router,
}

/// The service of one connection.
pub struct Connection {
    shared: Arc<Shared>,
    peer: Peer,
    slot: Slot,
}

impl Entry {
    pub(super) fn new(service: Arc<Service>, router: Router) -> Entry {
        Entry(Arc::new(Shared { service, router }))
    }
}

impl Entry {
    /// The service of a connection from `peer`.
    pub(crate) fn connection(&self, peer: Peer) -> Connection {
        Connection { shared: self.0.clone(), peer, slot: Slot::default() }
    }
}

/// A request's answer on the way.
type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Connection {
    /// The place for the WebSocket that the connection becomes.
    pub(super) fn slot(&self) -> Slot {
        self.slot.clone()
    }

    /// Answers a request.
    pub(crate) fn call(&self, mut request: Request) -> Answering {
        let (shared, peer) = (self.shared.clone(), self.peer);
        self.slot.offer(&mut request);
        Box::pin(async move {
            let mut observed = observe::begin(shared.service.clone(), &request);
            let response = match guard::check(
                peer,
                shared.service.token.get().map(String::as_str),
                &request,
            ) {
                Err(refused) => failed(&refused),
                Ok(()) => shared.answer(peer, &mut observed, request).await,
            };
            let mut response = observed.end(response);
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
        Connection::call(self, request.map(Body::new))
    }
}

impl Shared {
    async fn answer(&self, peer: Peer, observed: &mut Observed, mut request: Request) -> Response {
        let id = observed.id();
        if let Some(served) = self.plugin(request.uri().path()) {
            observed.is_of_plugin = true;
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
        observed.is_of_plugin = response.extensions_mut().remove::<OfPlugin>().is_some();
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
