//! The read-only page at `/`: its files, and the stream of what it shows.
//!
//! A browser gets the page; a client that does not take HTML gets the answer for an unknown plugin, as before there was a
//! page. The files are in the binary ([`files`]) and load nothing from elsewhere. [`live`] is the stream: it has [`places`]
//! for so many pages, reads what [`state`] and [`numbers`] make of the daemon's state, and ends with the daemon. A page that
//! is open costs two looks a second, and one that is not costs nothing.
//!
//! To show something more: an event in [`live`], and a module in `www` that draws it.

mod files;
mod live;
mod numbers;
mod places;
mod state;

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use super::docs::tagged;
use super::observe::{RequestId, Waits};
use super::peer::Peer;
use super::{Service, dispatch, failed};
use crate::failure::{Failure, Kind};
pub(super) use places::Places;

/// The page's own files and nothing else: no other site, no script or style in the page itself, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html";

/// `GET /`: the page for what takes HTML.
pub(super) async fn root(
    state: State<Arc<Service>>,
    peer: Extension<Peer>,
    id: Extension<RequestId>,
    request: Request,
) -> Response {
    let mut response = match takes_html(request.headers()) {
        true => file(request.headers(), files::PAGE),
        false => dispatch::dispatch(state, peer, id, request).await,
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// `GET /-/page/{name}`.
pub(super) async fn part(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match files::find(&name) {
        Some(found) => file(&headers, found),
        None => failed(&Failure::new(Kind::NotFound, format!("the page has no file {name}"))),
    }
}

/// `GET /-/live`: server-sent events of what the page shows, until the client goes or the daemon ends.
pub(super) async fn stream(State(service): State<Arc<Service>>) -> Response {
    let mut response = match service.pages.take() {
        Some(place) => live::response(service, place),
        None => failed(&places::full()),
    };
    response.extensions_mut().insert(Waits);
    response
}

fn file(asked: &HeaderMap, file: files::File) -> Response {
    let mut response = tagged(asked, file.media_type, file.bytes.into());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// True if a request takes HTML by name, as browsers do.
fn takes_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter();
    let mut ranges = accepts.filter_map(|accept| accept.to_str().ok()).flat_map(|it| it.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts.next().is_some_and(|range| range.eq_ignore_ascii_case(HTML));
        let mut weights = parts.filter_map(|part| part.strip_prefix("q="));
        is_html && weights.all(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_taken_by_name() {
        let takes = |accept: &'static str| {
            let accept = HeaderValue::from_static(accept);
            takes_html(&HeaderMap::from_iter([(header::ACCEPT, accept)]))
        };
        assert!(takes("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(takes("application/json, Text/HTML;q=0.1"));
        assert!(!takes("*/*") && !takes("application/json") && !takes("text/*"));
        assert!(!takes("text/html;q=0") && !takes_html(&HeaderMap::new()));
    }
}
