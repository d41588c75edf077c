//! Commands as tools for agents: their descriptions, and calls by arguments.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::observe::{Called, CalledCell, RequestId};
use super::{Service, dispatch, failed, json};
use crate::calls::{Invocation, Target};
use crate::description::Description;
use crate::exchange::request::Addressed;
use crate::failure::{Failure, Kind};
use crate::nearest::nearest;
use crate::tools::{self, Format, Tool, ToolCall};

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
    let is_asked_for = |description: &Description| {
        let mut plugins = of("plugin").peekable();
        plugins.peek().is_none() || plugins.any(|name| *name == description.name)
    };
    let described: Vec<Value> = descriptions(&service)
        .iter()
        .filter(|description| is_asked_for(description))
        .flat_map(|description| tools::of(description))
        .map(|tool| Format::of(format, &tool))
        .collect();
    json(StatusCode::OK, &described)
}

/// `POST /tools/{name}`: calls a tool with the arguments in the body, and answers as its command does.
pub(super) async fn call(
    State(service): State<Arc<Service>>,
    Extension(request_id): Extension<RequestId>,
    Extension(called): Extension<CalledCell>,
    Path(name): Path<String>,
    arguments: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Response {
    let arguments = match arguments {
        Ok(Json(arguments)) => arguments,
        Err(rejection) => return failed(&Failure::new(Kind::Usage, rejection.body_text())),
    };
    match invocation(&service, &name, arguments, request_id, &called).await {
        Ok(invocation) => dispatch::call(invocation).await,
        Err(failure) => failed(&failure),
    }
}

async fn invocation(
    service: &Service,
    name: &str,
    arguments: Map<String, Value>,
    request_id: RequestId,
    called: &CalledCell,
) -> Result<Invocation<Body>, Failure> {
    let plugin = plugin_of(service, name).ok_or_else(|| unknown(service, name))?;
    let plugin = service.registry.find(&plugin).await?;
    let description = &plugin.metadata.description;
    // Its new version may not have it any more.
    let tool = found(description, name).ok_or_else(|| unknown(service, name))?;
    let command = description.command(tool.command).ok_or_else(|| unknown(service, name))?;
    let ToolCall { request, stdin } = tools::composed(command, arguments)?;
    let is_certain = description.reaches(command, &request.segments);
    let method = request.method.clone();
    let request = Addressed::new(request, plugin.name(), service.ready.port, request_id.0);
    // Fails only if it is called twice.
    let _ = called.0.set(Called { method, path: request.path() });
    let index = is_certain.then_some(tool.command);
    let target = Target::Command(index, Box::new(request), stdin.map(Body::from));
    Ok(Invocation { plugin, target, context: None })
}

fn descriptions(service: &Service) -> Vec<Arc<Description>> {
    let snapshot = service.registry.snapshot();
    let metadata = snapshot.entries.iter().filter_map(|entry| entry.metadata());
    metadata.map(|metadata| metadata.description.clone()).collect()
}

fn found(description: &Description, name: &str) -> Option<Tool> {
    tools::of(description).into_iter().find(|tool| tool.name == name)
}

fn plugin_of(service: &Service, name: &str) -> Option<String> {
    let descriptions = descriptions(service);
    let plugin = descriptions.iter().find(|description| found(description, name).is_some())?;
    Some(plugin.name.clone())
}

fn unknown(service: &Service, name: &str) -> Failure {
    let all: Vec<Tool> = descriptions(service).iter().flat_map(|it| tools::of(it)).collect();
    let failure = Failure::new(Kind::NotFound, format!("unknown tool: {name}"));
    match nearest(name, all.iter().map(|tool| tool.name.as_str())) {
        Some(meant) => failure.hint(format!("Did you mean `{meant}`?")),
        None => failure.hint("`GET /tools` lists all of them."),
    }
}
