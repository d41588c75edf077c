//! `skills-client`: finds or starts the daemon, sends one request, prints the answer.
//!
//! Called as `skills-client PLUGIN …`, by a wrapper script, or through a symbolic link that is named after the
//! plugin. Owns the few options that are the client's; everything else goes to the daemon unparsed, which
//! holds the plugins' descriptions. No clap here: the client's options may stand anywhere among a command's own, and
//! this program's start is most of what a call costs.

mod offline;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::inputs;
use crate::console::Console;
use crate::environment::{self, Environment};
use crate::failure::{Failure, Kind};
use crate::help;
use crate::lifecycle::{self, Connection, ExchangeError, Request, Response, alive, start};
use crate::paths::Paths;
use crate::render::{self, Options};
use crate::store::Store;
use crate::wire::{self, PluginState, Run, Status};
use crate::wrappers::CLIENT;

const HELP: &str = "\
Runs a command of a plugin of the skills daemon, which is started when it does not run.

Usage:
    skills-client [OPTIONS] PLUGIN COMMAND [ARGUMENTS]
    skills-client PLUGIN --help             commands of a plugin
    skills-client PLUGIN COMMAND --help     parameters of a command
    skills-client health                    health of the daemon and its plugins
    skills-client plugins                   plugins and their routes

Options, which may stand anywhere before `--`:
    --json, -j        print the answer as JSON
    -X METHOD         decide the HTTP method by hand
    --help, -h        print help
    --version, -V     print the version

Options of a command that take text or JSON take @FILE for the content of a file and - for stdin;
@@TEXT is the text @TEXT.

Examples:
    skills-client demo hello --name World
    skills-client demo hello --name @name.txt
    skills-client demo --help

`skills-daemon --help` controls the daemon itself.";

/// Number of attempts to send a request to a daemon that goes away before it takes it.
const ATTEMPTS: usize = 3;
/// The name under which the first argument is the plugin.
const OWN_NAME: &str = CLIENT;

/// A parsed command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct CommandLine {
    plugin: Option<String>,
    arguments: Vec<String>,
    json: bool,
    help: bool,
    version: bool,
    method: Option<String>,
}

impl CommandLine {
    /// Takes the client's own options out of `arguments`; `name` is the name the program was called by.
    fn parse(name: &str, arguments: Vec<String>) -> Result<CommandLine, Failure> {
        let mut line = CommandLine::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--json" | "-j" => line.json = true,
                "--help" | "-h" => line.help = true,
                "--version" | "-V" if line.arguments.is_empty() && name == OWN_NAME => {
                    line.version = true;
                }
                "-X" => {
                    let method = rest.next().ok_or_else(|| {
                        Failure::new(Kind::Usage, "-X needs a method").hint("For example -X PATCH.")
                    })?;
                    line.method = Some(method.to_ascii_uppercase());
                }
                "--" => {
                    line.arguments.push(argument);
                    line.arguments.extend(rest.by_ref());
                }
                _ => line.arguments.push(argument),
            }
        }
        if name == OWN_NAME {
            if !line.arguments.is_empty() {
                line.plugin = Some(line.arguments.remove(0));
            }
        } else {
            line.plugin = Some(name.to_owned());
        }
        Ok(line)
    }
}

/// Runs the client with the process's arguments and environment.
pub fn main() -> ExitCode {
    let env = Environment::of_process();
    let console = Console::of_process(&env);
    let mut arguments =
        environment::arguments().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_default();
    let name = Path::new(&program).file_name().and_then(|name| name.to_str()).unwrap_or(OWN_NAME);
    let line = match CommandLine::parse(name, arguments.collect()) {
        Ok(line) => line,
        Err(failure) => return console.failure(&failure),
    };
    let json = line.json;
    run(line, &env, &console).unwrap_or_else(|failure| match json {
        true => {
            // Programs read stdout; a closed pipe is no failure of its own.
            let _ = console.print(&render::failure(&failure, &options(&console, true)));
            ExitCode::from(failure.kind.exit_status())
        }
        false => console.failure(&failure),
    })
}

fn options(console: &Console, json: bool) -> Options {
    Options { json, style: console.out, width: console.columns }
}

