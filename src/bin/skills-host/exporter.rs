//! [`skills_daemon::traces::Exporter`] by OpenTelemetry's own exporter: OTLP over HTTP, as protobuf.
//!
//! Made only where a collector is configured. Headers (an API key), compression and timeout of requests come from the
//! variables that OpenTelemetry defines for them, `OTEL_EXPORTER_OTLP_HEADERS` among others; the resource from
//! `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use opentelemetry::trace::{
    Event, Link as OtelLink, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use serde_json::{Map, Value as Json};
use skills_daemon::environment::{Environment, PROFILE, SERVICE_NAME};
use skills_daemon::failure::Failure;
use skills_daemon::settings::traces::TraceSettings;
use skills_daemon::traces::{self, Exporter, Kind, Link, Moment, Span};

/// The path below the base URL, as OTLP defines it.
const PATH: &str = "/v1/traces";

/// Sends spans to one collector.
struct Otlp(Arc<SpanExporter>);

/// Returns the exporter to the collector that the settings name.
///
/// # Errors
/// A variable of OpenTelemetry has a wrong value.
pub(crate) fn exporter(
    settings: &TraceSettings,
    env: &Environment,
) -> Result<Option<Arc<dyn Exporter>>, Failure> {
    let Some(endpoint) = &settings.endpoint else { return Ok(None) };
    let base = endpoint.trim_end_matches('/');
    let url = if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") };
    let built = SpanExporter::builder().with_http().with_endpoint(url).build();
    let mut exporter = built.map_err(|error| {
        Failure::environment(format!("traces cannot be sent to {endpoint}: {error}"))
            .hint("Correct `[traces]` in config.toml and the variables OTEL_EXPORTER_OTLP_*.")
    })?;
    let profile = env.get(PROFILE).map(|name| KeyValue::new("skills.profile", name.to_owned()));
    let resource = Resource::builder()
        .with_service_name(env.get(SERVICE_NAME).unwrap_or("skills-daemon").to_owned())
        .with_attributes(profile)
        .with_attribute(KeyValue::new("service.version", skills_daemon::VERSION))
        .with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())))
        .build();
    exporter.set_resource(&resource);
    Ok(Some(Arc::new(Otlp(Arc::new(exporter)))))
}

impl Exporter for Otlp {
    fn export(&self, spans: Vec<Span>) -> BoxFuture<'static, Result<(), String>> {
        let exporter = self.0.clone();
        async move {
            let spans = spans.into_iter().map(data).collect();
            exporter.export(spans).await.map_err(|error| error.to_string())
        }
        .boxed()
    }
}

/// A span as OpenTelemetry's exporters take it.
fn data(span: Span) -> SpanData {
    // One that OpenTelemetry does not take is passed on to others, and not sent.
    let state = span.state.text().and_then(|text| text.parse().ok()).unwrap_or_default();
    let context = context(span.context, state);
    let mut links = SpanLinks::default();
    links.links = span.links.into_iter().map(link).collect();
    let mut events = SpanEvents::default();
    events.events = span.moments.into_iter().map(event).collect();
    SpanData {
        span_context: context,
        parent_span_id: span.parent.map_or(SpanId::INVALID, |parent| SpanId::from(parent.0)),
        parent_span_is_remote: span.is_parent_remote,
        span_kind: kind(span.kind),
        name: span.name.into(),
        start_time: span.begun,
        end_time: span.ended,
        attributes: attributes(span.attributes),
        dropped_attributes_count: 0,
        events,
        links,
        status: span.error.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder("skills-daemon")
            .with_version(skills_daemon::VERSION)
            .build(),
    }
}

fn context(of: traces::SpanContext, state: TraceState) -> SpanContext {
    let flags = if of.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    SpanContext::new(TraceId::from(of.trace.0), SpanId::from(of.span.0), flags, false, state)
}

fn link(link: Link) -> OtelLink {
    OtelLink::new(context(link.context, TraceState::NONE), attributes(link.attributes), 0)
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}

fn event(moment: Moment) -> Event {
    let at = moment.time();
    Event::new(moment.name, at, attributes(moment.attributes), 0)
}

fn attributes(attributes: Map<String, Json>) -> Vec<KeyValue> {
    attributes.into_iter().map(|(name, value)| KeyValue::new(name, of_json(value))).collect()
}

fn of_json(value: Json) -> Value {
    match value {
        Json::Bool(flag) => Value::Bool(flag),
        Json::String(text) => Value::String(text.into()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::I64(number),
            (None, Some(number)) => Value::F64(number),
            (None, None) => Value::String(number.to_string().into()),
        },
        Json::Array(values) => array(values),
        other => Value::String(other.to_string().into()),
    }
}

/// An array of OpenTelemetry's, whose values are all of one type; others become text.
fn array(values: Vec<Json>) -> Value {
    let all = |is: fn(&Json) -> bool| values.iter().all(is);
    Value::Array(if all(Json::is_boolean) {
        Array::Bool(values.iter().filter_map(Json::as_bool).collect())
    } else if all(Json::is_i64) {
        Array::I64(values.iter().filter_map(Json::as_i64).collect())
    } else if all(Json::is_number) {
        Array::F64(values.iter().filter_map(Json::as_f64).collect())
    } else {
        let text = |value: Json| -> StringValue {
            match value {
                Json::String(text) => text.into(),
                other => other.to_string().into(),
            }
        };
        Array::String(values.into_iter().map(text).collect())
    })
}
