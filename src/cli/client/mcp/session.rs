//! The state of a session across daemons, without input and output: which messages are sent, printed and repeated.
//!
//! A session outlives the connections that carry it. On each new one, the handshake is repeated first, with the
//! subscriptions and the level of log messages, and its answers are swallowed; then come the requests whose answers
//! are open, and the lines that no daemon has taken. A call of a tool is sent once: where its outcome is not known, the
//! bridge answers that. The requests of a daemon end with its connection.
//!
//! To repeat another kind of state: a kind of [`request`], and its line in [`state`].

mod request;
mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::rc::Rc;

use self::request::{Kind, Request};
use self::state::{Handshake, INITIALIZED, State};
use super::message::{self, CANCELLED, Head, Line};
use crate::failure::Failure;
use crate::wire;

/// What is to be done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It is sent to the daemon.
    Send(Line),
    /// It is printed.
    Print(Line),
}

/// The connection, as far as it concerns the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// There is none.
    #[default]
    Closed,
    /// The handshake is repeated.
    Replaying,
    /// Lines are sent at once.
    Open,
    /// The daemon takes no further lines.
    Leaving,
}

/// A line that no daemon has taken.
#[derive(Debug)]
struct Queued {
    line: Line,
    /// A daemon is not started for it.
    is_idle: bool,
}

/// The state of a session.
#[derive(Debug, Default)]
pub(super) struct Session {
    state: State,
    /// To be sent on the next connection.
    queue: VecDeque<Queued>,

    phase: Phase,
    /// Number of lines sent on this connection.
    sent: u64,
    /// Those of them that may not have been taken, by ordinal.
    log: VecDeque<(u64, Line)>,
    pending: Vec<Request>,
    /// Ids of repeated requests whose answers are not printed.
    swallowed: Vec<String>,
    /// Ids of the daemon's requests.
    asked: Vec<String>,
    /// The daemon has answered or taken something of the client's on this connection.
    has_progressed: bool,
}

impl Session {
    /// Takes a line from the client.
    pub(super) fn line(&mut self, line: Line) -> Vec<Action> {
        let head = Head::parse(&line).unwrap_or_default();
        match (head.method(), head.id()) {
            ("", Some(id)) => {
                let is_asked = remove(&mut self.asked, id);
                if !is_asked || self.phase != Phase::Open {
                    return Vec::new();
                }
            }
            (CANCELLED, None) if self.phase != Phase::Open => {
                // Nothing else could be cancelled than what has not been sent, or is answered by a daemon that leaves.
                let id = head.request_id();
                self.queue.retain(|it| id.is_none() || message::id_of(&it.line).as_deref() != id);
                self.pending.retain(|request| Some(request.id.as_str()) != id);
                return Vec::new();
            }
            (INITIALIZED, None) => self.state.initialized = Some(line.clone()),
            _ => {}
        }
        match self.phase {
            Phase::Open => vec![self.send(line)],
            _ => {
                self.queue.push_back(Queued { line, is_idle: false });
                Vec::new()
            }
        }
    }

    /// Begins with a new connection.
    pub(super) fn opened(&mut self) -> Vec<Action> {
        self.sent = 0;
        self.has_progressed = false;
        let Some(Handshake { id, line, .. }) = self.state.handshake.clone() else {
            return self.ready();
        };
        self.phase = Phase::Replaying;
        vec![self.replay(line, Some(id))]
    }

    /// Takes a line from the daemon.
    pub(super) fn received(&mut self, line: Line) -> Vec<Action> {
        match line.first() {
            Some(b'#') => {
                let text = str::from_utf8(&line).unwrap_or_default().trim_end();
                if let Some(taken) =
                    text.strip_prefix(wire::MCP_TAKEN).and_then(|it| it.parse().ok())
                {
                    self.leaving(taken);
                }
                Vec::new()
            }
            Some(b'{') => self.message(line),
            _ => Vec::new(),
        }
    }

    /// Ends with the connection.
    pub(super) fn ended(&mut self) -> Vec<Action> {
        self.phase = Phase::Closed;
        self.log.clear();
        self.swallowed.clear();
        let pending = mem::take(&mut self.pending).into_iter();
        let (calls, others): (Vec<Request>, Vec<Request>) =
            pending.partition(|request| request.kind == Kind::Call);
        let repeated =
            others.into_iter().map(|it| Queued { line: it.line, is_idle: it.kind == Kind::Listen });
        self.queue = repeated.chain(mem::take(&mut self.queue)).collect();
        let asked = mem::take(&mut self.asked);
        let cancelled = asked.iter().map(|id| message::cancelled(id));
        let lines = cancelled.chain(calls.iter().map(Request::unknown_outcome));
        lines.map(Action::Print).collect()
    }

    /// Answers all that is to be sent: there is no daemon.
    pub(super) fn failed(&mut self, failure: &Failure) -> Vec<Action> {
        let answer = |Queued { line, .. }| {
            let id = match Head::parse(&line) {
                None => "null".to_owned(),
                Some(head) if head.method().is_empty() => return None,
                Some(head) => head.id()?.to_owned(),
            };
            Some(Action::Print(message::error(&id, failure)))
        };
        mem::take(&mut self.queue).into_iter().filter_map(answer).collect()
    }

