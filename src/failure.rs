//! What went wrong, to what, why, and what to do about it.
//!
//! [`Failure`] is the one error that crosses a process border: the host writes it as JSON, the client prints
//! it. Modules keep their own error enums and turn them into a `Failure` where they meet the border.
//! Its [`Kind`] is who is to blame, and decides exit status and HTTP status.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who is to blame for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request or command line is wrong.
    Usage,
    /// The plugin or command does not exist.
    NotFound,
    /// The request comes from another site or host.
    Forbidden,
    /// The request exceeds a size limit.
    TooLarge,
    /// The cause lies in the machine: file, port, network, interpreter.
    Environment,
    /// A plugin cannot serve: it did not load, hangs, or was removed.
    Plugin,
    /// The daemon is starting, stopping or overloaded; the same call may work later.
    Unavailable,
    /// No answer came before the deadline of the call.
    Timeout,
    /// The daemon has a fault.
    Bug,
}

impl Kind {
    /// The exit status of a program that ends with this failure: 2 usage, 3 environment, 4 bug, else 1.
    pub fn exit_status(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Environment => 3,
            Kind::Bug => 4,
            Kind::NotFound
            | Kind::Forbidden
            | Kind::TooLarge
            | Kind::Plugin
            | Kind::Unavailable
            | Kind::Timeout => 1,
        }
    }

    /// The HTTP status of an answer that reports this failure.
    pub fn http_status(self) -> u16 {
        match self {
            Kind::Usage => 400,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::TooLarge => 413,
            Kind::Environment | Kind::Bug => 500,
            Kind::Plugin | Kind::Unavailable => 503,
            Kind::Timeout => 504,
        }
    }
}

/// A failure as it is sent, logged and printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Always `false`, which distinguishes a failure from other answers.
    pub success: bool,
    /// What happened, to what, and why; one line.
    pub error: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Who is to blame.
    pub kind: Kind,
    /// The names that exist, where an unknown one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Vec<String>>,
}

impl Failure {
    /// A failure of `kind` without a hint.
    pub fn new(kind: Kind, error: impl Into<String>) -> Self {
        Failure { success: false, error: error.into(), hint: None, kind, available: None }
    }

    /// A failure whose cause lies in the machine.
    pub fn environment(error: impl Into<String>) -> Self {
        Failure::new(Kind::Environment, error)
    }

    /// A request body of `size` bytes, if that is known, over `limit` bytes.
    pub fn body_too_large(size: Option<u64>, limit: u64) -> Self {
        let limit = limit >> 20;
        let size = size.map(|size| format!("{} MiB, ", size.div_ceil(1 << 20))).unwrap_or_default();
        let error = format!("request body too large ({size}limit {limit} MiB)");
        Failure::new(Kind::TooLarge, error)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the names that exist.
    #[must_use]
    pub fn available(mut self, names: Vec<String>) -> Self {
        self.available = Some(names);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_the_wire() {
        let sent =
            Failure::new(Kind::Plugin, "jira: no").hint("try again").available(vec!["demo".into()]);
        let text = serde_json::to_string(&sent).unwrap();
        assert_eq!(
            text,
            r#"{"success":false,"error":"jira: no","hint":"try again","kind":"plugin","available":["demo"]}"#
        );
        assert_eq!(serde_json::from_str::<Failure>(&text).unwrap(), sent);
    }
}
