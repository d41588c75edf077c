//! The table of all settings: key, variable, kind, default, meaning, and whether a restart applies it.
//!
//! Defaults and variables of the top level, hints for unknown keys, `config show`, `config set`, the JSON Schema of
//! `config.toml` and its template come from it. To add a setting: a row here, a field where it is read, a row in README.

use crate::environment::profile::Profile;
use crate::environment::{
    Environment, HOOK_TIMEOUT, HOST, LOG_LEVEL, OTLP_ENDPOINT, PORT, PYTHON, SHUTDOWN_TIMEOUT,
    TIMEOUT, UV_DEFAULT_INDEX, UV_INDEX, UV_OFFLINE, WRAPPERS,
};
use crate::limits;

/// The part of a key that stands for the name of any plugin.
pub const ANY: &str = "*";

/// A setting.
#[derive(Debug)]
pub struct Row {
    /// Its key, with its sections before it; [`ANY`] in it stands for the name of a plugin.
    pub key: &'static str,
    /// The environment variable that takes precedence over the file.
    pub variable: Option<&'static str>,
    /// Its values.
    pub kind: Kind,
    /// The default, as TOML; empty for none.
    pub default: &'static str,
    /// The default in a profile, if it is another.
    pub default_in_profile: Option<&'static str>,
    /// True if a running daemon takes up a change only when it is restarted.
    pub restarts: bool,
    /// What it decides, in a few words.
    pub meaning: &'static str,
}

/// The values of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number in this range.
    Number(u64, u64),
    /// True or false.
    Switch,
    /// Any text.
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// One of these texts, in capitals or not.
    Level(&'static [&'static str]),
    /// An address to listen on.
    Host,
    /// The URL of a package index.
    Url,
    /// The URL of a service.
    Endpoint,
    /// A list of those.
    Urls,
    /// A list of absolute paths.
    Paths,
    /// A list of requirements, or the path of a file with them.
    Constraints,
    /// A word, or a list of names.
    Tools,
    /// Texts by name.
    Variables,
    /// A list of origins of pages.
    Origins,
    /// True, false, or `"auto"`.
    Automatic,
}

const fn row(key: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Row {
    Row { key, variable: None, kind, default, default_in_profile: None, restarts: false, meaning }
}

const fn of_range((least, most): (u32, u32)) -> Kind {
    Kind::Number(least as u64, most as u64)
}

impl Row {
    const fn of(mut self, variable: &'static str) -> Row {
        self.variable = Some(variable);
        self
    }

    const fn in_profile(mut self, default: &'static str) -> Row {
        self.default_in_profile = Some(default);
        self
    }

    /// Returns the default, as TOML, in the profile that the environment chooses.
    pub fn default_in(&self, env: &Environment) -> &'static str {
        let is_of_profile = matches!(Profile::of(env), Ok(Some(_)));
        self.default_in_profile.filter(|_| is_of_profile).unwrap_or(self.default)
    }

    const fn at_start(mut self) -> Row {
        self.restarts = true;
        self
    }
}

const SECONDS: Kind = Kind::Number(0, super::values::SECONDS_MAX as u64);
const REQUESTS: u64 = limits::REQUESTS_MAX as u64;
const CONNECTIONS: Kind = of_range(super::limits::CONNECTIONS);
const SPAN: Kind = of_range(super::limits::SECONDS);
const LEVELS: &[&str] = &["DEBUG", "INFO", "WARNING", "ERROR"];
const CONSENTS: &[&str] = &["nothing", "destructive", "changes"];

