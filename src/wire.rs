//! What client, control program and host say to each other; the whole product at a glance.
//!
//! Two channels. While the host starts, it writes one JSON [`Startup`] per line to its stdout, which the
//! launcher reads. Afterwards everybody speaks HTTP over the Unix socket; the client's own call is
//! [`Run`] at [`RUN`].

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::{Failure, Kind};

/// Path of the client's call; only the Unix socket serves it.
pub const RUN: &str = "/-/run";
/// Path of the daemon's own account of itself, more than `/health` says; only the Unix socket serves it.
pub const STATUS: &str = "/-/status";
/// Path that loads plugins again.
pub const RELOAD: &str = "/reload-plugins";
/// Query parameter of [`RELOAD`], which may repeat: the name or the absolute path of a plugin to reload.
pub const RELOADED_PLUGIN: &str = "plugin";

/// Response header of [`RUN`]: a line for stderr, percent-encoded UTF-8; may repeat.
pub const WARNING_HEADER: &str = "x-skills-warning";
/// Response header of [`RUN`]: what the body is, one of the `ANSWER_` constants.
pub const ANSWER_HEADER: &str = "x-skills-answer";
/// The body is what the plugin answered.
pub const ANSWER_PLUGIN: &str = "plugin";
/// The body is help, as `/{plugin}/help` gives it.
pub const ANSWER_HELP: &str = "help";
/// The body is a [`Failure`] of the daemon.
pub const ANSWER_FAILURE: &str = "failure";
/// The client shall replace this daemon, which is older than it or lost its venv; nothing was done.
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
    /// What the client found behind arguments that may mean a file or stdin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The working directory of the client; absent where it has none, or one that is no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The method of `-X`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// True if help was asked for instead of a call.
    #[serde(default)]
    pub help: bool,
}

/// What the client found behind `@file` or `-`.
///
/// Only the client has the caller's working directory and stdin, and only the daemon knows which options take
/// text: so the client reads whatever may be meant, and the daemon uses what is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The argument with the value, counted from 0.
    pub argument: usize,
    /// The text, or why there is none; which is told only if it is needed.
    pub read: Result<String, Failure>,
}

/// How often a host that starts sends [`Startup::Alive`].
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// One line of the host's report while it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Startup {
    /// Something that takes a while has begun.
    Progress {
        /// What, for a person.
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
    /// What each plugin's last `health_check()` said, or what keeps it from serving.
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
    /// What was wrong while it was described; absent when nothing was.
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
    /// Where it lies.
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
    /// Requests under way, this one not counted.
    pub in_flight: usize,
    /// Every plugin, in order of discovery.
    pub plugins: Vec<PluginStatus>,
}

/// One plugin of [`Status`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StatusRecord", into = "StatusRecord")]
pub struct PluginStatus {
    /// Its name, or the best guess at it.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// The number of its commands.
    pub commands: usize,
    /// What it does.
    pub state: PluginState,
}

/// The state of a plugin, the same for every reader; its words are [`Word`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginState {
    /// It is loaded at its first call.
    Asleep,
    /// Its first version is being loaded.
    Loading(Stage),
    /// It serves.
    Ready {
        /// What went wrong in its hooks.
        complaints: Vec<String>,
        /// What happens, or happened last, to the version that is to take its place.
        reload: Reload,
    },
    /// It does not serve.
    Failed(Failure),
}

/// The reload of a plugin that serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reload {
    /// There is none.
    #[default]
    Idle,
    /// A new version is being loaded; the old one serves.
    Loading(Stage),
    /// The new version did not load; the old one serves.
    Failed(Failure),
}

/// How far the load of a version is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its requirements are being installed; an empty list waits for its turn.
    Installing(Vec<String>),
    /// It is being imported.
    Importing,
    /// Its hooks run.
    Starting,
    /// It is being unloaded.
    Unloading,
}

/// The state of a plugin in one word, as `status --json` and `/health` have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// [`PluginState::Asleep`].
    Asleep,
    /// [`PluginState::Loading`].
    Loading,
    /// [`PluginState::Ready`].
    Ready,
    /// [`PluginState::Failed`].
    Failed,
}

/// A [`Stage`] in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageWord {
    /// [`Stage::Installing`].
    Installing,
    /// [`Stage::Importing`].
    Importing,
    /// [`Stage::Starting`].
    Starting,
    /// [`Stage::Unloading`].
    Unloading,
}

impl PluginState {
    /// The state in one word.
    pub fn word(&self) -> Word {
        match self {
            PluginState::Asleep => Word::Asleep,
            PluginState::Loading(_) => Word::Loading,
            PluginState::Ready { .. } => Word::Ready,
            PluginState::Failed(_) => Word::Failed,
        }
    }

