//! `manifest.json` of a plugin, or the block of a [`script`]: its metadata, its requirements, and how the daemon runs and shows it.
//!
//! Every field is optional, because existing plugins have only some. An unknown field is a warning, which shows
//! a typing mistake; a field of the wrong type is an error that names it.

mod daemon;
mod error;
mod fields;
mod names;
mod party;
pub mod script;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uv_pep440::{Version, VersionSpecifiers};

pub use daemon::{Daemon, Load};
pub use error::ManifestError;
use error::SIZE_MAX;
pub use names::check_name;
use names::{check_command, is_object_reference, is_variable};

/// The field of Python versions, spelled as in `pyproject.toml`.
const REQUIRES_PYTHON: &str = "requires-python";

/// `manifest.json` of a plugin of the skills daemon.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Manifest {
    /// The URL or path of the JSON Schema of manifests, for editors.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// The plugin's name: its shell command and its URL prefix.
    #[cfg_attr(test, schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")))]
    pub name: Option<String>,
    /// The plugin's version.
    pub version: Option<String>,
    /// One line about the plugin.
    pub description: Option<String>,
    /// Requirements in the form of PEP 508.
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// The Python versions the plugin works with, as a version specifier of PEP 440 (`>=3.11`).
    #[serde(rename = "requires-python")]
    #[cfg_attr(
        test,
        schemars(regex(
            pattern = r"^\s*$|^\s*(~=|===?|!=|<=?|>=?)\s*[^\s,]+\s*(,\s*(~=|===?|!=|<=?|>=?)\s*[^\s,]+\s*)*,?\s*$"
        ))
    )]
    pub requires_python: Option<String>,
    /// The daemon versions the plugin works with, as a version specifier of PEP 440 (`>=1.0.0`).
    #[cfg_attr(
        test,
        schemars(regex(
            pattern = r"^\s*$|^\s*(~=|===?|!=|<=?|>=?)\s*[^\s,]+\s*(,\s*(~=|===?|!=|<=?|>=?)\s*[^\s,]+\s*)*,?\s*$"
        ))
    )]
    pub daemon_version: Option<String>,
    /// How commands are shown.
    #[serde(default)]
    pub cli: Cli,
    /// Environment variables of the caller's shell that commands get as `caller().env`: names, or the begin of names
    /// followed by `*` (`JIRA_*`).
    #[serde(default)]
    #[cfg_attr(test, schemars(inner(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*\*?$"))))]
    pub env: Vec<String>,
    /// False if its commands are no tools for agents.
    pub agents: Option<bool>,
    /// How the daemon runs the plugin.
    #[serde(default)]
    pub daemon: Daemon,
    /// `package.module:Class`, if the class is not defined in `__init__.py`.
    pub entry_point: Option<String>,
    /// Functions of installed packages that are commands, and programs for the terminal, by the command's name.
    #[serde(default)]
    pub commands: BTreeMap<String, NamedFunction>,
    /// Paths of unknown fields.
    #[serde(skip)]
    pub unknown: Vec<String>,
}

/// A command that is a function of a package: one that the daemon calls, or a program.
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, extend("oneOf" = [{"required": ["call"]}, {"required": ["program"]}]))
)]
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct NamedFunction {
    /// `package.module:function`, which the daemon calls.
    #[cfg_attr(test, schemars(regex(pattern = "^[^:]+:[^:]+$")))]
    pub call: Option<String>,
    /// `package.module:function`, which is run as a program on the caller's terminal, by the client itself.
    #[cfg_attr(test, schemars(regex(pattern = "^[^:]+:[^:]+$")))]
    pub program: Option<String>,
    /// One line, in place of the function's docstring.
    pub summary: Option<String>,
    /// False if it is no tool for agents.
    pub agents: Option<bool>,
    /// `GET` or `POST`, in place of the method derived from the function's name.
    #[cfg_attr(test, schemars(regex(pattern = "^(GET|POST)$")))]
    pub method: Option<String>,
}

