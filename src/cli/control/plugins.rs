//! `skills-daemon plugins`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::Context;
use super::reload::print_failed;
use super::status::count;
use crate::failure::Failure;
use crate::lifecycle::{self, Request};
use crate::tools::Format;
use crate::wire::{self, Plugins};

#[derive(Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// List every route, and whether its handler is called directly or through FastAPI
    #[arg(long)]
    routes: bool,
    /// Print the commands as tools for the API of a model, as JSON
    #[arg(long, value_name = "API", value_parser = Format::NAMES)]
    tools: Option<String>,
}

/// Lists the plugins; starts the daemon if none runs, because only a loaded plugin has a description.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    if let Some(api) = &arguments.tools {
        let target = format!("{}?format={api}", wire::TOOLS);
        let tools: Value = context.ask(&Request::get(&target))?.unwrap_or_default();
        context.print_json(&tools)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plugins: Plugins = context.ask(&Request::get("/plugins"))?.unwrap_or_default();
    if arguments.json {
        context.print_json(&plugins)?;
        return Ok(ExitCode::SUCCESS);
    }
    let style = context.console.out;
    for plugin in &plugins.plugins {
        let about = match plugin.description.as_str() {
            "" => String::new(),
            text => format!(" - {text}"),
        };
        context.print(&format!(
            "{}{}{} {}{about} ({})",
            style.bold,
            plugin.name,
            style.reset,
            plugin.version,
            count(plugin.endpoints.len(), "route")
        ));
        for endpoint in plugin.endpoints.iter().filter(|_| arguments.routes) {
            let how = match &endpoint.why_fastapi {
                None => "direct".to_owned(),
                Some(why) => format!("through FastAPI: {why}"),
            };
            context.print(&format!(
                "  {:<7} {}  {}{how}{}",
                endpoint.method, endpoint.path, style.dim, style.reset
            ));
        }
    }
    print_failed(context, &plugins.failed);
    Ok(ExitCode::SUCCESS)
}
