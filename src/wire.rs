//! The messages between client, control program and host; the whole product at a glance.
//!
//! Which type is what: a [`PluginStatus`] is a plugin with its [`PluginState`] (`status`), a [`PluginEntry`] the
//! metadata of one that serves, a [`FailedPlugin`] one that does not, each with the keys of its JSON.
//!
//! Two channels. While the host starts, it writes one JSON [`Startup`] per line to its stdout, which the
//! launcher reads. Afterwards all of them use HTTP over the Unix socket; the client's own call is
//! [`Run`] at [`RUN`].

mod background;
mod caller;
pub mod deps;
pub mod frame;
mod plugin;
mod rates;
mod traffic;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::Failure;

pub use background::{BackgroundTask, TaskState};
pub use caller::{Caller, Colors, Terminals};
pub use plugin::{PluginState, PluginStatus, Reload, Stage, StageWord, Word};
pub use rates::{Range, Rates};
pub use traffic::{Bucket, Traffic};

/// Path of the client's call, whose body is a [`Run`] in one line, followed by what it says [follows](Run::follows); only
/// the Unix socket serves it.
pub const RUN: &str = "/-/run";
/// Path of the daemon's status, more than that of `/health`; only the Unix socket serves it.
pub const STATUS: &str = "/-/status";
/// Path of what the page at `/` shows, as server-sent events.
pub const LIVE: &str = "/-/live";
/// Path of the Model Context Protocol in lines, both ways; only the Unix socket serves it. Its query has [`MCP_PLUGIN`]
/// and [`MCP_TOOLS`].
///
/// Each line of the request's body is a message of the client, each of the answer's one of the daemon, or `#taken N`: the
/// daemon leaves, it has taken the first `N` lines, answers those, and ends the answer.
pub const MCP: &str = "/-/mcp";
/// Query parameter of [`MCP`]: the one plugin that is meant.
pub const MCP_PLUGIN: &str = "plugin";
/// Query parameter of [`MCP`]: `all`, `search`, or names of plugins and tools.
pub const MCP_TOOLS: &str = "tools";
/// Begin of a line of [`MCP`] that has the number of lines that were taken.
pub const MCP_TAKEN: &str = "#taken ";
/// Path of all commands as tools for agents.
pub const TOOLS: &str = "/tools";
/// Path that loads plugins again.
pub const RELOAD: &str = "/reload-plugins";
/// Query parameter of [`RELOAD`], which may repeat: the name or the absolute path of a plugin to reload.
pub const RELOADED_PLUGIN: &str = "plugin";

/// Response header of [`RUN`]: a line for stderr, percent-encoded UTF-8; may repeat.
pub const WARNING_HEADER: &str = "x-skills-warning";
/// Response header of [`RUN`]: what the body is, one of the `ANSWER_` constants.
pub const ANSWER_HEADER: &str = "x-skills-answer";
/// The body is the plugin's answer.
pub const ANSWER_PLUGIN: &str = "plugin";
/// The body is the answer of a plain function: its failures are for stderr.
pub const ANSWER_FUNCTION: &str = "function";
/// The body is a sequence of [frames](frame::Frame): what the handler emits, then the answer.
pub const ANSWER_FRAMES: &str = "frames";
/// Header of an answer of a plain function: the exit status of the shell's call, 0 to 255; with `;quiet`, nothing is
/// printed for it, with `;plain` the text of the error alone.
pub const EXIT_HEADER: &str = "x-skills-exit";
/// Header of an answer of a plain function: its JSON is a list of content blocks of the Model Context Protocol.
pub const CONTENT_HEADER: &str = "x-skills-content";
/// Header of an answer: the file that `--output` sets, percent-encoded, relative to the caller's directory.
pub const OUTPUT_HEADER: &str = "x-skills-output";
/// The body is help, as `/{plugin}/help` gives it.
pub const ANSWER_HELP: &str = "help";
/// The body is a [`Failure`] of the daemon.
pub const ANSWER_FAILURE: &str = "failure";
/// Nothing was done: the client is to repeat the call with the variables that [`ENV_HEADER`] lists, and with
/// stdin if there is a [`STDIN_HEADER`].
pub const ANSWER_MORE: &str = "more";
/// Header of an answer [`ANSWER_MORE`]: what the command reads of stdin. [`STDIN_TEXT`], [`STDIN_STREAM`], or `@` and a
/// percent-encoded path: that file is sent in its place.
pub const STDIN_HEADER: &str = "x-skills-stdin";
/// All of it, as the [`Input`] of an option.
pub const STDIN_TEXT: &str = "text";
/// All of it, as it comes: the call [follows](Follows::Stdin).
pub const STDIN_STREAM: &str = "stream";
/// Header of an answer [`ANSWER_MORE`]: names of environment variables, or the begin of names followed by `*`,
/// separated by commas.
pub const ENV_HEADER: &str = "x-skills-env";
/// The body is a [`Program`], which the client is to become.
pub const ANSWER_PROGRAM: &str = "program";
/// The call was refused: the client must replace this daemon, which is older than it or lost its venv.
pub const ANSWER_OUTDATED: &str = "outdated";
/// Request and response header: the id of a request, through client, log and plugin.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// A command line as it was typed, for the daemon to resolve by the plugin's description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The version of the client.
    pub client: String,
    /// The plugin's name.
    pub plugin: String,
    /// Everything typed after it, global options taken out.
    pub arguments: Vec<String>,
    /// The contents of arguments that may mean a file or stdin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Where the client was called.
    #[serde(default)]
    pub caller: Caller,
    /// The method of `-X`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The limit of `--timeout` before the plugin's name, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// True if help was asked for instead of a call.
    #[serde(default)]
    pub help: bool,
    /// What comes after this line while the call runs.
    #[serde(default, skip_serializing_if = "Follows::is_nothing")]
    pub follows: Follows,
}

