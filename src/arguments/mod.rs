//! Command lines resolved to calls, by the plugin's description.
//!
//! Owns the syntax of the command line below the plugin's name: options and positionals, the choice of route and
//! method, the place of each value in the request, and the failure of a line that fits no command. It does not
//! own global options (`--json`, `-X`, `--help`), which the client takes out first, except for `--timeout` and
//! `--output`, which may be the command's own (`timeout`, `output`), and it does not validate
//! values: the plugin does, with more precise errors.
//!
//! # How a line is read
//!
//! The line is read once for each command, because `--exact` takes a value in one and none in another
//! (`parsed`). A reading that fits the command's path (`pattern`) is ranked against the others
//! (`choice`), the best becomes a [`Resolved`] call (`request`), and a line without a reading is explained
//! (`misfit`). Without a description the request is guessed from words (`guess`).
//!
//! A value may stand for a file or for stdin, which the client has read already (`input`). The call holds the
//! values themselves: a URL is composed of them only for calls through FastAPI.
//!
//! Invariants: no I/O, no panic on any input; the result depends on the line and the description alone.
//!
//! To add a rule of syntax, change `parsed`; to add a reason to prefer one route over another, add a field
//! to `Rank` in `choice`, at its place in the order.

mod choice;
mod guess;
mod input;
mod misfit;
mod output;
mod parsed;
mod path;
mod pattern;
mod request;
mod stream;
#[cfg(test)]
mod tests;
mod timeout;
mod usage;
mod value;

use std::path::Path;
use std::time::Duration;

use http::Method;

use crate::description::{Description, Style};
use crate::exchange::request::Composed;
use crate::failure::{Failure, Kind};
use crate::wire::Input;

pub(crate) use output::file as output_file;
pub(crate) use timeout::{limit, may_limit};
pub(crate) use usage::{groups, signature, usage};

/// The command line after a plugin's name, and its context.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// The arguments, global options taken out.
    pub arguments: &'a [String],
    /// The contents of the files and the stdin that some of them refer to.
    pub inputs: &'a [Input],
    /// The HTTP method of `-X`.
    pub method: Option<&'a str>,
    /// The caller's working directory, to which paths that plain functions take are relative.
    pub directory: Option<&'a Path>,
}

/// A command line as a call.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Index of the command; `None` where only the server can decide on the route.
    pub command: Option<usize>,
    /// The request.
    pub request: Composed,
    /// The limit of the call that the line sets by `--timeout`.
    pub timeout: Option<Duration>,
    /// The file that `--output` sets, relative to the caller's directory.
    pub output: Option<String>,
    /// What the command reads of stdin.
    pub stdin: Stdin,
    /// Lines for stderr, without `Warning: `.
    pub warnings: Vec<String>,
}

/// What a command reads of the caller's stdin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Nothing,
    /// All of it, as the text of an option, which the client has not read yet: the request is incomplete.
    Text,
    /// All of it, as it comes.
    Stream,
    /// In its place this file, as it comes.
    File(String),
}

/// Resolves a command line to one call.
///
/// # Errors
/// The line fits no command, a value cannot be sent, or a file behind one cannot be read.
pub fn resolve(description: &Description, line: &Line) -> Result<Resolved, Failure> {
    let method = line.method.map(method).transpose()?;
    if description.commands.is_empty() {
        return guess::resolved(description, line, method);
    }
    let directory = line.directory.filter(|_| description.style == Style::Functions);
    let line = Line { directory, ..*line };
    match choice::best(description, line.arguments, method.as_ref().map(Method::as_str)) {
        Some(reading) => request::resolved(description, &reading, &line, method),
        None => Err(misfit::explain(description, line.arguments)),
    }
}

/// Parses the HTTP method of `-X`.
fn method(text: &str) -> Result<Method, Failure> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|_| {
        Failure::new(Kind::Usage, format!("`{}` is not an HTTP method", text.to_ascii_uppercase()))
            .hint("Use -X with GET, POST, PUT, PATCH or DELETE.")
    })
}
