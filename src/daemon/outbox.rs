//! The way of spans to the collector: in batches, soon, and never in the way of a call.
//!
//! A batch goes when it is full or [`PAUSE`] old, under load not sooner than [`BUSY_PAUSE`] after the one before. One
//! that the collector does not take in time is dropped, so that a collector that is down costs nothing but its spans;
//! what is lost is counted, and the first loss of a row logged.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::registry::Registry;
use crate::traces::{Exporter, Span, Tracer};

/// How many spans are sent at once.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one batch follows another at the soonest, as OpenTelemetry's processors have it, unless it is full.
const BUSY_PAUSE: Duration = Duration::from_secs(5);
/// How long the collector may take for a batch.
const LIMIT: Duration = Duration::from_secs(10);
/// How long it may take for the last spans of a daemon that ends.
const LAST_LIMIT: Duration = Duration::from_secs(2);

/// The task that sends spans.
pub(super) struct Outbox {
    ending: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Outbox {
    /// Has the calls of plugins traced, at most `per_second` a second without a trace of their caller's.
    pub(super) fn open(
        exporter: Arc<dyn Exporter>,
        per_second: u32,
        registry: &Arc<Registry>,
    ) -> Outbox {
        let (tracer, spans) = Tracer::new(per_second);
        registry.trace_by(Arc::new(tracer));
        let (ending, end) = watch::channel(false);
        let sending = Sending { exporter, registry: registry.clone(), is_failing: false };
        Outbox { ending, task: tokio::spawn(sending.run(spans, end)) }
    }

    /// Sends what is left, for a short time; call it once no plugin is loaded any more.
    pub(super) async fn close(self) {
        self.ending.send_replace(true);
        if timeout(LAST_LIMIT, self.task).await.is_err() {
            tracing::warn!("the collector of traces did not take the last spans in time");
        }
    }
}

struct Sending {
    exporter: Arc<dyn Exporter>,
    registry: Arc<Registry>,
    /// The last batch was not taken.
    is_failing: bool,
}

impl Sending {
    async fn run(mut self, mut spans: mpsc::Receiver<Span>, mut end: watch::Receiver<bool>) {
        let mut last = None;
        loop {
            let first = tokio::select! {
                biased;
                span = spans.recv() => span,
                _ = end.wait_for(|is_ending| *is_ending) => spans.try_recv().ok(),
            };
            let Some(first) = first else { return };
            let mut batch = vec![first];
            let due = due(Instant::now(), last);
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                let more = tokio::select! {
                    biased;
                    more = timeout_at(due, spans.recv_many(&mut batch, room)) => more.is_ok(),
                    _ = end.wait_for(|is_ending| *is_ending) => {
                        batch.extend(std::iter::from_fn(|| spans.try_recv().ok()).take(room));
                        false
                    }
                };
                if !more {
                    break;
                }
            }
            last = Some(Instant::now());
            self.send(batch).await;
        }
    }

    async fn send(&mut self, batch: Vec<Span>) {
        let count = batch.len() as u64;
        let sent = timeout(LIMIT, self.exporter.export(batch)).await;
        let sent = sent.unwrap_or_else(|_| Err(format!("no answer for {} s", LIMIT.as_secs())));
        let metrics = &self.registry.metrics;
        match sent {
            Ok(()) => {
                metrics.spans_sent.fetch_add(count, Ordering::Relaxed);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the collector of traces takes spans again");
                }
            }
            Err(error) => {
                metrics.spans_failed.fetch_add(count, Ordering::Relaxed);
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(
                        error,
                        "the collector of traces does not take spans: they are dropped"
                    );
                }
            }
        }
    }
}

/// When a batch is to go whose first span came `now`, by when the one before it went.
fn due(now: Instant, last: Option<Instant>) -> Instant {
    let soonest = now + PAUSE;
    last.map_or(soonest, |last| soonest.max(last + BUSY_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::{Reported, TraceState};
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use std::sync::Mutex;

    /// A collector that takes batches, refuses them, or never answers.
    #[derive(Default)]
    struct Collector {
        batches: Mutex<Vec<usize>>,
        refuses: bool,
        hangs: bool,
    }

    impl Exporter for Collector {
        fn export(&self, spans: Vec<Span>) -> BoxFuture<'static, Result<(), String>> {
            self.batches.lock().unwrap().push(spans.len());
            match (self.hangs, self.refuses) {
                (true, _) => std::future::pending().boxed(),
                (false, true) => async { Err("refused".to_owned()) }.boxed(),
                (false, false) => async { Ok(()) }.boxed(),
            }
        }
    }

    struct World {
        collector: Arc<Collector>,
        registry: Arc<Registry>,
        outbox: Outbox,
    }

    fn world(collector: Collector) -> World {
        let (collector, registry) = (Arc::new(collector), Arc::new(Registry::new().0));
        let outbox = Outbox::open(collector.clone(), 1, &registry);
        World { collector, registry, outbox }
    }

    impl World {
        /// Records so many spans of a plugin, and the one of its call.
        fn record(&self, count: usize) {
            let tracer = self.registry.tracer().unwrap();
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let trace = tracer.begin(Some(parent), TraceState::default, std::time::Instant::now());
            let trace = trace.unwrap();
            (0..count).for_each(|_| trace.spans().record(Reported::default()));
        }

        fn counts(&self) -> [u64; 2] {
            let metrics = &self.registry.metrics;
            [&metrics.spans_sent, &metrics.spans_failed].map(|it| it.load(Ordering::Relaxed))
        }

        fn batches(&self) -> Vec<usize> {
            self.collector.batches.lock().unwrap().clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn spans_are_sent_in_batches_a_moment_after_the_first_and_later_under_load() {
        let world = world(Collector::default());
        let rest = 600 + 2 - BATCH;
        world.record(600);
        tokio::time::sleep(PAUSE / 2).await;
        assert_eq!(world.batches(), [BATCH]);
        world.record(0);
        tokio::time::sleep(BUSY_PAUSE - PAUSE).await;
        assert_eq!(world.batches(), [BATCH]);
        tokio::time::sleep(PAUSE).await;
        assert_eq!(world.batches(), [BATCH, rest]);
        assert_eq!(world.counts(), [602, 0]);
        tokio::time::sleep(BUSY_PAUSE).await;
        world.record(0);
        tokio::time::sleep(PAUSE * 2).await;
        assert_eq!(world.batches(), [BATCH, rest, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_spans_are_sent_at_the_end() {
        let world = world(Collector::default());
        world.record(700);
        let collector = world.collector.clone();
        world.outbox.close().await;
        assert_eq!(*collector.batches.lock().unwrap(), [BATCH, 701 - BATCH]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_collector_refuses_or_does_not_answer_is_dropped_and_counted() {
        let refusing = world(Collector { refuses: true, ..Collector::default() });
        refusing.record(2);
        tokio::time::sleep(PAUSE * 2).await;
        assert_eq!(refusing.counts(), [0, 3]);
        let hanging = world(Collector { hangs: true, ..Collector::default() });
        hanging.record(0);
        tokio::time::sleep(PAUSE + LIMIT + PAUSE).await;
        assert_eq!(hanging.counts(), [0, 1]);
        hanging.record(0);
        // It ends although the collector hangs.
        hanging.outbox.close().await;
        assert_eq!(*hanging.collector.batches.lock().unwrap(), [1, 1]);
    }
}
