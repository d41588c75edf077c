//! `skills-daemon plugin remove`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::known::{self, Known};
use super::super::{Context, link};
use super::outcome;
use super::shelf::Shelf;
use crate::discovery;
use crate::failure::{Failure, Kind};
use crate::manifest::check_name;
use crate::wrappers::{Standing, Wrappers};

#[derive(Args)]
pub(super) struct Arguments {
    /// The plugin's name
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let name = &arguments.name;
    check_name(name).map_err(|message| Failure::new(Kind::Usage, message))?;
    let shelf = Shelf::of(&context.paths);
    let mut entries = shelf.entries(name);
    if entries.is_empty() {
        entries.push(entry_by_own_name(context, &shelf, name)?);
    }
    let paths: Vec<PathBuf> =
        entries.iter().filter_map(|entry| discovery::added_path(entry)).collect();
    for entry in &entries {
        shelf.take(entry)?;
    }
    let running = outcome::reload(context, &paths)?;
    // A running daemon removes the wrapper by itself, unless it cannot know whose it is.
    let left = match running {
        Some(plugins) => plugins,
        None => known::found(context)?,
    };
    let still = left.iter().find(|plugin| plugin.name == *name);
    let wrapper = match still {
        Some(_) => None,
        None => unlink(context, name)?,
    };
    if arguments.json {
        context.print_json(&json!({"success": true, "name": name, "removed": entries}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let style = context.console.out;
    for path in entries.iter().chain(&wrapper) {
        context.print(&format!("{}removed{}: {}", style.green, style.reset, path.display()));
    }
    if let Some(still) = still {
        let path = still.path.display();
        context.print(&format!("'{name}' is still found: {path}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The entry of a plugin that calls itself `name`, whatever its entry is called.
fn entry_by_own_name(context: &Context, shelf: &Shelf, name: &str) -> Result<PathBuf, Failure> {
    let mut known = known::found(context)?;
    // The bundled ones, where a daemon runs.
    known.extend(known::settled(context)?.into_iter().filter(|plugin| plugin.is_bundled(context)));
    let plugin = known.iter().find(|plugin| plugin.name == name);
    let plugin = plugin.ok_or_else(|| link::unknown(name, &known))?;
    shelf.entry_of(&plugin.path).ok_or_else(|| lies_elsewhere(context, plugin))
}

fn lies_elsewhere(context: &Context, plugin: &Known) -> Failure {
    let (name, path) = (&plugin.name, plugin.path.display());
    let error = format!("'{name}' was not added by `plugin add`: it lies at {path}");
    Failure::new(Kind::Usage, error).hint(match plugin.is_bundled(context) {
        true => "It comes with skills-daemon.".to_owned(),
        false => format!(
            "Remove it there, or take it out of SKILLS_DAEMON_PLUGINS, {} or Claude's plugins, \
             whichever names it; then run `skills-daemon reload`.",
            context.paths.plugins_conf().display()
        ),
    })
}

fn unlink(context: &Context, name: &str) -> Result<Option<PathBuf>, Failure> {
    let wrappers = Wrappers::of(&context.paths)?;
    let removed = matches!(wrappers.unlink(name)?, Standing::Current | Standing::Stale);
    Ok(removed.then(|| wrappers.path(name)))
}
