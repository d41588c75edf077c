//! `manifest.json` of a plugin, or the block of a [`script`]: its metadata, its requirements, and how the daemon runs and shows it.
//!
//! Every field is optional, because existing plugins have only some. An unknown field is a warning, which shows
//! a typing mistake; a field of the wrong type is an error that names it.

mod party;
pub mod script;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;
use uv_pep440::{Version, VersionSpecifiers};

use crate::limits::{self, Limits};
use crate::nearest::nearest;

/// The largest manifest, in bytes.
const SIZE_MAX: u64 = 1 << 20;
/// The field of Python versions, spelled as in `pyproject.toml`.
const REQUIRES_PYTHON: &str = "requires-python";
/// The fields of a manifest by section; the first section is the top level.
const FIELDS: [(&str, &[&str]); 4] = [
    (
        "",
        &[
            "$schema",
            "name",
            "version",
            "description",
            "dependencies",
            REQUIRES_PYTHON,
            "daemon_version",
            "cli",
            "daemon",
            "entry_point",
            "commands",
        ],
    ),
    ("cli", &["examples"]),
    ("daemon", &["loops", "load", "exclusive", "resident", "timeout", "timeouts", "limits"]),
    ("commands", &["call", "summary", "method"]),
];
/// The fields of `daemon.limits`, a section of its own for the hint after a typing mistake.
const LIMITS: [&str; 3] = ["concurrent", "waiting", "memory"];

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
    /// How the daemon runs the plugin.
    #[serde(default)]
    pub daemon: Daemon,
    /// `package.module:Class`, if the class is not defined in `__init__.py`.
    pub entry_point: Option<String>,
    /// Functions of installed packages that are commands, by the command's name.
    #[serde(default)]
    pub commands: BTreeMap<String, NamedFunction>,
    /// Paths of unknown fields.
    #[serde(skip)]
    pub unknown: Vec<String>,
}

/// A command that is a function of a package.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NamedFunction {
    /// `package.module:function`.
    #[cfg_attr(test, schemars(regex(pattern = "^[^:]+:[^:]+$")))]
    pub call: String,
    /// One line, in place of the function's docstring.
    pub summary: Option<String>,
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

/// The `daemon` section.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[derive(Clone, Debug, Deserialize)]
pub struct Daemon {
    /// How many event loops, each on a thread of its own, run the plugin's `async def` handlers.
    #[serde(default = "Daemon::one")]
    #[cfg_attr(test, schemars(range(min = 1, max = 32)))]
    pub loops: usize,
    /// When the plugin is loaded.
    #[serde(default)]
    pub load: Load,
    /// True if two versions of the plugin cannot be loaded at once, because of a port or a lock file, say: during a
    /// reload, requests wait until the old version has ended and the new one is loaded.
    #[serde(default)]
    pub exclusive: bool,
    /// True if the daemon does not end for lack of requests while the plugin is loaded.
    #[serde(default)]
    pub resident: bool,
    /// Seconds that a command may take; its request is then answered with 504, and its coroutine cancelled.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 1, max = 2_678_400)))]
    pub timeout: Option<u32>,
    /// `timeout` of single commands, by name.
    #[serde(default)]
    pub timeouts: BTreeMap<String, u32>,
    /// How much of the daemon the plugin may take.
    #[serde(default)]
    pub limits: Limits,
}

/// When a plugin is loaded.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// When the daemon starts.
    #[default]
    Start,
    /// At its first call; its help comes from the stored description.
    Demand,
}

impl Daemon {
    fn one() -> usize {
        1
    }
}

impl Daemon {
    /// Checks timeouts and limits.
    fn check(&self) -> Result<(), (String, String)> {
        let own = self.timeout.map(|seconds| ("timeout".to_owned(), seconds));
        let each =
            self.timeouts.iter().map(|(name, seconds)| (format!("timeouts.{name}"), *seconds));
        for (field, seconds) in own.into_iter().chain(each) {
            if !(1..=limits::TIMEOUT_MAX).contains(&seconds) {
                let message = format!("{seconds} is not from 1 to {}", limits::TIMEOUT_MAX);
                return Err((format!("daemon.{field}"), message));
            }
        }
        let limits = self.limits.check();
        limits.map_err(|(field, message)| (format!("daemon.limits.{field}"), message))
    }
}

