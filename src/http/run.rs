//! The client's call: a command line, resolved by the plugin's description and called in one go.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::observe::{Called, CalledCell, RequestId};
use super::{Service, core, dispatch, failed, framed, warn};
use crate::arguments::{self, Line, Resolved};
use crate::calls::{Context, Deadline, Invocation, Target};
use crate::description::Style;
use crate::exchange::request::Addressed;
use crate::failure::{Failure, Kind};
use crate::help;
use crate::registry::Served;
use crate::store::Metadata;
use crate::wire::{self, Run};

/// `POST /-/run`.
pub(super) async fn run(
    State(service): State<Arc<Service>>,
    Extension(request_id): Extension<RequestId>,
    Extension(called): Extension<CalledCell>,
    headers: HeaderMap,
    run: Result<Json<Run>, JsonRejection>,
) -> Response {
    match run {
        Ok(Json(run)) => answer(&service, run, None, request_id, &called).await,
        Err(rejection) => refused(&rejection, &headers),
    }
}

/// `POST /-/run-with-stdin`.
pub(super) async fn run_with_stdin(
    State(service): State<Arc<Service>>,
    Extension(request_id): Extension<RequestId>,
    Extension(called): Extension<CalledCell>,
    body: Body,
) -> Response {
    match first_line(body).await {
        Ok((run, stdin)) => answer(&service, run, Some(stdin), request_id, &called).await,
        Err(failure) => failed(&failure),
    }
}

/// Returns the call in the first line of a body, and the rest of the body as it comes.
async fn first_line(body: Body) -> Result<(Run, Body), Failure> {
    let wrong = |error: String| Failure::new(Kind::Usage, error);
    let (mut pieces, mut line) = (body.into_data_stream(), BytesMut::new());
    let end = loop {
        let Some(piece) = pieces.next().await else {
            return Err(wrong("the call has no end of line".to_owned()));
        };
        let piece = piece.map_err(|error| wrong(error.to_string()))?;
        let end = piece.iter().position(|byte| *byte == b'\n').map(|end| line.len() + end);
        line.extend_from_slice(&piece);
        if let Some(end) = end {
            break end;
        }
        if line.len() > super::OWN_BODY_MAX {
            return Err(Failure::body_too_large(None, super::OWN_BODY_MAX as u64));
        }
    };
    let rest = line.split_off(end).split_off(1).freeze();
    let run = serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
    let rest = stream::iter((!rest.is_empty()).then_some(Ok(rest)));
    Ok((run, Body::from_stream(rest.chain(pieces))))
}

async fn answer(
    service: &Arc<Service>,
    run: Run,
    stdin: Option<Body>,
    request_id: RequestId,
    called: &CalledCell,
) -> Response {
    if is_newer(&run.client) || !service.paths.venv_python().exists() {
        return outdated();
    }
    let answered = if run.help {
        let metadata = service.registry.metadata(&run.plugin).await;
        metadata.map(|(it, outdated)| answer_help(&it, outdated.as_ref(), &run.arguments))
    } else {
        call(service, run, stdin, request_id, called).await
    };
    match answered {
        Ok(response) => response,
        // Nothing was done: the client sends it to the new process.
        Err(failure) if failure.kind == Kind::Unavailable && service.registry.has_moved() => {
            outdated()
        }
        Err(failure) => failed(&failure),
    }
}

