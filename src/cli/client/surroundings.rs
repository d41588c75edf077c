//! Where the client was called, for the handler.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use crate::console::{Console, Style};
use crate::environment::{self, Environment};
use crate::wire::{Caller, Colors, Follows, Terminals};

/// Returns the surroundings of this process.
pub(super) fn of_process(env: &Environment, console: &Console, verbose: bool) -> Caller {
    let text = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let terminals = Terminals {
        stdin: io::stdin().is_terminal(),
        stdout: io::stdout().is_terminal(),
        stderr: console.watched,
    };
    let (columns, rows) = console.size();
    let colors = Colors { stdout: console.colored(), stderr: console.err == Style::COLORED };
    Caller {
        directory: working_directory(),
        terminals,
        columns,
        rows,
        colors,
        // The first that is set decides, as `setlocale(3)` defines.
        language: ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(text),
        time_zone: text("TZ"),
        traceparent: text("TRACEPARENT"),
        tracestate: text("TRACESTATE"),
        verbose,
        env: BTreeMap::new(),
        patterns: Vec::new(),
    }
}

/// What is sent after a call: replies to questions, where a person can be asked.
pub(super) fn follows(caller: &Caller) -> Follows {
    match caller.terminals.stdin && caller.terminals.stderr {
        true => Follows::Replies,
        false => Follows::Nothing,
    }
}

/// Adds the variables that fit `patterns`: names, or the begin of names followed by `*`, separated by commas.
pub(super) fn add_variables(caller: &mut Caller, env: &Environment, patterns: &str) {
    caller.patterns = patterns.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let fits = |name: &str| {
        caller.patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == pattern,
        })
    };
    let own = env.iter().filter(|(name, _)| fits(name));
    caller.env = own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
}

/// Returns the working directory, if it exists and its path is UTF-8.
fn working_directory() -> Option<String> {
    environment::working_directory().ok()?.into_os_string().into_string().ok()
}
