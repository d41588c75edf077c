//! Defaults, `config.toml` and environment, resolved once to plain data.
//!
//! Later layers win: default, then file, then environment. Each value has its source, which `doctor` shows. To
//! add one: a row in [`table`], a field in [`Settings`], one line in [`Settings::resolve`], its environment name in
//! [`crate::environment`], a row in README.
//!
//! - [`plugin`]: the settings of single plugins; [`dependencies`]: of packages; [`agents`]: for agents; [`limits`] and
//!   [`access`]: of connections; [`traces`]: of traces.
//! - [`live`]: those of a running daemon.
//! - `values`: their types; `layers`: how one is resolved.
//! - [`table`]: all settings, from which [`origins`], [`schema`] and [`template`] derive.
//! - [`edit`]: changes of the file's text.
//! - [`secrets`]: the secrets of plugins, in a file of their own.

pub mod access;
pub mod agents;
pub mod dependencies;
pub mod edit;
mod layers;
pub mod limits;
pub mod live;
pub mod origins;
pub mod plugin;
pub mod schema;
pub mod secrets;
pub mod table;
pub mod template;
#[cfg(test)]
mod tests;
pub mod traces;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Table;

pub use values::{Addresses, LogLevel, Port, Seconds, Switch};

use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::nearest::nearest;
use access::AccessSettings;
use agents::AgentSettings;
use dependencies::DependencySettings;
use layers::Layers;
use limits::LimitSettings;
use plugin::PluginSettings;
use secrets::Secrets;
use traces::TraceSettings;

/// Source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The built-in default.
    Default,
    /// `config.toml`.
    File,
    /// The environment variable of this name.
    Environment(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File => f.write_str("config.toml"),
            Source::Environment(name) => f.write_str(name),
        }
    }
}

/// A resolved value and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// The layer that set it.
    pub source: Source,
}

/// An unknown setting in `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSetting {
    /// Its key.
    pub key: String,
    /// The setting that was probably meant.
    pub similar: Option<String>,
}

impl fmt::Display for UnknownSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown setting `{}` in config.toml", self.key)?;
        match &self.similar {
            Some(similar) => write!(f, " (did you mean `{similar}`?)"),
            None => Ok(()),
        }
    }
}

/// The settings of a section that are not in the [`table`]; `row` is the section as the table has it.
fn unknown_of<'a>(
    section: &str,
    row: &str,
    keys: impl Iterator<Item = &'a String>,
) -> Vec<UnknownSetting> {
    let names = table::names_in(row);
    let full = |name: &str| match section {
        "" => name.to_owned(),
        _ => format!("{section}.{name}"),
    };
    let unknown = keys.filter(|key| !names.contains(&key.as_str()));
    let unknown = unknown.map(|key| UnknownSetting {
        key: full(key),
        similar: nearest(key, names.iter().copied()).map(full),
    });
    unknown.collect()
}

/// A setting of the top level as text, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its row in the table.
    pub row: &'static str,
    /// Its value.
    pub text: String,
    /// The layer that set it.
    pub source: Source,
}

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses to listen on; loopback in both families unless set.
    pub host: Setting<Addresses>,
    /// TCP port, 9100 unless set; that of a profile is chosen by the system.
    pub port: Setting<Port>,
    /// Time without a request after which the daemon stops; 0 is never.
    pub idle_timeout: Setting<Seconds>,
    /// Time for in-flight requests and `shutdown()` hooks when the daemon stops.
    pub shutdown_timeout: Setting<Seconds>,
    /// Time for each of `startup()` and `connect()`.
    pub hook_timeout: Setting<Seconds>,
    /// The least level of logged events.
    pub log_level: Setting<LogLevel>,
    /// Whether each plugin gets a shell command of its own.
    pub wrappers: Setting<Switch>,
    /// The interpreter to embed; the one that was built against unless set.
    pub python: Option<Setting<PathBuf>>,
    /// Plugin paths from the environment.
    pub plugins: Vec<PathBuf>,
    /// The settings of the top level, in the order of the table.
    pub top: Vec<Resolved>,
    /// `[plugins.NAME]`: the settings of single plugins, by name.
    pub of_plugins: BTreeMap<String, PluginSettings>,
    /// `[dependencies]`: where packages come from.
    pub dependencies: DependencySettings,
    /// `[agents]`: what agents are offered.
    pub agents: AgentSettings,
    /// The secrets of plugins, which only a daemon reads.
    pub secrets: Secrets,
    /// `[limits]`: how much connections may take.
    pub limits: LimitSettings,
    /// Who is served over TCP.
    pub access: AccessSettings,
    /// `[traces]`: where traces are sent.
    pub traces: TraceSettings,
    /// Unknown settings in `config.toml`.
    pub unknown: Vec<UnknownSetting>,
}

impl Settings {
    /// Reads `config.toml` at `file`, if it is there, and resolves all layers.
    ///
    /// # Errors
    /// A file that is not TOML or a value out of its range; the failure names file or variable, value and
    /// range.
    pub fn load(file: &Path, env: &Environment) -> Result<Settings, Failure> {
        Settings::resolve(parsed(&read(file)?, file)?, file, env)
    }

    /// Resolves the layers; `file` is only named in errors.
    pub fn resolve(table: Table, file: &Path, env: &Environment) -> Result<Settings, Failure> {
        let unknown = unknown_of("", "", table.keys());
        let mut layers = Layers { table, file, env, top: Vec::new(), unknown };
        let settings = Settings {
            host: layers.take("host")?,
            port: layers.take("port")?,
            idle_timeout: layers.take("timeout")?,
            shutdown_timeout: layers.take("shutdown_timeout")?,
            hook_timeout: layers.take("hook_timeout")?,
            log_level: layers.take("log_level")?,
            wrappers: layers.take("wrappers")?,
            python: layers.python()?,
            plugins: env
                .get(environment::PLUGINS)
                .unwrap_or_default()
                .split(':')
                .map(str::trim)
                .filter(|path| !path.is_empty())
                .map(|path| env.expand(path))
                .collect(),
            of_plugins: layers.of_plugins()?,
            dependencies: layers.dependencies()?,
            agents: layers.agents()?,
            limits: layers.limits()?,
            access: layers.access()?,
            traces: layers.traces()?,
            secrets: Secrets::default(),
            unknown: layers.unknown,
            top: layers.top,
        };
        access::check(&settings.host, settings.access.tcp_token)?;
        Ok(settings)
    }
}

/// Returns the text of `config.toml`; empty if it is not there.
///
/// # Errors
/// It cannot be read.
pub fn read(file: &Path) -> Result<String, Failure> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::environment(format!("cannot read {}: {error}", file.display()))),
    }
}

/// Parses the text of `config.toml`; `file` is only named in errors.
///
/// # Errors
/// The text is not TOML; the failure names the line.
pub fn parsed(text: &str, file: &Path) -> Result<Table, Failure> {
    text.parse::<Table>().map_err(|error| {
        let line = line_of(text, error.span());
        let message = error.message();
        Failure::environment(format!("{} line {line} is not TOML: {message}", file.display()))
            .hint("Correct the line, or move the file away: every setting has a default.")
    })
}

/// The line on which a part of `text` begins, counted from 1.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    span.map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1)
}