/// Resolves the command line and answers with the plugin's answer.
async fn call(
    service: &Service,
    run: Run,
    stdin: Option<Body>,
    request_id: RequestId,
    called: &CalledCell,
) -> Result<Response, Failure> {
    let begun = Instant::now();
    // Has the server send its `100 Continue` before anything is begun: a client that saw none repeats the request.
    tokio::task::yield_now().await;
    let caller = Arc::new(run.caller.clone());
    let line = Line {
        arguments: &run.arguments,
        inputs: &run.inputs,
        method: run.method.as_deref(),
        directory: caller.directory.as_deref().map(Path::new),
    };
    let of_caller = |limit| Deadline::of_caller(begun, limit);
    let own = run.timeout.map(Duration::from_millis);
    let limit = match own {
        None if arguments::may_limit(&run.arguments) => known_limit(service, &run, &line).await,
        own => own,
    };
    let plugin = find(service, &run.plugin, limit.map(of_caller)).await?;
    let resolved = arguments::resolve(&plugin.metadata.description, &line)?;
    let Resolved { command, request, timeout, mut warnings } = resolved;
    let takes_stdin = command
        .and_then(|index| plugin.metadata.description.command(index))
        .is_some_and(|command| command.takes_stdin);
    if plugin.policy.caller_env != caller.patterns || takes_stdin && stdin.is_none() {
        return Ok(lacking(&plugin.policy.caller_env, takes_stdin));
    }
    let stdin = stdin.filter(|_| takes_stdin);
    let deadline = own.or(timeout).map(of_caller);
    let method = request.method.clone();
    let request = Addressed::new(request, plugin.name(), service.ready.port, request_id.0);
    // Fails only if it is called twice.
    let _ = called.0.set(Called { method, path: request.path() });
    let outdated = service.registry.unseen_failure(plugin.name());
    let is_function = plugin.metadata.description.style == Style::Functions;
    let context = Context {
        caller: Some(caller.clone()),
        deadline,
        with_events: is_function,
        ..Context::default()
    };
    let target = Target::Command(command, Box::new(request), stdin);
    let invocation = Invocation { plugin, target, context: Some(Box::new(context)) };
    let mut response = match is_function {
        true => framed::call(invocation, function_headers()).await,
        false => dispatch::call(invocation).await,
    };
    if let Some(method) = run.method.filter(|_| response.status() == StatusCode::METHOD_NOT_ALLOWED)
    {
        let allowed = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok());
        let served = allowed.map(|allow| format!(", which takes {allow}")).unwrap_or_default();
        warnings.push(format!("-X {method} does not fit this command{served}"));
    }
    let headers = response.headers_mut();
    if !headers.contains_key(wire::ANSWER_HEADER) {
        headers.insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_PLUGIN));
    }
    for warning in outdated.into_iter().chain(warnings) {
        warn(&mut response, &warning);
    }
    Ok(response)
}

/// The answer that makes the client repeat the call with variables that fit `patterns`, and with its stdin.
fn lacking(patterns: &[String], stdin: bool) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_MORE));
    if stdin {
        headers.insert(wire::STDIN_HEADER, HeaderValue::from_static("1"));
    }
    if let Ok(patterns) = HeaderValue::from_str(&patterns.join(",")) {
        headers.insert(wire::ENV_HEADER, patterns);
    }
    response
}

/// The headers of the answer of a plain function.
fn function_headers() -> HeaderMap {
    let answer = HeaderValue::from_static(wire::ANSWER_FUNCTION);
    HeaderMap::from_iter([(HeaderName::from_static(wire::ANSWER_HEADER), answer)])
}

/// Returns the limit that the line sets, by the metadata that is known without loading the plugin.
async fn known_limit(service: &Service, run: &Run, line: &Line<'_>) -> Option<Duration> {
    let (metadata, _) = service.registry.metadata(&run.plugin).await.ok()?;
    arguments::resolve(&metadata.description, line).ok()?.timeout
}

/// Returns the plugin `name`, for which a load may have to be waited, until the deadline.
async fn find(
    service: &Service,
    name: &str,
    deadline: Option<Deadline>,
) -> Result<Arc<Served>, Failure> {
    let found = service.registry.find(name);
    let Some(deadline) = deadline else { return found.await };
    tokio::select! {
        found = found => found,
        () = deadline.passed() => Err(deadline.missed(name)),
    }
}

/// The answer to a body that is no [`Run`].
fn refused(rejection: &JsonRejection, headers: &HeaderMap) -> Response {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok());
        let size = length.and_then(|text| text.parse().ok());
        return failed(&Failure::body_too_large(size, super::OWN_BODY_MAX as u64).hint(
            "The values of a call are sent as one JSON document; give a path to a file where the command takes one.",
        ));
    }
    failed(&Failure::new(Kind::Usage, rejection.body_text()))
}

/// The answer that makes the client replace this daemon.
fn outdated() -> Response {
    let mut response = failed(&Failure::new(
        Kind::Unavailable,
        "this daemon is older than the client, or its venv is gone",
    ));
    response
        .headers_mut()
        .insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_OUTDATED));
    response
}

/// True if `client` is a later version than this daemon's: the package was upgraded while it ran.
fn is_newer(client: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version.split('.').map_while(|number| number.parse().ok()).collect()
    };
    numbers(client) > numbers(crate::VERSION)
}

fn answer_help(metadata: &Metadata, outdated: Option<&Failure>, arguments: &[String]) -> Response {
    let command = help::asked(arguments);
    let mut response = core::help_answer(metadata, outdated, command.as_deref());
    response.headers_mut().insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_HELP));
    response
}

#[cfg(test)]
mod tests {
    use super::is_newer;

    #[test]
    fn only_later_versions_are_newer() {
        assert!(!is_newer(crate::VERSION));
        assert!(!is_newer("0.9.12"));
        assert!(is_newer("999.0.0"));
        assert!(!is_newer("nonsense"));
    }
}
