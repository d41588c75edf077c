//! What a daemon keeps of a session, and is repeated for the next one: handshake, level of log messages, subscriptions.

use super::super::message::{Head, Line};
use super::request::{Kind, Request};

/// The notification that the client is ready, which is a part of the handshake.
pub(super) const INITIALIZED: &str = "notifications/initialized";

/// An answered `initialize`.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    pub(super) id: String,
    pub(super) line: Line,
    /// The notifications about changed lists.
    pub(super) changes: Vec<&'static str>,
}

/// What a daemon keeps of a session.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) handshake: Option<Handshake>,
    /// The client's [`INITIALIZED`].
    pub(super) initialized: Option<Line>,
    /// The last `logging/setLevel`.
    level: Option<Line>,
    /// Open subscriptions by URI.
    subscriptions: Vec<(String, Line)>,
}

impl State {
    /// Records what the result of a request changes.
    pub(super) fn settle(&mut self, request: Request, result: &Head) {
        let Request { id, kind, line, .. } = request;
        match kind {
            Kind::Initialize => {
                self.handshake = Some(Handshake { id, changes: result.changes(), line });
            }
            Kind::Level => self.level = Some(line),
            Kind::Subscribe | Kind::Unsubscribe => {
                let uri = Head::parse(&line).and_then(|head| head.uri()).unwrap_or_default();
                self.subscriptions.retain(|(own, _)| *own != uri);
                if kind == Kind::Subscribe {
                    self.subscriptions.push((uri, line));
                }
            }
            Kind::Listen | Kind::Call | Kind::Other => {}
        }
    }

    /// The requests that follow the handshake.
    pub(super) fn requests(&self) -> Vec<Line> {
        let subscriptions = self.subscriptions.iter().map(|(_, line)| line);
        self.level.iter().chain(subscriptions).cloned().collect()
    }
}
