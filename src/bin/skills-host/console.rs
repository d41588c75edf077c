//! What the caller of a call sees and answers while it runs: output, log records, progress, questions.
//!
//! All methods run on the plugin's thread, on one of its pool threads or on one that it started, with the GIL held, and
//! none of them waits, except for [`Console::wait_for_room`] and [`Console::ask`], which let go of it.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use skills_daemon::exchange::events::{Event, Stream};
use skills_daemon::exchange::{Emitted, Emitter};
use skills_daemon::render;
use skills_daemon::reports::{LogRecord, Question, Task};
use skills_daemon::runtime::Caller;

use crate::wakes;

/// The shell or the agent that reads the events of a call, if one does.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Console {
    /// `None` for a call that has ended.
    emitter: Option<Emitter>,
    /// The surroundings of the shell, if it is one.
    caller: Option<Arc<Caller>>,
}

impl Console {
    pub(crate) fn new(emitter: Option<Emitter>, caller: Option<Arc<Caller>>) -> Console {
        Console { emitter, caller }
    }

    fn is(&self, reader: impl FnOnce(&Emitter) -> bool) -> bool {
        self.emitter.as_ref().is_some_and(reader)
    }

    /// Emits an event; false if the plugin should wait before the next.
    fn emit(&self, event: Event) -> bool {
        self.emitter.as_ref().is_none_or(|emitter| emitter.emit(event) != Emitted::Full)
    }

    fn emit_output(&self, number: u8, bytes: Bytes) -> bool {
        let stream = if number == 1 { Stream::Stdout } else { Stream::Stderr };
        bytes.is_empty() || self.emit(Event::Output { stream, bytes })
    }
}

#[pymethods]
impl Console {
    /// True while a shell shows what the handler writes.
    #[getter]
    fn emits(&self) -> bool {
        self.is(Emitter::has_output)
    }

    /// True while a person answers questions.
    #[getter]
    fn answers(&self) -> bool {
        self.is(Emitter::has_replies)
    }

    /// True if the shell or the agent shows log records, too.
    #[getter]
    fn shows_log(&self) -> bool {
        match &self.caller {
            Some(caller) => caller.verbose && self.is(Emitter::has_events),
            // An agent says later which of them it wants.
            None => self.is(Emitter::has_replies),
        }
    }

    /// True if the shell's stdin (0), stdout (1) or stderr (2) is a terminal.
    fn is_terminal(&self, number: u8) -> bool {
        let Some(caller) = &self.caller else { return false };
        match number {
            0 => caller.terminals.stdin,
            1 => caller.terminals.stdout,
            _ => caller.terminals.stderr,
        }
    }

    /// Writes text to the shell's stdout or stderr, without colours if it takes none; false if the thread should wait
    /// for room.
    fn output(&self, number: u8, text: &str) -> bool {
        let colors = self.caller.as_ref().map(|caller| caller.colors).unwrap_or_default();
        let takes_colors = if number == 1 { colors.stdout } else { colors.stderr };
        // Without an escape character there is no colour.
        let bytes = match takes_colors || !text.contains('\u{1b}') {
            true => Bytes::copy_from_slice(text.as_bytes()),
            false => Bytes::from(render::strip_ansi(text)),
        };
        self.emit_output(number, bytes)
    }

    /// Writes bytes to the shell's stdout or stderr as they are; false if the thread should wait for room.
    fn output_bytes(&self, number: u8, data: PyBackedBytes) -> bool {
        self.emit_output(number, Bytes::from_owner(data))
    }

    /// Waits, detached, until the shell has read enough, or is gone. On a thread of the pool, or one of the plugin's own.
    fn wait_for_room(&self, py: Python<'_>) {
        if let Some(emitter) = &self.emitter {
            py.detach(|| emitter.wait().for_room());
        }
    }

    /// Sets the exit status of the shell's call, after the head of the answer was sent.
    fn exit(&self, status: u8) {
        self.emit(Event::Exit(status));
    }

    /// Shows how far a task is; nothing where no shell shows it.
    fn progress(
        &self,
        task: u64,
        description: String,
        done: f64,
        total: Option<f64>,
        is_complete: bool,
    ) {
        self.emit(Event::Progress(Task { number: task, description, done, total, is_complete }));
    }

    /// Shows a log record in the shell.
    fn log(&self, level: u8, logger: String, message: String) {
        self.emit(Event::Log(LogRecord { level, logger, message }));
    }

    /// Asks questions together, each the library's `Question` as JSON, and waits, detached, for the answers; `None` for one
    /// without. On a thread of the pool, or one of the plugin's own.
    fn ask(&self, py: Python<'_>, questions: Vec<String>) -> PyResult<Vec<Option<String>>> {
        let questions = questions.iter().map(|question| serde_json::from_str(question));
        let questions: Vec<Question> = questions
            .collect::<Result<_, _>>()
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let Some(emitter) = &self.emitter else {
            return Err(PyRuntimeError::new_err("the request has ended"));
        };
        let numbers: Vec<u64> = questions.iter().map(|question| question.number).collect();
        let emitted = questions.into_iter().map(|each| emitter.emit(Event::Question(each)));
        // Collected: all are asked, also if one is dropped.
        if emitted.collect::<Vec<Emitted>>().contains(&Emitted::Dropped) {
            return Ok(numbers.iter().map(|_| None).collect());
        }
        wakes::release();
        let wait = emitter.wait();
        let replies = || numbers.iter().map(|number| wait.for_reply(*number).flatten()).collect();
        Ok(py.detach(replies))
    }
}
