//! `skills-daemon plugin remove`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::listing::{self, ListedPlugin};
use super::super::{Context, link};
use super::added::AddedPlugins;
use super::outcome;
use crate::discovery;
use crate::failure::{Failure, Kind};
use crate::manifest::check_name;
use crate::wrappers::{WrapperState, Wrappers};

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
    let added = AddedPlugins::of(&context.paths);
    let mut entries = added.entries(name);
    if entries.is_empty() {
        entries.push(entry_by_own_name(context, &added, name)?);
    }
    let paths: Vec<PathBuf> =
        entries.iter().filter_map(|entry| discovery::added_path(entry)).collect();
    for entry in &entries {
        added.take(entry)?;
    }
    let running = outcome::reload(context, &paths)?;
    // A running daemon removes the wrapper itself, except while the name of a failed plugin is uncertain.
    let left = match running {
        Some(plugins) => plugins,
        None => listing::found(context)?,
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

/// Returns the entry of the plugin `name` whose entry has another name.
fn entry_by_own_name(
    context: &Context,
    added: &AddedPlugins,
    name: &str,
) -> Result<PathBuf, Failure> {
    let mut plugins = listing::found(context)?;
    // The bundled ones, where a daemon runs.
    plugins
        .extend(listing::loaded(context)?.into_iter().filter(|plugin| plugin.is_bundled(context)));
    let plugin = plugins.iter().find(|plugin| plugin.name == name);
    let plugin = plugin.ok_or_else(|| link::unknown(name, &plugins))?;
    added.entry_of(&plugin.path).ok_or_else(|| lies_elsewhere(context, plugin))
}

fn lies_elsewhere(context: &Context, plugin: &ListedPlugin) -> Failure {
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
    let removed = matches!(wrappers.unlink(name)?, WrapperState::Current | WrapperState::Stale);
    Ok(removed.then(|| wrappers.path(name)))
}
