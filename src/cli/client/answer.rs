//! Printing an answer, and its exit status.

use std::process::ExitCode;

use serde_json::Value;

use super::caller::Caller;
use super::out::{Out, printed};
use super::pieces;
use crate::console::{Console, Style};
use crate::failure::Failure;
use crate::lifecycle::Response;
use crate::render::{self, Options};
use crate::wire;

/// Returns how an answer is printed; as JSON with `json`.
pub(super) fn options(console: &Console, json: bool) -> Options {
    Options { json, style: console.out, width: console.columns }
}

/// Prints the answer of a plugin or of the daemon; a result goes to the file `output`, if there is one.
pub(super) fn print(
    mut response: Response,
    caller: &Caller,
    options: &Options,
    output: Option<&str>,
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
    let mut out = Out::open(console, output.filter(|_| status < 400))?;
    let options = match output {
        Some(_) => &Options { style: Style::PLAIN, width: 0, ..*options },
        None => options,
    };
    let is_function = answer == wire::ANSWER_FUNCTION;
    if !content_type.contains("json") || content_type.starts_with("application/jsonl") {
        if content_type.starts_with("application/jsonl") {
            let renders = is_function && !options.json;
            pieces::lines(&mut response, caller, options, renders, &mut out)?;
        } else if content_type.starts_with("text/event-stream") && options.json {
            pieces::events(&mut response, caller, &mut out)?;
        } else {
            let is_text = content_type.starts_with("text/");
            pieces::copy(&mut response, caller, is_text, &mut out)?;
        }
        out.finish()?;
        return Ok(response.exit().map_or(ok, ExitCode::from));
    }
    let bytes = response.bytes().map_err(|error| caller.failed(&error))?;
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        out.write(&bytes)?;
        out.finish()?;
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
    if is_function && !options.json {
        if failed {
            let options = Options { style: console.err, ..*options };
            let text = match body.get("error").and_then(Value::as_str).filter(|_| exit.is_plain) {
                Some(text) => text.to_owned(),
                None => render::answer(&body, &options),
            };
            let colored = console.err == Style::COLORED;
            console.problem(&if colored { text } else { render::strip_ansi(&text) });
            return Ok(exit.code(true));
        }
        if body.is_null() {
            out.finish()?;
            return Ok(ok);
        }
    }
    let text = render::answer(&body, options);
    out.print(&if out.colored() { text } else { render::strip_ansi(&text) })?;
    out.finish()?;
    Ok(exit.code(failed))
}

/// The exit status that an answer asks for.
struct Exit {
    status: Option<u8>,
    /// Nothing is printed for it.
    is_quiet: bool,
    /// The text of the error alone is printed.
    is_plain: bool,
}

impl Exit {
    fn of(response: &Response) -> Exit {
        let header = response.header(wire::EXIT_HEADER).unwrap_or_default();
        let (status, rest) = header.split_once(';').unwrap_or((header, ""));
        Exit { status: status.parse().ok(), is_quiet: rest == "quiet", is_plain: rest == "plain" }
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
