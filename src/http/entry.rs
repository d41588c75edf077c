//! The one way in: what happens to a request before it is answered.
//!
//! Hundreds of thousands of requests may pass here in a second, so a request for a plugin that serves goes
//! straight to it; the router takes all others. No plugin can have a name that
//! hides a route of the daemon's ([`crate::manifest::check_name`]), and the pages that the daemon adds below a
//! plugin's prefix are in [`PAGES`].

use std::convert::Infallible;
use std::future::{self, Future, Ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::extract::connect_info::Connected;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use tower_service::Service as TowerService;

use super::dispatch;
use super::observe::RequestId;
use super::peer::Peer;
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
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    peer: Peer,
}

impl Entry {
    pub(super) fn new(service: Arc<Service>, router: Router) -> Entry {
        Entry(Arc::new(Shared { service, router }))
    }
}

#[cfg(test)]
impl Entry {
    /// The service of a connection from `peer`, without a listener.
    pub(crate) fn connection(&self, peer: Peer) -> Connection {
        Connection { shared: self.0.clone(), peer }
    }
}

impl<L: Listener> TowerService<IncomingStream<'_, L>> for Entry
where
    Peer: for<'a> Connected<IncomingStream<'a, L>>,
{
    type Response = Connection;
    type Error = Infallible;
    type Future = Ready<Result<Connection, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, L>) -> Self::Future {
        let peer = Peer::connect_info(stream);
        future::ready(Ok(Connection { shared: self.0.clone(), peer }))
    }
}

impl TowerService<Request> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Connection { shared, peer } = self.clone();
        Box::pin(async move {
            let observed = observe::begin(shared.service.clone(), &request);
            let response = match guard::check(peer, &request) {
                Err(refused) => failed(&refused),
                Ok(()) => shared.answer(peer, observed.id(), request).await,
            };
            Ok(observed.end(response))
        })
    }
}

impl Shared {
    async fn answer(&self, peer: Peer, id: RequestId, mut request: Request) -> Response {
        if let Some(served) = self.plugin(request.uri().path()) {
            return dispatch::answer(&self.service, served, peer, id, request).await;
        }
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(id);
        match self.router.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
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
