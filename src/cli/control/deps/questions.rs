//! `skills-daemon deps why`, `outdated` and `prune`.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::Context;
use super::super::columns::columns;
use super::super::status::count;
use super::ask;
use crate::failure::Failure;
use crate::lifecycle::Request;
use crate::wire::deps::{self, OUTDATED, Outdated, PACKAGE, PRUNE, Pruned, Size, WHY};

/// Prints the ways to a package; exit status 1 if nothing needs it.
pub(super) fn why(context: &Context, package: &str, json: bool) -> Result<ExitCode, Failure> {
    let name = utf8_percent_encode(package, NON_ALPHANUMERIC);
    let why: deps::Why = ask(context, &Request::get(&format!("{WHY}?{PACKAGE}={name}")))?;
    let status = if why.chains.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    if json {
        context.print_json(&why)?;
        return Ok(status);
    }
    let style = context.console.out;
    let version = match &why.installed {
        Some(version) => format!("{version} is installed"),
        None => "it is not installed".to_owned(),
    };
    context.print(&format!("{}{}{}: {version}", style.bold, why.package, style.reset));
    for chain in &why.chains {
        context.print(&format!("  {}: {}", chain.owner, chain.requirements.join(" -> ")));
    }
    if why.chains.is_empty() {
        context.print("  No plugin needs it.");
    }
    Ok(status)
}

/// Lists the packages of which a newer version would do.
pub(super) fn outdated(context: &Context, json: bool) -> Result<ExitCode, Failure> {
    let outdated: Outdated = ask(context, &Request::get(OUTDATED))?;
    if json {
        context.print_json(&outdated)?;
        return Ok(ExitCode::SUCCESS);
    }
    if outdated.packages.is_empty() {
        context.print("All packages are the newest that satisfy all plugins.");
        return Ok(ExitCode::SUCCESS);
    }
    let text = |version: &Option<String>| version.clone().unwrap_or_default();
    let rows: Vec<[String; 3]> = outdated
        .packages
        .iter()
        .map(|package| [package.name.clone(), text(&package.from), text(&package.to)])
        .collect();
    let head = ["PACKAGE", "INSTALLED", "NEWEST"].map(str::to_owned);
    for line in columns(&head, &rows) {
        context.print(&line);
    }
    context.print("`skills-daemon deps upgrade` installs them.");
    Ok(ExitCode::SUCCESS)
}

/// Removes environments that are no longer used.
pub(super) fn prune(context: &Context, json: bool) -> Result<ExitCode, Failure> {
    let pruned: Pruned = ask(context, &Request::post(PRUNE))?;
    if json {
        context.print_json(&pruned)?;
        return Ok(ExitCode::SUCCESS);
    }
    for path in &pruned.removed {
        context.print(&format!("removed {path}"));
    }
    let removed = count(pruned.removed.len(), "environment");
    context.print(&format!("{removed} removed, {} freed.", Size(pruned.bytes)));
    Ok(ExitCode::SUCCESS)
}
