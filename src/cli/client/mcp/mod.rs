//! `skills-client mcp`: commands as tools for agents, MCP over stdio.
//!
//! A thin bridge: the daemon speaks MCP, and its messages pass unchanged, one a line, between stdin and stdout and the
//! daemon. The bridge owns only what makes one session of many connections ([`session`]), because a daemon restarts,
//! ends after its idle time and may crash, while the agent's session goes on.
//!
//! Three threads: stdin is read by one ([`input`]), the answer of the daemon by another ([`link`]), and both send to the
//! loop ([`bridge`]), which writes to both ends.

mod bridge;
mod event;
mod input;
mod link;
mod message;
mod session;

use std::io;
use std::process::ExitCode;

use bridge::Bridge;
use link::Daemon;

use super::command_line::{self, CommandLine};
use super::out::printed;
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::paths::Paths;

/// The word on the command line.
pub(super) const WORD: &str = "mcp";

const HELP: &str = "\
Serves the commands of the plugins as tools for agents: MCP over stdin and stdout.

Usage:
    skills-client mcp [PLUGIN] [--tools all|NAME,NAME]

    PLUGIN            the plugin whose commands are tools; without it, all plugins
    --tools NAMES     which commands are tools: all, or names separated by commas

The daemon is started when it does not run. A session outlives restarts of the daemon.";

/// Carries a session of MCP between stdin and stdout and the daemon.
pub(super) fn run(
    line: &CommandLine,
    paths: &Paths,
    env: &Environment,
    console: &Console,
) -> Result<ExitCode, Failure> {
    if line.help {
        return printed(console.print(HELP));
    }
    let (plugin, tools) = parse(line)?;
    let daemon =
        Daemon { paths: paths.clone(), env: env.clone(), console: *console, plugin, tools };
    let output = |line: &[u8]| printed(console.write(&[line, b"\n"].concat())).map(drop);
    Bridge::run(&daemon, io::stdin(), output)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the plugin and the value of `--tools`.
fn parse(line: &CommandLine) -> Result<(Option<String>, Option<String>), Failure> {
    let wrong =
        |error: String| Failure::new(Kind::Usage, error).hint("Run `skills-client mcp --help`.");
    let (mut plugin, mut tools) = (None, None);
    if line.timeout.is_some() || line.output.is_some() {
        return Err(wrong("mcp takes neither --timeout nor --output".to_owned()));
    }
    let mut rest = line.arguments.iter().cloned();
    while let Some(argument) = rest.next() {
        if command_line::is(&argument, "--tools") {
            let value = command_line::value(&argument, &mut rest);
            tools = Some(value.ok_or_else(|| wrong("--tools needs a value".to_owned()))?);
        } else if argument.starts_with('-') || plugin.is_some() {
            return Err(wrong(format!("unexpected argument `{argument}`")));
        } else {
            plugin = Some(argument);
        }
    }
    Ok((plugin, tools))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<(Option<String>, Option<String>), Failure> {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        parse(&CommandLine { arguments, ..CommandLine::default() })
    }

    #[test]
    fn a_plugin_and_its_tools_may_be_chosen() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parsed(&[]).unwrap(), (None, None));
        assert_eq!(parsed(&["jira", "--tools", "a,b"]).unwrap(), (some("jira"), some("a,b")));
        assert_eq!(parsed(&["--tools=all"]).unwrap(), (None, some("all")));
        for wrong in [&["jira", "x"][..], &["--tools"], &["--tool=x"], &["--"]] {
            assert_eq!(parsed(wrong).unwrap_err().kind, Kind::Usage, "{wrong:?}");
        }
    }
}
