//! One resolution: the file's table, from which each setting that is resolved is taken out, and the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::{Table, Value};

use super::access::{self, AccessSettings};
use super::agents::{self, AgentSettings};
use super::dependencies::{self, DependencySettings};
use super::limits::{self, LimitSettings};
use super::plugin::{self, PluginSettings};
use super::table::{self, Row};
use super::traces::{self, TraceSettings};
use super::{Resolved, Setting, Source, UnknownSetting};
use crate::environment::Environment;
use crate::failure::Failure;

/// The layers under resolution.
pub(super) struct Layers<'a> {
    /// `config.toml` without the settings that were resolved.
    pub(super) table: Table,
    pub(super) file: &'a Path,
    pub(super) env: &'a Environment,
    /// The settings that were resolved, as text.
    pub(super) top: Vec<Resolved>,
    pub(super) unknown: Vec<UnknownSetting>,
}

impl Layers<'_> {
    /// Returns the text of the highest layer that sets `row`, and takes it out of the table.
    fn text(&mut self, row: &'static Row) -> Result<Option<(String, Source)>, Failure> {
        let in_file = match self.table.remove(row.key) {
            None => None,
            Some(Value::String(text)) => Some(text),
            Some(Value::Integer(number)) => Some(number.to_string()),
            Some(Value::Boolean(switch)) => Some(switch.to_string()),
            Some(other) => {
                return Err(Failure::environment(format!(
                    "{}: `{}` must be a string, an integer or a boolean, not {}",
                    self.file.display(),
                    row.key,
                    other.type_str()
                )));
            }
        };
        let set = row.variable.and_then(|name| Some((self.env.get(name)?, name)));
        Ok(match set {
            Some((text, name)) => Some((text.to_owned(), Source::Environment(name))),
            None => in_file.map(|text| (text, Source::File)),
        })
    }

    /// Resolves the setting `key` of the table.
    pub(super) fn take<T: FromStr<Err = &'static str> + fmt::Display>(
        &mut self,
        key: &str,
    ) -> Result<Setting<T>, Failure> {
        let row = table::row_of(key).expect("each setting that is read is in the table");
        let default = row.default_in(self.env);
        let default = || (default.trim_matches('"').to_owned(), Source::Default);
        let (text, source) = self.text(row)?.unwrap_or_else(default);
        let value: T = text.parse().map_err(|wanted| {
            let place = match &source {
                Source::File => format!("{}: `{key}`", self.file.display()),
                other => other.to_string(),
            };
            Failure::environment(format!("{place} is `{text}`, which is not {wanted}"))
        })?;
        self.top.push(Resolved { row: row.key, text: value.to_string(), source: source.clone() });
        Ok(Setting { value, source })
    }

    /// Resolves the interpreter, which has no default here.
    pub(super) fn python(&mut self) -> Result<Option<Setting<PathBuf>>, Failure> {
        let row = table::row_of("python").expect("it is in the table");
        let set = self.text(row)?;
        let set = set.map(|(text, source)| Setting { value: self.env.expand(&text), source });
        let (text, source) = match &set {
            Some(python) => (python.value.display().to_string(), python.source.clone()),
            None => ("the default".to_owned(), Source::Default),
        };
        self.top.push(Resolved { row: row.key, text, source });
        Ok(set)
    }

    /// Resolves the section `plugins`, and takes it out of the table.
    pub(super) fn of_plugins(&mut self) -> Result<BTreeMap<String, PluginSettings>, Failure> {
        let Some(section) = self.table.remove("plugins") else { return Ok(BTreeMap::new()) };
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        let (settings, unknown) = plugin::resolve(section).map_err(failed)?;
        self.unknown.extend(unknown);
        Ok(settings)
    }

    /// Resolves the section `dependencies`, and takes it out of the table.
    pub(super) fn dependencies(&mut self) -> Result<DependencySettings, Failure> {
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        let section = self.table.remove("dependencies");
        let (settings, unknown) = dependencies::resolve(section, self.env).map_err(failed)?;
        self.unknown.extend(unknown);
        dependencies::with_environment(settings, self.env).map_err(Failure::environment)
    }

    /// Resolves the section `agents`, and takes it out of the table.
    pub(super) fn agents(&mut self) -> Result<AgentSettings, Failure> {
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        let section = self.table.remove("agents");
        let (settings, unknown) = agents::resolve(section, self.env).map_err(failed)?;
        self.unknown.extend(unknown);
        Ok(settings)
    }

    /// Resolves the section `limits`, and takes it out of the table.
    pub(super) fn limits(&mut self) -> Result<LimitSettings, Failure> {
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        let (settings, unknown) = limits::resolve(self.table.remove("limits")).map_err(failed)?;
        self.unknown.extend(unknown);
        Ok(settings)
    }

    /// Resolves the section `traces`, and takes it out of the table.
    pub(super) fn traces(&mut self) -> Result<TraceSettings, Failure> {
        let section = self.table.remove("traces");
        let (settings, unknown) = traces::resolve(section, self.env).map_err(|message| {
            Failure::environment(match message.starts_with('`') {
                true => format!("{}: {message}", self.file.display()),
                false => message,
            })
        })?;
        self.unknown.extend(unknown);
        Ok(settings)
    }

    /// Resolves who is served over TCP, and takes it out of the table.
    pub(super) fn access(&mut self) -> Result<AccessSettings, Failure> {
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        access::take(&mut self.table).map_err(failed)
    }
}
