//! What a handler reports while it runs, besides output: log records, how far a task is, questions.
//!
//! Plain data, the same inside the daemon, on the wire and at the terminal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A log record of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Python's numeric level: 10 debug to 50 critical.
    pub level: u8,
    /// Name of the logger.
    pub logger: String,
    /// The message; the traceback of an exception is part of it.
    pub message: String,
}

/// How far a task of a call is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Identifies it among those of the call.
    pub number: u64,
    /// What is being done.
    pub description: String,
    /// Units done.
    pub done: f64,
    /// Units in all; absent if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// True once it has ended.
    #[serde(default)]
    pub is_complete: bool,
}

/// A question for the person who called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Identifies it among those of the call.
    pub number: u64,
    /// The text, without a colon or question mark of its own being added.
    pub prompt: String,
    /// What is asked for.
    pub asks: Asks,
    /// The answer that an empty line gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Its name for programs that answer it: `branch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// True if the next question follows at once: they are asked together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// What a question asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// A line of text.
    Text,
    /// A line that is not shown.
    Secret,
    /// [`YES`] or [`NO`].
    Confirmation,
    /// One of these.
    Choice(Vec<String>),
    /// The fields of a flat object of this JSON Schema; the answer is the object, as JSON.
    Form(Value),
    /// A text that the caller's language model writes: parameters of `sampling/createMessage` of the Model Context
    /// Protocol; the answer is its result, as JSON.
    Sample(Value),
    /// The folders in which the caller works; the answer is a list of `{"uri", "name"}`, as JSON.
    Roots,
}

/// The answer that confirms.
pub const YES: &str = "yes";
/// The answer that does not.
pub const NO: &str = "no";

impl Question {
    /// What it counts for in bounds, in bytes.
    pub fn size(&self) -> usize {
        let choices = match &self.asks {
            Asks::Choice(choices) => choices.iter().map(String::len).sum(),
            Asks::Form(value) | Asks::Sample(value) => value.to_string().len(),
            _ => 0,
        };
        self.prompt.len() + self.default.as_ref().map_or(0, String::len) + choices
    }
}
