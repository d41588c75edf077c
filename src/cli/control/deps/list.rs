//! `skills-daemon deps list`.

use std::process::ExitCode;

use super::super::Context;
use super::super::columns::columns;
use super::super::status::count;
use super::ask;
use crate::failure::Failure;
use crate::lifecycle::Request;
use crate::wire::deps::{DEPS, Dependencies, PackageEntry, PartyEntry, Size, Standing};

/// Lists packages and parties; exit status 1 if the requirements of one are not satisfied.
pub(super) fn run(context: &Context, json: bool) -> Result<ExitCode, Failure> {
    let report: Dependencies = ask(context, &Request::get(DEPS))?;
    let is_bad =
        |party: &PartyEntry| matches!(party.standing, Standing::SetAside | Standing::Failed);
    let status = match report.failure.is_some() || report.wanted.iter().any(is_bad) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    };
    if json {
        context.print_json(&report)?;
        return Ok(status);
    }
    let style = context.console.out;
    let head = ["PACKAGE", "LOCKED", "INSTALLED", "ASKED BY"].map(str::to_owned);
    let rows: Vec<[String; 4]> = report.packages.iter().map(row).collect();
    for (index, line) in columns(&head, &rows).iter().enumerate() {
        let (begin, end) = if index == 0 { (style.bold, style.reset) } else { ("", "") };
        context.print(&format!("{begin}{line}{end}"));
    }
    if let Some(progress) = &report.change {
        context.print(&format!("{}{progress}{}", style.yellow, style.reset));
    }
    print_set_aside(context, report.wanted.iter().filter(|party| is_bad(party)));
    if let Some(failure) = &report.failure {
        let again = failure.retry_seconds.map(|seconds| format!(" (next attempt in {seconds} s)"));
        let again = again.unwrap_or_default();
        context.print(&format!("{}Error:{} {}{again}", style.red, style.reset, failure.error));
    }
    let bytes: u64 = report.generations.iter().map(|it| it.bytes).sum();
    let (environments, size) = (count(report.generations.len(), "environment"), Size(bytes));
    let lock = report.lock.as_deref().unwrap_or("none");
    context.print(&format!("{}lock {lock}; {environments}, {size}{}", style.dim, style.reset));
    Ok(status)
}

/// Prints parties whose requirements are not satisfied, and why.
pub(super) fn print_set_aside<'a>(
    context: &Context,
    parties: impl Iterator<Item = &'a PartyEntry>,
) {
    let style = context.console.out;
    for party in parties {
        let what = match party.standing {
            Standing::Failed => "not installed",
            _ => "set aside",
        };
        let reason = party.reason.as_deref().unwrap_or_default();
        context.print(&format!("{}{what}{} {}: {reason}", style.yellow, style.reset, party.owner));
    }
}

fn row(package: &PackageEntry) -> [String; 4] {
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "-".to_owned());
    let asks = package.wanted.iter();
    let asks: Vec<String> =
        asks.map(|ask| format!("{} ({})", ask.owner, ask.requirement)).collect();
    [package.name.clone(), version(&package.locked), version(&package.installed), asks.join(", ")]
}
