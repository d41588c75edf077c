//! Defaults, `config.toml` and environment, resolved once to plain data.
//!
//! Later layers win: default, then file, then environment. Each value has its source, which `doctor` shows. To
//! add one: a field in [`Settings`], one line in [`Settings::resolve`], its environment name in
//! [`crate::environment`], a row in README. [`plugin`] has the settings of single plugins, [`dependencies`] those of
//! packages, [`agents`] those for agents, [`limits`] and [`access`] those of connections, [`live`] those of a running daemon.

pub mod access;
pub mod agents;
pub mod dependencies;
pub mod limits;
pub mod live;
pub mod plugin;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::{Table, Value};

use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::nearest::nearest;
use access::AccessSettings;
use agents::AgentSettings;
use dependencies::DependencySettings;
use limits::LimitSettings;
use plugin::PluginSettings;

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

/// The least level of logged events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything, each request included.
    Debug,
    /// Starts, stops, loads.
    Info,
    /// Possible problems.
    Warning,
    /// Failures.
    Error,
}

impl FromStr for LogLevel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_uppercase().as_str() {
            "DEBUG" => Ok(LogLevel::Debug),
            "INFO" => Ok(LogLevel::Info),
            "WARNING" | "WARN" => Ok(LogLevel::Warning),
            "ERROR" | "CRITICAL" => Ok(LogLevel::Error),
            _ => Err("DEBUG, INFO, WARNING or ERROR"),
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogLevel::Debug => "DEBUG",
            LogLevel::Info => "INFO",
            LogLevel::Warning => "WARNING",
            LogLevel::Error => "ERROR",
        })
    }
}

/// The loopback addresses to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loopback(pub Vec<IpAddr>);

impl FromStr for Loopback {
    type Err = &'static str;

    /// `localhost` and the "any" addresses of the original daemon mean both families; others must be loopback.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let both = || Loopback(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        match text.trim_matches(['[', ']']) {
            "localhost" | "::" => Ok(both()),
            address => match address.parse::<IpAddr>() {
                Ok(address) if address.is_loopback() => Ok(Loopback(vec![address])),
                _ => Err("localhost, 127.0.0.1 or ::1 (the daemon listens on loopback only)"),
            },
        }
    }
}

impl fmt::Display for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))
    }
}

/// Whole seconds, 0 to 31 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u32);

