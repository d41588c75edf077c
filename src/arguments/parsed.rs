//! A line parsed to positionals and options, for one command.
//!
//! A value is the next argument unless that begins with `-`. Three exceptions:
//! * a negative number is a value;
//! * an option that takes text takes any next argument, `-7d` and `--draft` too, unless it is `--` or spells one
//!   of the command's own options, so that a forgotten value does not swallow the next option; `--text=--format`
//!   is that text;
//! * a boolean option takes the next argument only if that is a truth value, so that `--body Customer` leaves
//!   `Customer` to be a positional.

use crate::command::{Command, Location, Parameter};

use super::value;
use crate::nearest::folded;

/// A line, parsed for one command.
#[derive(Debug, Default)]
pub(super) struct ParsedLine<'a> {
    /// Positionals in order.
    pub(super) words: Vec<&'a str>,
    /// Options in order.
    pub(super) options: Vec<ParsedOption<'a>>,
}

/// One option of a line.
#[derive(Debug)]
pub(super) struct ParsedOption<'a> {
    /// With its dashes, without its value: `--max-results`, `-f`.
    pub(super) spelling: &'a str,
    /// The parameter that it names, if the command declares it.
    pub(super) parameter: Option<&'a Parameter>,
    /// Its value.
    pub(super) given: OptionValue<'a>,
    /// Index of the argument with its value, from 0.
    pub(super) at: usize,
}

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionValue<'a> {
    /// None, which means true.
    Flag,
    /// False, by its `--no-` form.
    Negated,
    /// A text.
    Text(&'a str),
}

impl ParsedOption<'_> {
    /// Returns the name without dashes.
    pub(super) fn name(&self) -> &str {
        self.spelling.strip_prefix("--").unwrap_or_else(|| self.spelling.trim_start_matches('-'))
    }

    /// True for `-f`, false for `--format`.
    pub(super) fn is_short(&self) -> bool {
        !self.spelling.starts_with("--")
    }
}

impl<'a> ParsedLine<'a> {
    /// Returns the last value set by an option to the parameter `name` of the path.
    pub(super) fn path_value(&self, name: &str) -> Option<&'a str> {
        let is_meant = |p: &Parameter| p.location == Location::Path && p.name == name;
        self.options.iter().rev().find_map(|option| match (option.parameter, option.given) {
            (Some(parameter), OptionValue::Text(text)) if is_meant(parameter) => Some(text),
            _ => None,
        })
    }

    /// Takes out an option of the client itself, `--output`, unless it is one of `command`'s; the last one counts.
    pub(super) fn take_own(
        &mut self,
        spelling: &str,
        command: &Command,
    ) -> Option<OptionValue<'a>> {
        if command.takes_any_field() {
            return None;
        }
        let mut taken = None;
        self.options.retain(|option| {
            let is_own = option.parameter.is_none() && option.spelling == spelling;
            if is_own {
                taken = Some(option.given);
            }
            !is_own
        });
        taken
    }

    /// True if an option names `parameter`.
    pub(super) fn names(&self, parameter: &Parameter) -> bool {
        self.options.iter().any(|option| option.parameter == Some(parameter))
    }
}

/// Parses `arguments` for a command with `parameters`.
pub(super) fn read<'a>(arguments: &'a [String], parameters: &'a [Parameter]) -> ParsedLine<'a> {
    let mut typed = ParsedLine::default();
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
            // `--no-draft=x` is an unknown option, not a negation.
            found = found.filter(|found| found.given == OptionValue::Flag);
            let parameter = found.and_then(|found| found.parameter);
            typed.options.push(ParsedOption {
                spelling,
                parameter,
                given: OptionValue::Text(text),
                at,
            });
            continue;
        }
        let unknown = ParsedOption { spelling, parameter: None, given: OptionValue::Flag, at };
        let mut parsed = found.unwrap_or(unknown);
        if parsed.given == OptionValue::Flag
            && let Some((at, next)) =
                rest.next_if(|(_, next)| is_value(next, parsed.parameter, parameters))
        {
            (parsed.given, parsed.at) = (OptionValue::Text(next), at);
        }
        typed.options.push(parsed);
    }
    typed
}

/// Splits an option into its spelling and its attached value: `--name`, `--name=value` or one letter, `-f`.
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

/// Returns the option that `spelling` is among `parameters`; none if they do not declare it.
fn meant<'a>(spelling: &'a str, parameters: &'a [Parameter]) -> Option<ParsedOption<'a>> {
    let parsed =
        |parameter, given| ParsedOption { spelling, parameter: Some(parameter), given, at: 0 };
    let Some(name) = spelling.strip_prefix("--") else {
        let letter = spelling.strip_prefix('-')?;
        return exactly(letter, parameters).map(|parameter| parsed(parameter, OptionValue::Flag));
    };
    if let Some(parameter) = named(name, parameters) {
        return Some(parsed(parameter, OptionValue::Flag));
    }
    let negated = name.strip_prefix("no-").or_else(|| name.strip_prefix("no_"))?;
    named(negated, parameters)
        .filter(|parameter| value::is_boolean(parameter))
        .map(|parameter| parsed(parameter, OptionValue::Negated))
}

/// Returns the parameter called `name`: exactly, then with underscores for dashes, then in any spelling.
fn named<'a>(name: &str, parameters: &'a [Parameter]) -> Option<&'a Parameter> {
    let plain = folded(name);
    exactly(name, parameters).or_else(|| exactly(&name.replace('-', "_"), parameters)).or_else(
        || find(parameters, |parameter| !plain.is_empty() && folded(&parameter.name) == plain),
    )
}

fn exactly<'a>(name: &str, parameters: &'a [Parameter]) -> Option<&'a Parameter> {
    find(parameters, |parameter| parameter.name == name)
}

/// Returns the first parameter that `is_meant`; those of the path come last, because positionals fill them.
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
