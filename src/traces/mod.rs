//! Traces of calls, as OpenTelemetry defines them: which calls are recorded, and what.
//!
//! A [`Tracer`] exists only where a collector is configured. [`Tracer::begin`] decides whether a call is traced:
//!
//! - one that carries a `traceparent` (W3C Trace Context) always continues that trace, and is recorded if its caller records;
//! - of all others, the first so many of each second begin a trace of their own, so that tracing stays cheap under load.
//!
//! A traced call has a [`CallTrace`], which both sides of its exchange hold. When the last lets go of it, two spans are
//! queued: the call from its begin to its end, and below that the handler, from when its thread took the call up. Spans of
//! the plugin itself are children of the handler's. The queue is bounded: a span that finds it full is dropped and counted.
//!
//! [`Exporter`] sends spans; the host implements it.

mod call;
mod context;
mod sampler;
mod span;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

pub use call::{Call, CallTrace, Spans};
pub use context::{SpanContext, SpanId, TraceId, TraceState};
pub use span::{Kind, Link, Moment, Reported, Span};

use sampler::Sampler;

/// The header, and field of a message to a tool, that names the caller's span.
pub const TRACEPARENT: &str = "traceparent";
/// The one with what goes with it.
pub const TRACESTATE: &str = "tracestate";

/// How many spans may wait to be sent.
const QUEUE: usize = 4096;

/// Sends spans to a collector.
pub trait Exporter: Send + Sync + 'static {
    /// Sends `spans`; fails with the reason.
    fn export(&self, spans: Vec<Span>) -> BoxFuture<'static, Result<(), String>>;
}

/// Decides which calls are traced, and queues their spans.
#[derive(Debug)]
pub struct Tracer {
    sampler: Sampler,
    queue: mpsc::Sender<Span>,
    dropped: AtomicU64,
}

impl Tracer {
    /// Returns a tracer that begins at most `per_second` traces a second itself, and the queue of its spans.
    pub fn new(per_second: u32) -> (Tracer, mpsc::Receiver<Span>) {
        let (queue, spans) = mpsc::channel(QUEUE);
        (Tracer { sampler: Sampler::new(per_second), queue, dropped: AtomicU64::new(0) }, spans)
    }

    /// Begins the trace of a call whose caller sent `parent`, its `traceparent`, and `state`, its `tracestate`; `None` for
    /// a call that is not traced.
    ///
    /// A `parent` that is malformed counts as none, and its state is not asked for.
    pub fn begin(
        self: &Arc<Self>,
        parent: Option<&str>,
        state: impl FnOnce() -> TraceState,
        now: Instant,
    ) -> Option<Arc<CallTrace>> {
        let parent = parent.and_then(|parent| parent.parse::<SpanContext>().ok());
        if parent.is_none() && !self.sampler.admits(now) {
            return None;
        }
        let parent = parent.map(|parent| (parent, state()));
        Some(Arc::new(CallTrace::of(self.clone(), parent, now)))
    }

    /// Queues a span that has ended.
    pub fn record(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns how many spans found the queue full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn drained(spans: &mut mpsc::Receiver<Span>) -> Vec<Span> {
        std::iter::from_fn(|| spans.try_recv().ok()).collect()
    }

    #[test]
    fn a_trace_that_the_caller_records_goes_on_whatever_the_rate() {
        let (tracer, mut spans) = Tracer::new(0);
        let tracer = Arc::new(tracer);
        let state = || TraceState::joined(["vendor=1"]);
        let trace = tracer.begin(Some(PARENT), state, Instant::now()).unwrap();
        trace.describe(Call { name: "jira search".into(), ..Call::default() });
        trace.handling();
        trace.handled();
        assert!(drained(&mut spans).is_empty());
        drop(trace);
        let [handler, call] = &drained(&mut spans)[..] else { panic!("not two spans") };
        assert_eq!(call.name, "jira search");
        assert_eq!(call.kind, Kind::Server);
        assert_eq!(call.parent.unwrap().to_string(), "b7ad6b7169203331");
        assert!(call.is_parent_remote);
        assert_eq!(handler.parent, Some(call.context.span));
        for span in [handler, call] {
            assert_eq!(span.context.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
            assert!(span.begun <= span.ended);
            assert_eq!(span.state.text(), Some("vendor=1"));
        }
        assert!(call.begun <= handler.begun && handler.ended <= call.ended);
    }

    #[test]
    fn a_call_that_its_caller_does_not_record_passes_the_callers_context_on() {
        let (tracer, mut spans) = Tracer::new(10);
        let parent = PARENT.replace("-01", "-00");
        let trace =
            Arc::new(tracer).begin(Some(&parent), TraceState::default, Instant::now()).unwrap();
        assert_eq!(trace.spans().traceparent(), parent);
        trace.handling();
        trace.spans().record(Reported::default());
        drop(trace);
        assert!(drained(&mut spans).is_empty());
    }

    #[test]
    fn without_a_parent_only_so_many_of_a_second_are_traced() {
        let (tracer, _spans) = Tracer::new(2);
        let (tracer, now) = (Arc::new(tracer), Instant::now());
        let begun = |parent| tracer.begin(parent, TraceState::default, now).is_some();
        assert_eq!([begun(None), begun(Some("nonsense")), begun(None)], [true, true, false]);
        assert!(begun(Some(PARENT)));
    }

    #[test]
    fn a_call_that_never_reached_its_handler_has_no_span_of_one() {
        let (tracer, mut spans) = Tracer::new(1);
        drop(Arc::new(tracer).begin(None, TraceState::default, Instant::now()));
        let spans = drained(&mut spans);
        assert_eq!(spans.len(), 1);
        assert_eq!(spans[0].parent, None);
    }

    #[test]
    fn spans_of_the_plugin_are_children_of_its_handler() {
        let (tracer, mut spans) = Tracer::new(1);
        let trace = Arc::new(tracer).begin(None, TraceState::default, Instant::now()).unwrap();
        trace.handling();
        let own: SpanContext = trace.spans().traceparent().parse().unwrap();
        trace.spans().record(Reported { name: "fetch".into(), ..Reported::default() });
        drop(trace);
        let [fetch, handler, _] = &drained(&mut spans)[..] else { panic!("not three spans") };
        assert_eq!(fetch.parent, Some(handler.context.span));
        assert_eq!(own.span, handler.context.span);
        assert_eq!(fetch.context.trace, own.trace);
    }

    #[test]
    fn a_span_that_finds_the_queue_full_is_counted_as_dropped() {
        let (tracer, spans) = Tracer::new(1);
        let tracer = Arc::new(tracer);
        let trace = tracer.begin(None, TraceState::default, Instant::now()).unwrap();
        for _ in 0..QUEUE + 3 {
            trace.spans().record(Reported::default());
        }
        assert_eq!((spans.len(), tracer.dropped()), (QUEUE, 3));
    }
}