impl Seconds {
    /// Returns the span as a [`Duration`].
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().parse::<u32>() {
            Ok(seconds) if seconds <= 31 * 86_400 => Ok(Seconds(seconds)),
            _ => Err("whole seconds from 0 to 2678400"),
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// A TCP port; 0 lets the system choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

impl FromStr for Port {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Port).map_err(|_| "a port number from 0 to 65535")
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch(pub bool);

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Switch(true)),
            "0" | "false" | "no" | "off" => Ok(Switch(false)),
            _ => Err("true or false"),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An unknown setting in `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSetting {
    /// Its key.
    pub key: String,
    /// The setting that was probably meant.
    pub similar: Option<&'static str>,
}

impl fmt::Display for UnknownSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown setting `{}` in config.toml", self.key)?;
        match self.similar {
            Some(similar) => write!(f, " (did you mean `{similar}`?)"),
            None => Ok(()),
        }
    }
}

/// The settings of a section that are none of `keys`, each of which has its section.
fn unknown_of(section: &str, table: &Table, keys: &[&'static str]) -> Vec<UnknownSetting> {
    let unknown = |key: &String| {
        let key = format!("{section}.{key}");
        UnknownSetting { similar: nearest(&key, keys.iter().copied()), key }
    };
    table.keys().map(unknown).collect()
}

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Loopback addresses to listen on; both families unless set.
    pub host: Setting<Loopback>,
    /// TCP port, 9100 unless set.
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
    /// `[plugins.NAME]`: the settings of single plugins, by name.
    pub of_plugins: BTreeMap<String, PluginSettings>,
    /// `[dependencies]`: where packages come from.
    pub dependencies: DependencySettings,
    /// `[agents]`: what agents are offered.
    pub agents: AgentSettings,
    /// `[limits]`: how much connections may take.
    pub limits: LimitSettings,
    /// Who is served over TCP.
    pub access: AccessSettings,
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
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Failure::environment(format!(
                    "cannot read {}: {error}",
                    file.display()
                )));
            }
        };
        let table = text.parse::<Table>().map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Failure::environment(format!(
                "{} line {line} is not TOML: {}",
                file.display(),
                error.message()
            ))
            .hint("Correct the line, or move the file away: every setting has a default.")
        })?;
        Settings::resolve(table, file, env)
    }

    /// Resolves the layers; `file` is only named in errors.
    pub fn resolve(table: Table, file: &Path, env: &Environment) -> Result<Settings, Failure> {
        let mut layers = Layers { table, file, env, keys: Vec::new(), unknown: Vec::new() };
        let both = Loopback(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        Ok(Settings {
            host: layers.take("host", environment::HOST, both)?,
            port: layers.take("port", environment::PORT, Port(9100))?,
            idle_timeout: layers.take("timeout", environment::TIMEOUT, Seconds(1800))?,
            shutdown_timeout: layers.take(
                "shutdown_timeout",
                environment::SHUTDOWN_TIMEOUT,
                Seconds(10),
            )?,
            hook_timeout: layers.take("hook_timeout", environment::HOOK_TIMEOUT, Seconds(30))?,
            log_level: layers.take("log_level", environment::LOG_LEVEL, LogLevel::Info)?,
            wrappers: layers.take("wrappers", environment::WRAPPERS, Switch(true))?,
            python: layers
                .text("python", environment::PYTHON)?
                .map(|(text, source)| Setting { value: env.expand(&text), source }),
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
            unknown: layers.unknown(),
        })
    }
}

/// The layers under resolution.
struct Layers<'a> {
    /// `config.toml` without the settings that were resolved.
    table: Table,
    file: &'a Path,
    env: &'a Environment,
    /// The settings that were resolved.
    keys: Vec<&'static str>,
    /// The unknown settings of sections.
    unknown: Vec<UnknownSetting>,
}

impl Layers<'_> {
    /// Returns the text of the highest layer that sets `key`, and takes it out of the table.
    fn text(
        &mut self,
        key: &'static str,
        name: &'static str,
    ) -> Result<Option<(String, Source)>, Failure> {
        self.keys.push(key);
        let in_file = match self.table.remove(key) {
            None => None,
            Some(Value::String(text)) => Some(text),
            Some(Value::Integer(number)) => Some(number.to_string()),
            Some(Value::Boolean(switch)) => Some(switch.to_string()),
            Some(other) => {
                return Err(Failure::environment(format!(
                    "{}: `{key}` must be a string, an integer or a boolean, not {}",
                    self.file.display(),
                    other.type_str()
                )));
            }
        };
        Ok(match self.env.get(name) {
            Some(text) => Some((text.to_owned(), Source::Environment(name))),
            None => in_file.map(|text| (text, Source::File)),
        })
    }

    /// Resolves the setting `key`.
    fn take<T: FromStr<Err = &'static str>>(
        &mut self,
        key: &'static str,
        name: &'static str,
        default: T,
    ) -> Result<Setting<T>, Failure> {
        let Some((text, source)) = self.text(key, name)? else {
            return Ok(Setting { value: default, source: Source::Default });
        };
        let value = text.parse().map_err(|wanted| {
            let place = match &source {
                Source::File => format!("{}: `{key}`", self.file.display()),
                other => other.to_string(),
            };
            Failure::environment(format!("{place} is `{text}`, which is not {wanted}"))
        })?;
        Ok(Setting { value, source })
    }

    /// Resolves the section `plugins`, and takes it out of the table.
    fn of_plugins(&mut self) -> Result<BTreeMap<String, PluginSettings>, Failure> {
        self.keys.push("plugins");
        let Some(section) = self.table.remove("plugins") else { return Ok(BTreeMap::new()) };
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        plugin::resolve(section).map_err(failed)
    }

    /// Resolves the section `dependencies`, and takes it out of the table.
    fn dependencies(&mut self) -> Result<DependencySettings, Failure> {
        self.keys.push("dependencies");
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        let section = self.table.remove("dependencies");
        let (settings, unknown) = dependencies::resolve(section, self.env).map_err(failed)?;
        self.unknown.extend(unknown);
        dependencies::with_environment(settings, self.env).map_err(Failure::environment)
    }

    /// Resolves the section `agents`, and takes it out of the table.
    fn agents(&mut self) -> Result<AgentSettings, Failure> {
        self.keys.push("agents");
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        let section = self.table.remove("agents");
        let (settings, unknown) = agents::resolve(section, self.env).map_err(failed)?;
        self.unknown.extend(unknown);
        Ok(settings)
    }

    /// Resolves the section `limits`, and takes it out of the table.
    fn limits(&mut self) -> Result<LimitSettings, Failure> {
        self.keys.push("limits");
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        let (settings, unknown) = limits::resolve(self.table.remove("limits")).map_err(failed)?;
        self.unknown.extend(unknown);
        Ok(settings)
    }

    /// Resolves who is served over TCP, and takes it out of the table.
    fn access(&mut self) -> Result<AccessSettings, Failure> {
        self.keys.extend(access::KEYS);
        let failed =
            |message: String| Failure::environment(format!("{}: {message}", self.file.display()));
        access::take(&mut self.table).map_err(failed)
    }

    /// Returns the settings of the table that were not resolved.
    fn unknown(&self) -> Vec<UnknownSetting> {
        let unknown = |key: &String| UnknownSetting {
            key: key.clone(),
            similar: nearest(key, self.keys.iter().copied()),
        };
        self.table.keys().map(unknown).chain(self.unknown.clone()).collect()
    }
}
