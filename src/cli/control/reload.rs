//! `skills-daemon reload`.

use std::process::ExitCode;

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Context;
use super::status::count;
use crate::failure::{Failure, Kind};
use crate::lifecycle::Request;
use crate::wire::{self, FailedPlugin, Reloaded};

#[derive(Args)]
pub(super) struct Arguments {
    /// Names of plugins; without any, all of them, new ones included
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Returns the request target that reloads `plugins`, names or absolute paths; without any, all of them.
pub(super) fn path<'a>(plugins: impl IntoIterator<Item = &'a str>) -> String {
    let encoded = |plugin| utf8_percent_encode(plugin, NON_ALPHANUMERIC);
    let query: Vec<String> = plugins
        .into_iter()
        .map(|plugin| format!("{}={}", wire::RELOADED_PLUGIN, encoded(plugin)))
        .collect();
    let query = query.join("&");
    format!("{}{}{query}", wire::RELOAD, if query.is_empty() { "" } else { "?" })
}

/// Reloads plugins; exit status 0 if all of them serve in their new version, 1 otherwise.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = path(arguments.names.iter().map(String::as_str));
    let reloaded = context.ask::<Reloaded>(&Request::post(&path))?.ok_or_else(|| {
        Failure::new(Kind::Unavailable, "the daemon is not running: nothing to reload")
            .hint("It loads all plugins when it starts: `skills-daemon start`.")
    })?;
    if arguments.json {
        context.print_json(&reloaded)?;
    } else {
        let names = &reloaded.reloaded;
        if arguments.names.is_empty() {
            context.print(&format!("{} loaded.", count(reloaded.total, "plugin")));
        } else if !names.is_empty() {
            let count = count(names.len(), "plugin");
            context.print(&format!("{count} reloaded: {}", names.join(", ")));
        }
        for (what, names) in [("added", &reloaded.added), ("removed", &reloaded.removed)] {
            if !names.is_empty() {
                context.print(&format!("  {what}: {}", names.join(", ")));
            }
        }
        print_failed(context, &reloaded.failed);
    }
    Ok(if reloaded.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the plugins that do not serve, with reason and remedy.
pub(super) fn print_failed(context: &Context, failed: &[FailedPlugin]) {
    let style = context.console.out;
    for plugin in failed {
        context.print(&format!("{}Error:{} {}", style.red, style.reset, plugin.error));
        context.print(&format!("  {}{}{}", style.dim, plugin.path, style.reset));
        if let Some(hint) = &plugin.hint {
            context.print(&format!("  {}Hint: {hint}{}", style.dim, style.reset));
        }
    }
}