    /// Why the plugin, or its new version, does not serve.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            PluginState::Failed(failure)
            | PluginState::Ready { reload: Reload::Failed(failure), .. } => Some(failure),
            _ => None,
        }
    }

    /// The stage of the load under way.
    pub fn stage(&self) -> Option<&Stage> {
        match self {
            PluginState::Loading(stage)
            | PluginState::Ready { reload: Reload::Loading(stage), .. } => Some(stage),
            _ => None,
        }
    }

    /// One line or more for a person; `None` when all is well.
    pub fn detail(&self) -> Option<String> {
        match self {
            PluginState::Asleep => Some("loaded at its first call".to_owned()),
            PluginState::Loading(stage) => Some(stage.to_string()),
            PluginState::Ready { complaints, .. } => {
                let failure = self.failure().map(|failure| &failure.error);
                let lines: Vec<&str> =
                    complaints.iter().chain(failure).map(String::as_str).collect();
                (!lines.is_empty()).then(|| lines.join("; "))
            }
            PluginState::Failed(failure) => Some(failure.error.clone()),
        }
    }

    /// What to do about a failure.
    pub fn hint(&self) -> Option<&str> {
        self.failure()?.hint.as_deref()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Word::Asleep => "asleep",
            Word::Loading => "loading",
            Word::Ready => "ready",
            Word::Failed => "failed",
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Installing(requirements) if requirements.is_empty() => {
                f.write_str("waiting for its turn")
            }
            Stage::Installing(requirements) => write!(f, "installing {}", requirements.join(", ")),
            Stage::Importing => f.write_str("importing"),
            Stage::Starting => f.write_str("running startup() and connect()"),
            Stage::Unloading => f.write_str("unloading"),
        }
    }
}

/// A [`PluginStatus`] as it is written.
#[derive(Serialize, Deserialize)]
struct StatusRecord {
    name: String,
    path: String,
    state: Word,
    /// [`PluginState::detail`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// [`PluginState::hint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    commands: usize,
    /// How far the first load is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<StageWord>,
    /// How far the reload is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<StageWord>,
    /// What is being installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requirements: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    complaints: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

impl From<PluginStatus> for StatusRecord {
    fn from(status: PluginStatus) -> StatusRecord {
        let PluginStatus { name, path, commands, state } = status;
        let word = state.stage().map(|stage| match stage {
            Stage::Installing(_) => StageWord::Installing,
            Stage::Importing => StageWord::Importing,
            Stage::Starting => StageWord::Starting,
            Stage::Unloading => StageWord::Unloading,
        });
        let serves = state.word() == Word::Ready;
        StatusRecord {
            name,
            path,
            commands,
            state: state.word(),
            detail: state.detail(),
            hint: state.hint().map(str::to_owned),
            stage: word.filter(|_| !serves),
            next: word.filter(|_| serves),
            requirements: match state.stage() {
                Some(Stage::Installing(requirements)) => requirements.clone(),
                _ => Vec::new(),
            },
            failure: state.failure().cloned(),
            complaints: match state {
                PluginState::Ready { complaints, .. } => complaints,
                _ => Vec::new(),
            },
        }
    }
}

impl From<StatusRecord> for PluginStatus {
    fn from(record: StatusRecord) -> PluginStatus {
        let StatusRecord { name, path, commands, state, detail, hint, .. } = record;
        let stage = |word: StageWord| match word {
            StageWord::Installing => Stage::Installing(record.requirements.clone()),
            StageWord::Importing => Stage::Importing,
            StageWord::Starting => Stage::Starting,
            StageWord::Unloading => Stage::Unloading,
        };
        let failure = record.failure;
        let state = match state {
            Word::Asleep => PluginState::Asleep,
            Word::Loading => {
                PluginState::Loading(record.stage.map_or(Stage::Installing(Vec::new()), stage))
            }
            Word::Ready => PluginState::Ready {
                complaints: record.complaints,
                reload: match (record.next, failure) {
                    (Some(word), _) => Reload::Loading(stage(word)),
                    (None, Some(failure)) => Reload::Failed(failure),
                    (None, None) => Reload::Idle,
                },
            },
            Word::Failed => PluginState::Failed(failure.unwrap_or_else(|| Failure {
                hint,
                ..Failure::new(Kind::Plugin, detail.unwrap_or_default())
            })),
        };
        PluginStatus { name, path, commands, state }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_survives_the_wire_in_the_words_that_scripts_read() {
        let failure = || Failure::new(Kind::Environment, "no network").hint("check it");
        let ready = |complaints: &[&str], reload| PluginState::Ready {
            complaints: complaints.iter().map(|text| (*text).to_owned()).collect(),
            reload,
        };
        let cases = [
            (PluginState::Asleep, r#""state":"asleep","detail":"loaded at its first call""#),
            (
                PluginState::Loading(Stage::Installing(vec!["httpx".into()])),
                r#""state":"loading","detail":"installing httpx""#,
            ),
            (
                PluginState::Loading(Stage::Starting),
                r#""state":"loading","detail":"running startup"#,
            ),
            (ready(&[], Reload::Idle), r#""state":"ready","commands":3}"#),
            (ready(&["a", "b"], Reload::Idle), r#""state":"ready","detail":"a; b""#),
            (
                ready(&[], Reload::Loading(Stage::Importing)),
                r#""state":"ready","commands":3,"next":"importing""#,
            ),
            (
                ready(&["a"], Reload::Failed(failure())),
                r#""state":"ready","detail":"a; no network","hint":"check it""#,
            ),
            (
                PluginState::Failed(failure()),
                r#""state":"failed","detail":"no network","hint":"check it""#,
            ),
        ];
        for (state, written) in cases {
            let status = PluginStatus { name: "n".into(), path: "/p".into(), commands: 3, state };
            let text = serde_json::to_string(&status).unwrap();
            assert!(text.contains(written), "{text}");
            assert_eq!(serde_json::from_str::<PluginStatus>(&text).unwrap(), status);
        }
        // As an older daemon writes it.
        let text =
            r#"{"name":"n","path":"/p","state":"failed","detail":"no","hint":"h","commands":0}"#;
        let status: PluginStatus = serde_json::from_str(text).unwrap();
        assert_eq!(
            (status.state.detail().as_deref(), status.state.hint()),
            (Some("no"), Some("h"))
        );
    }
}
