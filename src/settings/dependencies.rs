//! `[dependencies]` in `config.toml`: where packages come from, and what limits them.
//!
//! What is not set here is left to `uv`, which reads its own settings. Its environment variables for what is set here
//! win, as all environment variables do. To add a key: a field, a line in [`resolve`], a row in [`super::table`] and in README.

use std::fs;
use std::path::PathBuf;

use toml::{Table, Value};

use super::{UnknownSetting, unknown_of};
use crate::environment::{Environment, UV_DEFAULT_INDEX, UV_INDEX, UV_OFFLINE};
use crate::failure::Failure;
use crate::requirements::{Requirement, Sources};

/// The section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencySettings {
    /// The index in place of the default one.
    pub index: Option<String>,
    /// Further indexes.
    pub extra_indexes: Vec<String>,
    /// Limits of versions.
    pub constraints: Constraints,
    /// True if nothing is fetched.
    pub offline: bool,
    /// Directories, besides a plugin's own, that `file:` requirements may name.
    pub paths: Vec<PathBuf>,
}

/// Requirements that limit versions without wanting a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraints {
    /// In the settings themselves; checked when requirements are put together, which is no work for a client.
    List(Vec<String>),
    /// In a file, one a line; read when requirements are put together.
    File(PathBuf),
}

impl Default for Constraints {
    fn default() -> Self {
        Constraints::List(Vec::new())
    }
}

impl DependencySettings {
    /// Returns the sources of packages, the file of constraints read.
    ///
    /// # Errors
    /// The file of constraints cannot be read, or a constraint is no requirement.
    pub fn sources(&self) -> Result<Sources, Failure> {
        let constraints = match &self.constraints {
            Constraints::List(list) => {
                for constraint in list {
                    Requirement::check(constraint).map_err(|error| {
                        let error = format!("config.toml: `dependencies.constraints`: {error}");
                        Failure::environment(error).hint("Correct it.")
                    })?;
                }
                list.clone()
            }
            Constraints::File(file) => read(file)?,
        };
        Ok(Sources {
            index: self.index.clone(),
            extra_indexes: self.extra_indexes.clone(),
            constraints,
            offline: self.offline,
        })
    }
}

/// Reads a file of constraints.
fn read(file: &PathBuf) -> Result<Vec<String>, Failure> {
    let hint = "Correct `constraints` in `[dependencies]` of config.toml, or the file.";
    let text = fs::read_to_string(file).map_err(|error| {
        let error = format!("cannot read the constraints in {}: {error}", file.display());
        Failure::environment(error).hint(hint)
    })?;
    let mut constraints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        Requirement::check(line).map_err(|error| {
            let error = format!("{} line {}: {error}", file.display(), index + 1);
            Failure::environment(error).hint(hint)
        })?;
        constraints.push(line.to_owned());
    }
    Ok(constraints)
}

/// Resolves the section; an error names key and value.
pub(super) fn resolve(
    section: Option<Value>,
    env: &Environment,
) -> Result<(DependencySettings, Vec<UnknownSetting>), String> {
    let mut table = match section {
        None => Table::new(),
        Some(Value::Table(table)) => table,
        Some(other) => {
            return Err(format!("`dependencies` must be a table, not {}", other.type_str()));
        }
    };
    let settings = DependencySettings {
        index: take(&mut table, "index", |value| index(text(value)?))?,
        extra_indexes: take(&mut table, "extra_indexes", |value| {
            list(value)?.into_iter().map(index).collect()
        })?
        .unwrap_or_default(),
        constraints: take(&mut table, "constraints", |value| constraints(value, env))?
            .unwrap_or_default(),
        offline: take(&mut table, "offline", |value| {
            value.as_bool().ok_or_else(|| is_not(&value, "true or false"))
        })?
        .unwrap_or_default(),
        paths: take(&mut table, "paths", |value| {
            list(value)?.iter().map(|text| directory(text, env)).collect()
        })?
        .unwrap_or_default(),
    };
    Ok((settings, unknown_of("dependencies", "dependencies", table.keys())))
}

/// Returns `settings` with what variables of `uv` set instead; an error names variable and value.
pub(super) fn with_environment(
    mut settings: DependencySettings,
    env: &Environment,
) -> Result<DependencySettings, String> {
    if let Some(url) = env.get(UV_DEFAULT_INDEX) {
        settings.index = Some(url.to_owned());
    }
    if let Some(urls) = env.get(UV_INDEX) {
        settings.extra_indexes = urls.split_whitespace().map(str::to_owned).collect();
    }
    if let Some(offline) = env.get(UV_OFFLINE) {
        let switch: Result<super::Switch, _> = offline.parse();
        let wrong = |wanted| format!("{UV_OFFLINE} is `{offline}`, which is not {wanted}");
        settings.offline = switch.map_err(wrong)?.0;
    }
    Ok(settings)
}

/// Takes `key` out of `table` and converts its value.
fn take<T>(
    table: &mut Table,
    key: &str,
    convert: impl FnOnce(Value) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let value = table.remove(key).map(convert).transpose();
    value.map_err(|message| format!("`dependencies.{key}`: {message}"))
}

fn is_not(value: &Value, wanted: &str) -> String {
    format!("must be {wanted}, not {}", value.type_str())
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(is_not(&other, "a string")),
    }
}

fn list(value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(values) => values.into_iter().map(text).collect(),
        other => Err(is_not(&other, "a list of strings")),
    }
}

