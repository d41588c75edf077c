//! `[agents]` in `config.toml`: what coding agents get of the plugins.
//!
//! To add a key: a field, a line in [`resolve`], and in [`KEYS`], a row in README.

use std::path::PathBuf;

use toml::{Table, Value};

use super::UnknownSetting;
use crate::environment::Environment;
use crate::nearest::nearest;

/// The keys, each with its section.
const KEYS: [&str; 1] = ["agents.skills"];

/// The section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSettings {
    /// Directories in which each plugin has a `SKILL.md`.
    pub skills: Vec<PathBuf>,
}

/// Resolves the section; an error names key and value.
pub(super) fn resolve(
    section: Option<Value>,
    env: &Environment,
) -> Result<(AgentSettings, Vec<UnknownSetting>), String> {
    let mut table = match section {
        None => Table::new(),
        Some(Value::Table(table)) => table,
        Some(other) => return Err(format!("`agents` must be a table, not {}", other.type_str())),
    };
    let skills = match table.remove("skills") {
        None => Vec::new(),
        Some(Value::Array(values)) => {
            values.into_iter().map(|value| directory(value, env)).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(wrong(&other)),
    };
    let unknown = table.keys().map(|key| {
        let key = format!("agents.{key}");
        UnknownSetting { similar: nearest(&key, KEYS), key }
    });
    Ok((AgentSettings { skills }, unknown.collect()))
}

fn directory(value: Value, env: &Environment) -> Result<PathBuf, String> {
    let Value::String(text) = value else { return Err(wrong(&value)) };
    let path = env.expand(&text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err(format!("`agents.skills`: `{text}` is not an absolute path")),
    }
}

fn wrong(value: &Value) -> String {
    format!("`agents.skills`: must be a list of strings, not {}", value.type_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use std::path::Path;

    fn resolved(text: &str) -> Result<Settings, String> {
        let env = Environment::default().with("HOME", "/h");
        Settings::resolve(text.parse().unwrap(), Path::new("/c"), &env).map_err(|it| it.error)
    }

    #[test]
    fn directories_are_absolute() {
        let settings =
            resolved("[agents]\nskills = ['~/.claude/skills', '/s']\nskils = 1").unwrap();
        assert_eq!(settings.agents.skills, [Path::new("/h/.claude/skills"), Path::new("/s")]);
        assert_eq!(
            settings.unknown[0].to_string(),
            "unknown setting `agents.skils` in config.toml (did you mean `agents.skills`?)"
        );
        assert_eq!(resolved("").unwrap().agents, AgentSettings::default());
        for (text, message) in [
            ("agents = 1", "/c: `agents` must be a table, not integer"),
            ("agents.skills = 's'", "/c: `agents.skills`: must be a list of strings, not string"),
            ("agents.skills = [1]", "/c: `agents.skills`: must be a list of strings, not integer"),
            ("agents.skills = ['s']", "/c: `agents.skills`: `s` is not an absolute path"),
        ] {
            assert_eq!(resolved(text).unwrap_err(), message);
        }
    }
}