/// What a client sends after its call, while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// Nothing.
    #[default]
    Nothing,
    /// Its stdin or a file, as it comes, up to its end.
    Stdin,
    /// A [`Reply`] to each question, as a line of JSON; the call ends with the connection.
    Replies,
}

/// A program that takes the place of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its executable.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// The reply to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The number of the question.
    pub question: u64,
    /// The answer; absent if there is none: the input has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl Follows {
    fn is_nothing(&self) -> bool {
        *self == Follows::Nothing
    }
}

/// The content that the client read for `@file` or `-`.
///
/// Only the client has the caller's working directory and stdin, and only the daemon has the description with
/// the options that take text: so the client reads each candidate, and the daemon uses those that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The argument with the value, counted from 0.
    pub argument: usize,
    /// The text, or the failure to read it, which counts only if the text is needed; absent for stdin as long as it was
    /// not asked for by a [`STDIN_HEADER`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Result<String, Failure>>,
}

/// How often a host that starts sends [`Startup::Alive`].
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// One line of the host's report while it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Startup {
    /// Something that takes a while has begun.
    Progress {
        /// The step, for a person.
        text: String,
    },
    /// The host lives: sent each [`HEARTBEAT`], whatever it does.
    Alive,
    /// The daemon listens; plugins may still load.
    Ready(Ready),
    /// The daemon cannot start and exits.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// Where a ready daemon listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Process id of the host.
    pub pid: u32,
    /// Version of the host.
    pub version: String,
    /// The TCP port, the same on all addresses.
    pub port: u16,
    /// Version of the embedded Python: `3.11.7`.
    pub python: String,
}

/// The answer of `GET /health`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// `running`, or `stopping`.
    pub status: String,
    /// Version of the daemon.
    pub version: String,
    /// False once the daemon's working directory is gone.
    pub cwd_valid: bool,
    /// False once the venv is gone.
    pub venv_valid: bool,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// Names of the plugins that serve.
    pub plugins: Vec<String>,
    /// The last result of each plugin's `health_check()`, or what keeps it from serving.
    pub plugin_health: Map<String, Value>,
}

/// The answer of `GET /plugins`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plugins {
    /// Plugins that serve, in order of discovery.
    pub plugins: Vec<PluginEntry>,
    /// Plugins that do not, or whose new version does not, and why; absent when all do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedPlugin>,
}

/// One plugin that serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginEntry {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// Its version.
    pub version: String,
    /// All its routes.
    pub endpoints: Vec<Endpoint>,
    /// Problems found while it was described; absent without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One method of one path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// HTTP method.
    pub method: String,
    /// Whole path, `/name/…`.
    pub path: String,
    /// Why requests for it always go through FastAPI; absent where those that fit its parameters call the
    /// handler directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_fastapi: Option<String>,
}

/// One plugin that does not serve, or whose new version does not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailedPlugin {
    /// Its name, or the best guess at it.
    pub name: String,
    /// Path of its directory or file.
    pub path: String,
    /// Why it does not serve.
    pub error: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The answer of [`STATUS`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Where the daemon listens.
    #[serde(flatten)]
    pub ready: Ready,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// Requests in flight, this one not counted.
    pub in_flight: usize,
    /// Current reports about the daemon itself, for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// That one of them which says what is polled, because its changes are not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polled: Option<String>,
    /// How far a change of packages is, if one is in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<deps::Progress>,
    /// Every plugin, in order of discovery.
    pub plugins: Vec<PluginStatus>,
}

/// The answer of `POST /reload-plugins`, all plugins or only those that [`RELOADED_PLUGIN`] selects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reloaded {
    /// True.
    pub success: bool,
    /// Plugins that were not there before.
    pub added: Vec<String>,
    /// Plugins that are gone.
    pub removed: Vec<String>,
    /// Plugins of which a new version serves.
    pub reloaded: Vec<String>,
    /// Plugins that serve now.
    pub total: usize,
    /// Those of them that do not serve, or whose new version does not, and why; absent when all do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedPlugin>,
}
