//! `skills-daemon reload`.

use std::process::ExitCode;

use clap::Args;

use super::Context;
use super::status::count;
use crate::failure::{Failure, Kind};
use crate::lifecycle::Request;
use crate::wire::{FailedPlugin, Reloaded};

#[derive(Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Exit status 0 if all plugins serve, 1 if one does not.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let reloaded =
        context.ask::<Reloaded>(&Request::post("/reload-plugins"))?.ok_or_else(|| {
            Failure::new(Kind::Unavailable, "the daemon is not running: there is nothing to reload")
                .hint("It loads all plugins when it starts: `skills-daemon start`.")
        })?;
    if arguments.json {
        context.print_json(&reloaded)?;
    } else {
        context.print(&format!("{} loaded.", count(reloaded.total, "plugin")));
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
