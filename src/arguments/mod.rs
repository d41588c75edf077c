//! From what was typed to one call, by the plugin's description.
//!
//! Owns the syntax of the command line below the plugin's name: options and positionals, which route and
//! which method are meant, what is sent where, and what is wrong with a line that fits nothing. It does not
//! own global options (`--json`, `-X`, `--help`), which the client takes out first, and it does not validate
//! values: the plugin does, and its answer says it better.
//!
//! # How a line is read
//!
//! The line is read once for each command, because only a command knows whether `--exact` takes a value
//! (`typed`). A reading that fits the command's path (`pattern`) is ranked against the others
//! (`choice`), the best becomes a [`Resolved`] call (`request`), and a line without a reading is explained
//! (`misfit`). Without any description the request is guessed from words (`guess`).
//!
//! A value may stand for a file or for stdin, which the client has read already (`input`). The call has the
//! values themselves: a URL is written of them only where FastAPI is asked.
//!
//! Invariants: nothing here does I/O or panics, whatever was typed; what decides is only the description.
//!
//! To add a rule of syntax, change `typed`; to add a reason to prefer one route over another, add a field
//! to `Rank` in `choice`, at its place in the order.

mod choice;
mod guess;
mod input;
mod misfit;
mod path;
mod pattern;
mod request;
#[cfg(test)]
mod tests;
mod typed;
mod usage;
mod value;

use std::path::Path;

use http::Method;

use crate::description::{Description, Style};
use crate::exchange::request::Composed;
use crate::failure::{Failure, Kind};
use crate::wire::Input;

pub(crate) use usage::{groups, usage};

/// What was typed after a plugin's name, and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// The arguments, global options taken out.
    pub arguments: &'a [String],
    /// The contents behind some of them.
    pub inputs: &'a [Input],
    /// The HTTP method that was chosen by hand.
    pub method: Option<&'a str>,
    /// The caller's working directory, to which paths that plain functions take are relative.
    pub directory: Option<&'a Path>,
}

/// A command line as a call.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Index of the command; `None` where only the server can say which route answers.
    pub command: Option<usize>,
    /// What is asked of it.
    pub request: Composed,
    /// Lines for stderr, without `Warning: `.
    pub warnings: Vec<String>,
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

/// The method that was chosen by hand.
fn method(text: &str) -> Result<Method, Failure> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|_| {
        Failure::new(Kind::Usage, format!("`{}` is not an HTTP method", text.to_ascii_uppercase()))
            .hint("Use -X with GET, POST, PUT, PATCH or DELETE.")
    })
}
