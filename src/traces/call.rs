//! The trace of one call, while it is under way.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};

use super::Tracer;
use super::context::{SpanContext, SpanId, TraceId, TraceState};
use super::span::{Kind, Reported, Span};

/// What is known of a call once it was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// The name of its span: plugin and command.
    pub name: String,
    /// Attributes of its span.
    pub attributes: Map<String, Value>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// The trace of a call; its spans are queued when the last reference is dropped.
#[derive(Debug)]
pub struct CallTrace {
    spans: Spans,
    /// The caller's span.
    parent: Option<SpanId>,
    /// The span of the call.
    own: SpanId,
    begun_at: SystemTime,
    begun: Instant,
    /// From the begin until the handler's thread took the call up.
    handling: OnceLock<Duration>,
    /// Until it had ended it.
    handled: OnceLock<Duration>,
    call: OnceLock<Call>,
}

/// Where spans of the plugin go, during a call and after it.
#[derive(Clone, Debug)]
pub struct Spans {
    tracer: Arc<Tracer>,
    /// The span of the handler; that of the caller if the call is not recorded.
    handler: SpanContext,
    state: TraceState,
}

impl Spans {
    /// The handler's span, as `traceparent` of W3C Trace Context.
    pub fn traceparent(&self) -> String {
        self.handler.to_string()
    }

    /// The `tracestate` that goes with it.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.text()
    }

    /// True if what is reported is recorded.
    pub fn is_recording(&self) -> bool {
        self.handler.is_sampled
    }

    /// Records a span of the plugin that has ended.
    pub fn record(&self, reported: Reported) {
        if self.is_recording() {
            self.tracer.record(reported.into_span(self.handler, self.state.clone()));
        }
    }
}

impl CallTrace {
    pub(super) fn of(
        tracer: Arc<Tracer>,
        parent: Option<(SpanContext, TraceState)>,
        now: Instant,
    ) -> CallTrace {
        let (parent, state) = parent.unzip();
        let handler = match parent {
            Some(parent) if !parent.is_sampled => parent,
            parent => SpanContext {
                trace: parent.map_or_else(TraceId::random, |parent| parent.trace),
                span: SpanId::random(),
                is_sampled: true,
            },
        };
        CallTrace {
            spans: Spans { tracer, handler, state: state.unwrap_or_default() },
            parent: parent.map(|parent| parent.span),
            own: SpanId::random(),
            begun_at: SystemTime::now(),
            begun: now,
            handling: OnceLock::new(),
            handled: OnceLock::new(),
            call: OnceLock::new(),
        }
    }

    /// Where spans of the plugin go.
    pub fn spans(&self) -> &Spans {
        &self.spans
    }

    /// Notes that the handler's thread takes the call up; only the first time counts.
    pub fn handling(&self) {
        let _ = self.handling.set(self.begun.elapsed());
    }

    /// Notes that the handler has ended the call; only the first time counts.
    pub fn handled(&self) {
        let _ = self.handled.set(self.begun.elapsed());
    }

    /// Notes how the call was answered; only the first time counts.
    pub fn describe(&self, call: Call) {
        let _ = self.call.set(call);
    }
}

impl Drop for CallTrace {
    fn drop(&mut self) {
        let Spans { tracer, handler, state } = &self.spans;
        if !handler.is_sampled {
            return;
        }
        let lasted = self.begun.elapsed();
        let Call { name, attributes, error } = self.call.take().unwrap_or_default();
        if let Some(handling) = self.handling.take() {
            tracer.record(Span {
                context: *handler,
                state: state.clone(),
                parent: Some(self.own),
                is_parent_remote: false,
                kind: Kind::Internal,
                name: "handler".to_owned(),
                begun: self.begun_at + handling,
                ended: self.begun_at + self.handled.take().unwrap_or(lasted),
                attributes: Map::new(),
                moments: Vec::new(),
                links: Vec::new(),
                error: None,
            });
        }
        tracer.record(Span {
            context: SpanContext { span: self.own, ..*handler },
            state: state.clone(),
            parent: self.parent,
            is_parent_remote: self.parent.is_some(),
            kind: Kind::Server,
            name,
            begun: self.begun_at,
            ended: self.begun_at + lasted,
            attributes,
            moments: Vec::new(),
            links: Vec::new(),
            error,
        });
    }
}
