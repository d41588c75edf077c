//! The Model Context Protocol: over HTTP at `/mcp` and `/mcp/{plugin}`, in lines at [`MCP`](crate::wire::MCP).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::observe::{RequestId, Waits};
use super::{Service, failed};
use crate::failure::{Failure, Kind};
use crate::mcp::scope::{PATH, Scope};
use crate::nearest::nearest;
use crate::settings::agents::Choice;
use crate::wire;

/// The header that names the method of a request.
const METHOD: &str = "mcp-method";
/// The method of a request that waits for changes.
const LISTEN: &str = "subscriptions/listen";

/// `/mcp` and `/mcp/{plugin}`.
pub(super) async fn serve(
    State(service): State<Arc<Service>>,
    Extension(id): Extension<RequestId>,
    mut request: Request,
) -> Response {
    let below = request.uri().path().strip_prefix(PATH).unwrap_or_default().trim_matches('/');
    if !below.is_empty()
        && let Err(failure) = known(&service, below)
    {
        return failed(&failure);
    }
    let listens = request.headers().get(METHOD).is_some_and(|method| method == LISTEN);
    let waits = request.method() == Method::GET || listens;
    let ends = request.method() == Method::DELETE;
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        request.headers_mut().insert(wire::REQUEST_ID_HEADER, id);
    }
    let mut response = service.mcp.answer(request).await.map(Body::new);
    if ends && response.status() == StatusCode::ACCEPTED {
        // What clients take for the end of a session; with 202 they warn.
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.body_mut() = Body::empty();
    }
    if waits { waiting(response) } else { response }
}

/// `POST /-/mcp?plugin=&tools=`.
pub(super) async fn lines(
    State(service): State<Arc<Service>>,
    Query(query): Query<Vec<(String, String)>>,
    body: Body,
) -> Response {
    let of = |key: &str| query.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone());
    let plugin = of(wire::MCP_PLUGIN).filter(|name| !name.is_empty());
    if let Some(plugin) = &plugin
        && let Err(failure) = known(&service, plugin)
    {
        return failed(&failure);
    }
    let choice = match of(wire::MCP_TOOLS) {
        Some(text) => Choice::of(&text),
        None => service.mcp.default_choice(),
    };
    waiting(Response::new(Body::new(service.mcp.lines(Scope { plugin, choice }, body))))
}

/// Fails for a name that no plugin has, in whatever state.
fn known(service: &Service, name: &str) -> Result<(), Failure> {
    let snapshot = service.registry.snapshot();
    let mut names = snapshot.entries.iter().map(|entry| entry.name.as_str());
    if names.any(|own| own == name) {
        return Ok(());
    }
    let failure = Failure::new(Kind::NotFound, format!("unknown plugin: {name}"));
    let names = snapshot.entries.iter().map(|entry| entry.name.as_str());
    Err(match nearest(name, names) {
        Some(meant) => failure.hint(format!("Did you mean `{meant}`?")),
        None => failure.hint("`skills-daemon plugins` lists all of them."),
    })
}

/// An answer that waits for what may happen.
fn waiting(mut response: Response) -> Response {
    response.extensions_mut().insert(Waits);
    response
}
