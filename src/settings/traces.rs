//! `[traces]` in `config.toml`: where traces of calls are sent, and how many.
//!
//! To add a key: a field, a line in [`resolve`], a row in [`super::table`] and one in README.

use toml::{Table, Value};

use super::{UnknownSetting, unknown_of};
use crate::environment::{Environment, OTLP_ENDPOINT};

/// The range of the number of traces.
pub(super) const PER_SECOND: (u32, u32) = (0, 10_000);

/// The section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// Base URL of a collector that takes OTLP over HTTP; without one nothing is traced.
    pub endpoint: Option<String>,
    /// How many traces a second the daemon begins itself.
    pub per_second: u32,
}

impl Default for TraceSettings {
    fn default() -> TraceSettings {
        TraceSettings { endpoint: None, per_second: 10 }
    }
}

/// Resolves the section; an error names key or variable, and value.
pub(super) fn resolve(
    section: Option<Value>,
    env: &Environment,
) -> Result<(TraceSettings, Vec<UnknownSetting>), String> {
    let mut table = match section {
        None => Table::new(),
        Some(Value::Table(table)) => table,
        Some(other) => return Err(format!("`traces` must be a table, not {}", other.type_str())),
    };
    let mut settings = TraceSettings::default();
    if let Some(value) = table.remove("endpoint") {
        let text = value.as_str().ok_or_else(|| {
            format!("`traces.endpoint` must be a string, not {}", value.type_str())
        })?;
        settings.endpoint = Some(url(text).map_err(|why| format!("`traces.endpoint`: {why}"))?);
    }
    if let Some(text) = env.get(OTLP_ENDPOINT) {
        settings.endpoint = Some(url(text).map_err(|why| format!("{OTLP_ENDPOINT}: {why}"))?);
    }
    if let Some(value) = table.remove("per_second") {
        let (least, most) = PER_SECOND;
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        settings.per_second =
            number.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
                format!(
                    "`traces.per_second` must be a whole number from {least} to {most}, not {value}"
                )
            })?;
    }
    Ok((settings, unknown_of("traces", "traces", table.keys())))
}

fn url(text: &str) -> Result<String, String> {
    let parsed = text.parse::<http::Uri>().ok();
    let is_url = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    });
    match is_url {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is not a URL like `http://localhost:4318`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use std::path::Path;

    fn resolved(text: &str, endpoint: Option<&str>) -> Result<Settings, String> {
        let variables = endpoint.map(|url| (OTLP_ENDPOINT.to_owned(), url.to_owned()));
        let env: Environment = variables.into_iter().collect();
        Settings::resolve(text.parse().unwrap(), Path::new("/c"), &env).map_err(|it| it.error)
    }

    #[test]
    fn the_section_is_read_and_the_variable_wins() {
        assert_eq!(resolved("", None).unwrap().traces, TraceSettings::default());
        let text = "[traces]\nendpoint = 'http://a:4318'\nper_second = 3\nendpont = 1";
        let settings = resolved(text, None).unwrap();
        assert_eq!(settings.traces.endpoint.as_deref(), Some("http://a:4318"));
        assert_eq!(settings.traces.per_second, 3);
        assert_eq!(settings.unknown[0].similar.as_deref(), Some("traces.endpoint"));
        let settings = resolved(text, Some("https://b/otlp")).unwrap();
        assert_eq!(settings.traces.endpoint.as_deref(), Some("https://b/otlp"));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key_or_variable() {
        for (text, endpoint, message) in [
            ("traces = 1", None, "/c: `traces` must be a table, not integer"),
            ("traces.endpoint = 1", None, "/c: `traces.endpoint` must be a string, not integer"),
            (
                "traces.endpoint = 'localhost:4318'",
                None,
                "/c: `traces.endpoint`: `localhost:4318` is not a URL like `http://localhost:4318`",
            ),
            (
                "",
                Some("ftp://a"),
                "OTEL_EXPORTER_OTLP_ENDPOINT: `ftp://a` is not a URL like `http://localhost:4318`",
            ),
            (
                "traces.per_second = -1",
                None,
                "/c: `traces.per_second` must be a whole number from 0 to 10000, not -1",
            ),
        ] {
            assert_eq!(resolved(text, endpoint).unwrap_err(), message);
        }
    }
}
