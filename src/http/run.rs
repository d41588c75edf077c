//! The client's call: a command line, resolved by the plugin's description and called in one go.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use percent_encoding::utf8_percent_encode;
use tokio::time::Instant;

use super::observe::{Called, CalledCell, RequestId};
use super::{Service, core, failed, framed, program, running, warn};
use crate::arguments::{self, Line, Resolved, Stdin};
use crate::calls::{Context, Deadline, Invocation, Readers, Target};
use crate::description::Style;
use crate::exchange::request::{Addressed, ENCODED};
use crate::failure::{Failure, Kind};
use crate::help;
use crate::registry::Served;
use crate::store::Metadata;
use crate::wire::{self, Follows, Run};

/// `POST /-/run`.
pub(super) async fn run(
    State(service): State<Arc<Service>>,
    Extension(request_id): Extension<RequestId>,
    Extension(called): Extension<CalledCell>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match running::begun(&headers, body).await {
        Ok((run, rest)) => answer(&service, run, rest, request_id, &called).await,
        Err(failure) => failed(&failure),
    }
}

async fn answer(
    service: &Arc<Service>,
    run: Run,
    rest: Body,
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
        call(service, run, rest, request_id, called).await
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
    rest: Body,
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
    let description = &plugin.metadata.description;
    if let Some((command, it, words)) = program::with_words(description, &run.arguments) {
        let name = format!("{} {}", plugin.name(), command.name());
        return Ok(program::answer(service, name, it, words, None));
    }
    let resolved = arguments::resolve(description, &line)?;
    let Resolved { command, request, timeout, output, stdin, mut warnings } = resolved;
    let named = command.and_then(|index| description.command(index));
    if let Some((named, it)) = named.and_then(|named| Some((named, named.program.as_ref()?))) {
        let name = format!("{} {}", plugin.name(), named.name());
        let values = request.body.unwrap_or_default();
        return Ok(program::answer(service, name, it, &[], Some(values)));
    }
    let (reads, has) = (lacked(&stdin), run.follows == Follows::Stdin);
    let lacks_stdin = reads.is_some() && (stdin == Stdin::Text || !has);
    if plugin.policy.caller_env != caller.patterns || lacks_stdin {
        return Ok(lacking(&plugin.policy.caller_env, reads));
    }
    let (stdin, replies) = match run.follows {
        Follows::Nothing => (None, None),
        Follows::Stdin => (Some(rest).filter(|_| reads.is_some()), None),
        Follows::Replies => (None, Some(rest)),
    };
    let deadline = own.or(timeout).map(of_caller);
    let method = request.method.clone();
    let request = Addressed::new(request, plugin.name(), service.ready.port, request_id.0);
    // Fails only if it is called twice.
    let _ = called.0.set(Called { method, path: request.path() });
    let outdated = service.registry.unseen_failure(plugin.name());
    let is_function = description.style == Style::Functions;
    let context = Context {
        caller: Some(caller.clone()),
        deadline,
        events: if replies.is_some() { Readers::AllWithReplies } else { Readers::All },
        ..Context::default()
    };
    let target = Target::Command(command, Box::new(request), stdin);
    let invocation = Invocation { plugin, target, context: Some(Box::new(context)) };
    let kind = if is_function { wire::ANSWER_FUNCTION } else { wire::ANSWER_PLUGIN };
    let mut response = framed::call(invocation, kind, replies).await;
    if let Some(method) = run.method.filter(|_| response.status() == StatusCode::METHOD_NOT_ALLOWED)
    {
        let allowed = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok());
        let served = allowed.map(|allow| format!(", which takes {allow}")).unwrap_or_default();
        warnings.push(format!("-X {method} does not fit this command{served}"));
    }
    if let Some(output) = output
        && let Ok(output) = HeaderValue::try_from(utf8_percent_encode(&output, ENCODED).to_string())
    {
        response.headers_mut().insert(wire::OUTPUT_HEADER, output);
    }
    for warning in outdated.into_iter().chain(warnings) {
        warn(&mut response, &warning);
    }
    Ok(response)
}

/// What the client is asked to read, if the command reads stdin.
fn lacked(stdin: &Stdin) -> Option<String> {
    match stdin {
        Stdin::Nothing => None,
        Stdin::Text => Some(wire::STDIN_TEXT.to_owned()),
        Stdin::Stream => Some(wire::STDIN_STREAM.to_owned()),
        Stdin::File(file) => Some(format!("@{}", utf8_percent_encode(file, ENCODED))),
    }
}

/// The answer that makes the client repeat the call with variables that fit `patterns`, and with what it is to read.
fn lacking(patterns: &[String], stdin: Option<String>) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_MORE));
    if let Some(Ok(stdin)) = stdin.map(HeaderValue::try_from) {
        headers.insert(wire::STDIN_HEADER, stdin);
    }
    if let Ok(patterns) = HeaderValue::from_str(&patterns.join(",")) {
        headers.insert(wire::ENV_HEADER, patterns);
    }
    response
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
