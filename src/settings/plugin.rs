//! `[plugins.NAME]` in `config.toml`: the user's settings of one plugin.
//!
//! The daemon's own keys are those of [`PluginSettings`], which win over the plugin's manifest. Any other key is the
//! plugin's own: `skills_daemon.settings()` gives it the whole table.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{UnknownSetting, unknown_of};
use crate::limits::{self, Limits};

/// The user's settings of one plugin.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct PluginSettings {
    /// False: the plugin is not loaded.
    pub enabled: Option<bool>,
    /// How many event loops run its `async def` handlers.
    pub loops: Option<usize>,
    /// Seconds that any of its commands may take.
    pub timeout: Option<u32>,
    /// How much of the daemon it may take.
    #[serde(default)]
    pub limits: Limits,
    /// Environment variables that are set before it is imported.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The whole table, for the plugin.
    #[serde(skip)]
    pub table: Map<String, Value>,
}

/// Resolves the section `plugins`.
///
/// # Errors
/// A key of the daemon with a value of another type, or out of its range; the message names key and range.
pub(super) fn resolve(
    section: toml::Value,
) -> Result<(BTreeMap<String, PluginSettings>, Vec<UnknownSetting>), String> {
    let toml::Value::Table(plugins) = section else {
        return Err(format!("`plugins` must be a table, not {}", section.type_str()));
    };
    let mut resolved = BTreeMap::new();
    let mut unknown = Vec::new();
    for (name, table) in plugins {
        let settings = one(table).map_err(|(key, message)| match key.as_str() {
            "" => format!("`plugins.{name}`: {message}"),
            key => format!("`plugins.{name}.{key}`: {message}"),
        })?;
        if let Some(Value::Object(limits)) = settings.table.get("limits") {
            let section = format!("plugins.{name}.limits");
            unknown.extend(unknown_of(&section, "plugins.*.limits", limits.keys()));
        }
        resolved.insert(name, settings);
    }
    Ok((resolved, unknown))
}

/// Resolves the table of one plugin; an error has the key within it.
fn one(table: toml::Value) -> Result<PluginSettings, (String, String)> {
    let json = serde_json::to_value(&table).map_err(|error| (String::new(), error.to_string()))?;
    let Value::Object(whole) = json.clone() else {
        return Err((String::new(), format!("must be a table, not {}", table.type_str())));
    };
    let mut settings: PluginSettings = serde_path_to_error::deserialize(json).map_err(|error| {
        let key = error.path().to_string();
        (if key == "." { String::new() } else { key }, error.into_inner().to_string())
    })?;
    if let Some(loops) = settings.loops.filter(|loops| !(1..=limits::LOOPS_MAX).contains(loops)) {
        return Err(("loops".into(), format!("{loops} is not from 1 to {}", limits::LOOPS_MAX)));
    }
    if let Some(timeout) = settings.timeout.filter(|it| !(1..=limits::TIMEOUT_MAX).contains(it)) {
        return Err((
            "timeout".into(),
            format!("{timeout} is not from 1 to {}", limits::TIMEOUT_MAX),
        ));
    }
    let is_variable = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
    for (name, value) in &settings.env {
        if !is_variable(name) || value.contains('\0') {
            let message = "has a name or a value that a variable cannot have";
            return Err((format!("env.{name}"), message.into()));
        }
    }
    settings.limits.check().map_err(|(field, message)| (format!("limits.{field}"), message))?;
    settings.table = whole;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<BTreeMap<String, PluginSettings>, String> {
        let table: toml::Table = text.parse().unwrap();
        resolve(table["plugins"].clone()).map(|(settings, _)| settings)
    }

    #[test]
    fn keys_of_the_daemon_are_typed_and_others_are_the_plugins() {
        let text = "[plugins.jira]\nloops = 2\nurl = 'u'\nlimits.concurrent = 3\nenv.A = 'b'";
        let jira = parsed(text).unwrap().remove("jira").unwrap();
        assert_eq!((jira.loops, jira.limits.concurrent), (Some(2), Some(3)));
        assert_eq!(jira.env["A"], "b");
        assert_eq!(jira.table["url"], "u");
        assert_eq!(jira.table["loops"], 2);
    }

    #[test]
    fn an_unknown_limit_is_named() {
        let table: toml::Table = "[plugins.jira]\nlimits.memry = 3\nurl = 'u'".parse().unwrap();
        let (_, unknown) = resolve(table["plugins"].clone()).unwrap();
        let text = "unknown setting `plugins.jira.limits.memry` in config.toml (did you mean \
                    `plugins.jira.limits.memory`?)";
        assert_eq!(unknown.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        for (text, message) in [
            ("[plugins.a]\nloops = 33", "`plugins.a.loops`: 33 is not from 1 to 32"),
            (
                "[plugins.a]\nenabled = 1",
                "`plugins.a.enabled`: invalid type: number, expected a boolean",
            ),
            (
                "[plugins.a.limits]\nmemory = 0",
                "`plugins.a.limits.memory`: 0 is not from 1 to 1048576",
            ),
            (
                "[plugins.a.env]\n\"B=C\" = \"d\"",
                "`plugins.a.env.B=C`: has a name or a value that a variable cannot have",
            ),
            ("[plugins]\na = 1", "`plugins.a`: must be a table, not integer"),
            ("plugins = 1", "`plugins` must be a table, not integer"),
        ] {
            assert_eq!(parsed(text).unwrap_err(), message);
        }
    }
}
