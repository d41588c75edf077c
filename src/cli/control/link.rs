//! `skills-daemon link` and `unlink`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Context;
use super::known::{self, Known};
use crate::failure::{Failure, Kind};
use crate::lifecycle;
use crate::manifest::check_name;
use crate::nearest::nearest;
use crate::settings::Settings;
use crate::wrappers::{self, Standing, Wrappers};

#[derive(Args)]
pub(super) struct Arguments {
    /// Names of plugins; without any, all that are found, bundled ones left out
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Removal {
    /// Names of wrappers; without any, all that skills-daemon has written
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Starts the daemon if need be, because only a loaded plugin tells its name.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let wrappers = Wrappers::of(&context.paths)?;
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    let known = known::settled(context)?;
    let names: Vec<String> = match arguments.names.as_slice() {
        [] => known
            .iter()
            .filter(|plugin| !plugin.is_bundled(context))
            // One that failed may be known by the name of its folder only, whatever that is.
            .filter(|plugin| check_name(&plugin.name).is_ok())
            .map(|plugin| plugin.name.clone())
            .collect(),
        names => names.to_vec(),
    };
    // Nothing is written before all names are known to be right.
    for name in &names {
        if !known.iter().any(|plugin| plugin.name == *name) {
            return Err(unknown(name, &known));
        }
    }
    let mut report = Report::default();
    for name in &names {
        match wrappers.link(name)? {
            Standing::Foreign => report.left_alone.push(wrappers.path(name)),
            _ => report.done.push(wrappers.path(name)),
        }
    }
    report.print(context, "linked", arguments.json)?;
    if report.done.is_empty() && report.left_alone.is_empty() && !arguments.json {
        context.print("There is no plugin to link.");
    }
    if !report.done.is_empty() {
        warn_of_path(context);
    }
    // What was asked for by name is not done.
    let failed = !arguments.names.is_empty() && !report.left_alone.is_empty();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Works without a daemon, and for wrappers of plugins that are long gone.
pub(super) fn undo(context: &Context, arguments: &Removal) -> Result<ExitCode, Failure> {
    let wrappers = Wrappers::of(&context.paths)?;
    let ours = wrappers.names();
    let names = if arguments.names.is_empty() { &ours } else { &arguments.names };
    for name in names {
        check_name(name).map_err(|message| Failure::new(Kind::Usage, message))?;
        if wrappers.standing(name) == Standing::Absent {
            let place = wrappers.path(name);
            let failure = Failure::new(Kind::NotFound, format!("there is no {}", place.display()));
            return Err(suggest(failure, name, ours.clone()));
        }
    }
    let mut report = Report::default();
    for name in names {
        match wrappers.unlink(name)? {
            Standing::Foreign => report.left_alone.push(wrappers.path(name)),
            _ => report.done.push(wrappers.path(name)),
        }
    }
    report.print(context, "removed", arguments.json)?;
    if names.is_empty() && !arguments.json {
        context.print("There are no wrappers.");
    }
    let settings = Settings::load(&context.paths.config_file(), &context.env);
    let written_again = settings.is_ok_and(|settings| settings.wrappers.value.0);
    if !report.done.is_empty() && written_again && !arguments.json {
        context.print(&format!(
            "Those of plugins that are still there come back when plugins are loaded, unless \
             `wrappers = false` stands in {}.",
            context.paths.config_file().display()
        ));
    }
    Ok(if report.left_alone.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was done, and what was not.
#[derive(Default)]
struct Report {
    done: Vec<PathBuf>,
    left_alone: Vec<PathBuf>,
}

impl Report {
    /// `what` was done with those that are done.
    fn print(&self, context: &Context, what: &str, as_json: bool) -> Result<(), Failure> {
        if as_json {
            return context.print_json(
                &json!({"success": true, what: self.done, "left_alone": self.left_alone}),
            );
        }
        let style = context.console.out;
        for path in &self.done {
            context.print(&format!("{}{what}{}: {}", style.green, style.reset, path.display()));
        }
        for path in &self.left_alone {
            context.print(&format!(
                "{}left alone{}: {} is not ours",
                style.yellow,
                style.reset,
                path.display()
            ));
        }
        Ok(())
    }
}

/// Says what keeps a shell from finding the wrappers, if something does.
pub(super) fn warn_of_path(context: &Context) {
    let bin = &context.paths.bin;
    if !wrappers::on_path(bin, &context.env) {
        context.console.warning(&format!(
            "{} is not on PATH. Add this line to your shell's start-up file: {}",
            bin.display(),
            wrappers::path_line(&context.paths)
        ));
    }
}

/// The failure of naming a plugin that there is not.
pub(super) fn unknown(name: &str, known: &[Known]) -> Failure {
    let names = known.iter().map(|plugin| plugin.name.clone()).collect();
    suggest(Failure::new(Kind::NotFound, format!("Unknown plugin: {name}")), name, names)
}

fn suggest(failure: Failure, typed: &str, names: Vec<String>) -> Failure {
    let near = nearest(typed, names.iter().map(String::as_str));
    let failure = match near {
        Some(near) => {
            let hint = format!("Did you mean '{near}'?");
            failure.hint(hint)
        }
        None => failure,
    };
    if names.is_empty() { failure } else { failure.available(names) }
}
