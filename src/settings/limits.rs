//! `[limits]` in `config.toml`: how much of the daemon those at the other ends of connections may take.
//!
//! To add a key: a field, a line in [`resolve`], a row in [`super::table`] and one in README.

use std::time::Duration;

use toml::{Table, Value};

use super::{UnknownSetting, unknown_of};

/// The range of the number of connections.
pub(super) const CONNECTIONS: (u32, u32) = (1, 1 << 20);
/// The range of the size of a head, in bytes; hyper's own limit is 408 KiB.
pub(super) const HEADER_BYTES: (u32, u32) = (1024, 400 << 10);
/// The range of a timeout, in seconds: up to a day.
pub(super) const SECONDS: (u32, u32) = (0, 86_400);

/// The section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one user over TCP, or on the Unix socket.
    pub connections_per_peer: usize,
    /// The longest head of a request, in bytes.
    pub header_bytes: usize,
    /// Time for the head of a request; zero is no limit.
    pub head_timeout: Duration,
    /// Time between two pieces of a request's body; zero is no limit.
    pub body_timeout: Duration,
    /// Time in which a client that does not read takes a piece of the answer; zero is no limit.
    pub answer_timeout: Duration,
}

impl Default for LimitSettings {
    fn default() -> LimitSettings {
        LimitSettings {
            connections: 4096,
            connections_per_peer: 3072,
            header_bytes: 64 << 10,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// Resolves the section; an error names key and value.
pub(super) fn resolve(
    section: Option<Value>,
) -> Result<(LimitSettings, Vec<UnknownSetting>), String> {
    let mut table = match section {
        None => Table::new(),
        Some(Value::Table(table)) => table,
        Some(other) => return Err(format!("`limits` must be a table, not {}", other.type_str())),
    };
    let mut settings = LimitSettings::default();
    let size = |number: u32| number as usize;
    let span = |number: u32| Duration::from_secs(number.into());
    if let Some(number) = take(&mut table, "connections", CONNECTIONS)? {
        settings.connections = size(number);
    }
    if let Some(number) = take(&mut table, "connections_per_peer", CONNECTIONS)? {
        settings.connections_per_peer = size(number);
    }
    if let Some(number) = take(&mut table, "header_bytes", HEADER_BYTES)? {
        settings.header_bytes = size(number);
    }
    if let Some(number) = take(&mut table, "head_timeout", SECONDS)? {
        settings.head_timeout = span(number);
    }
    if let Some(number) = take(&mut table, "body_timeout", SECONDS)? {
        settings.body_timeout = span(number);
    }
    if let Some(number) = take(&mut table, "answer_timeout", SECONDS)? {
        settings.answer_timeout = span(number);
    }
    Ok((settings, unknown_of("limits", "limits", table.keys())))
}

/// Takes `key` out of `table`, a whole number in `range`.
fn take(table: &mut Table, key: &str, range: (u32, u32)) -> Result<Option<u32>, String> {
    let Some(value) = table.remove(key) else { return Ok(None) };
    let (least, most) = range;
    let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
    match number.filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(format!(
            "`limits.{key}` must be a whole number from {least} to {most}, not {value}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::settings::Settings;
    use std::path::Path;

    fn resolved(text: &str) -> Result<Settings, String> {
        let env = Environment::default();
        Settings::resolve(text.parse().unwrap(), Path::new("/c"), &env).map_err(|it| it.error)
    }

    #[test]
    fn the_section_is_read() {
        assert_eq!(resolved("").unwrap().limits, LimitSettings::default());
        let text = "[limits]\nconnections = 10\nconnections_per_peer = 5\nheader_bytes = 2048\n\
            head_timeout = 1\nbody_timeout = 2\nanswer_timeout = 0\nhead_timout = 3";
        let settings = resolved(text).unwrap();
        let expected = LimitSettings {
            connections: 10,
            connections_per_peer: 5,
            header_bytes: 2048,
            head_timeout: Duration::from_secs(1),
            body_timeout: Duration::from_secs(2),
            answer_timeout: Duration::ZERO,
        };
        assert_eq!(settings.limits, expected);
        assert_eq!(settings.unknown[0].similar.as_deref(), Some("limits.head_timeout"));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key_and_range() {
        for (text, message) in [
            ("limits = 1", "/c: `limits` must be a table, not integer"),
            (
                "limits.connections = 0",
                "/c: `limits.connections` must be a whole number from 1 to 1048576, not 0",
            ),
            (
                "limits.header_bytes = 'many'",
                "/c: `limits.header_bytes` must be a whole number from 1024 to 409600, not \"many\"",
            ),
            (
                "limits.body_timeout = -1",
                "/c: `limits.body_timeout` must be a whole number from 0 to 86400, not -1",
            ),
        ] {
            assert_eq!(resolved(text).err().as_deref(), Some(message));
        }
    }
}
