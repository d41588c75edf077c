//! `skills-daemon profiles`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::Context;
use super::status::count;
use crate::environment::{self, profile};
use crate::failure::Failure;
use crate::lifecycle::{Request, locks};
use crate::paths::{Paths, profiles};
use crate::wire::{self, PluginState, Status};

#[derive(Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A profile and the state of its daemon.
#[derive(Serialize)]
struct Entry {
    name: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// How many plugins serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    plugins: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    runtime: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Running,
    Stopped,
    /// It starts or stops.
    Starting,
    Unreachable,
}

/// Lists the profiles, the default one first.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let named = profiles::all(&context.env)?;
    let names = named.iter().map(profile::Profile::name);
    let entries: Result<Vec<Entry>, Failure> =
        std::iter::once(profile::DEFAULT).chain(names).map(|name| entry(context, name)).collect();
    let entries = entries?;
    if arguments.json {
        context.print_json(&entries)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    for entry in &entries {
        context.print(&line(context, entry, width));
    }
    Ok(ExitCode::SUCCESS)
}

fn entry(context: &Context, name: &str) -> Result<Entry, Failure> {
    let env = context.env.clone().with(environment::PROFILE, name);
    let paths = Paths::resolve(&env)?;
    let own = Context { env, paths, console: context.console };
    let mut entry = Entry {
        name: name.to_owned(),
        state: State::Stopped,
        pid: locks::holder(&own.paths).map(nix::unistd::Pid::as_raw),
        port: None,
        plugins: None,
        error: None,
        runtime: own.paths.runtime.display().to_string(),
    };
    match own.ask::<Status>(&Request::get(wire::STATUS)) {
        Ok(Some(status)) => {
            let serves = |state: &PluginState| matches!(state, PluginState::Ready { .. });
            entry.state = State::Running;
            entry.port = Some(status.ready.port);
            entry.plugins = Some(status.plugins.iter().filter(|it| serves(&it.state)).count());
        }
        Ok(None) if entry.pid.is_some() => entry.state = State::Starting,
        Ok(None) => {}
        Err(failure) => {
            entry.state = State::Unreachable;
            entry.error = Some(failure.error);
        }
    }
    Ok(entry)
}

fn line(context: &Context, entry: &Entry, width: usize) -> String {
    let style = context.console.out;
    let (color, state) = match &entry.state {
        State::Running => {
            let (pid, port) = (entry.pid.unwrap_or_default(), entry.port.unwrap_or_default());
            let plugins = count(entry.plugins.unwrap_or_default(), "plugin");
            let state =
                format!("running, process id {pid}, http://localhost:{port}, {plugins} loaded");
            (style.green, state)
        }
        State::Stopped => (style.dim, "stopped".to_owned()),
        State::Starting => (style.yellow, "starts or stops".to_owned()),
        State::Unreachable => (style.red, entry.error.clone().unwrap_or_default()),
    };
    format!("{color}{:width$}{}  {state}", entry.name, style.reset)
}
