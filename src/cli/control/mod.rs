//! `skills-daemon`: controls the daemon. One module per subcommand.
//!
//! Works when Python, the venv or the configuration is broken: each subcommand reads only what it needs. To add
//! one: a module with its arguments and `run`, a variant here, a line in the match.

mod agent;
mod columns;
mod completion;
mod config;
mod deps;
mod doctor;
mod link;
mod listing;
mod logs;
mod plugin;
mod plugins;
mod profiles;
mod reload;
mod run;
mod secret;
mod service;
mod start;
mod status;
mod stop;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use serde::de::DeserializeOwned;

use super::completing;
use crate::console::Console;
use crate::environment::{self, Environment};
use crate::failure::{Failure, Kind};
use crate::lifecycle::hang::Replaced;
use crate::lifecycle::{self, Connection, ExchangeError, Request, alive};
use crate::paths::{Paths, profiles as profile_files};
use crate::reports::{Asks, NO, Question, YES};
use crate::wire::Status;

/// Number of times that a request is sent to a daemon that ends before it takes it.
const ATTEMPTS: usize = 3;

/// Controls the skills daemon, which keeps Python plugins loaded and runs their commands.
#[derive(Parser)]
#[command(name = "skills-daemon", version, max_term_width = 100)]
struct Arguments {
    /// The daemon of this profile, which has places of its own [env: SKILLS_DAEMON_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the daemon, unless it runs
    Start(start::Arguments),
    /// Stop the daemon
    Stop,
    /// Stop the daemon and start it again
    Restart,
    /// Show whether the daemon runs, and the state of its plugins
    Status(status::Arguments),
    /// Show the daemon's log
    Logs(logs::Arguments),
    /// Load plugins again
    Reload(reload::Arguments),
    /// List the plugins and what they offer
    Plugins(plugins::Arguments),
    /// Add, remove, create and check plugins
    Plugin(plugin::Arguments),
    /// Show and change the packages that plugins require
    Deps(deps::Arguments),
    /// Show and change the settings
    Config(config::Arguments),
    /// Store secrets for plugins, outside of the settings
    Secret(secret::Arguments),
    /// Make plugins shell commands: a wrapper for each in ~/.local/bin
    Link(link::Arguments),
    /// Remove wrappers from ~/.local/bin
    Unlink(link::Removal),
    /// Make plugins known to coding agents: Claude Code, Codex, Cursor, VS Code
    Agent(agent::Arguments),
    /// List the profiles and their state
    Profiles(profiles::Arguments),
    /// Have systemd or launchd run the daemon: from login on, and again after a crash
    InstallService,
    /// Undo `install-service`
    UninstallService,
    /// Show the service of the daemon
    Service(service::Arguments),
    /// Run a command in a daemon of its own, which leaves nothing behind
    Run(run::Arguments),
    /// Print, or install, the script that lets a shell complete commands
    Completion(completion::Arguments),
    /// Check the whole installation and suggest remedies
    Doctor(doctor::Arguments),
}

impl Command {
    /// True if it may be for a profile that has no files yet.
    fn may_create_profile(&self) -> bool {
        matches!(
            self,
            Command::Start(_)
                | Command::Restart
                | Command::Plugin(_)
                | Command::Config(_)
                | Command::Secret(_)
                | Command::InstallService
                | Command::Doctor(_)
        )
    }
}

/// The context of every subcommand.
struct Context {
    env: Environment,
    paths: Paths,
    console: Console,
}

