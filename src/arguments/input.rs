//! Values that stand for a file or for stdin: `--text @notes.md`, `--text -`, and `--text @@x` for `@x`.
//!
//! The client has read the candidates, but for stdin, which it reads once a command needs it; they are used for options that take text or JSON. Positionals always
//! stand for themselves.

use crate::failure::Failure;
use crate::wire::Input;

use super::parsed::ParsedOption;

/// What a value stands for.
pub(super) enum Meant<'a> {
    /// This text.
    Text(&'a str),
    /// The text on stdin, which the client has not read yet.
    Unread,
}

/// Returns the value of `option`: `text`, or the content that it refers to.
pub(super) fn meant<'a>(
    option: &ParsedOption,
    text: &'a str,
    inputs: &'a [Input],
) -> Result<Meant<'a>, Failure> {
    if text.starts_with("@@") {
        return Ok(Meant::Text(text.strip_prefix('@').unwrap_or(text)));
    }
    match inputs.iter().find(|input| input.argument == option.at) {
        Some(Input { read: Some(Ok(content)), .. }) => Ok(Meant::Text(content)),
        Some(Input { read: Some(Err(failure)), .. }) => Err(failure.clone()),
        Some(Input { read: None, .. }) => Ok(Meant::Unread),
        None => Ok(Meant::Text(text)),
    }
}
