//! The trace of a call that has one: whose it continues, and what it says of the call.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::{Context, Target};
use crate::failure::Failure;
use crate::registry::Served;
use crate::traces::{Call, CallTrace, TRACEPARENT, TRACESTATE, TraceState};

/// Made once: a name in letters is hashed anew each time.
static PARENT: HeaderName = HeaderName::from_static(TRACEPARENT);
static STATE: HeaderName = HeaderName::from_static(TRACESTATE);

/// A call that is traced, until it is answered.
pub(super) struct Traced {
    trace: Arc<CallTrace>,
    attributes: Map<String, Value>,
    error: Option<String>,
}

/// Begins the trace of a call; `None` for one that is not traced.
pub(super) fn begin<B>(
    plugin: &Served,
    target: &Target<B>,
    context: Option<&Context>,
    now: Instant,
) -> Option<Box<Traced>> {
    let tracer = plugin.tracer.as_ref()?;
    let caller = context.and_then(|context| context.caller.as_ref());
    let of_shell = caller.filter(|caller| caller.traceparent.is_some());
    let parent = match of_shell {
        Some(caller) => caller.traceparent.as_deref(),
        None => header(target, &PARENT),
    };
    // That of another source belongs to another trace.
    let state = || match of_shell {
        Some(caller) => TraceState::joined(caller.tracestate.as_deref()),
        None => TraceState::joined(headers(target, &STATE)),
    };
    let trace = tracer.begin(parent, state, now)?;
    let mut attributes = Map::new();
    let mut set = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
    set("skills.plugin", json!(plugin.name()));
    match target {
        Target::Http(head, _) | Target::Socket(head) => {
            set("http.request.method", json!(head.method.as_str()));
            set("url.path", json!(head.target.raw_path()));
            set("skills.request_id", json!(&*head.request_id));
        }
        Target::Command(_, request, _) => {
            set("skills.request_id", json!(request.id()));
        }
    }
    set(
        "skills.caller",
        json!(match (caller, target) {
            (Some(_), _) => "shell",
            // A call of a tool, by MCP or by the route of tools.
            (None, Target::Command(..)) => "agent",
            (None, Target::Http(..) | Target::Socket(_)) => "http",
        }),
    );
    Some(Box::new(Traced { trace, attributes, error: None }))
}

/// The first value of a header of a request.
fn header<'t, B>(target: &'t Target<B>, name: &HeaderName) -> Option<&'t str> {
    match target {
        // Each request passes here.
        Target::Http(head, _) | Target::Socket(head) => head.headers.get(name)?.to_str().ok(),
        Target::Command(..) => headers(target, name).next(),
    }
}

/// All its values.
fn headers<'t, B>(target: &'t Target<B>, name: &HeaderName) -> impl Iterator<Item = &'t str> {
    let (received, composed) = match target {
        Target::Http(head, _) | Target::Socket(head) => (Some(head.headers.get_all(name)), None),
        Target::Command(_, request, _) => (None, Some(&request.composed().headers)),
    };
    let composed = composed.into_iter().flatten();
    let composed = composed.filter(move |(own, _)| own == name).map(|(_, value)| value);
    received.into_iter().flatten().chain(composed).filter_map(|value| value.to_str().ok())
}

impl Traced {
    /// The trace, for the other side of the exchange.
    pub(super) fn trace(&self) -> Arc<CallTrace> {
        self.trace.clone()
    }

    /// The call is answered with this status.
    pub(super) fn answered(&mut self, status: u16) {
        self.attributes.insert("http.response.status_code".to_owned(), json!(status));
        if status >= 500 {
            self.error = Some(format!("answered with status {status}"));
        }
    }

    /// The call is answered with `failure`.
    pub(super) fn failed(&mut self, failure: &Failure) {
        self.answered(failure.kind.http_status());
        self.error = Some(failure.error.clone());
    }

    /// The call is answered, or its caller went away; the trace goes on until the plugin has ended it.
    pub(super) fn end(self, plugin: &Served, command: Option<usize>) {
        let Traced { trace, mut attributes, error } = self;
        let command =
            command.and_then(|index| plugin.metadata.description.all_commands().nth(index));
        let mut name = plugin.name().to_owned();
        if let Some((_, command)) = command {
            let command = command.name();
            name = format!("{name} {command}");
            attributes.insert("skills.command".to_owned(), json!(command));
        }
        if !attributes.contains_key("http.response.status_code") {
            attributes.insert("skills.cancelled".to_owned(), json!(true));
        }
        trace.describe(Call { name, attributes, error });
    }
}
