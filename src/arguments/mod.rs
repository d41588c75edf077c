//! From what was typed to one request, by the plugin's description.
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
//! (`choice`), the best becomes the [`Invocation`] (`request`), and a line without a reading is explained
//! (`misfit`). Without any description the request is guessed from words (`guess`).
//!
//! A value may stand for a file or for stdin, which the client has read already (`input`).
//!
//! Invariants: nothing here does I/O or panics, whatever was typed; what decides is only the description.
//!
//! To add a rule of syntax, change `typed`; to add a reason to prefer one route over another, add a field
//! to `Rank` in `choice`, at its place in the order.

mod choice;
mod guess;
mod input;
mod misfit;
mod pattern;
mod request;
#[cfg(test)]
mod tests;
mod typed;
mod usage;
mod value;

use serde_json::Value;

use crate::description::Description;
use crate::failure::Failure;
use crate::wire::Input;

pub(crate) use usage::{groups, usage};

/// A request to one of a plugin's routes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Invocation {
    /// HTTP method in capitals.
    pub method: String,
    /// The path below the plugin's prefix, decoded, one per path segment; a path that ends in a slash ends in
    /// an empty segment.
    pub segments: Vec<String>,
    /// The query string, decoded.
    pub query: Vec<(String, String)>,
    /// Headers that the command declares as parameters, the cookies among them as one `cookie`.
    pub headers: Vec<(String, String)>,
    /// JSON body, only for commands with a body.
    pub body: Option<Value>,
    /// Lines for stderr, without `Warning: `.
    pub warnings: Vec<String>,
}

/// Resolves `arguments`, everything typed after the plugin's name, to one request; `inputs` are what stands
/// behind some of them, and `method` decides by hand.
pub fn resolve(
    description: &Description,
    arguments: &[String],
    inputs: &[Input],
    method: Option<&str>,
) -> Result<Invocation, Failure> {
    let method = method.map(str::to_ascii_uppercase);
    if description.commands.is_empty() {
        return guess::invocation(description, arguments, method);
    }
    match choice::best(description, arguments, method.as_deref()) {
        Some(reading) => request::invocation(&reading, inputs, method),
        None => Err(misfit::explain(description, arguments)),
    }
}
