//! Every setting with its value and the layer that sets it, for `config show`.
//!
//! Each is resolved by itself, by the same code as all of them together: one that cannot be read hides no other.

use std::path::Path;

use serde::Serialize;
use toml::{Table, Value};

use super::table::{self, Kind, ROWS, Row};
use super::{Settings, edit, unknown_of};
use crate::environment::Environment;

/// The layer that sets a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The built-in default.
    Default,
    /// `config.toml`.
    File,
    /// An environment variable.
    Environment,
}

/// A setting and its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Its key, with dots.
    pub key: String,
    /// Its value; `None` if it has none.
    pub value: Option<Value>,
    /// The layer that sets it.
    pub origin: Origin,
    /// The environment variable that takes precedence over the file.
    pub variable: Option<&'static str>,
    /// The default.
    pub default: Option<Value>,
    /// What it decides; `None` for a plugin's own setting and for an unknown one.
    pub meaning: Option<&'static str>,
    /// True if a running daemon takes up a change only when it is restarted.
    pub restart: bool,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Returns all settings, those of plugins as far as the file has them; `file` is only named in problems.
pub fn all(table: &Table, file: &Path, env: &Environment) -> Vec<Shown> {
    let of_plugin = |row: &&Row| row.key.contains(table::ANY);
    let one = |row: &'static Row| {
        let parts: Vec<String> = row.key.split('.').map(str::to_owned).collect();
        let in_file = value_at(table, &parts);
        resolved(row, parts, in_file, file, env)
    };
    let mut all: Vec<Shown> = ROWS.iter().filter(|row| !of_plugin(row)).map(one).collect();
    for (name, value) in table {
        let parts = vec![name.clone()];
        match value {
            Value::Table(below) if name == "plugins" => {
                for (plugin, value) in below {
                    leaves(
                        &[parts.clone(), vec![plugin.clone()]].concat(),
                        value,
                        file,
                        env,
                        &mut all,
                    );
                }
            }
            Value::Table(below) if !table::names_in(name).is_empty() => {
                let known = table::names_in(name);
                for (key, value) in below.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
                    let parts = [parts.clone(), vec![key.clone()]].concat();
                    all.push(in_file(parts, value, file, env));
                }
            }
            value if table::row_of(name).is_none() => all.push(in_file(parts, value, file, env)),
            _ => {}
        }
    }
    all
}

/// The values in the table of a plugin, those of its tables each by itself.
fn leaves(parts: &[String], value: &Value, file: &Path, env: &Environment, all: &mut Vec<Shown>) {
    match value {
        Value::Table(below) if !below.is_empty() => {
            for (key, value) in below {
                leaves(&[parts, std::slice::from_ref(key)].concat(), value, file, env, all);
            }
        }
        _ => all.push(in_file(parts.to_vec(), value, file, env)),
    }
}

/// A setting of the table, resolved.
fn resolved(
    row: &'static Row,
    parts: Vec<String>,
    in_file: Option<&Value>,
    file: &Path,
    env: &Environment,
) -> Shown {
    let set = row.variable.and_then(|name| Some((name, env.get(name)?)));
    let default = format!("value = {}", row.default_in(env)).parse::<Table>().ok();
    let default = default.and_then(|mut table| table.remove("value"));
    let (value, origin) = match (set, in_file) {
        (Some((_, text)), _) => (Some(of_text(row.kind, text)), Origin::Environment),
        (None, Some(value)) => (Some(value.clone()), Origin::File),
        (None, None) => (default.clone(), Origin::Default),
    };
    Shown {
        problem: problem(&parts, in_file, set, file, env),
        key: edit::joined(&parts),
        value,
        origin,
        variable: row.variable,
        default,
        meaning: Some(row.meaning),
        restart: row.restarts,
    }
}

/// A setting that only the file may have.
fn in_file(parts: Vec<String>, value: &Value, file: &Path, env: &Environment) -> Shown {
    let row = table::find(parts.iter().map(String::as_str));
    Shown {
        problem: problem(&parts, Some(value), None, file, env),
        key: edit::joined(&parts),
        value: Some(value.clone()),
        origin: Origin::File,
        variable: None,
        default: None,
        meaning: row.map(|row| row.meaning),
        restart: false,
    }
}

