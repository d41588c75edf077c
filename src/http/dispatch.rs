//! From an HTTP request to a plugin and back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use percent_encoding::percent_decode_str;

use super::observe::{OfPlugin, RequestId};
use super::peer::Peer;
use super::socket::{self, Upgrade};
use super::{Service, failed, relay, sse, written};
use crate::calls::{self, Invocation, Target};
use crate::description::Style;
use crate::exchange::head::{self, RequestHead};
use crate::failure::Kind;
use crate::registry::Served;

/// Hands any request to the plugin that its first path segment names.
pub(super) async fn dispatch(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let first = path.split('/').nth(1).unwrap_or_default();
    let name = percent_decode_str(first).decode_utf8_lossy();
    match service.registry.find(&name).await {
        Ok(served) => {
            let mut response = answer(&service, served, peer, id, request).await;
            response.extensions_mut().insert(OfPlugin);
            response
        }
        // A relay passes no WebSocket on: the client asks again.
        Err(failure)
            if failure.kind == Kind::Unavailable
                && service.registry.has_moved()
                && request.extensions().get::<Upgrade>().is_none() =>
        {
            relay::forward(&service, request).await
        }
        Err(failure) => failed(&failure),
    }
}

/// Answers a request with the answer of `plugin`.
pub(super) async fn answer(
    service: &Service,
    plugin: Arc<Served>,
    peer: Peer,
    id: RequestId,
    mut request: Request,
) -> Response {
    let is_function = plugin.metadata.description.style == Style::Functions;
    let upgrade = request.extensions_mut().remove::<Upgrade>();
    if let Some(upgrade) = upgrade.filter(|_| !is_function) {
        let (head, _) = take_apart(service, peer, id, request);
        return Box::pin(socket::answer(plugin, upgrade, head)).await;
    }
    let takes_events = is_function && sse::is_asked_for(request.headers());
    let (head, body) = take_apart(service, peer, id, request);
    let invocation = Invocation { plugin, target: Target::Http(head, body), context: None };
    match takes_events {
        true => Box::pin(sse::call(invocation)).await,
        false => call(invocation).await,
    }
}

/// Makes a call and writes its answer, the body as it comes.
pub(super) async fn call(invocation: Invocation<Body>) -> Response {
    let pending = match calls::begin(invocation).await {
        Ok(pending) => pending,
        Err(failure) => return failed(&failure),
    };
    match pending.answer().await {
        Ok(answer) => written::response(answer),
        Err(failure) => failed(&failure),
    }
}

/// The head of a request as a plugin sees it, and the request's body.
fn take_apart(
    service: &Service,
    peer: Peer,
    RequestId(request_id): RequestId,
    request: Request,
) -> (RequestHead, Body) {
    let (parts, body) = request.into_parts();
    let client = match peer {
        Peer::Tcp(address) | Peer::Unproven(address) | Peer::Remote(address) => Some(address),
        Peer::Unix => None,
    };
    let head = RequestHead {
        method: parts.method,
        target: head::Target::new(parts.uri.path(), parts.uri.query().unwrap_or_default()),
        version: parts.version,
        headers: parts.headers,
        client,
        server: ("localhost", service.ready.port),
        request_id,
    };
    (head, body)
}
