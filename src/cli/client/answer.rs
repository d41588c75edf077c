//! Printing an answer, and its exit status.

use std::io::{self, Read};
use std::process::ExitCode;

use serde_json::Value;

use super::caller::Caller;
use crate::console::Console;
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
    let ok = if status < 400 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
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
    let text = render::answer(&body, options);
    let text = if console.colored() { text } else { render::strip_ansi(&text) };
    printed(console.print(&text))?;
    Ok(if render::failed(&body, status) { ExitCode::FAILURE } else { ok })
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

/// Returns the outcome of a write; a closed pipe (`| head`) is a success.
pub(super) fn printed(outcome: io::Result<()>) -> Result<ExitCode, Failure> {
    match outcome {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::environment(format!("cannot write to stdout: {error}"))),
    }
}
