//! Requests that the process that took over has to answer: they wait here for packages that only it can import.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::Response;
use http_body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::socket::Upgrade;
use super::{Service, failed};
use crate::failure::{Failure, Kind};
use crate::wire;

/// A request without a body, which can be sent again.
pub(super) struct Repeatable {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Repeatable {
    /// `None` for a request that may have a body, or is for a WebSocket.
    pub(super) fn of(request: &Request) -> Option<Repeatable> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let headers = request.headers().clone();
        let has_body =
            !matches!(method, Method::GET | Method::HEAD) && !request.body().is_end_stream();
        let is_plain = !has_body && request.extensions().get::<Upgrade>().is_none();
        is_plain.then_some(Repeatable { method, uri, headers })
    }

    pub(super) fn into_request(self) -> Request {
        let mut request = Request::new(Body::empty());
        (*request.method_mut(), *request.uri_mut()) = (self.method, self.uri);
        *request.headers_mut() = self.headers;
        request
    }
}

/// True for the daemon's own answer that nothing was done here because something does not serve, once another process
/// does.
pub(super) fn is_elsewhere(service: &Service, response: &Response) -> bool {
    let answer = response.headers().get(wire::ANSWER_HEADER);
    let is_own = answer.is_some_and(|answer| answer == wire::ANSWER_FAILURE);
    is_own
        && service.registry.has_moved()
        && response.status().as_u16() == Kind::Unavailable.http_status()
}

/// Returns the answer of the process that serves now.
pub(super) async fn forward(service: &Service, request: Request) -> Response {
    answer(service, request).await.unwrap_or_else(|error| {
        let error = format!("the process that took over does not answer: {error}");
        failed(&Failure::new(Kind::Unavailable, error).hint("Send the request again."))
    })
}

async fn answer(
    service: &Service,
    mut request: Request,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let stream = UnixStream::connect(service.paths.socket()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    // These belong to the connection; what is left is the path and query.
    request.headers_mut().remove(header::CONNECTION);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target.parse()?;
    let mut response = sender.send_request(request).await?.map(Body::new);
    response.headers_mut().remove(header::CONNECTION);
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    Ok(response)
}
