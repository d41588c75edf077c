//! What a handler emits while it runs, on the client's own outputs.

use std::io;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::json;

use super::caller::Caller;
use super::out;
use crate::console::Console;
use crate::environment;
use crate::failure::Failure;
use crate::lifecycle::{ExchangeError, Response};
use crate::reports::{Asks, LogRecord};
use crate::wire::Reply;
use crate::wire::frame::Frame;

/// What stays as it is in the path of a `file:` URI.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
/// Python's level of warnings.
const WARNING: u8 = 30;
/// Python's level of errors.
const ERROR: u8 = 40;

/// Returns the answer in a response of frames; what is emitted before it and between its pieces is written as it comes.
pub(super) fn shown(mut response: Response, caller: &Caller) -> Result<Response, Failure> {
    let console = *caller.console;
    let replies = response.take_upstream();
    let sink = move |frame: Frame| match frame {
        Frame::Stdout(bytes) => console.write(&bytes).map_err(out::ended),
        // Nothing better could be done with a closed stderr than what a program does: nothing.
        Frame::Stderr(bytes) => console.write_err(&bytes).or(Ok(())),
        Frame::Log(record) => console.write_err(line(&record, &console).as_bytes()).or(Ok(())),
        Frame::Progress(task) => {
            console.task(&task);
            Ok(())
        }
        Frame::Question(question) => {
            let answer = match question.asks {
                Asks::Roots => folder(),
                _ => console.ask(&question)?,
            };
            match &replies {
                Some(replies) => replies.reply(&Reply { question: question.number, answer }),
                None => Ok(()),
            }
        }
        other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("unexpected {other:?}"))),
    };
    response.unframed(Box::new(sink)).map_err(|error: ExchangeError| caller.failed(&error))
}

/// Where the caller works, as a list of one folder.
fn folder() -> Option<String> {
    let folder = environment::working_directory().ok()?;
    let name = folder.file_name().map(|name| name.to_string_lossy());
    let path = percent_encode(folder.as_os_str().as_encoded_bytes(), PATH);
    Some(json!([{"uri": format!("file://{path}"), "name": name}]).to_string())
}

/// A log record as a line, which a traceback may follow.
fn line(record: &LogRecord, console: &Console) -> String {
    let style = &console.err;
    let (color, level) = match record.level {
        ERROR.. => (style.red, "ERROR"),
        WARNING.. => (style.yellow, "WARN"),
        20.. => (style.green, "INFO"),
        _ => (style.dim, "DEBUG"),
    };
    let LogRecord { logger, message, .. } = record;
    format!("{color}{level}{} {}{logger}:{} {message}\n", style.reset, style.dim, style.reset)
}
