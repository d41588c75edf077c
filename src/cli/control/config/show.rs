//! `skills-daemon config show`.

use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::super::Context;
use super::change;
use crate::completion;
use crate::failure::{Failure, Kind};
use crate::settings::origins::{self, Origin, Shown};
use crate::settings::{edit, parsed, read, table};

#[derive(Args)]
pub(super) struct Arguments {
    /// A setting, or a section such as `agents`; without it, all of them
    #[arg(value_name = "KEY", add = ArgValueCandidates::new(completion::settings))]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows settings as lines of TOML; exit status 1 if one of them cannot be read.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = context.paths.config_file();
    let mut shown = origins::all(&parsed(&read(&file)?, &file)?, &file, &context.env);
    if let Some(key) = &arguments.key {
        let key = change::parts(key)?;
        let joined = edit::joined(&key);
        let below = format!("{joined}.");
        shown.retain(|it| it.key == joined || it.key.starts_with(&below));
        if shown.is_empty() {
            return Err(match table::find(key.iter().map(String::as_str)) {
                Some(_) => Failure::new(Kind::NotFound, format!("`{joined}` is not set"))
                    .hint("What the plugin's manifest says, or a default, holds."),
                None => change::unknown(&joined, origins::similar(&key.join("."))),
            });
        }
    }
    if arguments.json {
        context.print_json(&shown)?;
    } else {
        print(context, &shown);
    }
    let is_fine = shown.iter().all(|shown| shown.problem.is_none());
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(context: &Context, shown: &[Shown]) {
    let style = context.console.out;
    let lines: Vec<String> = shown.iter().map(line).collect();
    // Long values do not move the origins of the others.
    let short = lines.iter().map(|line| line.chars().count()).filter(|width| *width <= 48);
    let width = short.max().unwrap_or_default();
    for (line, shown) in lines.iter().zip(shown) {
        let origin = match (shown.origin, shown.variable) {
            (Origin::Default, _) => "default",
            (Origin::Environment, Some(variable)) => variable,
            _ => "config.toml",
        };
        context.print(&format!("{line:<width$}  {}# {origin}{}", style.dim, style.reset));
        if let Some(problem) = &shown.problem {
            context.console.warning(problem);
        }
    }
}

fn line(shown: &Shown) -> String {
    match &shown.value {
        Some(value) => format!("{} = {value}", shown.key),
        None => format!("# {} is not set", shown.key),
    }
}
