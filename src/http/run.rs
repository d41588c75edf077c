//! The client's call: a command line, resolved by the plugin's description and called in one go.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;
use percent_encoding::utf8_percent_encode;

use super::observe::{Called, RequestId};
use super::{ENCODED, Service, core, dispatch, failed, warn};
use crate::arguments::{self, Invocation};
use crate::exchange::head::{RequestHead, Target};
use crate::failure::{Failure, Kind};
use crate::help;
use crate::registry::{Newest, Served};
use crate::wire::{self, Run};

/// `POST /-/run`.
pub(super) async fn run(
    State(service): State<Arc<Service>>,
    Extension(request_id): Extension<RequestId>,
    run: Result<Json<Run>, JsonRejection>,
) -> Response {
    let run = match run {
        Ok(Json(run)) => run,
        Err(rejection) => {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let most = super::OWN_BODY_MAX >> 20;
                return failed(
                    &Failure::new(Kind::TooLarge, "the values of this call are too large together")
                        .hint(format!("A call takes {most} MiB, written as JSON.")),
                );
            }
            return failed(&Failure::new(Kind::Usage, rejection.body_text()));
        }
    };
    if is_newer(&run.client) || !service.venv_python.exists() {
        let mut response = failed(&Failure::new(
            Kind::Unavailable,
            "this daemon is older than the client, or its venv is gone",
        ));
        response
            .headers_mut()
            .insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_OUTDATED));
        return response;
    }
    if run.help {
        return match service.registry.metadata(&run.plugin).await {
            Ok(newest) => answer_help(&newest, &run.arguments),
            Err(failure) => failed(&failure),
        };
    }
    let served = match service.registry.find(&run.plugin).await {
        Ok(served) => served,
        Err(failure) => return failed(&failure),
    };
    let description = &served.metadata.description;
    let method = run.method.as_deref();
    let resolved = arguments::resolve(description, &run.arguments, &run.inputs, method);
    let mut invocation = match resolved {
        Ok(invocation) => invocation,
        Err(failure) => return failed(&failure),
    };
    let mut warnings = std::mem::take(&mut invocation.warnings);
    let head = match request_head(&service, &served, &invocation, request_id.0) {
        Ok(head) => head,
        Err(failure) => return failed(&failure),
    };
    let body = invocation.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let called = Called { method: head.method.clone(), path: head.target.path().to_owned() };
    let mut response = dispatch::call(&served, head, body).await;
    response.extensions_mut().insert(called);
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
    for warning in warnings {
        warn(&mut response, &warning);
    }
    response
}

/// True if `client` is a later version than this daemon's: the package was upgraded while it ran.
fn is_newer(client: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version.split('.').map_while(|number| number.parse().ok()).collect()
    };
    numbers(client) > numbers(crate::VERSION)
}

fn answer_help(newest: &Newest, arguments: &[String]) -> Response {
    let mut response = core::help_answer(newest, help::asked(arguments).as_deref());
    response.headers_mut().insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_HELP));
    response
}

/// The request that the same call over plain HTTP would be, without HTTP's limit on the length of a URL.
fn request_head(
    service: &Service,
    served: &Served,
    invocation: &Invocation,
    request_id: Arc<str>,
) -> Result<RequestHead, Failure> {
    let method = Method::from_bytes(invocation.method.as_bytes()).map_err(|_| {
        Failure::new(Kind::Usage, format!("`{}` is not an HTTP method", invocation.method))
            .hint("Use -X with GET, POST, PUT, PATCH or DELETE.")
    })?;
    let mut path = format!("/{}", served.name());
    for segment in &invocation.segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ENCODED));
    }
    let mut query = String::new();
    for (name, value) in &invocation.query {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, ENCODED));
        query.push('=');
        query.extend(utf8_percent_encode(value, ENCODED));
    }
    let mut headers = HeaderMap::new();
    let host = format!("localhost:{}", service.ready.port);
    if let Ok(host) = HeaderValue::try_from(host) {
        headers.insert(header::HOST, host);
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("skills-client"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &invocation.headers {
        let invalid = || {
            Failure::new(Kind::Usage, format!("the value of --{name} cannot be sent as a header"))
        };
        let header = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
        headers.append(header, HeaderValue::try_from(value.as_str()).map_err(|_| invalid())?);
    }
    if let Some(body) = &invocation.body {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.to_string().len()));
    }
    Ok(RequestHead {
        method,
        target: Target::new(&path, &query),
        version: Version::HTTP_11,
        headers,
        client: None,
        server: ("localhost", service.ready.port),
        request_id,
    })
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