/// The `cli` section.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Cli {
    /// Whole shell lines that help shows.
    #[serde(default)]
    pub examples: Vec<String>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`, which may be a `.py` file; `None` if the file is missing.
    pub fn read(path: &Path) -> Result<Option<Manifest>, ManifestError> {
        let read = |source| ManifestError::Read { path: path.to_owned(), source };
        let size = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(read(error)),
        };
        if script::may_have_block(path) {
            return script::parse(&fs::read(path).map_err(read)?, path).map(Some);
        }
        if size > SIZE_MAX {
            return Err(ManifestError::TooLarge { path: path.to_owned(), size });
        }
        Manifest::parse(&fs::read_to_string(path).map_err(read)?, path).map(Some)
    }

    /// Checks `text`; `path` is only named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Manifest, ManifestError> {
        let mut unknown = BTreeSet::new();
        let mut track = serde_path_to_error::Track::new();
        let mut json = serde_json::Deserializer::from_str(text);
        let located = serde_path_to_error::Deserializer::new(&mut json, &mut track);
        let parsed = serde_ignored::deserialize(located, |field| {
            unknown.insert(field.to_string());
        });
        let mut manifest: Manifest = match parsed {
            Ok(manifest) => manifest,
            Err(error) => {
                let (path, message) = (path.to_owned(), error.to_string());
                let field = track.path().to_string();
                return Err(match error.is_data() {
                    true if field == "." && !text.trim_start().starts_with('{') => {
                        ManifestError::NotAnObject { path }
                    }
                    // A key that is there twice.
                    true if field == "." => ManifestError::Fields { path, message },
                    true => ManifestError::Field { path, field, message },
                    false => ManifestError::Json { path, message },
                });
            }
        };
        json.end().map_err(|error| ManifestError::Json {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        manifest.unknown = unknown.into_iter().collect();
        manifest.check(path)?;
        Ok(manifest)
    }

    /// Returns all errors in the file at `path`, which can be read.
    pub fn problems_of(path: &Path) -> Vec<ManifestError> {
        match fs::read(path) {
            Ok(bytes) if script::may_have_block(path) => script::problems(&bytes, path),
            Ok(bytes) => Manifest::problems(&String::from_utf8_lossy(&bytes), path),
            Err(_) => Vec::new(),
        }
    }

    /// Returns all errors in `text`: each field, dependency and command is checked by itself.
    pub fn problems(text: &str, path: &Path) -> Vec<ManifestError> {
        let fields = match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(fields) => fields,
            // Its error is more precise.
            Err(_) => return Manifest::parse(text, path).err().into_iter().collect(),
        };
        let parts = fields.into_iter().flat_map(|(field, value)| match (field.as_str(), value) {
            ("commands", Value::Object(commands)) => {
                let each = commands.into_iter().map(|(name, function)| json!({name: function}));
                each.map(|command| json!({"commands": command})).collect()
            }
            ("dependencies", Value::Array(dependencies)) => {
                let count = dependencies.len();
                let alone = |(index, dependency)| {
                    // Placeholders keep the indices, which the errors name.
                    let mut all = vec![json!("placeholder"); count];
                    all[index] = dependency;
                    json!({"dependencies": all})
                };
                dependencies.into_iter().enumerate().map(alone).collect()
            }
            (_, value) => vec![json!({field: value})],
        });
        let problems = parts.filter_map(|part| Manifest::parse(&part.to_string(), path).err());
        let problems: Vec<_> = problems.map(ManifestError::without_position).collect();
        match problems.is_empty() {
            // Of all fields together: a key that is there twice.
            true => Manifest::parse(text, path).err().into_iter().collect(),
            false => problems,
        }
    }

    /// True if it names no function and no class, so that the plugin needs an `__init__.py`.
    pub fn needs_code(&self) -> bool {
        self.commands.is_empty() && self.entry_point.is_none()
    }

    /// Returns a warning for each unknown field, with the field that was probably meant; `path` is the manifest's.
    pub fn warnings(&self, path: &Path) -> Vec<String> {
        let place = |field: &str| match script::may_have_block(path) {
            true => script::place(field),
            false => field.to_owned(),
        };
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let warning = |field: &String| {
            let hint = match fields::similar(field) {
                Some(similar) => format!(" (did you mean `{}`?)", place(&similar)),
                None => String::new(),
            };
            format!("unknown field `{}` in {file}{hint}", place(field))
        };
        self.unknown.iter().map(warning).collect()
    }

    /// Checks that the plugin works with the daemon `version`.
    ///
    /// # Errors
    /// The version that it needs instead.
    pub fn check_daemon(&self, version: &str) -> Result<(), String> {
        let Some(wanted) = &self.daemon_version else { return Ok(()) };
        let specifiers = VersionSpecifiers::from_str(wanted).map_err(|error| error.to_string())?;
        let version = Version::from_str(version).map_err(|error| error.to_string())?;
        if specifiers.contains(&version) {
            return Ok(());
        }
        Err(format!("the plugin needs skills-daemon {specifiers}, and this one is {version}"))
    }

    fn check(&self, path: &Path) -> Result<(), ManifestError> {
        let wrong = |field: String, message: String| ManifestError::Field {
            path: path.to_owned(),
            field,
            message,
        };
        if let Some(name) = &self.name {
            check_name(name).map_err(|message| wrong("name".into(), message))?;
        }
        self.check_dependencies(path)?;
        if let Some(version) = &self.daemon_version {
            VersionSpecifiers::from_str(version).map_err(|error| {
                wrong("daemon_version".into(), not_a_specifier(version, &error.to_string()))
            })?;
        }
        for (index, pattern) in self.env.iter().enumerate() {
            if !is_variable(pattern) {
                let message = format!(
                    "`{pattern}` is neither the name of a variable nor the begin of names followed by `*`"
                );
                return Err(wrong(format!("env[{index}]"), message));
            }
        }
        self.daemon.check().map_err(|(field, message)| wrong(field, message))?;
        for (name, function) in &self.commands {
            let field = |rest: &str| format!("commands.{name}{rest}");
            check_command(name).map_err(|message| wrong(field(""), message))?;
            let (key, reference) = match (&function.call, &function.program) {
                (Some(call), None) => (".call", call),
                (None, Some(program)) => (".program", program),
                _ => {
                    let message = "a command has either a `call` or a `program`".to_owned();
                    return Err(wrong(field(""), message));
                }
            };
            if !is_object_reference(reference) {
                let message = format!("`{reference}` is not of the form `package.module:function`");
                return Err(wrong(field(key), message));
            }
            if function.program.is_some() && function.method.is_some() {
                let message = "a program has none: it is not served over HTTP".to_owned();
                return Err(wrong(field(".method"), message));
            }
            if let Some(method) = &function.method
                && !matches!(method.as_str(), "GET" | "POST")
            {
                return Err(wrong(field(".method"), format!("`{method}` is neither GET nor POST")));
            }
        }
        if let Some(entry_point) = &self.entry_point
            && !is_object_reference(entry_point)
        {
            let message = format!("`{entry_point}` is not of the form `package.module:Class`");
            return Err(wrong("entry_point".into(), message));
        }
        Ok(())
    }
}

fn not_a_specifier(text: &str, error: &str) -> String {
    let reason = error.lines().next().unwrap_or_default().trim_end_matches(':');
    format!("`{text}` is not a version specifier: {reason}")
}
