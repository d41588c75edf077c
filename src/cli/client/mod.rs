//! `skills-client`: finds or starts the daemon, sends one request, prints the answer; `mcp` is a session of many.
//!
//! Called as `skills-client PLUGIN …`, by a wrapper script, or through a symbolic link that is named after the
//! plugin. Owns the few options that are the client's; everything else goes to the daemon unparsed, which
//! holds the plugins' descriptions. No clap here: the client's options may stand anywhere among a command's own, and
//! this program's start is most of what a call costs.

mod answer;
mod caller;
mod command_line;
mod emitted;
mod late;
mod mcp;
mod offline;
mod out;
mod pieces;
mod program;
mod surroundings;

use std::path::Path;
use std::process::ExitCode;

use percent_encoding::percent_decode_str;

use answer::{options, show_help};
use caller::Caller;
use command_line::{CommandLine, OWN_NAME};
use late::Limit;
use out::printed;

use super::inputs;
use crate::console::Console;
use crate::environment::{self, Environment};
use crate::failure::{Failure, Kind};
use crate::help;
use crate::lifecycle::{Following, Request, Response};
use crate::paths::{Paths, profiles};
use crate::render;
use crate::store::Store;
use crate::wire::{self, Follows, Run};

/// How often a call is sent because what its plugin takes of the caller has changed.
const CALL_ATTEMPTS: usize = 3;

const HELP: &str = "\
Runs a command of a plugin of the skills daemon, which is started when it does not run.

Usage:
    skills-client [OPTIONS] PLUGIN COMMAND [ARGUMENTS]
    skills-client PLUGIN --help             commands of a plugin
    skills-client PLUGIN COMMAND --help     parameters of a command
    skills-client health                    health of the daemon and its plugins
    skills-client plugins                   plugins and their routes
    skills-client mcp [PLUGIN]              commands as tools for agents (MCP over stdio)

Options, which may stand anywhere before `--`:
    --json, -j        print the answer as JSON
    -v                print the plugin's log records of the call on stderr
    -X METHOD         decide the HTTP method by hand
    --timeout SECONDS limit the time until the answer begins
    --output FILE     write the result to a file
    --profile NAME    the daemon of this profile
    --help, -h        print help
    --version, -V     print the version

After the plugin's name, --timeout, --output and --profile are the command's own options, if it
has such.
Options of a command that take text or JSON take @FILE for the content of a file and - for stdin;
@@TEXT is the text @TEXT.

Examples:
    skills-client demo hello --name World
    skills-client demo hello --name @name.txt
    skills-client demo --help

`skills-daemon --help` controls the daemon itself.";

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
    let status = run(line, &env, &console).unwrap_or_else(|failure| match json {
        true => {
            // Programs read stdout; a closed pipe is no failure of its own.
            let _ = console.print(&render::failure(&failure, &options(&console, true)));
            ExitCode::from(failure.kind.exit_status())
        }
        false => console.failure(&failure),
    });
    console.rest();
    status
}

fn run(line: CommandLine, env: &Environment, console: &Console) -> Result<ExitCode, Failure> {
    if line.version {
        return printed(console.print(&format!("{OWN_NAME} {}", crate::VERSION)));
    }
    let with_profile = line.profile.as_deref().map(|it| env.clone().with(environment::PROFILE, it));
    let env = with_profile.as_ref().unwrap_or(env);
    let paths = Paths::resolve(env)?;
    profiles::check_exists(&paths, env)?;
    let store = Store::at(paths.descriptions());
    let Some(plugin) = line.plugin.clone() else {
        return printed(console.print(&format!("{HELP}{}", offline::plugins(&store))));
    };
    if plugin == mcp::WORD {
        return mcp::run(&line, &paths, env, console);
    }
    let caller = Caller::new(&paths, env, console);
    if line.help
        && let Some(body) = offline::help(&paths, &store, &plugin, &line.arguments)
    {
        return show_help(&body, console, &options(console, line.json));
    }
    let (response, json) = match plugin.as_str() {
        "health" | "plugins" if !line.help => {
            let _limit = limit(&line, console);
            (caller.exchange(&Request::get(&format!("/{plugin}")), &plugin)?, line.json)
        }
        _ => {
            let surroundings = surroundings::of_process(env, console, line.verbose);
            let mut run = Run {
                client: crate::VERSION.to_owned(),
                plugin: plugin.clone(),
                inputs: if line.help { Vec::new() } else { inputs::read(&line.arguments) },
                arguments: line.arguments.clone(),
                follows: surroundings::follows(&surroundings),
                caller: surroundings,
                method: line.method.clone(),
                timeout: line.timeout.and_then(|limit| u64::try_from(limit.as_millis()).ok()),
                help: line.help,
            };
            let limit = limit(&line, console);
            let outcome = call(&mut run, &caller, env);
            drop(limit);
            match outcome {
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
    if response.header(wire::ANSWER_HEADER) == Some(wire::ANSWER_PROGRAM) {
        return program::become_one(response, &caller);
    }
    let output = response.header(wire::OUTPUT_HEADER).map(|path| percent_decode_str(path));
    let output = output.map(|path| path.decode_utf8_lossy().into_owned()).or(line.output.clone());
    let is_framed = response.header(wire::ANSWER_HEADER) == Some(wire::ANSWER_FRAMES);
    let response = match is_framed {
        true => emitted::shown(response, &caller)?,
        false => response,
    };
    answer::print(response, &caller, &options(console, json), output.as_deref())
}

/// Sends a call; again with the variables that its plugin gets and with stdin, if it takes them.
fn call(run: &mut Run, caller: &Caller, env: &Environment) -> Result<Response, Failure> {
    let mut file = None;
    for _ in 0..CALL_ATTEMPTS {
        let body = serde_json::to_vec(run).map_err(|error| {
            Failure::new(Kind::Bug, format!("cannot write the request: {error}"))
        })?;
        let follows = match (run.follows, &file) {
            (Follows::Nothing, _) => Following::Nothing,
            (Follows::Stdin, None) => Following::Stdin,
            (Follows::Stdin, Some(file)) => Following::File(file),
            (Follows::Replies, _) => Following::Replies,
        };
        let request = Request { body: &body, follows, ..Request::post(wire::RUN) };
        let response = caller.exchange(&request, &run.plugin)?;
        if response.header(wire::ANSWER_HEADER) != Some(wire::ANSWER_MORE) {
            return Ok(response);
        }
        let patterns = response.header(wire::ENV_HEADER).unwrap_or_default();
        surroundings::add_variables(&mut run.caller, env, patterns);
        match response.header(wire::STDIN_HEADER) {
            None => {}
            Some(wire::STDIN_TEXT) => inputs::read_stdin(&run.arguments, &mut run.inputs),
            Some(stream) => {
                run.follows = Follows::Stdin;
                let path = stream.strip_prefix('@').map(|path| percent_decode_str(path));
                let path = path.map(|path| path.decode_utf8_lossy());
                file = path.map(|path| inputs::open(&path)).transpose()?;
            }
        }
    }
    let error = format!("the variables that {} gets change with each call", run.plugin);
    Err(Failure::new(Kind::Unavailable, error).hint("Run the command again."))
}

/// Begins the limit of `--timeout`, if it was given.
fn limit(line: &CommandLine, console: &Console) -> Option<Limit> {
    let plugin = line.plugin.as_deref().unwrap_or_default();
    line.timeout.map(|limit| Limit::begin(limit, plugin, line.json, *console))
}
