//! `skills-daemon status`.

mod watch;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::{Value, json};

use super::Context;
use crate::failure::Failure;
use crate::lifecycle::{Request, locks};
use crate::wire::{self, BackgroundTask, PluginState, PluginStatus, Status};

#[derive(Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show rates of requests, errors and durations every 2 seconds, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

/// Shows the status; exit status 0 if the daemon runs, 1 if not or if it hangs, 3 if connecting is forbidden.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.watch {
        return watch::run(context);
    }
    let answer = context.ask::<Status>(&Request::get(wire::STATUS));
    if let Err(failure) = &answer
        && arguments.json
    {
        context.print_json(&unreachable(context, failure))?;
        return Ok(ExitCode::from(failure.kind.exit_status()));
    }
    let Some(status) = answer? else {
        match locks::holder(&context.paths) {
            _ if arguments.json => context.print_json(&json!({"running": false}))?,
            Some(pid) => context.print(&format!(
                "The daemon (process id {pid}) is starting or stopping: it does not listen."
            )),
            None => context.print("The daemon is not running."),
        }
        return Ok(ExitCode::FAILURE);
    };
    if arguments.json {
        let mut value = serde_json::to_value(&status).unwrap_or_default();
        value["running"] = json!(true);
        context.print_json(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let ready = &status.ready;
    context.print(&format!(
        "The daemon is running: version {}, process id {}, up {}, {} in flight",
        ready.version,
        ready.pid,
        span(status.uptime_seconds),
        count(status.in_flight, "request")
    ));
    context.print(&format!("  http://localhost:{}, Python {}", ready.port, ready.python));
    context.print(&format!("  socket {}", context.paths.socket().display()));
    context.print(&format!("  log    {}", context.paths.log_file().display()));
    for notice in &status.notices {
        context.print(&format!(
            "  {}{notice}{}",
            context.console.out.yellow, context.console.out.reset
        ));
    }
    if status.plugins.is_empty() {
        context.print("No plugins were found.");
    }
    for plugin in &status.plugins {
        context.print(&line(context, plugin));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the status of a daemon that hangs or cannot be connected to.
fn unreachable(context: &Context, failure: &Failure) -> Value {
    let pid = locks::holder(&context.paths).map(nix::unistd::Pid::as_raw);
    json!({
        "running": pid.is_some(),
        "responding": false,
        "pid": pid,
        "error": failure.error,
        "hint": failure.hint,
    })
}

fn line(context: &Context, plugin: &PluginStatus) -> String {
    let style = context.console.out;
    let state = &plugin.state;
    let detail = state.detail();
    let color = match state {
        PluginState::Ready { .. }
            if detail.is_none() && plugin.notices.is_empty() && !plugin.has_failing_task() =>
        {
            style.green
        }
        PluginState::Failed(_) => style.red,
        PluginState::Ready { .. } | PluginState::Loading(_) | PluginState::Asleep => style.yellow,
    };
    let mut text = format!("  {color}{:<8}{} {}", state.word(), style.reset, plugin.name);
    if let PluginState::Ready { .. } = state {
        text.push_str(&format!(" ({})", count(plugin.commands, "command")));
    }
    let tasks = background(&plugin.background, seconds_since_1970());
    let notices = plugin.notices.iter().chain(&tasks).map(String::as_str);
    for extra in [detail.as_deref(), state.hint()].into_iter().flatten().chain(notices) {
        for line in extra.lines() {
            text.push_str(&format!("\n           {}{}{}", style.dim, line.trim(), style.reset));
        }
    }
    text
}

/// One line about the background tasks at the time `now`, if there are any.
fn background(tasks: &[BackgroundTask], now: u64) -> Option<String> {
    let of_task = |task: &BackgroundTask| {
        let running = || format!("running {}", span(now.saturating_sub(task.since)));
        format!("{} ({})", task.name, task.trouble(now).unwrap_or_else(running))
    };
    let shown: Vec<String> = tasks.iter().map(of_task).collect();
    (!shown.is_empty())
        .then(|| format!("{}: {}", count(tasks.len(), "background task"), shown.join(", ")))
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// `1 request`, `2 requests`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
