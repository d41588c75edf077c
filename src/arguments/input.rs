//! Values that stand for a file or for stdin: `--text @notes.md`, `--text -`, and `--text @@x` for `@x`.
//!
//! The client has read the candidates; they are used for options that take text or JSON. Positionals always
//! stand for themselves.

use crate::failure::Failure;
use crate::wire::Input;

use super::parsed::ParsedOption;

/// Returns the value of `option`: `text`, or the content that it refers to.
pub(super) fn meant<'a>(
    option: &ParsedOption,
    text: &'a str,
    inputs: &'a [Input],
) -> Result<&'a str, Failure> {
    if text.starts_with("@@") {
        return Ok(text.strip_prefix('@').unwrap_or(text));
    }
    match inputs.iter().find(|input| input.argument == option.at) {
        Some(Input { read: Ok(content), .. }) => Ok(content),
        Some(Input { read: Err(failure), .. }) => Err(failure.clone()),
        None => Ok(text),
    }
}
