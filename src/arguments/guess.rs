//! The request for a plugin without described commands: FastAPI could not build its OpenAPI document.
//!
//! The path is all positionals; the method is guessed from words, as clients of these plugins did before
//! descriptions existed.

use http::Method;

use crate::description::Description;
use crate::exchange::request::Composed;
use crate::failure::Failure;

use super::parsed::{self, OptionValue, ParsedOption};
use super::{Line, Resolved, misfit, value};

/// First or last parts of the paths of commands that write.
const WRITING: [&str; 15] = [
    "activate",
    "after",
    "archive",
    "before",
    "comment",
    "create",
    "delete",
    "discover",
    "init_memories",
    "link",
    "move",
    "rename",
    "replace",
    "transition",
    "write",
];
/// Last parts of the paths of commands that only read, regardless of the first part.
const READING: [&str; 2] = ["types", "workflows"];
/// Options whose values are content to write.
const CONTENT: [&str; 3] = ["content", "code", "new_name"];

/// Resolves `line` without a description.
pub(super) fn resolved(
    description: &Description,
    line: &Line,
    method: Option<Method>,
) -> Result<Resolved, Failure> {
    let typed = parsed::read(line.arguments, &[]);
    if typed.words.is_empty() {
        return Err(misfit::no_command(description));
    }
    let segments: Vec<String> =
        typed.words.iter().flat_map(|word| word.split('/')).map(str::to_owned).collect();
    let mut query: Vec<(String, String)> = Vec::new();
    for option in &typed.options {
        let name = option.name().replace('-', "_");
        match query.iter_mut().find(|(before, _)| *before == name) {
            Some(before) => before.1 = sent(option),
            None => query.push((name, sent(option))),
        }
    }
    let method = method.unwrap_or_else(|| guessed(&segments, &query));
    let request = Composed { method, segments, query, ..Composed::default() };
    Ok(Resolved { request, ..Resolved::default() })
}

fn sent(option: &ParsedOption) -> String {
    match option.given {
        OptionValue::Text(text) if option.is_short() => text.to_owned(),
        OptionValue::Text(text) => value::normalized(text),
        OptionValue::Flag | OptionValue::Negated => value::python_bool(true).to_owned(),
    }
}

fn guessed(segments: &[String], query: &[(String, String)]) -> Method {
    let word = |segment: Option<&String>, words: &[&str]| {
        segment.is_some_and(|segment| words.contains(&segment.as_str()))
    };
    let (first, last) = (segments.first(), segments.last());
    let writes = word(last, &WRITING) || (word(first, &WRITING) && !word(last, &READING));
    let carries = query.iter().any(|(name, value)| {
        // `--body` alone is a flag of a read; with text it is content.
        let is_text = value.parse::<i128>().is_err() && value != "True" && value != "False";
        CONTENT.contains(&name.as_str()) || (name == "body" && is_text)
    });
    if writes || carries { Method::POST } else { Method::GET }
}
