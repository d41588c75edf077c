//! What passes beside the body of a call: events out, signals in.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use bytes::Bytes;

use super::Extent;
use crate::reports::{LogRecord, Question, Task};

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
    Log(LogRecord),
    /// How far a task is.
    Progress(Task),
    /// A question for the person who called.
    Question(Question),
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
    /// The reply to a question.
    Reply {
        /// Its number.
        question: u64,
        /// The reply.
        reply: Reply,
    },
}

/// The answer to a question; `None` if the caller cannot answer.
pub type Reply = Option<String>;

impl Event {
    /// What it counts for in the bound of the exchange, in bytes.
    fn size(&self) -> usize {
        let text = match self {
            Event::Output { bytes, .. } | Event::Body(bytes) => bytes.len(),
            Event::Exit(_) => 1,
            Event::Log(LogRecord { logger, message, .. }) => logger.len() + message.len(),
            Event::Progress(task) => task.description.len(),
            Event::Question(question) => question.size(),
        };
        text + OVERHEAD
    }
}

/// Events on their way out and replies on their way in.
pub(super) struct Lane {
    pub(super) takes_output: bool,
    pub(super) takes_questions: bool,
    events: VecDeque<Event>,
    /// What the waiting events count for, in bytes.
    pub(super) bytes: usize,
    /// The questions that were emitted, and the replies that the plugin has not taken yet.
    asked: BTreeMap<u64, Option<Reply>>,
    pub(super) waker: Option<Waker>,
}

impl Lane {
    pub(super) fn new(extent: &Extent) -> Lane {
        Lane {
            takes_output: extent.with_output,
            takes_questions: extent.with_replies,
            events: VecDeque::new(),
            bytes: 0,
            asked: BTreeMap::new(),
            waker: None,
        }
    }

    /// True if an event of this kind has a reader.
    pub(super) fn takes(&self, event: &Event) -> bool {
        match event {
            Event::Output { .. } => self.takes_output,
            Event::Question(_) => self.takes_questions,
            _ => true,
        }
    }

    pub(super) fn push(&mut self, event: Event) {
        if let Event::Question(question) = &event {
            self.asked.insert(question.number, None);
        }
        self.bytes += event.size();
        self.events.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= event.size();
        Some(event)
    }

    /// Takes the reply to a question; false if none waits for it.
    pub(super) fn reply(&mut self, question: u64, reply: Reply) -> bool {
        match self.asked.get_mut(&question) {
            Some(waiting @ None) => {
                *waiting = Some(reply);
                true
            }
            _ => false,
        }
    }

    /// Returns the reply to a question, once.
    pub(super) fn take_reply(&mut self, question: u64) -> Option<Reply> {
        let reply = self.asked.get_mut(&question)?.take()?;
        self.asked.remove(&question);
        Some(reply)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
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