impl Default for Daemon {
    fn default() -> Self {
        Daemon {
            loops: Daemon::one(),
            load: Load::Start,
            exclusive: false,
            resident: false,
            timeout: None,
            timeouts: BTreeMap::new(),
            limits: Limits::default(),
        }
    }
}

/// Error of reading a manifest.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is larger than a manifest may be.
    #[error("{path} is too large ({size} bytes, limit {SIZE_MAX})")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The file is not JSON.
    #[error("{path} is not JSON: {message}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's error, with line and column.
        message: String,
    },
    /// The file is JSON, but not an object.
    #[error("{path} must hold a JSON object")]
    NotAnObject {
        /// The file.
        path: PathBuf,
    },
    /// The metadata in a `.py` file are not those of a script.
    #[error("{path} line {line}: {message}")]
    Script {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The error.
        message: String,
    },
    /// A field does not have the type it must have.
    #[error("{path}: field `{field}`: {message}")]
    Field {
        /// The file.
        path: PathBuf,
        /// The field's path: `cli.examples[0]`.
        field: String,
        /// The error.
        message: String,
    },
}

impl ManifestError {
    /// Removes line and column, which are those of a part.
    fn without_position(mut self) -> ManifestError {
        if let ManifestError::Field { message, .. } = &mut self
            && let Some(at) = message.rfind(" at line ")
        {
            message.truncate(at);
        }
        self
    }
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
                    true if field == "." => ManifestError::NotAnObject { path },
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
        problems.map(ManifestError::without_position).collect()
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
            let hint = match similar_field(field) {
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
        if !(1..=limits::LOOPS_MAX).contains(&self.daemon.loops) {
            let message = format!("{} is not from 1 to {}", self.daemon.loops, limits::LOOPS_MAX);
            return Err(wrong("daemon.loops".into(), message));
        }
        self.daemon.check().map_err(|(field, message)| wrong(field, message))?;
        for (name, function) in &self.commands {
            let field = |rest: &str| format!("commands.{name}{rest}");
            check_command(name).map_err(|message| wrong(field(""), message))?;
            if !is_object_reference(&function.call) {
                let message =
                    format!("`{}` is not of the form `package.module:function`", function.call);
                return Err(wrong(field(".call"), message));
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

/// Returns the field whose name most resembles that of the unknown `field` in the same section.
fn similar_field(field: &str) -> Option<String> {
    let (section, name) = field.rsplit_once('.').unwrap_or(("", field));
    let kind = section.split('.').next().unwrap_or_default();
    let names = match section {
        "daemon.limits" => &LIMITS[..],
        _ => FIELDS.iter().find(|(section, _)| *section == kind)?.1,
    };
    let similar = nearest(name, names.iter().copied())?;
    Some(if section.is_empty() { similar.to_owned() } else { format!("{section}.{similar}") })
}

/// True for `package.module:object`.
fn is_object_reference(text: &str) -> bool {
    matches!(text.split_once(':'), Some((module, object)) if !module.is_empty() && !object.is_empty())
}

/// True for 1 to 64 letters, digits, `-`, `_` and `.`, neither `-` nor `.` first.
fn is_word(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(fits) && !name.starts_with(['-', '.'])
}

/// Checks that `name` can be a segment of a path and a word on a command line.
fn check_command(name: &str) -> Result<(), String> {
    if !is_word(name) {
        return Err(format!(
            "`{name}` cannot be a command's name: 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`, not `-` or `.` first"
        ));
    }
    Ok(())
}

/// Checks that `name` can be a URL prefix and a shell command.
///
/// # Errors
/// The name and the rule that it breaks.
pub fn check_name(name: &str) -> Result<(), String> {
    const RESERVED: [&str; 9] = [
        "deps",
        "docs",
        "health",
        "openapi.json",
        "plugins",
        "reload-plugins",
        "shutdown",
        "skills-client",
        "skills-daemon",
    ];
    if !is_word(name) {
        return Err(format!(
            "`{name}` cannot be a plugin's name: 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`, not `-` or `.` first"
        ));
    }
    if RESERVED.contains(&name) {
        return Err(format!("`{name}` cannot be a plugin's name: it is reserved for the daemon"));
    }
    Ok(())
}
