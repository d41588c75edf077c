//! `GET /metrics`: all numbers at one moment, for Prometheus.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Service;
use crate::metrics::process::Process;
use crate::metrics::{Format, Page, PluginNow, Series};
use crate::notices::Topic;
use crate::registry::{Entry, Snapshot};

/// Answers in the format that the request takes; never waits for a plugin.
pub(super) async fn metrics(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::of(accept);
    match page(&service).text(format) {
        Ok(text) => {
            let kind = HeaderValue::from_static(format.content_type());
            (StatusCode::OK, [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// All numbers of the moment.
fn page(service: &Service) -> Page {
    let (snapshot, metrics) = (service.registry.snapshot(), &service.registry.metrics);
    metrics.keep_only(|name| snapshot.entries.iter().any(|entry| entry.name == name));
    let own = Series::new("", "", metrics.own.read());
    let of_plugins =
        snapshot.served().flat_map(|served| metrics.series(served.name(), &served.metrics));
    let series = of_plugins.chain([own]).collect();
    let loads: BTreeMap<&str, _> =
        snapshot.entries.iter().map(|it| (it.name.as_str(), metrics.loads(&it.name))).collect();
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    Page {
        version: service.ready.version.clone(),
        python: service.ready.python.clone(),
        started: service.started_at.duration_since(UNIX_EPOCH).unwrap_or_default(),
        uptime: service.started.elapsed(),
        in_flight: service.activity.in_flight().saturating_sub(1),
        states: states(&snapshot),
        series,
        plugins: snapshot.entries.iter().filter_map(|entry| now(service, entry)).collect(),
        loads: loads.into_iter().map(|(name, loads)| (name.to_owned(), loads)).collect(),
        gil: metrics.gil.read(),
        packages: [count(&metrics.packages_changed), count(&metrics.packages_failed)],
        crashes: count(&metrics.crashes),
        spans: service.registry.tracer().map(|tracer| {
            [count(&metrics.spans_sent), count(&metrics.spans_failed), tracer.dropped()]
        }),
        process: Process::now(),
    }
}

/// How many plugins are in each state, those with none included.
fn states(snapshot: &Snapshot) -> Vec<(String, usize)> {
    use crate::wire::Word::{Asleep, Failed, Loading, Ready};
    let of = |word| snapshot.entries.iter().filter(|entry| entry.state.word() == word).count();
    [Asleep, Loading, Ready, Failed].into_iter().map(|word| (word.to_string(), of(word))).collect()
}

/// A plugin that serves.
fn now(service: &Service, entry: &Entry) -> Option<PluginNow> {
    let served = entry.served.as_ref()?;
    let activity = served.instance.activity();
    let is_reported = |topic| service.notices.about(Some(entry.id), topic).is_some();
    Some(PluginNow {
        name: served.name().to_owned(),
        in_flight: activity.in_flight(),
        waiting: served.waiting(),
        pool: activity.pool.len(),
        lag: activity.loops.iter().map(|own_loop| own_loop.lag).max().unwrap_or(Duration::ZERO),
        is_blocked: is_reported(Topic::Blocked),
        is_stuck: is_reported(Topic::Stuck),
    })
}
