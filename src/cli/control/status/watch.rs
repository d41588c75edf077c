//! `skills-daemon status --watch`: what the plugins do, again and again.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{self, SigHandler, Signal};

use super::{count, span};
use crate::cli::control::Context;
use crate::cli::control::columns::columns;
use crate::failure::{Failure, Kind};
use crate::lifecycle::Request;
use crate::wire::{self, PluginStatus, Range, Rates, Status};

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// The most columns of a name.
const NAME_MAX: usize = 24;

/// Shows rates until it is interrupted, which ends the program with status 0.
pub(super) fn run(context: &Context) -> Result<ExitCode, Failure> {
    if context.console.columns == 0 {
        return Err(Failure::new(Kind::Usage, "--watch needs a terminal").hint(
            "`skills-daemon status --json` has the same numbers as totals, and GET /metrics for Prometheus.",
        ));
    }
    end_when_interrupted();
    let mut before: Option<(Instant, Status)> = None;
    loop {
        let status: Option<Status> = context.ask(&Request::get(wire::STATUS))?;
        let now = Instant::now();
        let lines = match &status {
            None => vec!["The daemon is not running.".to_owned()],
            Some(status) => {
                // A new process counts from zero.
                let same = before.as_ref().filter(|(_, it)| it.ready.pid == status.ready.pid);
                let since = same.map(|(at, before)| (now - *at, before.plugins.as_slice()));
                shown(context, status, since)
            }
        };
        if context.console.screen(&lines).is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        before = status.map(|status| (now, status));
        thread::sleep(PERIOD);
    }
}

/// The lines of one picture, with rates since `before`, that long ago.
fn shown(
    context: &Context,
    status: &Status,
    before: Option<(Duration, &[PluginStatus])>,
) -> Vec<String> {
    let (style, ready) = (context.console.out, &status.ready);
    let mut lines = vec![
        format!(
            "The daemon is running: version {}, process id {}, up {}, {} in flight",
            ready.version,
            ready.pid,
            span(status.uptime_seconds),
            count(status.in_flight, "request")
        ),
        format!("{}every {} s, Ctrl-C ends{}", style.dim, PERIOD.as_secs(), style.reset),
        String::new(),
    ];
    let head = ["Plugin", "State", "Requests/s", "Errors/s", "p50", "p99", "In flight", "Waiting"];
    let rows: Vec<[String; 8]> = status.plugins.iter().map(|plugin| row(plugin, before)).collect();
    let table = columns(&head.map(str::to_owned), &rows);
    for (index, line) in table.into_iter().enumerate() {
        let (begin, end) = if index == 0 { (style.bold, style.reset) } else { ("", "") };
        lines.push(format!("{begin}{line}{end}"));
    }
    lines
}

/// The cells of a plugin.
fn row(plugin: &PluginStatus, before: Option<(Duration, &[PluginStatus])>) -> [String; 8] {
    let rates = before.and_then(|(elapsed, before)| Rates::between(before, plugin, elapsed));
    let none = || "-".to_owned();
    let rate = |of: fn(&Rates) -> f64| {
        rates.as_ref().map_or_else(none, |rates| format!("{:.1}", of(rates)))
    };
    let range = |of: fn(&Rates) -> Option<Range>| {
        rates.as_ref().and_then(of).map_or_else(none, |range| range.to_string())
    };
    let now = |of: fn(&wire::Traffic) -> usize| {
        plugin.traffic.as_ref().map_or_else(none, |traffic| of(traffic).to_string())
    };
    [
        plugin.name.chars().take(NAME_MAX).collect(),
        plugin.state.word().to_string(),
        rate(|rates| rates.requests),
        rate(|rates| rates.errors),
        range(|rates| rates.median),
        range(|rates| rates.most),
        now(|traffic| traffic.in_flight),
        now(|traffic| traffic.waiting),
    ]
}

/// Has Ctrl-C end the program with status 0 at once, also while the daemon is waited for.
fn end_when_interrupted() {
    extern "C" fn end(_: libc::c_int) {
        // SAFETY: a handler of signals may call it.
        unsafe { libc::_exit(0) }
    }
    // SAFETY: the handler calls nothing but `_exit`.
    // Fails for no signal that exists.
    let _ = unsafe { signal::signal(Signal::SIGINT, SigHandler::Handler(end)) };
}
