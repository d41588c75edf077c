//! A span that has ended, and the form in which plugins report theirs.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::context::{SpanContext, SpanId, TraceState};

/// The limit of OpenTelemetry's SDKs for attributes of a span, for its events, and for its links.
const COUNT_MAX: usize = 128;
/// The longest text of an attribute, a name or a status, in bytes.
const TEXT_MAX: usize = 4096;

/// What a span stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Work within the process.
    #[default]
    Internal,
    /// The answer to a request.
    Server,
    /// A request to another service.
    Client,
    /// A message for others.
    Producer,
    /// The receipt of a message.
    Consumer,
}

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its ids.
    pub context: SpanContext,
    /// What goes with them.
    pub state: TraceState,
    /// The span that it is part of; `None` for the first of its trace.
    pub parent: Option<SpanId>,
    /// Whether that is one of another process.
    pub is_parent_remote: bool,
    /// What it stands for.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// When it began.
    pub begun: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// Its attributes; values are texts, numbers, booleans, and arrays of one of these.
    pub attributes: Map<String, Value>,
    /// What happened in it.
    pub moments: Vec<Moment>,
    /// Spans that it concerns besides its parent.
    pub links: Vec<Link>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// Something that happened in a span: an event of OpenTelemetry, such as an exception.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Moment {
    /// Its name.
    pub name: String,
    /// When, in nanoseconds since 1970.
    pub at: u64,
    /// Its attributes.
    pub attributes: Map<String, Value>,
}

/// A span that another one concerns: that of a message in a batch, for example.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Link {
    /// The span, as W3C Trace Context writes it.
    #[serde(deserialize_with = "context_of")]
    pub context: SpanContext,
    /// Attributes of the link.
    #[serde(default)]
    pub attributes: Map<String, Value>,
}

/// A span of a plugin, as it reports it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Reported {
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub kind: Kind,
    /// Its id; 0 for any.
    pub id: u64,
    /// The span that it is part of; 0 for the handler's.
    pub parent: u64,
    /// When it began, in nanoseconds since 1970.
    pub begun: u64,
    /// When it ended, in nanoseconds since 1970.
    pub ended: u64,
    /// Its attributes.
    pub attributes: Map<String, Value>,
    /// What happened in it.
    pub moments: Vec<Moment>,
    /// Spans that it concerns besides its parent.
    pub links: Vec<Link>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

impl Moment {
    /// When it happened.
    pub fn time(&self) -> SystemTime {
        time_of(self.at)
    }
}

impl Reported {
    /// Returns the span, where `handler` is the handler's and `state` goes with it; sizes are limited.
    pub(super) fn into_span(self, handler: SpanContext, state: TraceState) -> Span {
        let given = |id: u64| (id != 0).then_some(SpanId(id));
        let span = given(self.id).unwrap_or_else(SpanId::random);
        let mut moments = self.moments;
        moments.truncate(COUNT_MAX);
        for moment in &mut moments {
            cut(&mut moment.name);
            limit(&mut moment.attributes);
        }
        let mut links = self.links;
        links.truncate(COUNT_MAX);
        links.iter_mut().for_each(|link| limit(&mut link.attributes));
        let (mut name, mut attributes, mut error) = (self.name, self.attributes, self.error);
        cut(&mut name);
        limit(&mut attributes);
        error.iter_mut().for_each(cut);
        Span {
            context: SpanContext { span, ..handler },
            state,
            parent: given(self.parent).or(Some(handler.span)),
            is_parent_remote: false,
            kind: self.kind,
            name,
            begun: time_of(self.begun),
            ended: time_of(self.ended),
            attributes,
            moments,
            links,
            error,
        }
    }
}

fn context_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SpanContext, D::Error> {
    let text = <Cow<'de, str>>::deserialize(deserializer)?;
    text.parse().map_err(|_| Error::custom(format!("no traceparent: {text}")))
}

fn time_of(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

/// Drops attributes beyond the limit, and cuts long texts.
fn limit(attributes: &mut Map<String, Value>) {
    let mut kept = 0;
    attributes.retain(|_, _| {
        kept += 1;
        kept <= COUNT_MAX
    });
    attributes.values_mut().for_each(limit_value);
}

fn limit_value(value: &mut Value) {
    match value {
        Value::String(text) => cut(text),
        Value::Array(values) => {
            values.truncate(COUNT_MAX);
            values.iter_mut().for_each(limit_value);
        }
        // No type of OpenTelemetry's attributes.
        Value::Object(_) => {
            let mut text = value.to_string();
            cut(&mut text);
            *value = Value::String(text);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Cuts a text to the limit, at the end of a character.
fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT_MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::TraceId;
    use serde_json::json;

    const LINK: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    #[test]
    fn a_reported_span_is_limited_in_all_sizes() {
        let attributes: Map<String, Value> =
            (0..200).map(|number| (format!("a{number}"), json!("ü".repeat(4000)))).collect();
        let nested = json!({"deep": {"x": 1}, "list": vec![1; 500]});
        let report = json!({
            "name": "n".repeat(10_000), "kind": "client", "begun": 1, "ended": 2,
            "attributes": attributes, "error": "e".repeat(10_000),
            "moments": vec![json!({"name": "exception", "at": 3, "attributes": nested}); 200],
            "links": vec![json!({"context": LINK, "attributes": {"deep": {"x": 1}}}); 200],
        });
        let report: Reported = serde_json::from_value(report).unwrap();
        let handler = SpanContext { trace: TraceId(7), span: SpanId(8), is_sampled: true };
        let span = report.into_span(handler, TraceState::default());
        assert_eq!(
            (span.name.len(), span.kind, span.parent),
            (4096, Kind::Client, Some(SpanId(8)))
        );
        assert_eq!((span.attributes.len(), span.moments.len()), (128, 128));
        assert_eq!(span.attributes["a0"].as_str().unwrap().len(), 4096);
        assert_eq!(span.moments[0].attributes["deep"], json!("{\"x\":1}"));
        assert_eq!(span.moments[0].attributes["list"].as_array().unwrap().len(), 128);
        assert_eq!(span.links.len(), 128);
        assert_eq!(span.links[0].context.to_string(), LINK);
        assert_eq!(span.links[0].attributes["deep"], json!("{\"x\":1}"));
        assert_eq!(span.error.unwrap().len(), 4096);
        assert_ne!(span.context.span, handler.span);
    }

    #[test]
    fn ids_and_parents_of_a_plugin_are_kept() {
        let handler = SpanContext { trace: TraceId(7), span: SpanId(8), is_sampled: true };
        let reported = Reported { id: 3, parent: 4, ..Reported::default() };
        let span = reported.into_span(handler, TraceState::default());
        assert_eq!((span.context.span, span.parent), (SpanId(3), Some(SpanId(4))));
    }
}
