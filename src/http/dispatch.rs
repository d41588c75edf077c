//! From a request to a plugin and back.
//!
//! [`call`] is the one place all requests to plugins pass. A request that surely satisfies the plan of its route
//! is bound here, on the I/O thread, and its handler called directly; any other is handed over whole, and
//! FastAPI matches, validates and answers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, Empty};
use http_body::Body as _;
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;

use super::observe::RequestId;
use super::peer::Peer;
use super::{Service, failed};
use crate::exchange::head::{RequestHead, Target};
use crate::exchange::{Feed, Incoming};
use crate::failure::{Failure, Kind};
use crate::registry::Served;

/// The largest request body a plugin is sent, in bytes.
const BODY_MAX: usize = 256 << 20;

/// A body of at most this many bytes is waited for before its handler is called directly.
const SHORT_BODY_MAX: u64 = 1 << 20;

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
            let (head, body) = take_apart(&service, peer, id, request);
            call(&served, head, body).await
        }
        Err(failure) => failed(&failure),
    }
}

/// Calls a plugin and answers with the head of its answer, the body following as it comes.
pub(super) async fn call(served: &Served, head: RequestHead, body: Body) -> Response {
    let too_large = || {
        let error = format!("the request's body is larger than {BODY_MAX} bytes");
        failed(&Failure::new(Kind::TooLarge, error))
    };
    if body.size_hint().lower() > BODY_MAX as u64 {
        return too_large();
    }
    let (name, request_id) = (served.name(), head.request_id.clone());
    let (incoming, direct, rest) = if body.is_end_stream() {
        (Incoming::Whole(Bytes::new()), served.direct(&head, b""), None)
    } else if !served.reads_body(&head) {
        (Incoming::Fed, served.direct(&head, b""), Some(body))
    } else if body.size_hint().exact().is_none_or(|size| size > SHORT_BODY_MAX) {
        // What takes the handler's place can wait for it.
        (Incoming::Fed, None, Some(body))
    } else {
        // On the heap: most requests have no body, and must not carry the room for one.
        match Box::pin(body.collect()).await {
            Ok(body) => {
                let body = body.to_bytes();
                let direct = served.direct(&head, &body);
                (Incoming::Whole(body), direct, None)
            }
            // Nobody is left to read the answer.
            Err(error) => return failed(&Failure::new(Kind::Usage, error.to_string())),
        }
    };
    let exchange = match served.instance.call(head, incoming, direct) {
        Ok(exchange) => exchange,
        Err(failure) => return failed(&failure),
    };
    if let Some(body) = rest {
        tokio::spawn(feed(body, exchange.feed()));
    }
    match exchange.head().await {
        Ok(head) => {
            let body = match exchange.whole() {
                // Of a body that must not be sent, the server would still tell the length.
                Some(_) if is_bodiless(head.status) => Body::from_stream(nothing()),
                Some(body) => Body::from(body),
                None => Body::new(exchange),
            };
            let mut response = Response::new(body);
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers;
            // These belong to the connection, which is the daemon's business.
            response.headers_mut().remove(header::CONNECTION);
            response.headers_mut().remove(header::TRANSFER_ENCODING);
            response
        }
        Err(aborted) => {
            tracing::error!(plugin = name, request_id = &*request_id, "{aborted}");
            let failure = Failure::new(Kind::Plugin, format!("{name}: {aborted}"))
                .hint("Check daemon logs for details");
            failed(&failure)
        }
    }
}

/// A body that has no pieces, and does not say so beforehand.
fn nothing() -> Empty<Result<Bytes, Infallible>> {
    stream::empty()
}

/// True for an answer that has no body, whatever the handler gave.
fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Passes the request's body on until it ends, the plugin stops reading, or it grows too large.
async fn feed(mut body: Body, feed: Feed) {
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return feed.cut() };
        let Ok(chunk) = frame.into_data() else { continue };
        size += chunk.len();
        if size > BODY_MAX {
            return feed.cut();
        }
        if !feed.push(chunk).await {
            return;
        }
    }
    feed.end();
}

/// What a plugin is told of a request, and the request's body.
pub(super) fn take_apart(
    service: &Service,
    peer: Peer,
    RequestId(request_id): RequestId,
    request: Request,
) -> (RequestHead, Body) {
    let (parts, body) = request.into_parts();
    let client = match peer {
        Peer::Tcp(address) => Some(address),
        Peer::Unix => None,
    };
    let head = RequestHead {
        method: parts.method,
        target: Target::new(parts.uri.path(), parts.uri.query().unwrap_or_default()),
        version: parts.version,
        headers: parts.headers,
        client,
        server: ("localhost", service.ready.port),
        request_id,
    };
    (head, body)
}
