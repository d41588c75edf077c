//! Commands that are programs: what the client runs in its own place.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Service;
use crate::command::Command;
use crate::description::Description;
use crate::wire;

/// What the interpreter executes: the runner in `python/skills_host/program.py`. Until `sys.path` is set, its first
/// entry is the caller's directory, whose modules are none of ours.
const BOOT: &str = "\
import sys
del sys.path[0]
import json
program = json.loads(sys.argv[1])
sys.path[:0] = program['path']
from skills_host.program import main
main(program)
";

/// Returns the program that a line names, if it reads the words behind its name itself, and those.
pub(super) fn with_words<'a>(
    description: &'a Description,
    arguments: &'a [String],
) -> Option<(&'a Command, &'a [String])> {
    let (name, words) = arguments.split_first()?;
    let takes_words = |command: &&Command| {
        let program = command.program.as_ref();
        program.is_some_and(|program| program.takes_words) && command.name() == *name
    };
    let command = description.commands.iter().find(takes_words)?;
    // What follows `--` is not the client's.
    let words = match words.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => words,
    };
    Some((command, words))
}

/// The answer that makes the client run the program of `command` with words, which it reads itself, or with values.
pub(super) fn answer(
    service: &Service,
    plugin: &str,
    command: &Command,
    words: &[String],
    values: Option<Map<String, Value>>,
) -> Response {
    let description = json!({
        "name": format!("{plugin} {}", command.name()),
        "reference": command.program.as_ref().map(|program| &program.reference),
        "path": command.program.as_ref().map(|program| &program.path),
        "words": words,
        "values": values,
    });
    let cache = format!("pycache_prefix={}", service.paths.pycache().display());
    let program = wire::Program {
        executable: service.paths.venv_python(),
        arguments: ["-X", &cache, "-c", BOOT, &description.to_string()].map(str::to_owned).to_vec(),
    };
    let mut response = super::json(StatusCode::OK, &program);
    let kind = HeaderValue::from_static(wire::ANSWER_PROGRAM);
    response.headers_mut().insert(wire::ANSWER_HEADER, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Program;

    #[test]
    fn the_words_of_a_program_are_all_behind_its_name() {
        let program =
            |takes_words| Program { reference: "m:f".into(), takes_words, path: Vec::new() };
        let command =
            |path: &str, program| Command { path: path.into(), program, ..Command::default() };
        let commands = vec![
            command("/repl", Some(program(true))),
            command("/edit", Some(program(false))),
            command("/show", None),
        ];
        let description = Description { commands, ..Description::default() };
        let words = |line: &[&str]| {
            let line: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            with_words(&description, &line).map(|(_, words)| words.join(" "))
        };
        assert_eq!(words(&["repl", "a", "--b", "--", "-c"]).as_deref(), Some("a --b -- -c"));
        assert_eq!(words(&["repl", "--", "--help"]).as_deref(), Some("--help"));
        for other in [&["edit", "a"][..], &["show"], &["no"], &[]] {
            assert_eq!(words(other), None, "{other:?}");
        }
    }
}
