//! The state of a plugin: one enum for every reader, and how it is written.
//!
//! In JSON it is a flat record, whose words scripts read: `state` is `asleep`, `loading`, `ready` or `failed`, with
//! `detail` and `hint` for a person; `stage`, `next`, `requirements`, `complaints` and `failure` are its parts. To add
//! a state: a variant of [`PluginState`], a [`Word`], and an arm in both conversions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BackgroundTask, TaskState, Traffic};
use crate::failure::{Failure, Kind};

/// One plugin of [`Status`](super::Status).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StatusRecord", into = "StatusRecord")]
pub struct PluginStatus {
    /// Its name, or the best guess at it.
    pub name: String,
    /// Path of its directory or file.
    pub path: String,
    /// The number of its commands.
    pub commands: usize,
    /// Its state.
    pub state: PluginState,
    /// Current reports about it, for a person.
    pub notices: Vec<String>,
    /// Its background tasks.
    pub background: Vec<BackgroundTask>,
    /// Its requests, while it serves.
    pub traffic: Option<Traffic>,
}

impl PluginStatus {
    /// True if a background task has failed and has not recovered.
    pub fn has_failing_task(&self) -> bool {
        self.background.iter().any(|task| task.state != TaskState::Running)
    }
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
    /// No reload is pending, and the last one succeeded.
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

    /// The stage of the load in progress.
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
    /// Current reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notices: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    background: Vec<BackgroundTask>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traffic: Option<Traffic>,
}

impl From<PluginStatus> for StatusRecord {
    fn from(status: PluginStatus) -> StatusRecord {
        let PluginStatus { name, path, commands, state, notices, background, traffic } = status;
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
            notices,
            background,
            traffic,
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
        let StatusRecord { notices, background, traffic, .. } = record;
        PluginStatus { name, path, commands, state, notices, background, traffic }
    }
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
            (
                ready(&[], Reload::Idle),
                r#""state":"ready","commands":3,"notices":["its loop is blocked"]}"#,
            ),
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
            let notices = vec!["its loop is blocked".to_owned()];
            let (name, path, background, traffic) = ("n".into(), "/p".into(), Vec::new(), None);
            let commands = 3;
            let status = PluginStatus { name, path, commands, state, notices, background, traffic };
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