    /// True if lines are sent at once.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// True if a daemon is to be started for what is to be sent.
    pub(super) fn needs_daemon(&self) -> bool {
        self.queue.iter().any(|queued| !queued.is_idle)
    }

    /// True if a daemon that runs may have something for the client.
    pub(super) fn expects_messages(&self) -> bool {
        self.state.handshake.is_some() || !self.queue.is_empty()
    }

    /// True if the daemon owes an answer.
    pub(super) fn awaits_answer(&self) -> bool {
        self.phase == Phase::Replaying || self.pending.iter().any(|it| it.kind != Kind::Listen)
    }

    /// True if the daemon of the last connection has answered or taken something of the client's.
    pub(super) fn has_progressed(&self) -> bool {
        self.has_progressed
    }

    /// Sends what a connection begins with, except for the handshake's first line.
    fn ready(&mut self) -> Vec<Action> {
        self.phase = Phase::Open;
        let mut actions = Vec::new();
        if let Some(Handshake { changes, .. }) = self.state.handshake.clone() {
            let is_queued = |line: &Line| self.queue.iter().any(|it| Rc::ptr_eq(&it.line, line));
            let initialized = self.state.initialized.clone().filter(|line| !is_queued(line));
            actions.extend(initialized.map(|line| self.replay(line, None)));
            for line in self.state.requests() {
                let id = message::id_of(&line);
                actions.push(self.replay(line, id));
            }
            let changed = |method| Action::Print(message::notification(method));
            actions.extend(changes.into_iter().map(changed));
        }
        for queued in mem::take(&mut self.queue) {
            actions.push(self.send(queued.line));
        }
        actions
    }

    /// Sends a line again, and swallows the answer to the request `id`.
    fn replay(&mut self, line: Line, id: Option<String>) -> Action {
        self.sent += 1;
        self.swallowed.extend(id);
        Action::Send(line)
    }

    /// Sends a line of the client.
    fn send(&mut self, line: Line) -> Action {
        self.sent += 1;
        let head = Head::parse(&line).unwrap_or_default();
        match (head.method(), head.id()) {
            ("", _) => {}
            (CANCELLED, None) => {
                let id = head.request_id();
                let cancelled = self.pending.iter().position(|it| Some(it.id.as_str()) == id);
                if let Some(at) = cancelled {
                    let ordinal = self.pending.remove(at).ordinal;
                    self.log.retain(|(sent, _)| *sent != ordinal);
                }
            }
            (_, None) => {}
            (method, Some(id)) => {
                let (id, kind) = (id.to_owned(), Kind::of(method));
                let request = Request { id, kind, line: line.clone(), ordinal: self.sent };
                self.pending.push(request);
            }
        }
        self.log.push_back((self.sent, line.clone()));
        Action::Send(line)
    }

    /// Takes a message from the daemon.
    fn message(&mut self, line: Line) -> Vec<Action> {
        let head = Head::parse(&line).unwrap_or_default();
        match (head.method(), head.id()) {
            ("", Some(id)) => {
                if remove(&mut self.swallowed, id) {
                    let is_handshake = self.state.handshake.as_ref().is_some_and(|it| it.id == id);
                    return match is_handshake && self.phase == Phase::Replaying {
                        true => self.ready(),
                        false => Vec::new(),
                    };
                }
                if let Some(at) = self.pending.iter().position(|request| request.id == id) {
                    let request = self.pending.remove(at);
                    self.settle(request, &head);
                }
            }
            ("", None) => {}
            (CANCELLED, None) => {
                head.request_id().map(|id| remove(&mut self.asked, id));
            }
            (_, None) => {}
            (_, Some(id)) => self.asked.push(id.to_owned()),
        }
        vec![Action::Print(line)]
    }

    /// Records what the answer to a request changes.
    fn settle(&mut self, request: Request, answer: &Head) {
        self.has_progressed = true;
        // Lines are taken in order.
        self.log.retain(|(sent, _)| *sent > request.ordinal);
        if answer.has_result() {
            self.state.settle(request, answer);
        }
    }

    /// Keeps for the next connection what a daemon that leaves has not taken: all but the first `taken` lines.
    fn leaving(&mut self, taken: u64) {
        self.phase = Phase::Leaving;
        self.pending.retain(|request| request.ordinal <= taken);
        let log = mem::take(&mut self.log);
        self.has_progressed |= log.iter().any(|(sent, _)| *sent <= taken);
        let untaken = log
            .into_iter()
            .filter(|(sent, line)| *sent > taken && !message::is_of_connection(line))
            .map(|(_, line)| Queued { line, is_idle: false });
        self.queue = untaken.chain(mem::take(&mut self.queue)).collect();
    }
}

/// Removes `id`; returns true if it was there.
fn remove(ids: &mut Vec<String>, id: &str) -> bool {
    let at = ids.iter().position(|own| own == id);
    at.map(|at| ids.remove(at)).is_some()
}
