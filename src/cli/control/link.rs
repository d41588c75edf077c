//! `skills-daemon link` and `unlink`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Context;
use super::listing::{self, ListedPlugin};
use crate::failure::{Failure, Kind};
use crate::lifecycle;
use crate::manifest::check_name;
use crate::nearest::nearest;
use crate::settings::Settings;
use crate::wrappers::{self, WrapperState, Wrappers};

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
    /// Names of plugins; without any, all whose wrappers this daemon has written
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes wrappers; starts the daemon if none runs, because a plugin's name is certain only when it is loaded.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let wrappers = Wrappers::of(&context.paths)?;
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    let plugins = listing::loaded(context)?;
    let names: Vec<String> = match arguments.names.as_slice() {
        [] => plugins
            .iter()
            .filter(|plugin| !plugin.is_bundled(context))
            // A failed plugin may have only the name of its folder, which can be anything.
            .filter(|plugin| check_name(&plugin.name).is_ok())
            .map(|plugin| plugin.name.clone())
            .collect(),
        names => names.to_vec(),
    };
    // All names are checked before the first wrapper is written.
    for name in &names {
        if !plugins.iter().any(|plugin| plugin.name == *name) {
            return Err(unknown(name, &plugins));
        }
    }
    let mut report = Report::default();
    for name in &names {
        match wrappers.link(name)? {
            state @ (WrapperState::Foreign | WrapperState::Another) => {
                report.left_alone.push((wrappers.path(name), state));
            }
            _ => report.done.push(wrappers.path(name)),
        }
    }
    report.print(context, "linked", arguments.json)?;
    if report.done.is_empty() && report.left_alone.is_empty() && !arguments.json {
        context.print("No plugins to link.");
    }
    if !report.done.is_empty() {
        warn_of_path(context);
    }
    // A wrapper that was named was not written.
    let failed = !arguments.names.is_empty() && !report.left_alone.is_empty();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Writes the wrappers of these plugins.
pub(super) fn again(context: &Context, names: &[String]) -> Result<ExitCode, Failure> {
    run(context, &Arguments { names: names.to_vec(), json: false })
}

/// Removes wrappers; works without a daemon, and for wrappers of plugins that no longer exist.
pub(super) fn undo(context: &Context, arguments: &Removal) -> Result<ExitCode, Failure> {
    let wrappers = Wrappers::of(&context.paths)?;
    let ours = wrappers.names();
    let names = if arguments.names.is_empty() { &ours } else { &arguments.names };
    for name in names {
        check_name(name).map_err(|message| Failure::new(Kind::Usage, message))?;
        if wrappers.state(name) == WrapperState::Absent {
            let place = wrappers.path(name);
            let failure =
                Failure::new(Kind::NotFound, format!("no such wrapper: {}", place.display()));
            return Err(suggest(failure, name, ours.clone()));
        }
    }
    let mut report = Report::default();
    for name in names {
        match wrappers.unlink(name)? {
            state @ (WrapperState::Foreign | WrapperState::Another) => {
                report.left_alone.push((wrappers.path(name), state));
            }
            _ => report.done.push(wrappers.path(name)),
        }
    }
    report.print(context, "removed", arguments.json)?;
    if names.is_empty() && !arguments.json {
        context.print("No wrappers to remove.");
    }
    let settings = Settings::load(&context.paths.config_file(), &context.env);
    let are_rewritten = settings.is_ok_and(|settings| settings.wrappers.value.0);
    if !report.done.is_empty() && are_rewritten && !arguments.json {
        context.print(&format!(
            "Wrappers of existing plugins are written again at the next load. To prevent that, set \
             `wrappers = false` in {}.",
            context.paths.config_file().display()
        ));
    }
    Ok(if report.left_alone.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The wrappers that were changed, and the files that were left alone.
#[derive(Default)]
struct Report {
    done: Vec<PathBuf>,
    left_alone: Vec<(PathBuf, WrapperState)>,
}

impl Report {
    /// Prints the report; `what` is the participle for the changed ones.
    fn print(&self, context: &Context, what: &str, as_json: bool) -> Result<(), Failure> {
        if as_json {
            let left_alone: Vec<_> = self.left_alone.iter().map(|(path, _)| path).collect();
            return context
                .print_json(&json!({"success": true, what: self.done, "left_alone": left_alone}));
        }
        let style = context.console.out;
        for path in &self.done {
            context.print(&format!("{}{what}{}: {}", style.green, style.reset, path.display()));
        }
        for (path, state) in &self.left_alone {
            let why = match state {
                WrapperState::Another => "calls another daemon",
                _ => "was not written by skills-daemon",
            };
            context.print(&format!(
                "{}left alone{}: {} {why}",
                style.yellow,
                style.reset,
                path.display()
            ));
        }
        Ok(())
    }
}

/// Warns if the directory of the wrappers is not on PATH.
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

/// Returns the failure of an unknown plugin name.
pub(super) fn unknown(name: &str, plugins: &[ListedPlugin]) -> Failure {
    let names = plugins.iter().map(|plugin| plugin.name.clone()).collect();
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
