//! The failure of a line that fits no command, with a hint at one that would.

use crate::command::{Command, Segment};
use crate::description::Description;
use crate::failure::{Failure, Kind};

use super::choice;
use super::parsed::{self, ParsedLine};
use super::pattern;
use super::usage::{groups, usage};
use crate::nearest::nearest;

/// The part of a command's path that a line follows, and its first deviation.
struct Mismatch<'a> {
    command: &'a Command,
    /// The parts of the path that fit.
    fitting: Vec<&'a Segment>,
    /// The first part that does not fit, unless the path ends before it.
    next: Option<&'a Segment>,
    why: Why<'a>,
}

/// The deviation after the parts that fit.
enum Why<'a> {
    /// Parameters of the path are missing.
    Missing(Vec<&'a str>),
    /// A fixed part is missing: the command is not complete.
    Incomplete,
    /// Another text in the place of a fixed part.
    Different(&'a str),
    /// A superfluous positional.
    TooMany(&'a str),
}

/// Returns the failure of a line that names no command.
pub(super) fn no_command(description: &Description) -> Failure {
    let plugin = &description.name;
    Failure::new(Kind::Usage, format!("No command for '{plugin}'"))
        .hint(see_help(plugin))
        .available(groups(description))
}

/// Returns the failure of `arguments`, which fit no command of `description`.
pub(super) fn explain(description: &Description, arguments: &[String]) -> Failure {
    let Some(first) = parsed::read(arguments, &[]).words.first().copied() else {
        return no_command(description);
    };
    let mismatches: Vec<Mismatch> =
        description.commands.iter().map(|command| mismatch(command, arguments)).collect();
    let matched = mismatches.iter().map(|mismatch| mismatch.fitting.len()).max().unwrap_or(0);
    let closest: Vec<&Mismatch> =
        mismatches.iter().filter(|m| m.fitting.len() == matched).collect();
    if matched == 0 {
        let group = first.split('/').find(|piece| !piece.is_empty()).unwrap_or(first);
        return unknown(&description.name, group, groups(description));
    }
    misfit(&description.name, &closest)
}

fn see_help(plugin: &str) -> String {
    format!("Run '{plugin} --help' to see its commands.")
}

fn unknown(plugin: &str, typed: &str, available: Vec<String>) -> Failure {
    let hint = match nearest(typed, available.iter().map(String::as_str)) {
        Some(name) => format!("Did you mean '{name}'?"),
        None => see_help(plugin),
    };
    Failure::new(Kind::NotFound, format!("Unknown command: {typed}"))
        .hint(hint)
        .available(available)
}

/// Returns the failure of a line that deviates from all of `closest` after their common beginning.
fn misfit(plugin: &str, closest: &[&Mismatch]) -> Failure {
    let names = names(closest);
    let wrong = |text: &str, command: &Command| {
        let error = format!("'{plugin} {}' {text}", command.name());
        Failure::new(Kind::Usage, error).hint(format!("Usage: {}", usage(plugin, command)))
    };
    for mismatch in closest {
        if let Why::Missing(parameters) = &mismatch.why {
            let needed: Vec<String> = parameters.iter().map(|name| name.to_uppercase()).collect();
            return wrong(&format!("needs {}", needed.join(" and ")), mismatch.command);
        }
    }
    let typed = closest.iter().find_map(|mismatch| match mismatch.why {
        Why::Different(piece) => Some(format!("{} {piece}", beginning(mismatch))),
        _ => None,
    });
    let meant = typed.as_deref().and_then(|typed| {
        let last = |name: &str| name.rsplit(' ').next().unwrap_or_default().to_owned();
        let (typed, lasts) = (last(typed), names.iter().map(|name| last(name)).collect::<Vec<_>>());
        let meant = nearest(&typed, lasts.iter().map(String::as_str))?.to_owned();
        lasts.iter().position(|last| *last == meant).and_then(|at| names.get(at))
    });
    for mismatch in closest {
        if let Why::TooMany(word) = mismatch.why {
            let failure = wrong(&format!("does not take '{word}'"), mismatch.command);
            return match meant {
                Some(name) => failure.hint(format!("Did you mean '{name}'?")),
                None => failure,
            };
        }
    }
    let Some(typed) = typed else {
        let name = closest.first().map(|mismatch| beginning(mismatch)).unwrap_or_default();
        return Failure::new(Kind::Usage, format!("'{plugin} {name}' needs a command"))
            .hint(format!("Run '{plugin} {name} --help' to see its commands."))
            .available(names);
    };
    let hint = meant.map_or_else(|| see_help(plugin), |name| format!("Did you mean '{name}'?"));
    Failure::new(Kind::NotFound, format!("Unknown command: {typed}")).hint(hint).available(names)
}

/// Returns the part of the path that fits, in the form of a command line.
fn beginning(mismatch: &Mismatch) -> String {
    let parts: Vec<String> = mismatch.fitting.iter().map(ToString::to_string).collect();
    parts.join(" ").replace('{', "<").replace('}', ">")
}

/// Returns the commands with the same beginning, each once, without internal ones.
fn names(closest: &[&Mismatch]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for mismatch in closest {
        let fixed = mismatch.next.and_then(Segment::fixed);
        let Some(fixed) = fixed.filter(|fixed| !fixed.starts_with('_')) else { continue };
        let name = format!("{} {fixed}", beginning(mismatch));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn mismatch<'a>(command: &'a Command, arguments: &'a [String]) -> Mismatch<'a> {
    let typed = parsed::read(arguments, &command.parameters);
    let by_option = |segment: &&Segment| {
        segment.parameter().is_some_and(|name| typed.path_value(name).is_some())
    };
    let parts: Vec<&Segment> =
        command.path.named_segments().filter(|segment| !by_option(segment)).collect();
    let pieces = typed.words.iter().flat_map(|word| {
        let split = word.contains('/');
        word.split('/').filter(move |piece| !(split && piece.is_empty()))
    });
    let pieces: Vec<&str> = pieces.collect();
    let fits = |(segment, piece): &(&&Segment, &&str)| segment.capture(piece).is_some();
    let matched = parts.iter().zip(&pieces).take_while(fits).count();
    let why = match (parts.get(matched), pieces.get(matched)) {
        (Some(segment), piece) if segment.parameter().is_none() => match piece {
            Some(piece) => Why::Different(piece),
            None => Why::Incomplete,
        },
        (Some(_), _) => {
            let rest = parts.iter().skip(matched);
            Why::Missing(rest.filter_map(|segment| segment.parameter()).collect())
        }
        // A path that fits to its end can only have too many positionals.
        (None, piece) => {
            Why::TooMany(superfluous(command, &typed).or(piece.copied()).unwrap_or("/"))
        }
    };
    Mismatch {
        command,
        fitting: parts.iter().take(matched).copied().collect(),
        next: parts.get(matched).copied(),
        why,
    }
}

/// Returns the first positional that neither the path nor a required parameter of `command` takes.
fn superfluous<'a>(command: &'a Command, typed: &ParsedLine<'a>) -> Option<&'a str> {
    let fits = pattern::fits(command, &typed.words, &|name| typed.path_value(name));
    let taken = fits.first()?.words + choice::open(command, typed).count();
    typed.words.get(taken).copied()
}
