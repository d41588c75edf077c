//! What a service manager reports of a service.

use serde::Serialize;

/// The state of a service that is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// True while it runs or is being started.
    pub active: bool,
    /// The manager's own word for it.
    pub word: String,
    /// Its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Since when it is in this state, as the manager writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// How often the manager has started it again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u64>,
    /// Why it failed, in the manager's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What it reports itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// True if it starts at login.
    pub at_login: bool,
    /// True if the manager listens on its socket, and starts it when a program connects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listens: Option<bool>,
    /// True if it runs on after the logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lingers: Option<bool>,
}
