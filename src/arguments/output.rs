//! `--output FILE` among the options of a command: the command's own if it has such a parameter or takes any field, else
//! where the client writes the result.

use super::parsed::OptionValue;
use crate::failure::{Failure, Kind};

/// The option.
pub(super) const NAME: &str = "--output";

/// Returns the file.
///
/// # Errors
/// It is missing.
pub(super) fn parsed(given: OptionValue) -> Result<String, Failure> {
    match given {
        OptionValue::Text(text) => file(Some(text)),
        OptionValue::Flag | OptionValue::Negated => file(None),
    }
}

/// Parses the value of `--output`.
///
/// # Errors
/// It is missing.
pub(crate) fn file(text: Option<&str>) -> Result<String, Failure> {
    text.filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(|| {
        Failure::new(Kind::Usage, "--output needs a file")
            .hint("For example `--output report.pdf`.")
    })
}
