//! Commands as tools for agents: their descriptions, and calls by arguments.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};

use super::observe::{Called, CalledCell, OfPlugin, RequestId};
use super::{Service, dispatch, failed, json};
use crate::calls::{Invocation, Target};
use crate::exchange::request::Addressed;
use crate::failure::{Failure, Kind};
use crate::tools::{self, Catalog, Entry, Format, ToolCall};
use crate::traces::{TRACEPARENT, TRACESTATE};

/// `GET /tools?format=&plugin=`: never waits for a plugin.
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let of = |key: &'static str| {
        query.iter().filter(move |(own, _)| own == key).map(|(_, value)| value.as_str())
    };
    let format = match of("format").next().map(str::parse::<Format>).transpose() {
        Ok(format) => format.unwrap_or_default(),
        Err(error) => return failed(&Failure::new(Kind::Usage, error)),
    };
    let is_asked_for = |entry: &&Entry| {
        let mut plugins = of("plugin").peekable();
        plugins.peek().is_none() || plugins.any(|name| *name == entry.plugin.name)
    };
    service.registry.wake_unknown();
    let catalog = catalog(&service);
    let entries = catalog.entries().iter().filter(is_asked_for);
    let described: Vec<Value> = entries.map(|entry| format.of(&entry.tool)).collect();
    json(StatusCode::OK, &described)
}

/// `POST /tools/{name}`: calls a tool with the arguments in the body, and answers as its command does.
pub(super) async fn call(
    State(service): State<Arc<Service>>,
    Extension(request_id): Extension<RequestId>,
    Extension(called): Extension<CalledCell>,
    Path(name): Path<String>,
    headers: HeaderMap,
    arguments: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Response {
    let arguments = match arguments {
        Ok(Json(arguments)) => arguments,
        Err(rejection) => return failed(&Failure::new(Kind::Usage, rejection.body_text())),
    };
    match invocation(&service, &name, arguments, &headers, request_id, &called).await {
        Ok(invocation) => {
            let mut response = dispatch::call(invocation).await;
            response.extensions_mut().insert(OfPlugin);
            response
        }
        Err(failure) => failed(&failure),
    }
}

async fn invocation(
    service: &Service,
    name: &str,
    arguments: Map<String, Value>,
    headers: &HeaderMap,
    request_id: RequestId,
    called: &CalledCell,
) -> Result<Invocation<Body>, Failure> {
    let known = catalog(service);
    let plugin = &known.find(name).ok_or_else(|| unknown(&known, name))?.plugin.name;
    let plugin = service.registry.find(plugin).await?;
    // Its new version may not have it any more.
    let known = catalog(service);
    let tool = &known.find(name).ok_or_else(|| unknown(&known, name))?.tool;
    let description = &plugin.metadata.description;
    let command = description.command(tool.command).ok_or_else(|| unknown(&known, name))?;
    let ToolCall { mut request, stdin } = tools::composed(command, arguments)?;
    for name in [TRACEPARENT, TRACESTATE] {
        let values = headers.get_all(name).into_iter().cloned();
        request.headers.extend(values.map(|value| (HeaderName::from_static(name), value)));
    }
    let is_certain = description.reaches(command, &request.segments);
    let method = request.method.clone();
    let request = Addressed::new(request, plugin.name(), service.ready.port, request_id.0);
    called.set(Called { method, path: request.path() });
    let index = is_certain.then_some(tool.command);
    let target = Target::Command(index, Box::new(request), stdin.map(Body::from));
    Ok(Invocation { plugin, target, context: None })
}

fn catalog(service: &Service) -> Catalog {
    Catalog::of_all(service.registry.snapshot().descriptions())
}

fn unknown(catalog: &Catalog, name: &str) -> Failure {
    let failure = Failure::new(Kind::NotFound, format!("unknown tool: {name}"));
    match catalog.nearest(name) {
        Some(meant) => failure.hint(format!("Did you mean `{meant}`?")),
        None => failure.hint("`GET /tools` lists all of them."),
    }
}
