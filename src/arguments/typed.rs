//! The typed line as positionals and options, as one command reads it.
//!
//! A value is the next argument unless that begins with `-`. Three exceptions:
//! * a negative number is a value;
//! * an option that is known to take text takes any next argument, `-7d` and `--draft` too, unless it is `--`
//!   or spells one of the command's own options: somebody who forgets a value must not lose the next option,
//!   and who means that text writes `--text=--format`;
//! * an option that is known to be boolean takes the next argument only if that is a truth value, so that
//!   `--body Customer` leaves `Customer` to be a positional.

use crate::command::{Location, Parameter};

use super::value;
use crate::nearest::folded;

/// A line, read for one command.
#[derive(Debug, Default)]
pub(super) struct Typed<'a> {
    /// Positionals in order.
    pub(super) words: Vec<&'a str>,
    /// Options in order.
    pub(super) options: Vec<Typing<'a>>,
}

/// One option as it was typed.
#[derive(Debug)]
pub(super) struct Typing<'a> {
    /// With its dashes, without its value: `--max-results`, `-f`.
    pub(super) spelling: &'a str,
    /// The parameter that it names, if the command has one.
    pub(super) parameter: Option<&'a Parameter>,
    /// What it is set to.
    pub(super) given: Given<'a>,
    /// The argument that it is set by, counted from 0.
    pub(super) at: usize,
}

/// What an option is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given<'a> {
    /// Nothing: it stands alone, which means true.
    Alone,
    /// Its `--no-` form was typed.
    Negated,
    /// A value.
    Text(&'a str),
}

impl Typing<'_> {
    /// The name without dashes.
    pub(super) fn name(&self) -> &str {
        self.spelling.strip_prefix("--").unwrap_or_else(|| self.spelling.trim_start_matches('-'))
    }

    /// True for `-f`, false for `--format`.
    pub(super) fn is_short(&self) -> bool {
        !self.spelling.starts_with("--")
    }
}

impl<'a> Typed<'a> {
    /// The last value given by an option to the parameter `name` of the path.
    pub(super) fn path_value(&self, name: &str) -> Option<&'a str> {
        let is_meant = |p: &Parameter| p.location == Location::Path && p.name == name;
        self.options.iter().rev().find_map(|option| match (option.parameter, option.given) {
            (Some(parameter), Given::Text(text)) if is_meant(parameter) => Some(text),
            _ => None,
        })
    }

    /// True if an option names `parameter`.
    pub(super) fn names(&self, parameter: &Parameter) -> bool {
        self.options.iter().any(|option| option.parameter == Some(parameter))
    }
}

/// Reads `arguments` for a command that has `parameters`.
pub(super) fn read<'a>(arguments: &'a [String], parameters: &'a [Parameter]) -> Typed<'a> {
    let mut typed = Typed::default();
    let mut rest = arguments.iter().map(String::as_str).enumerate().peekable();
    while let Some((at, argument)) = rest.next() {
        if argument == "--" {
            typed.words.extend(rest.map(|(_, word)| word));
            break;
        }
        let Some((spelling, attached)) = option(argument) else {
            typed.words.push(argument);
            continue;
        };
        let mut found = meant(spelling, parameters);
        if let Some(text) = attached {
            // `--no-draft=x` says nothing sensible: an unknown option, not a negation.
            found = found.filter(|found| found.given == Given::Alone);
            let parameter = found.and_then(|found| found.parameter);
            typed.options.push(Typing { spelling, parameter, given: Given::Text(text), at });
            continue;
        }
        let unknown = Typing { spelling, parameter: None, given: Given::Alone, at };
        let mut typing = found.unwrap_or(unknown);
        if typing.given == Given::Alone
            && let Some((at, next)) =
                rest.next_if(|(_, next)| is_value(next, typing.parameter, parameters))
        {
            (typing.given, typing.at) = (Given::Text(next), at);
        }
        typed.options.push(typing);
    }
    typed
}

/// The spelling and the attached value of an option: `--name`, `--name=value` or one letter, `-f`.
fn option(argument: &str) -> Option<(&str, Option<&str>)> {
    if argument.starts_with("--") {
        let (spelling, attached) = match argument.split_once('=') {
            Some((spelling, attached)) => (spelling, Some(attached)),
            None => (argument, None),
        };
        return (spelling.len() > 2).then_some((spelling, attached));
    }
    let mut letters = argument.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    (letters.next().is_none() && !letter.is_ascii_digit()).then_some((argument, None))
}

/// What the spelling of an option means to a command with `parameters`; none if they do not know it.
fn meant<'a>(spelling: &'a str, parameters: &'a [Parameter]) -> Option<Typing<'a>> {
    let typing = |parameter, given| Typing { spelling, parameter: Some(parameter), given, at: 0 };
    let Some(name) = spelling.strip_prefix("--") else {
        let letter = spelling.strip_prefix('-')?;
        return exactly(letter, parameters).map(|parameter| typing(parameter, Given::Alone));
    };
    if let Some(parameter) = named(name, parameters) {
        return Some(typing(parameter, Given::Alone));
    }
    let negated = name.strip_prefix("no-").or_else(|| name.strip_prefix("no_"))?;
    named(negated, parameters)
        .filter(|parameter| value::is_boolean(parameter))
        .map(|parameter| typing(parameter, Given::Negated))
}

/// The parameter called `name`: exactly, then with underscores for dashes, then in any spelling.
fn named<'a>(name: &str, parameters: &'a [Parameter]) -> Option<&'a Parameter> {
    let plain = folded(name);
    exactly(name, parameters).or_else(|| exactly(&name.replace('-', "_"), parameters)).or_else(
        || find(parameters, |parameter| !plain.is_empty() && folded(&parameter.name) == plain),
    )
}

fn exactly<'a>(name: &str, parameters: &'a [Parameter]) -> Option<&'a Parameter> {
    find(parameters, |parameter| parameter.name == name)
}

/// The first parameter that `is_meant`; those of the path come last, because positionals fill them.
fn find(parameters: &[Parameter], is_meant: impl Fn(&Parameter) -> bool) -> Option<&Parameter> {
    let in_path = |parameter: &&Parameter| parameter.location == Location::Path;
    let found = || parameters.iter().filter(|parameter| is_meant(parameter));
    found().find(|parameter| !in_path(parameter)).or_else(|| found().next())
}

/// True if `next` is the value of an option for `parameter`.
fn is_value(next: &str, parameter: Option<&Parameter>, parameters: &[Parameter]) -> bool {
    let own = || option(next).is_some_and(|(spelling, _)| meant(spelling, parameters).is_some());
    match parameter {
        _ if next == "--" => false,
        Some(parameter) if value::is_boolean(parameter) => value::truth(next).is_some(),
        Some(parameter) if value::is_text(parameter) => !own(),
        _ => !next.starts_with('-') || value::is_negative_number(next),
    }
}