fn index(url: String) -> Result<String, String> {
    let is_url = ["https://", "http://", "file://"].iter().any(|scheme| url.starts_with(scheme));
    match is_url && !url.contains(char::is_whitespace) {
        true => Ok(url),
        false => Err(format!("`{url}` is not a URL (https://, http:// or file://)")),
    }
}

fn constraints(value: Value, env: &Environment) -> Result<Constraints, String> {
    match value {
        Value::String(file) => Ok(Constraints::File(directory(&file, env)?)),
        Value::Array(_) => Ok(Constraints::List(list(value)?)),
        other => Err(is_not(&other, "a list of requirements or the path of a file with them")),
    }
}

fn directory(text: &str, env: &Environment) -> Result<PathBuf, String> {
    let path = env.expand(text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err(format!("`{text}` is not an absolute path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use std::path::Path;

    fn resolved(text: &str, vars: &[(&str, &str)]) -> Result<Settings, String> {
        let env = vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Settings::resolve(text.parse().unwrap(), Path::new("/c"), &env).map_err(|it| it.error)
    }

    #[test]
    fn the_section_is_read_and_variables_of_uv_win() {
        let text = "[dependencies]\nindex = 'https://h/simple'\nextra_indexes = ['https://e/simple']\n\
            constraints = ['numpy<2']\noffline = true\npaths = ['~/src']\nindx = 1";
        let home = [("HOME", "/h")];
        let settings = resolved(text, &home).unwrap();
        let own = &settings.dependencies;
        assert_eq!(own.paths, [PathBuf::from("/h/src")]);
        assert_eq!(
            own.sources().unwrap(),
            Sources {
                index: Some("https://h/simple".into()),
                extra_indexes: vec!["https://e/simple".into()],
                constraints: vec!["numpy<2".into()],
                offline: true,
            }
        );
        assert_eq!(
            settings.unknown[0].to_string(),
            "unknown setting `dependencies.indx` in config.toml (did you mean `dependencies.index`?)"
        );
        let vars = [home[0], (UV_DEFAULT_INDEX, "https://u"), (UV_INDEX, "a=https://a https://b")];
        let own = resolved(text, &vars).unwrap().dependencies;
        assert_eq!(own.index.as_deref(), Some("https://u"));
        assert_eq!(own.extra_indexes, ["a=https://a", "https://b"]);
        let own = resolved(text, &[home[0], (UV_OFFLINE, "0")]).unwrap().dependencies;
        assert!(!own.offline);
        assert_eq!(resolved("", &[]).unwrap().dependencies, DependencySettings::default());
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        for (text, message) in [
            ("dependencies = 1", "/c: `dependencies` must be a table, not integer"),
            ("dependencies.index = 1", "/c: `dependencies.index`: must be a string, not integer"),
            (
                "dependencies.index = 'pypi'",
                "/c: `dependencies.index`: `pypi` is not a URL (https://, http:// or file://)",
            ),
            (
                "dependencies.extra_indexes = 'https://h'",
                "/c: `dependencies.extra_indexes`: must be a list of strings, not string",
            ),
            (
                "dependencies.constraints = [1]",
                "/c: `dependencies.constraints`: must be a string, not integer",
            ),
            (
                "dependencies.constraints = 'c.txt'",
                "/c: `dependencies.constraints`: `c.txt` is not an absolute path",
            ),
            (
                "dependencies.constraints = 1",
                "/c: `dependencies.constraints`: must be a list of requirements or the path of a file with them, not integer",
            ),
            (
                "dependencies.offline = 'no'",
                "/c: `dependencies.offline`: must be true or false, not string",
            ),
            (
                "dependencies.paths = ['src']",
                "/c: `dependencies.paths`: `src` is not an absolute path",
            ),
        ] {
            assert_eq!(resolved(text, &[]).unwrap_err(), message);
        }
        assert_eq!(
            resolved("", &[(UV_OFFLINE, "maybe")]).unwrap_err(),
            "UV_OFFLINE is `maybe`, which is not true or false"
        );
    }

    #[test]
    fn a_list_of_constraints_is_checked_once_requirements_are_put_together() {
        let settings = resolved("dependencies.constraints = ['-r x']", &[]).unwrap();
        assert_eq!(
            settings.dependencies.sources().unwrap_err().error,
            "config.toml: `dependencies.constraints`: `-r` is an option, not a requirement: list the requirements of that file here"
        );
    }

    #[test]
    fn a_file_of_constraints_is_read_line_by_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("constraints.txt");
        let sources = |text: &str| {
            fs::write(&file, text).unwrap();
            let constraints = Constraints::File(file.clone());
            DependencySettings { constraints, ..DependencySettings::default() }.sources()
        };
        let read = sources("# ours\nnumpy<2  # for now\n\nhttpx==0.27\n").unwrap();
        assert_eq!(read.constraints, ["numpy<2", "httpx==0.27"]);
        let failure = sources("numpy<2\n-r other.txt\n").unwrap_err();
        assert!(failure.error.contains("constraints.txt line 2: `-r` is an option"), "{failure}");
        fs::remove_file(&file).unwrap();
        let gone = DependencySettings {
            constraints: Constraints::File(file),
            ..DependencySettings::default()
        };
        assert!(gone.sources().unwrap_err().error.starts_with("cannot read the constraints in "));
    }
}