/// All settings, in the order in which they are shown.
pub static ROWS: [Row; 35] = [
    row(
        "host",
        Kind::Host,
        "\"localhost\"",
        "address to listen on; `localhost` is loopback in both families, one beyond loopback needs the token",
    )
    .of(HOST)
    .at_start(),
    row("port", Kind::Number(0, 65_535), "9100", "TCP port; 0 lets the system choose")
        .of(PORT)
        .in_profile("0")
        .at_start(),
    row(
        "timeout",
        SECONDS,
        "1800",
        "seconds without a request after which the daemon ends; 0 is never",
    )
    .of(TIMEOUT),
    row(
        "shutdown_timeout",
        SECONDS,
        "10",
        "seconds for in-flight requests at the end, and as many for `shutdown()` hooks",
    )
    .of(SHUTDOWN_TIMEOUT),
    row("hook_timeout", SECONDS, "30", "seconds for each of `startup()` and `connect()`")
        .of(HOOK_TIMEOUT),
    row(
        "log_level",
        Kind::Level(LEVELS),
        "\"INFO\"",
        "least level of logged events; DEBUG logs each request",
    )
    .of(LOG_LEVEL),
    row("wrappers", Kind::Switch, "true", "whether plugins get commands in ~/.local/bin")
        .of(WRAPPERS),
    row("python", Kind::Text, "", "interpreter in place of the one built against, of the same X.Y")
        .of(PYTHON)
        .at_start(),
    row(
        "allowed_origins",
        Kind::Origins,
        "[]",
        "origins of pages that may call: `SCHEME://HOST`, or `SCHEME://*` of an editor",
    ),
    row(
        "tcp_token",
        Kind::Automatic,
        "\"auto\"",
        "whether requests over TCP need the token; \"auto\": where their user is unknown",
    ),
    row("limits.connections", CONNECTIONS, "4096", "connections at once"),
    row(
        "limits.connections_per_peer",
        CONNECTIONS,
        "3072",
        "connections at once of one user over TCP, or on the Unix socket",
    ),
    row(
        "limits.header_bytes",
        of_range(super::limits::HEADER_BYTES),
        "65536",
        "bytes of the head of a request",
    ),
    row("limits.head_timeout", SPAN, "30", "seconds for the head of a request; 0 is no limit"),
    row(
        "limits.body_timeout",
        SPAN,
        "60",
        "seconds between two pieces of a request's body; 0 is no limit",
    ),
    row(
        "limits.answer_timeout",
        SPAN,
        "60",
        "seconds in which a client takes a piece of the answer; 0 is no limit",
    ),
    row("dependencies.index", Kind::Url, "", "URL of the package index").of(UV_DEFAULT_INDEX),
    row("dependencies.extra_indexes", Kind::Urls, "[]", "URLs of further indexes").of(UV_INDEX),
    row(
        "dependencies.constraints",
        Kind::Constraints,
        "[]",
        "requirements that limit versions, or the path of a file with one a line",
    ),
    row("dependencies.offline", Kind::Switch, "false", "true: nothing is fetched").of(UV_OFFLINE),
    row(
        "dependencies.paths",
        Kind::Paths,
        "[]",
        "directories, besides a plugin's own, that `file:` requirements may name",
    ),
    row(
        "agents.tools",
        Kind::Tools,
        "\"auto\"",
        "tools of /mcp: \"auto\", \"all\", \"search\", or a list of plugins and names",
    ),
    row(
        "agents.tools_max",
        Kind::Number(1, u64::MAX),
        "30",
        "more tools than that are replaced by those for a search",
    ),
    row(
        "agents.result_max",
        Kind::Number(1000, u64::MAX),
        "100000",
        "bytes of a result's text; what is longer is cut",
    ),
    row(
        "agents.ask_before",
        Kind::Word(CONSENTS),
        "\"nothing\"",
        "calls that need the person's consent",
    ),
    row("agents.skills", Kind::Paths, "[]", "directories in which each plugin has a SKILL.md"),
    row(
        "traces.endpoint",
        Kind::Endpoint,
        "",
        "base URL of an OpenTelemetry collector (OTLP over HTTP); without it nothing is traced",
    )
    .of(OTLP_ENDPOINT)
    .at_start(),
    row(
        "traces.per_second",
        of_range(super::traces::PER_SECOND),
        "10",
        "traces that the daemon begins in a second; those of callers always go on",
    )
    .at_start(),
    row("plugins.*.enabled", Kind::Switch, "true", "false: the plugin is not loaded"),
    row(
        "plugins.*.loops",
        Kind::Number(1, limits::LOOPS_MAX as u64),
        "",
        "event loops of its `async def` handlers",
    ),
    row(
        "plugins.*.timeout",
        Kind::Number(1, limits::TIMEOUT_MAX as u64),
        "",
        "seconds that any of its commands may take",
    ),
    row(
        "plugins.*.limits.concurrent",
        Kind::Number(1, REQUESTS),
        "",
        "requests that it is given at once",
    ),
    row(
        "plugins.*.limits.waiting",
        Kind::Number(0, REQUESTS),
        "",
        "requests that may wait; any more are answered with 503",
    ),
    row(
        "plugins.*.limits.memory",
        Kind::Number(1, limits::MEMORY_MAX as u64),
        "",
        "growth of memory in MiB from which on it is reported",
    ),
    row(
        "plugins.*.env",
        Kind::Variables,
        "{}",
        "environment variables of the process, set before it is imported",
    ),
];

/// Returns the setting of a key without the name of a plugin.
pub fn row_of(key: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.key == key)
}

/// Returns the setting that the parts of a key name, any plugin's name included.
pub fn find<'a>(parts: impl Iterator<Item = &'a str> + Clone) -> Option<&'static Row> {
    ROWS.iter().find(|row| {
        let mut own = row.key.split('.');
        let mut parts = parts.clone();
        // Until one of both ends, or they differ.
        loop {
            match (own.next(), parts.next()) {
                (None, None) => return true,
                (Some(ANY), Some(_)) => {}
                (Some(own), Some(part)) if own == part => {}
                _ => return false,
            }
        }
    })
}

/// Returns the names of the settings and sections below `section`, which is empty for the top level.
pub fn names_in(section: &str) -> Vec<&'static str> {
    let below = |row: &'static Row| match section {
        "" => Some(row.key),
        _ => row.key.strip_prefix(section)?.strip_prefix('.'),
    };
    let mut names: Vec<&str> =
        ROWS.iter().filter_map(below).filter_map(|rest| rest.split('.').next()).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_with_the_names_of_plugins() {
        let key = |text: &str| find(text.split('.')).map(|row| row.key);
        assert_eq!(key("port"), Some("port"));
        assert_eq!(key("plugins.jira.limits.memory"), Some("plugins.*.limits.memory"));
        for unknown in ["plugins.jira.url", "agents", "port.x", "prot", "plugins.jira.limits"] {
            assert_eq!(key(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn sections_are_named_once() {
        let top = names_in("");
        let access = ["python", "allowed_origins", "tcp_token", "limits"];
        assert_eq!(
            top[7..],
            [&access[..], &["dependencies", "agents", "traces", "plugins"]].concat()
        );
        assert_eq!(names_in("plugins.*"), ["enabled", "loops", "timeout", "limits", "env"]);
        assert_eq!(names_in("plugins.*.limits"), ["concurrent", "waiting", "memory"]);
    }
}