/// The text of a variable as a value.
fn of_text(kind: Kind, text: &str) -> Value {
    let number = || text.trim().parse().map(Value::Integer).ok();
    let switch = || text.parse::<super::Switch>().map(|switch| Value::Boolean(switch.0)).ok();
    let value = match kind {
        Kind::Number(..) => number(),
        Kind::Switch => switch(),
        _ => None,
    };
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Why a setting alone, with the variable that may set it, cannot be read.
fn problem(
    parts: &[String],
    value: Option<&Value>,
    variable: Option<(&str, &str)>,
    file: &Path,
    env: &Environment,
) -> Option<String> {
    let mut alone = env.home_only();
    if let Some((name, text)) = variable {
        alone = alone.with(name, text);
    }
    let mut table = Table::new();
    if let Some(value) = value {
        let nested = parts[1..].iter().rev().fold(value.clone(), |value, part| {
            Value::Table(Table::from_iter([(part.clone(), value)]))
        });
        table.insert(parts[0].clone(), nested);
    }
    match Settings::resolve(table, file, &alone) {
        Err(failure) => Some(failure.error),
        Ok(settings) => settings.unknown.first().map(ToString::to_string),
    }
}

fn value_at<'a>(table: &'a Table, parts: &[String]) -> Option<&'a Value> {
    let (first, rest) = parts.split_first()?;
    rest.iter().try_fold(table.get(first)?, |value, part| value.as_table()?.get(part))
}

/// Returns the names of keys that resemble an unknown one, with their sections.
pub fn similar(key: &str) -> Option<String> {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let name = name.to_owned();
    let row = match section.split('.').collect::<Vec<_>>()[..] {
        ["plugins", _] => "plugins.*".to_owned(),
        ["plugins", _, below] => format!("plugins.*.{below}"),
        _ => section.to_owned(),
    };
    unknown_of(section, &row, std::iter::once(&name)).pop()?.similar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, vars: &[(&str, &str)]) -> Vec<Shown> {
        let env = vars.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        all(&text.parse().unwrap(), Path::new("/c"), &env)
    }

    fn one(all: &[Shown], key: &str) -> (String, Origin, Option<String>) {
        let found = all.iter().find(|shown| shown.key == key).unwrap();
        let value = found.value.as_ref().map(ToString::to_string).unwrap_or_default();
        (value, found.origin, found.problem.clone())
    }

    #[test]
    fn each_value_has_its_origin() {
        let text = "port = 1\ntimeout = 5\n[agents]\ntools_max = 3\n[plugins.a.env]\nX = 'y'";
        let all = shown(text, &[("SKILLS_DAEMON_PORT", "2"), ("UV_OFFLINE", "1")]);
        assert_eq!(one(&all, "port"), ("2".into(), Origin::Environment, None));
        assert_eq!(one(&all, "timeout"), ("5".into(), Origin::File, None));
        assert_eq!(one(&all, "hook_timeout"), ("30".into(), Origin::Default, None));
        assert_eq!(one(&all, "agents.tools_max"), ("3".into(), Origin::File, None));
        assert_eq!(one(&all, "dependencies.offline"), ("true".into(), Origin::Environment, None));
        assert_eq!(one(&all, "plugins.a.env.X"), ("\"y\"".into(), Origin::File, None));
        assert_eq!(one(&all, "python"), (String::new(), Origin::Default, None));
    }

    #[test]
    fn what_cannot_be_read_is_named_beside_the_rest() {
        let text = "port = 'http'\ntimeout = 5\nprot = 1\nagents = 1\n[plugins.a]\nloops = 99";
        let all = shown(text, &[("SKILLS_DAEMON_HOST", "box.lan")]);
        let problem = |key: &str| one(&all, key).2.unwrap_or_default();
        assert!(problem("port").contains("`http`, which is not a port number"));
        assert!(problem("host").starts_with("SKILLS_DAEMON_HOST is `box.lan`"));
        assert!(problem("prot").ends_with("(did you mean `port`?)"));
        assert!(problem("agents").contains("must be a table"));
        assert!(problem("plugins.a.loops").contains("99 is not from 1 to 32"));
        assert_eq!(problem("timeout"), "");
    }

    #[test]
    fn defaults_are_those_that_are_read() {
        let settings = |text: &str| {
            Settings::resolve(text.parse().unwrap(), Path::new("/c"), &Environment::default())
        };
        for row in ROWS.iter().filter(|row| !row.default.is_empty()) {
            let key = row.key.replace(table::ANY, "a");
            let (set, unset) = (settings(&format!("{key} = {}", row.default)), settings(""));
            let (set, unset) = (set.unwrap(), unset.unwrap());
            assert_eq!((&set.agents, &set.dependencies), (&unset.agents, &unset.dependencies));
            let texts = |of: Settings| of.top.into_iter().map(|it| it.text).collect::<Vec<_>>();
            assert_eq!(texts(set), texts(unset), "{key}");
        }
    }
}