fn run(line: CommandLine, env: &Environment, console: &Console) -> Result<ExitCode, Failure> {
    if line.version {
        return printed(console.print(&format!("{OWN_NAME} {}", crate::VERSION)));
    }
    let paths = Paths::resolve(env)?;
    let store = Store::at(paths.descriptions());
    let Some(plugin) = line.plugin else {
        return printed(console.print(&format!("{HELP}{}", offline::plugins(&store))));
    };
    let caller = Caller { paths: &paths, env, console };
    if line.help
        && let Some(body) = offline::help(&paths, &store, &plugin, &line.arguments)
    {
        return show_help(&body, console, &options(console, line.json));
    }
    let (response, json) = match plugin.as_str() {
        "health" | "plugins" if !line.help => {
            (caller.exchange(&Request::get(&format!("/{plugin}")), &plugin)?, line.json)
        }
        _ => {
            let run = Run {
                client: crate::VERSION.to_owned(),
                plugin: plugin.clone(),
                inputs: if line.help { Vec::new() } else { inputs::read(&line.arguments) },
                arguments: line.arguments,
                directory: working_directory(),
                method: line.method,
                help: line.help,
            };
            let body = serde_json::to_vec(&run).map_err(|error| {
                Failure::new(Kind::Bug, format!("cannot write the request: {error}"))
            })?;
            let request = Request { method: "POST", target: wire::RUN, headers: &[], body: &body };
            match caller.exchange(&request, &plugin) {
                Ok(response) => (response, line.json),
                Err(failure) => {
                    let old = run.help.then(|| offline::old_help(&store, &plugin, &run.arguments));
                    let body = old.flatten().ok_or_else(|| failure.clone())?;
                    console.warning(&help::outdated(&failure));
                    return show_help(&body, console, &options(console, line.json));
                }
            }
        }
    };
    for warning in response.headers_of(wire::WARNING_HEADER) {
        console.warning(&percent_decode_str(warning).decode_utf8_lossy());
    }
    print_answer(response, &caller, &options(console, json))
}

/// Returns the working directory, if it exists and its path is UTF-8.
fn working_directory() -> Option<String> {
    environment::working_directory().ok()?.into_os_string().into_string().ok()
}

/// The context of a call.
struct Caller<'a> {
    paths: &'a Paths,
    env: &'a Environment,
    console: &'a Console,
}

impl Caller<'_> {
    /// Sends a request, starting or replacing the daemon where that is needed.
    fn exchange(&self, request: &Request, plugin: &str) -> Result<Response, Failure> {
        for _ in 0..ATTEMPTS {
            let connection = match lifecycle::connect(self.paths)? {
                Some(connection) => connection,
                None => lifecycle::ensure_running(self.paths, self.env, self.console)?.connection(),
            };
            match self.send(connection, request, plugin) {
                Ok(response)
                    if response.header(wire::ANSWER_HEADER) == Some(wire::ANSWER_OUTDATED) =>
                {
                    self.console.progress("replacing a daemon that is out of date");
                    start::replace_outdated(self.paths, self.env, self.console)?;
                }
                Ok(response) => return Ok(response),
                Err(ExchangeError::NotTaken) => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Err(Failure::new(
            Kind::Unavailable,
            "the daemon went away each time before it took the request",
        )
        .hint("Run `skills-daemon doctor`."))
    }

    /// Sends `request`; on a terminal, prints what keeps the daemon from answering.
    fn send(
        &self,
        connection: Connection,
        request: &Request,
        plugin: &str,
    ) -> Result<Response, ExchangeError> {
        if !self.console.watched {
            return connection.send(request);
        }
        let (console, plugin) = (*self.console, plugin.to_owned());
        let mut shown = String::new();
        let observer = move |status: &Status| {
            if let Some(progress) = progress(status, &plugin)
                && progress != shown
            {
                console.progress(&progress);
                shown = progress;
            }
        };
        alive::observed(connection, self.paths, observer).send(request)
    }

    /// Returns the failure of an exchange.
    fn failed(&self, error: &ExchangeError) -> Failure {
        let failure = Failure::new(Kind::Unavailable, error.to_string());
        match error {
            ExchangeError::Interrupted(_) => failure.hint(
                "It was not sent again, because it may have had its effect. Run `skills-daemon logs` to see why the \
                 daemon ended.",
            ),
            ExchangeError::Unresponsive => alive::unresponsive(self.paths).hint(
                "Run `skills-daemon restart`. The request was not sent again, because it may still have its effect.",
            ),
            _ => failure.hint("Run `skills-daemon doctor`."),
        }
    }
}

/// Returns what keeps the daemon from answering for `plugin`.
fn progress(status: &Status, plugin: &str) -> Option<String> {
    let loading = |named: bool| {
        let plugins = status.plugins.iter().filter(move |entry| !named || entry.name == plugin);
        plugins.filter_map(|entry| match &entry.state {
            PluginState::Loading(stage) => Some(format!("{}: {stage}", entry.name)),
            _ => None,
        })
    };
    loading(true).next().or_else(|| {
        let is_listed = status.plugins.iter().any(|entry| entry.name == plugin);
        if is_listed { None } else { loading(false).next() }
    })
}

fn print_answer(
    mut response: Response,
    caller: &Caller,
    options: &Options,
) -> Result<ExitCode, Failure> {
    let console = caller.console;
    let status = response.status;
    let answer = response.header(wire::ANSWER_HEADER).unwrap_or_default().to_owned();
    let content_type = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let ok = if status < 400 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if !content_type.contains("json") {
        let text = content_type.starts_with("text/");
        copy(&mut response, caller, text)?;
        return Ok(ok);
    }
    let bytes = response.bytes().map_err(|error| caller.failed(&error))?;
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        printed(console.write(&bytes))?;
        return Ok(ok);
    };
    if answer == wire::ANSWER_FAILURE
        && let Ok(failure) = serde_json::from_value::<Failure>(body.clone())
    {
        printed(console.print(&render::failure(&failure, options)))?;
        return Ok(ExitCode::from(failure.kind.exit_status()));
    }
    if answer == wire::ANSWER_HELP {
        return show_help(&body, console, options);
    }
    let text = render::answer(&body, options);
    let text = if console.colored() { text } else { render::strip_ansi(&text) };
    printed(console.print(&text))?;
    Ok(if render::failed(&body, status) { ExitCode::FAILURE } else { ok })
}

