//! Values that stand for a file or for stdin: `--text @notes.md`, `--text -`, and `--text @@x` for `@x`.
//!
//! The client has read what may be meant; here it is used, where the option takes text or JSON. Positionals
//! never stand for anything else.

use crate::failure::Failure;
use crate::wire::Input;

use super::typed::Typing;

/// The value that `text`, given to the option `typing`, means.
pub(super) fn meant<'a>(
    typing: &Typing,
    text: &'a str,
    inputs: &'a [Input],
) -> Result<&'a str, Failure> {
    if text.starts_with("@@") {
        return Ok(text.strip_prefix('@').unwrap_or(text));
    }
    match inputs.iter().find(|input| input.argument == typing.at) {
        Some(Input { read: Ok(content), .. }) => Ok(content),
        Some(Input { read: Err(failure), .. }) => Err(failure.clone()),
        None => Ok(text),
    }
}
