//! Where a command that reads stdin reads instead: `--data @FILE`, or `@FILE` as a positional; `-` is stdin itself.

use super::parsed::{OptionValue, ParsedLine};
use crate::command::Command;
use crate::failure::{Failure, Kind};
use crate::nearest::folded;

/// Takes the source out of a line that was read for `command`; the last one counts.
pub(super) fn take<'a>(typed: &mut ParsedLine<'a>, command: &Command) -> Option<OptionValue<'a>> {
    let name = folded(command.stdin.as_deref()?);
    let mut taken = None;
    typed.words.retain(|word| {
        let is_source = *word == "-" || file(word).is_some();
        if is_source {
            taken = Some(OptionValue::Text(word));
        }
        !is_source
    });
    typed.options.retain(|option| {
        let is_source = option.parameter.is_none() && folded(option.name()) == name;
        // `--data -` is the option and a positional.
        if is_source && (option.given != OptionValue::Flag || taken.is_none()) {
            taken = Some(option.given);
        }
        !is_source
    });
    taken
}

/// Returns the file that is read; `None` for stdin.
///
/// # Errors
/// The value is neither.
pub(super) fn source(command: &Command, given: OptionValue) -> Result<Option<String>, Failure> {
    let name = command.stdin.as_deref().unwrap_or_default().replace('_', "-");
    match given {
        OptionValue::Text("-") => Ok(None),
        OptionValue::Text(text) if file(text).is_some() => Ok(file(text).map(str::to_owned)),
        OptionValue::Text(text) => {
            let error = format!("--{name}: `{text}` is neither a file nor `-`");
            Err(Failure::new(Kind::Usage, error)
                .hint(format!("Write `--{name} @{text}` for the file; without it stdin is read.")))
        }
        OptionValue::Flag | OptionValue::Negated => {
            Err(Failure::new(Kind::Usage, format!("--{name} needs a file"))
                .hint(format!("For example `--{name} @notes.txt`; without it stdin is read.")))
        }
    }
}

fn file(text: &str) -> Option<&str> {
    text.strip_prefix('@').filter(|file| !file.is_empty())
}
