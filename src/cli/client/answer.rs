//! Printing an answer, and its exit status.

use std::io::{self, BufRead, BufReader, Read};
use std::process::ExitCode;

use serde_json::Value;

use super::caller::Caller;
use crate::console::{self, Console, Style};
use crate::failure::Failure;
use crate::lifecycle::Response;
use crate::render::{self, Options};
use crate::wire;

/// Returns how an answer is printed; as JSON with `json`.
pub(super) fn options(console: &Console, json: bool) -> Options {
    Options { json, style: console.out, width: console.columns }
}

/// Prints the answer of a plugin or of the daemon.
pub(super) fn print(
    mut response: Response,
    caller: &Caller,
    options: &Options,
) -> Result<ExitCode, Failure> {
    let console = caller.console;
    let status = response.status;
    let answer = response.header(wire::ANSWER_HEADER).unwrap_or_default().to_owned();
    let content_type = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let exit = Exit::of(&response);
    let ok = exit.code(status >= 400);
    if exit.is_quiet {
        return Ok(ok);
    }
    if content_type.starts_with("application/jsonl") {
        let renders = answer == wire::ANSWER_FUNCTION && !options.json;
        lines(&mut response, caller, options, renders)?;
        return Ok(response.exit().map_or(ok, ExitCode::from));
    }
    if !content_type.contains("json") {
        let text = content_type.starts_with("text/");
        copy(&mut response, caller, text)?;
        return Ok(ok);
    }
    let bytes = response.bytes().map_err(|error| caller.failed(&error))?;
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        printed(console.write(&bytes))?;
        return Ok(ok);
    };
    if answer == wire::ANSWER_FAILURE
        && let Ok(failure) = serde_json::from_value::<Failure>(body.clone())
    {
        printed(console.print(&render::failure(&failure, options)))?;
        return Ok(ExitCode::from(failure.kind.exit_status()));
    }
    if answer == wire::ANSWER_HELP {
        return show_help(&body, console, options);
    }
    let failed = render::failed(&body, status);
    if answer == wire::ANSWER_FUNCTION && !options.json {
        if failed {
            let options = Options { style: console.err, ..*options };
            let text = render::answer(&body, &options);
            let colored = console.err == Style::COLORED;
            console.problem(&if colored { text } else { render::strip_ansi(&text) });
            return Ok(exit.code(true));
        }
        if body.is_null() {
            return Ok(ok);
        }
    }
    let text = render::answer(&body, options);
    let text = if console.colored() { text } else { render::strip_ansi(&text) };
    printed(console.print(&text))?;
    Ok(exit.code(failed))
}

/// The exit status that an answer asks for.
struct Exit {
    status: Option<u8>,
    /// Nothing is printed for it.
    is_quiet: bool,
}

impl Exit {
    fn of(response: &Response) -> Exit {
        let header = response.header(wire::EXIT_HEADER).unwrap_or_default();
        let (status, rest) = header.split_once(';').unwrap_or((header, ""));
        Exit { status: status.parse().ok(), is_quiet: rest == "quiet" }
    }

    /// The exit status of the program: the one that is asked for, else that of the outcome.
    fn code(&self, failed: bool) -> ExitCode {
        match self.status {
            Some(status) => ExitCode::from(status),
            None if failed => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        }
    }
}

/// Prints help; that of an unknown command is a failure.
pub(super) fn show_help(
    body: &Value,
    console: &Console,
    options: &Options,
) -> Result<ExitCode, Failure> {
    let text = render::help(body, options);
    let text = if console.colored() { text } else { render::strip_ansi(&text) };
    printed(console.print(&text))?;
    Ok(if render::failed(body, 200) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints each line of JSON when it comes; as text with `renders`.
fn lines(
    response: &mut Response,
    caller: &Caller,
    options: &Options,
    renders: bool,
) -> Result<(), Failure> {
    let console = caller.console;
    let mut reader = BufReader::new(response.reader());
    let mut line = Vec::new();
    loop {
        line.clear();
        let count =
            reader.read_until(b'\n', &mut line).map_err(|error| caller.failed(&error.into()))?;
        if count == 0 {
            return Ok(());
        }
        match serde_json::from_slice::<Value>(&line) {
            Ok(item) if renders => {
                let text = render::answer(&item, options);
                let text = if console.colored() { text } else { render::strip_ansi(&text) };
                printed(console.print(&text))?;
            }
            _ => drop(printed(console.write(&line))?),
        }
    }
}

/// Streams an answer other than JSON to stdout; text without colours where stdout takes none.
fn copy(response: &mut Response, caller: &Caller, text: bool) -> Result<(), Failure> {
    let console = caller.console;
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = Vec::new();
    let mut last = b'\n';
    let strip = text && !console.colored();
    loop {
        let count =
            response.reader().read(&mut buffer).map_err(|error| caller.failed(&error.into()))?;
        let ended = count == 0;
        if !strip {
            printed(console.write(&buffer[..count]))?;
            last = buffer[..count].last().copied().unwrap_or(last);
        } else {
            // Whole lines at a time: a colour code never spans two, and neither does a character.
            kept.extend_from_slice(&buffer[..count]);
            let whole = if ended {
                kept.len()
            } else {
                kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
            };
            let lines: Vec<u8> = kept.drain(..whole).collect();
            printed(
                console.write(render::strip_ansi(&String::from_utf8_lossy(&lines)).as_bytes()),
            )?;
            last = lines.last().copied().unwrap_or(last);
        }
        if ended {
            break;
        }
    }
    if text && last != b'\n' {
        printed(console.write(b"\n"))?;
    }
    Ok(())
}

/// Returns the outcome of a write; a closed pipe (`| head`) ends the program.
pub(super) fn printed(outcome: io::Result<()>) -> Result<ExitCode, Failure> {
    match outcome.map_err(ended) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::environment(format!("cannot write to stdout: {error}"))),
    }
}

/// Ends the program if `error` is that of a closed pipe, as the signal for it ends others; returns any other error.
pub(super) fn ended(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        console::end_by_closed_pipe();
    }
    error
}
