//! `--timeout SECONDS` among the options of a command: the command's own if it has such a parameter or takes any
//! field, else the limit of the call.

use std::time::Duration;

use super::parsed::OptionValue;
use crate::failure::{Failure, Kind};
use crate::limits::TIMEOUT_MAX;

/// The option.
pub(super) const NAME: &str = "--timeout";

/// Returns the call's limit.
pub(super) fn parsed(given: OptionValue) -> Result<Duration, Failure> {
    match given {
        OptionValue::Text(text) => limit(Some(text)),
        OptionValue::Flag | OptionValue::Negated => limit(None),
    }
}

/// Parses the value of `--timeout`: seconds, decimals allowed.
///
/// # Errors
/// It is no number, or not between a millisecond and [`TIMEOUT_MAX`].
pub(crate) fn limit(text: Option<&str>) -> Result<Duration, Failure> {
    let (least, most) = (Duration::from_millis(1), Duration::from_secs(TIMEOUT_MAX.into()));
    let usage = |error: String| {
        Failure::new(Kind::Usage, error).hint("For example `--timeout 30`, or `--timeout 0.5`.")
    };
    let text = text.ok_or_else(|| usage("--timeout needs a number of seconds".into()))?;
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    parsed.filter(|limit| (least..=most).contains(limit)).ok_or_else(|| {
        usage(format!("--timeout is `{text}`, not a number of seconds from 0.001 to {TIMEOUT_MAX}"))
    })
}

/// True if `arguments` may limit the call.
pub(crate) fn may_limit(arguments: &[String]) -> bool {
    let mut before_dashes = arguments.iter().take_while(|argument| *argument != "--");
    before_dashes.any(|argument| argument.starts_with(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_of_seconds() {
        for (text, milliseconds) in [("5", 5000), ("0.5", 500), ("0.001", 1), ("1e2", 100_000)] {
            assert_eq!(limit(Some(text)).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
        for text in ["", "0", "-1", "5s", "nan", "inf", "1e9", "0.0001"] {
            assert_eq!(limit(Some(text)).unwrap_err().kind, Kind::Usage, "{text}");
        }
        assert!(limit(None).is_err());
    }
}
