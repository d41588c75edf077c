//! What passes beside the body of a call: events out, signals in.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::Bytes;

/// How many replies may wait for the plugin.
pub const REPLIES_MAX: usize = 64;
/// What an event counts for besides its text, in bytes.
const OVERHEAD: usize = 64;

/// Something that a handler emits while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Bytes that it wrote.
    Output {
        /// Where to.
        stream: Stream,
        /// What.
        bytes: Bytes,
    },
    /// A piece of the answer's body, among the other events in the order in which they were emitted.
    Body(Bytes),
    /// The exit status of the caller, if that is not by the head of the answer.
    Exit(u8),
    /// A log record.
    Log {
        /// Python's numeric level: 10 debug to 50 critical.
        level: u8,
        /// Name of the logger.
        logger: String,
        /// The message.
        message: String,
    },
    /// How far a task is.
    Progress {
        /// Identifies the task among those of the call.
        task: u64,
        /// What is being done.
        description: String,
        /// Units done.
        done: f64,
        /// Units in all, if that is known.
        total: Option<f64>,
        /// True once it has ended.
        is_complete: bool,
    },
    /// A question for the person who called.
    Question {
        /// Identifies the question among those of the call.
        question: u64,
        /// The text.
        prompt: String,
        /// The answers to choose from; empty for any.
        choices: Vec<String>,
        /// True if the answer must not be shown.
        secret: bool,
    },
}

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Something that the caller sends while a handler runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The call is cancelled.
    Cancel,
    /// The answer to a question; `None` if the caller cannot answer.
    Reply {
        /// The question.
        question: u64,
        /// The answer.
        answer: Option<String>,
    },
}

impl Event {
    /// What it counts for in the bound of the exchange, in bytes.
    fn size(&self) -> usize {
        let text = match self {
            Event::Output { bytes, .. } | Event::Body(bytes) => bytes.len(),
            Event::Exit(_) => 1,
            Event::Log { logger, message, .. } => logger.len() + message.len(),
            Event::Progress { description, .. } => description.len(),
            Event::Question { prompt, choices, .. } => {
                prompt.len() + choices.iter().map(String::len).sum::<usize>()
            }
        };
        text + OVERHEAD
    }
}

/// Events on their way out and replies on their way in.
#[derive(Default)]
pub(super) struct Lane {
    events: VecDeque<Event>,
    /// What the waiting events count for, in bytes.
    pub(super) bytes: usize,
    pub(super) replies: VecDeque<Signal>,
    pub(super) waker: Option<Waker>,
}

impl Lane {
    pub(super) fn push(&mut self, event: Event) {
        self.bytes += event.size();
        self.events.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= event.size();
        Some(event)
    }

    /// True if a piece of the body waits.
    pub(super) fn has_body(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Body(_)))
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }
}
