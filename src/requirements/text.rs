//! From the text of one requirement to a [`Requirement`].
//!
//! The text is that of PEP 508, and nothing else that `uv` would read in its place: no option, no variable of the
//! environment, no path without a name. What is returned is canonical, so that two spellings of one requirement are
//! equal: names are normalized, `file:` URLs absolute.

use std::str::FromStr;

use thiserror::Error;
use uv_pep508::{Pep508Error, VerbatimUrl};

use super::Requirement;
use super::ground::{Ground, GroundError};

/// The longest requirement, in bytes.
const LENGTH_MAX: usize = 4096;
/// How deep parentheses of a marker may be nested.
const DEPTH_MAX: usize = 32;
/// How much of a requirement an error quotes, in bytes.
const QUOTED_MAX: usize = 80;

/// Options of `uv` and `pip`, and what to do instead.
const OPTIONS: [(&[&str], &str); 4] = [
    (
        &[
            "-i",
            "--index-url",
            "--extra-index-url",
            "--index",
            "--default-index",
            "-f",
            "--find-links",
        ],
        "packages come from the index that the user's settings name (`[dependencies]` in config.toml)",
    ),
    (&["-e", "--editable"], "write `NAME @ file:PATH`"),
    (&["-r", "--requirement", "--requirements"], "list the requirements of that file here"),
    (
        &["-c", "--constraint", "--constraints"],
        "give limits of versions with the requirement, or in `[dependencies]` of config.toml",
    ),
];

/// Why a text is no requirement.
#[derive(Debug, Error)]
pub enum RequirementError {
    /// It is longer than a requirement may be.
    #[error("a requirement of {0} bytes is too long (limit {LENGTH_MAX})")]
    TooLong(usize),
    /// It holds a line break or another control character.
    #[error("{0} has a line break or another control character in it")]
    Control(String),
    /// It is an option of an installer.
    #[error("`{option}` is an option, not a requirement: {remedy}")]
    Option {
        /// The option's name.
        option: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// It is not in the form of PEP 508.
    #[error("`{text}` is not a requirement: {reason}")]
    Syntax {
        /// The text, or the part around the error.
        text: String,
        /// The parser's reason.
        reason: String,
    },
    /// It names a path that cannot be used.
    #[error("`{text}`: {source}")]
    Ground {
        /// The text.
        text: String,
        /// The reason.
        source: GroundError,
    },
}

impl Requirement {
    /// Parses `text`, which stands in `field`; `file:` URLs are resolved on `ground`.
    ///
    /// # Errors
    /// The text is not in the form of PEP 508, or names a path that is missing or out of bounds.
    pub fn parse(
        text: &str,
        field: impl Into<String>,
        ground: &Ground,
    ) -> Result<Requirement, RequirementError> {
        let located = locate(text, |url| ground.locate(url))?;
        let parsed = parsed(&located)?;
        let text = parsed.displayable_with_credentials().to_string();
        Ok(Requirement { text, package: parsed.name, field: field.into() })
    }

    /// Checks the form of `text`, whatever lies at the paths that it names.
    ///
    /// # Errors
    /// The text is not in the form of PEP 508.
    pub fn check(text: &str) -> Result<(), RequirementError> {
        parsed(&locate(text, |_| Ok("file:///".to_owned()))?).map(drop)
    }
}

fn parsed(text: &str) -> Result<uv_pep508::Requirement<VerbatimUrl>, RequirementError> {
    uv_pep508::Requirement::from_str(text).map_err(|error| syntax(text, &error))
}

/// Returns `text` with the result of `file` in place of a `file:` URL.
fn locate(
    text: &str,
    file: impl FnOnce(&str) -> Result<String, GroundError>,
) -> Result<String, RequirementError> {
    let text = text.trim();
    check_text(text)?;
    let Some((name, url, rest)) = direct(text) else { return Ok(text.to_owned()) };
    let wrong = |reason: String| RequirementError::Syntax { text: quoted(text, 0), reason };
    // An installer would put the daemon's own variables, and so its secrets, into the address.
    if url.contains("${") {
        return Err(wrong("variables in a URL are not expanded; write it out".to_owned()));
    }
    if url.starts_with(['.', '/', '~']) {
        return Err(wrong(format!("a path is written as a URL: `file:{url}`")));
    }
    if !rest.is_empty() && !rest.starts_with(';') {
        return Err(wrong("a space in a URL is written `%20`".to_owned()));
    }
    if !Ground::is_local(url) {
        return Ok(text.to_owned());
    }
    let located =
        file(url).map_err(|source| RequirementError::Ground { text: quoted(text, 0), source })?;
    Ok(format!("{name} @ {located} {rest}"))
}

/// Checks what the parser does not, or reports less plainly.
fn check_text(text: &str) -> Result<(), RequirementError> {
    if text.len() > LENGTH_MAX {
        return Err(RequirementError::TooLong(text.len()));
    }
    if text.contains(char::is_control) {
        return Err(RequirementError::Control(format!("{:?}", quoted(text, 0))));
    }
    // Also where it follows a requirement: `httpx --index-url https://…`.
    let option = text
        .split_whitespace()
        .enumerate()
        .find(|(at, word)| word.starts_with("--") || *at == 0 && word.starts_with('-'));
    if let Some((_, word)) = option {
        let name = word.split('=').next().unwrap_or(word);
        let known = OPTIONS.iter().find(|(names, _)| names.contains(&name));
        let remedy = known.map_or("remove it", |(_, remedy)| remedy);
        return Err(RequirementError::Option { option: quoted(name, 0), remedy });
    }
    // The parser of markers calls itself for each.
    let mut depth = 0usize;
    for c in text.chars() {
        depth = match c {
            '(' => depth + 1,
            ')' => depth.saturating_sub(1),
            _ => depth,
        };
        if depth > DEPTH_MAX {
            let reason = format!("parentheses are nested deeper than {DEPTH_MAX}");
            return Err(RequirementError::Syntax { text: quoted(text, 0), reason });
        }
    }
    Ok(())
}

/// Returns name and extras, URL, and what follows it, if `text` is of the form `NAME @ URL`.
pub(super) fn direct(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('@')?;
    if name.contains(['<', '>', '=', '~', '!', ';', '(']) {
        return None;
    }
    let rest = rest.trim_start();
    let (url, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((name.trim(), url, rest.trim_start()))
}

/// Returns the parser's error in one line.
fn syntax(text: &str, error: &Pep508Error) -> RequirementError {
    let message = error.message.to_string();
    let reason = message.lines().next().unwrap_or_default().trim().trim_end_matches([':', '.']);
    let mut reason = decapitalized(reason);
    let marked = error.input.get(error.start..error.start + error.len).unwrap_or_default().trim();
    if !marked.is_empty() && marked.len() < QUOTED_MAX && !reason.contains(marked) {
        reason.push_str(&format!(" (at `{marked}`)"));
    }
    RequirementError::Syntax { text: quoted(text, error.start), reason }
}

fn decapitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Returns the part of `text` around the byte `at` that an error quotes.
fn quoted(text: &str, at: usize) -> String {
    if text.len() <= QUOTED_MAX {
        return text.to_owned();
    }
    let start = text.floor_char_boundary(at.saturating_sub(QUOTED_MAX / 2));
    let end = text.floor_char_boundary(start + QUOTED_MAX);
    let before = if start > 0 { "…" } else { "" };
    let after = if end < text.len() { "…" } else { "" };
    format!("{before}{}{after}", &text[start..end])
}