/// Runs the control program with the process's arguments and environment.
pub fn main() -> ExitCode {
    let env = Environment::of_process();
    if let Some(shell) = env.get(environment::COMPLETE) {
        return completing::answer(shell, &env, Arguments::command());
    }
    let arguments = Arguments::parse();
    let console = Console::of_process(&env);
    let env = match &arguments.profile {
        Some(name) => env.with(environment::PROFILE, name),
        None => env,
    };
    if let (Err(failure), Command::Doctor(arguments)) = (Paths::resolve(&env), &arguments.command) {
        let outcome = doctor::run_without_places(failure, &env, console, arguments);
        return ended(outcome, console);
    }
    let outcome = Paths::resolve(&env).and_then(|paths| {
        if !arguments.command.may_create_profile() {
            profile_files::check_exists(&paths, &env)?;
        }
        let context = Context { env, paths, console };
        match arguments.command {
            Command::Start(arguments) => start::run(&context, &arguments),
            Command::Stop => stop::run(&context),
            Command::Restart => start::restart(&context),
            Command::Status(arguments) => status::run(&context, &arguments),
            Command::Logs(arguments) => logs::run(&context, &arguments),
            Command::Reload(arguments) => reload::run(&context, &arguments),
            Command::Plugins(arguments) => plugins::run(&context, &arguments),
            Command::Profiles(arguments) => profiles::run(&context, &arguments),
            Command::Run(arguments) => run::run(&context, &arguments),
            Command::InstallService => service::install(&context),
            Command::UninstallService => service::uninstall(&context),
            Command::Service(arguments) => service::run(&context, &arguments),
            Command::Completion(arguments) => completion::run(&context, &arguments),
            Command::Plugin(arguments) => plugin::run(&context, &arguments),
            Command::Deps(arguments) => deps::run(&context, &arguments),
            Command::Config(arguments) => config::run(&context, &arguments),
            Command::Secret(arguments) => secret::run(&context, &arguments),
            Command::Link(arguments) => link::run(&context, &arguments),
            Command::Unlink(arguments) => link::undo(&context, &arguments),
            Command::Agent(arguments) => agent::run(&context, &arguments),
            Command::Doctor(arguments) => doctor::run(&context, &arguments),
        }
    });
    ended(outcome, console)
}

/// Returns the exit status, after a failure was printed.
fn ended(outcome: Result<ExitCode, Failure>, console: Console) -> ExitCode {
    let status = outcome.unwrap_or_else(|failure| console.failure(&failure));
    console.rest();
    status
}

impl Context {
    /// Prints a line to stdout; a reader that hung up is no failure.
    fn print(&self, text: &str) {
        let _ = self.console.print(text);
    }

    /// Asks a question whose default is no; `None` if there is no terminal to ask at.
    fn agrees(&self, prompt: String) -> Option<bool> {
        let question = Question {
            number: 0,
            prompt,
            asks: Asks::Confirmation,
            default: Some(NO.to_owned()),
            key: None,
            more: false,
        };
        let answer = self.console.ask(&question).ok()?;
        Some(answer.as_deref() == Some(YES))
    }

    /// Prints `value` as indented JSON.
    fn print_json<T: serde::Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::new(Kind::Bug, format!("cannot write JSON: {error}")))?;
        self.print(&text);
        Ok(())
    }

    /// Has a change of packages shown while an answer is waited for, on a terminal.
    fn watched(&self, connection: Connection) -> Connection {
        let console = self.console;
        let mut shown = String::new();
        let observer = move |status: &Status| {
            let progress = status.change.as_ref().map(ToString::to_string);
            if let Some(progress) = progress.filter(|progress| *progress != shown) {
                console.progress(&progress);
                shown = progress;
            }
        };
        alive::guarded(connection, &self.paths, observer, |_| Replaced::No)
    }

    /// Sends `request` to the running daemon; `None` where none runs.
    ///
    /// # Errors
    /// The daemon hangs or cannot be reached, or its answer is a failure.
    fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<Option<T>, Failure> {
        let failed = |error: String| {
            Failure::new(Kind::Unavailable, error).hint("Run `skills-daemon doctor`.")
        };
        let Some((status, bytes)) = self.exchange(request, failed)? else { return Ok(None) };
        if let Ok(value) = serde_json::from_slice(&bytes)
            && status < 400
        {
            return Ok(Some(value));
        }
        Err(serde_json::from_slice::<Failure>(&bytes)
            .unwrap_or_else(|_| failed(format!("the daemon answered with HTTP status {status}"))))
    }

    /// Returns the status and the body of the answer to `request`.
    fn exchange(
        &self,
        request: &Request,
        failed: impl Fn(String) -> Failure,
    ) -> Result<Option<(u16, Vec<u8>)>, Failure> {
        for _ in 0..ATTEMPTS {
            let Some(connection) = lifecycle::connect(&self.paths)? else { return Ok(None) };
            let answer = self.watched(connection).send(request).and_then(|response| {
                let status = response.status;
                response.bytes().map(|bytes| (status, bytes))
            });
            match answer {
                Ok(answer) => return Ok(Some(answer)),
                // It ended after the kernel had accepted the connection; another may have taken over from it.
                Err(ExchangeError::NotTaken) => {}
                Err(ExchangeError::Unresponsive) => return Err(alive::unresponsive(&self.paths)),
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        Ok(None)
    }
}
