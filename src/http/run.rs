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

use super::observe::{Called, CalledCell, OfPlugin, RequestId};
use super::{Service, core, failed, framed, more, program, running, warn};
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
    let caller = run.caller.clone();
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
    called.awaits(&run.plugin);
    let plugin = find(service, &run.plugin, limit.map(of_caller)).await?;
    let description = &plugin.metadata.description;
    if let Some((command, words)) = program::with_words(description, &run.arguments) {
        return Ok(program::answer(service, plugin.name(), command, words, None));
    }
    let resolved = arguments::resolve(description, &line)?;
    let command = resolved.command.and_then(|index| description.command(index));
    if let Some(command) = command.filter(|command| command.program.is_some()) {
        let values = resolved.request.body.unwrap_or_default();
        return Ok(program::answer(service, plugin.name(), command, &[], Some(values)));
    }
    if let Some(answer) = more::lacking(&run, &plugin.policy.caller_env, &resolved.stdin) {
        return Ok(answer);
    }
    let deadline = own.or(resolved.timeout).map(of_caller);
    Ok(made(service, plugin, run, rest, resolved, deadline, request_id, called).await)
}

/// Makes a resolved call and answers with the plugin's answer, and with what the client does with it.
#[expect(
    clippy::too_many_arguments,
    reason = "each is of another kind, and this is the only caller"
)]
async fn made(
    service: &Service,
    plugin: Arc<Served>,
    run: Run,
    rest: Body,
    resolved: Resolved,
    deadline: Option<Deadline>,
    request_id: RequestId,
    called: &CalledCell,
) -> Response {
    let Resolved { command, request, output, stdin, mut warnings, .. } = resolved;
    let (stdin, replies) = match run.follows {
        Follows::Nothing => (None, None),
        Follows::Stdin => (Some(rest).filter(|_| stdin != Stdin::Nothing), None),
        Follows::Replies => (None, Some(rest)),
    };
    let method = request.method.clone();
    let request = Addressed::new(request, plugin.name(), service.ready.port, request_id.0);
    called.set(Called { method, path: request.path() });
    let outdated = service.registry.unseen_failure(plugin.name());
    let kind = match plugin.metadata.description.style {
        Style::Functions => wire::ANSWER_FUNCTION,
        Style::Router => wire::ANSWER_PLUGIN,
    };
    let context = Context {
        caller: Some(Arc::new(run.caller)),
        deadline,
        events: if replies.is_some() { Readers::AllWithReplies } else { Readers::All },
        ..Context::default()
    };
    let target = Target::Command(command, Box::new(request), stdin);
    let invocation = Invocation { plugin, target, context: Some(Box::new(context)) };
    let mut response = framed::call(invocation, kind, replies).await;
    response.extensions_mut().insert(OfPlugin);
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