/// Prints help; that of an unknown command is a failure.
fn show_help(body: &Value, console: &Console, options: &Options) -> Result<ExitCode, Failure> {
    let text = render::help(body, options);
    let text = if console.colored() { text } else { render::strip_ansi(&text) };
    printed(console.print(&text))?;
    Ok(if render::failed(body, 200) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Streams an answer other than JSON to stdout; text without colours where stdout takes none.
fn copy(response: &mut Response, caller: &Caller, text: bool) -> Result<(), Failure> {
    let console = caller.console;
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = Vec::new();
    let mut last = b'\n';
    let strip = text && !console.colored();
    loop {
        let count =
            response.reader().read(&mut buffer).map_err(|error| caller.failed(&error.into()))?;
        let ended = count == 0;
        if !strip {
            printed(console.write(&buffer[..count]))?;
            last = buffer[..count].last().copied().unwrap_or(last);
        } else {
            // Whole lines at a time: a colour code never spans two, and neither does a character.
            kept.extend_from_slice(&buffer[..count]);
            let whole = if ended {
                kept.len()
            } else {
                kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
            };
            let lines: Vec<u8> = kept.drain(..whole).collect();
            printed(
                console.write(render::strip_ansi(&String::from_utf8_lossy(&lines)).as_bytes()),
            )?;
            last = lines.last().copied().unwrap_or(last);
        }
        if ended {
            break;
        }
    }
    if text && last != b'\n' {
        printed(console.write(b"\n"))?;
    }
    Ok(())
}

/// Returns the outcome of a write; a closed pipe (`| head`) is a success.
fn printed(outcome: std::io::Result<()>) -> Result<ExitCode, Failure> {
    match outcome {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::environment(format!("cannot write to stdout: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, line: &[&str]) -> CommandLine {
        CommandLine::parse(name, line.iter().map(ToString::to_string).collect()).unwrap()
    }

    #[test]
    fn own_options_may_stand_anywhere_before_the_dashes() {
        let line = parse(
            "skills-client",
            &["jira", "search", "--json", "-X", "get", "--jql", "x", "--", "-h"],
        );
        assert_eq!(line.plugin.as_deref(), Some("jira"));
        assert_eq!(line.arguments, ["search", "--jql", "x", "--", "-h"]);
        assert!(line.json && !line.help);
        assert_eq!(line.method.as_deref(), Some("GET"));
    }

    #[test]
    fn a_link_is_the_plugin() {
        let line = parse("jira", &["search", "-h"]);
        assert_eq!(line.plugin.as_deref(), Some("jira"));
        assert_eq!(line.arguments, ["search"]);
        assert!(line.help);
        assert!(!parse("jira", &["--version"]).version);
        assert!(parse("skills-client", &["--version"]).version);
    }
}
