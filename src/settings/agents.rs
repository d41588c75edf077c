//! `[agents]` in `config.toml`: what agents are offered, and which get skills.
//!
//! To add a key: a field, a line in [`resolve`], a row in [`super::table`] and in README.

use std::path::PathBuf;

use toml::{Table, Value};

use super::{UnknownSetting, unknown_of};
use crate::environment::Environment;

/// The section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    /// Which tools an agent is shown that does not say so itself.
    pub tools: Choice,
    /// From how many tools on it is shown those for a search.
    pub tools_max: usize,
    /// The longest text of a result, in bytes.
    pub result_max: usize,
    /// Which calls need the person's consent.
    pub ask_before: AskBefore,
    /// Directories in which each plugin has a `SKILL.md`.
    pub skills: Vec<PathBuf>,
}

impl Default for AgentSettings {
    fn default() -> AgentSettings {
        AgentSettings {
            tools: Choice::Auto,
            tools_max: 30,
            result_max: 100_000,
            ask_before: AskBefore::Nothing,
            skills: Vec::new(),
        }
    }
}

/// Which tools of several plugins an agent is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Choice {
    /// All, or those for a search where there are many.
    #[default]
    Auto,
    /// All.
    All,
    /// Those for a search.
    Search,
    /// Those of these plugins or names.
    Some(Vec<String>),
}

impl Choice {
    /// The choice that a text stands for: `auto`, `all`, `search`, or names separated by commas.
    pub fn of(text: &str) -> Choice {
        match text.trim() {
            "" | "auto" => Choice::Auto,
            "all" => Choice::All,
            "search" => Choice::Search,
            names => {
                let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                Choice::Some(names.map(str::to_owned).collect())
            }
        }
    }
}

/// Which calls of an agent need the person's consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AskBefore {
    /// None.
    #[default]
    Nothing,
    /// Those that may destroy something.
    Destructive,
    /// All that may change something.
    Changes,
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
    let default = AgentSettings::default();
    let settings = AgentSettings {
        tools: take(&mut table, "tools", choice)?.unwrap_or_default(),
        tools_max: take(&mut table, "tools_max", |it| number(&it, 1))?.unwrap_or(default.tools_max),
        result_max: take(&mut table, "result_max", |it| number(&it, 1000))?
            .unwrap_or(default.result_max),
        ask_before: take(&mut table, "ask_before", |it| ask_before(&it))?.unwrap_or_default(),
        skills: take(&mut table, "skills", |it| directories(it, env))?.unwrap_or_default(),
    };
    Ok((settings, unknown_of("agents", "agents", table.keys())))
}

/// Takes `key` out of `table` and converts its value.
fn take<T>(
    table: &mut Table,
    key: &str,
    convert: impl FnOnce(Value) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let value = table.remove(key).map(convert).transpose();
    value.map_err(|message| format!("`agents.{key}`: {message}"))
}

fn choice(value: Value) -> Result<Choice, String> {
    let wrong = || "must be \"auto\", \"all\", \"search\" or a list of names".to_owned();
    match value {
        Value::String(text) => Ok(Choice::of(&text)),
        Value::Array(names) => {
            let names = names.into_iter().map(|name| name.as_str().map(str::to_owned));
            names.collect::<Option<_>>().map(Choice::Some).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn number(value: &Value, least: usize) -> Result<usize, String> {
    let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
    number
        .filter(|number| *number >= least)
        .ok_or_else(|| format!("must be a whole number from {least}, not {value}"))
}

fn ask_before(value: &Value) -> Result<AskBefore, String> {
    match value.as_str() {
        Some("nothing") => Ok(AskBefore::Nothing),
        Some("destructive") => Ok(AskBefore::Destructive),
        Some("changes") => Ok(AskBefore::Changes),
        _ => Err(format!("must be \"nothing\", \"destructive\" or \"changes\", not {value}")),
    }
}

fn directories(value: Value, env: &Environment) -> Result<Vec<PathBuf>, String> {
    let wrong = |value: &Value| format!("must be a list of strings, not {}", value.type_str());
    let Value::Array(values) = value else { return Err(wrong(&value)) };
    let paths = values.into_iter().map(|value| {
        let Value::String(text) = value else { return Err(wrong(&value)) };
        let path = env.expand(&text);
        match path.is_absolute() {
            true => Ok(path),
            false => Err(format!("`{text}` is not an absolute path")),
        }
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::settings::Settings;
    use std::path::Path;

    fn resolved(text: &str) -> Result<Settings, String> {
        let env = Environment::default().with("HOME", "/h");
        Settings::resolve(text.parse().unwrap(), Path::new("/c"), &env).map_err(|it| it.error)
    }

    #[test]
    fn the_section_is_read() {
        assert_eq!(resolved("").unwrap().agents, AgentSettings::default());
        let text = "[agents]\ntools = ['jira', 'git']\ntools_max = 5\nresult_max = 2000\n\
            ask_before = 'destructive'\nskills = ['~/.claude/skills', '/s']\ntool = 1";
        let settings = resolved(text).unwrap();
        let names = vec!["jira".to_owned(), "git".to_owned()];
        assert_eq!(
            settings.agents,
            AgentSettings {
                tools: Choice::Some(names),
                tools_max: 5,
                result_max: 2000,
                ask_before: AskBefore::Destructive,
                skills: vec!["/h/.claude/skills".into(), "/s".into()],
            }
        );
        assert_eq!(settings.unknown[0].similar.as_deref(), Some("agents.tools"));
        assert_eq!(resolved("agents.tools = 'all'").unwrap().agents.tools, Choice::All);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        for (text, message) in [
            ("agents = 1", "/c: `agents` must be a table, not integer"),
            (
                "agents.tools_max = 0",
                "/c: `agents.tools_max`: must be a whole number from 1, not 0",
            ),
            (
                "agents.ask_before = true",
                "/c: `agents.ask_before`: must be \"nothing\", \"destructive\" or \"changes\", not true",
            ),
            ("agents.skills = 's'", "/c: `agents.skills`: must be a list of strings, not string"),
            ("agents.skills = [1]", "/c: `agents.skills`: must be a list of strings, not integer"),
            ("agents.skills = ['s']", "/c: `agents.skills`: `s` is not an absolute path"),
            (
                "agents.tools = [1]",
                "/c: `agents.tools`: must be \"auto\", \"all\", \"search\" or a list of names",
            ),
        ] {
            assert_eq!(resolved(text).err().as_deref(), Some(message));
        }
    }
}
