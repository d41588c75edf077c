//! The choice of the route and the method for a line.
//!
//! Each command that the line fits gives a [`Reading`]; the lowest [`Rank`] wins. Of several commands with one
//! method that the same path reaches, only the most particular is considered: the server would not call
//! another. `-X` leaves only commands with that method, unless none of them fits; the server then answers 405.

use std::cmp::Reverse;

use crate::command::{Command, Location, Parameter, Segment};
use crate::description::Description;

use super::output;
use super::parsed::{self, OptionValue, ParsedLine};
use super::pattern::{self, Fit};
use super::stream;
use super::timeout;
use super::value;

/// A line as a call of one command.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// The command.
    pub(super) command: &'a Command,
    /// Its index in the description.
    pub(super) index: usize,
    /// The positionals and options.
    pub(super) typed: ParsedLine<'a>,
    /// The path.
    pub(super) fit: Fit,
    /// Required parameters with the positionals that fill them.
    pub(super) filled: Vec<(&'a Parameter, Vec<&'a str>)>,
    /// `--timeout` of a command that has no such option.
    pub(super) timeout: Option<OptionValue<'a>>,
    /// `--output` of a command that has no such option.
    pub(super) output: Option<OptionValue<'a>>,
    /// What a command that reads stdin reads.
    pub(super) source: Option<OptionValue<'a>>,
    rank: Rank,
}

/// The rank of a reading, the weightiest criterion first; lower is better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// A DELETE with unknown options is not meant, unless one of them is `--delete`.
    reckless: bool,
    /// Number of options that the command does not declare.
    unknown: usize,
    /// An argument with a slash had to fill one parameter.
    whole: bool,
    /// Positionals were left over by the path and fill parameters, the longest fixed path first.
    leftover: Option<(Reverse<usize>, usize)>,
    /// An option had to fill a parameter of the path.
    named: bool,
    /// Fixed parts of the path go before parameters, from left to right.
    breadth: Vec<u8>,
    /// Required parameters without a value.
    missing: usize,
    /// GET goes first, DELETE last.
    method: u8,
    /// The order of declaration.
    order: usize,
}

/// Returns the best reading of `arguments`; none if they fit no command.
pub(super) fn best<'a>(
    description: &'a Description,
    arguments: &'a [String],
    method: Option<&str>,
) -> Option<Reading<'a>> {
    let mut readings: Vec<Reading<'a>> = description
        .commands
        .iter()
        .enumerate()
        .filter_map(|(order, command)| read(command, order, arguments))
        .collect();
    if let Some(method) = method
        && readings.iter().any(|reading| reading.command.method == method)
    {
        readings.retain(|reading| reading.command.method == method);
    }
    let shadowed: Vec<bool> =
        readings.iter().map(|one| readings.iter().any(|other| shadows(other, one))).collect();
    let seen = readings.into_iter().zip(shadowed).filter(|(_, shadowed)| !shadowed);
    seen.map(|(reading, _)| reading).min_by(|one, other| one.rank.cmp(&other.rank))
}

/// Returns the best reading of `arguments` as a call of `command`.
fn read<'a>(command: &'a Command, order: usize, arguments: &'a [String]) -> Option<Reading<'a>> {
    let mut typed = parsed::read(arguments, &command.parameters);
    let timeout = typed.take_own(timeout::NAME, command);
    let output = typed.take_own(output::NAME, command);
    let source = stream::take(&mut typed, command);
    let fits = pattern::fits(command, &typed.words, &|name| typed.path_value(name));
    let (rank, fit, filled) = fits
        .into_iter()
        .filter_map(|fit| {
            let filled = fill(command, &typed, fit.words)?;
            let mut rank = rank(command, order, &typed, &fit, &filled);
            // A command that has the option goes before one that does not.
            rank.unknown += usize::from(timeout.is_some()) + usize::from(output.is_some());
            Some((rank, fit, filled))
        })
        .min_by(|one, other| one.0.cmp(&other.0))?;
    Some(Reading { command, index: order, typed, fit, filled, timeout, output, source, rank })
}

/// Assigns the positionals after the first `taken` to the required parameters without a value, in order; a list
/// that comes last takes all that are left. None if a positional remains.
fn fill<'a>(
    command: &'a Command,
    typed: &ParsedLine<'a>,
    taken: usize,
) -> Option<Vec<(&'a Parameter, Vec<&'a str>)>> {
    let mut leftover = typed.words.get(taken..).unwrap_or_default();
    let mut open = open(command, typed).peekable();
    let mut filled = Vec::new();
    while !leftover.is_empty() {
        let parameter = open.next()?;
        let all = value::is_list(parameter) && open.peek().is_none();
        let (values, rest) = leftover.split_at(if all { leftover.len() } else { 1 });
        filled.push((parameter, values.to_vec()));
        leftover = rest;
    }
    Some(filled)
}

/// Returns the required parameters of `command` that positionals may fill: those that no option sets.
pub(super) fn open<'a>(
    command: &'a Command,
    typed: &ParsedLine<'a>,
) -> impl Iterator<Item = &'a Parameter> {
    command.parameters.iter().filter(|parameter| {
        parameter.required
            && matches!(parameter.location, Location::Query | Location::Body)
            && !typed.names(parameter)
    })
}

fn rank(
    command: &Command,
    order: usize,
    typed: &ParsedLine,
    fit: &Fit,
    filled: &[(&Parameter, Vec<&str>)],
) -> Rank {
    let unknown = || typed.options.iter().filter(|option| option.parameter.is_none());
    let unknown_count = if command.takes_any_field() { 0 } else { unknown().count() };
    let given = |parameter: &Parameter| {
        parameter.location == Location::Path
            || typed.names(parameter)
            || filled.iter().any(|(filled, _)| *filled == parameter)
    };
    let breadth: Vec<u8> = command.path.named_segments().map(Segment::breadth).collect();
    let fixed = breadth.iter().filter(|breadth| **breadth == 0).count();
    let leftover = typed.words.len().saturating_sub(fit.words);
    let names_delete = unknown().any(|option| option.name().eq_ignore_ascii_case("delete"));
    Rank {
        reckless: command.method == "DELETE" && unknown_count > 0 && !names_delete,
        unknown: unknown_count,
        whole: fit.whole,
        leftover: (leftover > 0).then_some((Reverse(fixed), leftover)),
        named: fit.named,
        breadth,
        missing: command.parameters.iter().filter(|p| p.required && !given(p)).count(),
        method: match command.method.as_str() {
            "GET" => 0,
            "DELETE" => 2,
            _ => 1,
        },
        order,
    }
}

/// True if the server calls `one` for a request that `other` fits too.
fn shadows(one: &Reading, other: &Reading) -> bool {
    let by_path = |reading: &Reading| !reading.fit.whole && reading.rank.leftover.is_none();
    let place = |reading: &Reading| (reading.rank.breadth.clone(), reading.rank.order);
    one.command.method == other.command.method
        && by_path(one)
        && by_path(other)
        && one.fit.segments == other.fit.segments
        && place(one) < place(other)
}
