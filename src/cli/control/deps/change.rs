//! `skills-daemon deps sync`, `lock` and `upgrade`.

use std::process::ExitCode;

use super::super::Context;
use super::super::status::count;
use super::ask;
use super::list::print_set_aside;
use crate::failure::{Failure, Kind};
use crate::lifecycle::Request;
use crate::nearest::nearest;
use crate::wire::deps::{DEPS, Dependencies, ORDER, Order, Outcome};

/// Orders a change and prints what it came to; exit status 1 if a plugin is set aside.
pub(super) fn run(context: &Context, order: &Order, json: bool) -> Result<ExitCode, Failure> {
    let body = serde_json::to_vec(order)
        .map_err(|error| Failure::new(Kind::Bug, format!("cannot write the order: {error}")))?;
    let request = Request { body: &body, ..Request::post(ORDER) };
    let outcome: Outcome = ask(context, &request)?;
    let status = match outcome.set_aside.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    };
    if json {
        context.print_json(&outcome)?;
        return Ok(status);
    }
    let style = context.console.out;
    for change in &outcome.changes {
        let (sign, color) = match (&change.from, &change.to) {
            (None, _) => ("+", style.green),
            (_, None) => ("-", style.red),
            _ => ("~", style.yellow),
        };
        context.print(&format!("{color}{sign}{} {change}", style.reset));
    }
    context.print(&summary(order, &outcome));
    print_set_aside(context, outcome.set_aside.iter());
    Ok(status)
}

/// Upgrades the packages, or all.
///
/// # Errors
/// No plugin needs one of them: a typing error would upgrade nothing, without a word.
pub(super) fn upgrade(
    context: &Context,
    packages: &[String],
    json: bool,
) -> Result<ExitCode, Failure> {
    if !packages.is_empty() {
        let known: Dependencies = ask(context, &Request::get(DEPS))?;
        let names = || known.packages.iter().map(|package| package.name.as_str());
        for package in packages {
            if names().any(|name| name == normalized(package)) {
                continue;
            }
            let failure = Failure::new(Kind::NotFound, format!("no plugin needs `{package}`"));
            return Err(match nearest(package, names()) {
                Some(meant) => failure.hint(format!("Did you mean `{meant}`?")),
                None => failure.hint("`skills-daemon deps list` lists all packages."),
            });
        }
    }
    run(context, &Order::Upgrade(packages.to_vec()), json)
}

/// The name of a package as indexes have it.
fn normalized(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

fn summary(order: &Order, outcome: &Outcome) -> String {
    let changes = count(outcome.changes.len(), "package");
    let done = match (order, outcome.changes.is_empty()) {
        (Order::Lock, true) => "The lock is as installed.".to_owned(),
        (Order::Lock, false) => {
            format!(
                "The lock differs from what is installed in {changes}: `skills-daemon deps sync` installs it."
            )
        }
        (_, true) if !outcome.repaired.is_empty() => {
            format!("Installed again, because files were damaged: {}.", outcome.repaired.join(", "))
        }
        (_, true) if outcome.set_aside.is_empty() => "Everything is as required.".to_owned(),
        (_, true) => "Nothing was changed.".to_owned(),
        (_, false) => format!("{changes} changed."),
    };
    match outcome.replaces_process {
        true => format!("{done} A new process takes over, which imports them."),
        false => done,
    }
}
