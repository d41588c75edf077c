//! A request of the client, by what its answer changes.

use super::super::message::{self, Head, Line};

/// A request without an answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) line: Line,
    /// Its number among the lines of the connection.
    pub(super) ordinal: u64,
}

/// What an answer to a request changes, and whether the request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Initialize,
    Level,
    Subscribe,
    Unsubscribe,
    /// Its answer is the end of a stream of notifications.
    Listen,
    /// It is sent once.
    Call,
    Other,
}

impl Request {
    /// The answer to a call whose outcome is not known.
    pub(super) fn unknown_outcome(&self) -> Line {
        let is_stateless = Head::parse(&self.line).is_some_and(|head| head.is_stateless());
        message::unknown_outcome(&self.id, is_stateless)
    }
}

impl Kind {
    pub(super) fn of(method: &str) -> Kind {
        match method {
            "initialize" => Kind::Initialize,
            "logging/setLevel" => Kind::Level,
            "resources/subscribe" => Kind::Subscribe,
            "resources/unsubscribe" => Kind::Unsubscribe,
            "subscriptions/listen" => Kind::Listen,
            "tools/call" => Kind::Call,
            _ => Kind::Other,
        }
    }
}
