//! `skills-daemon start` and `restart`.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use clap::Args;

use super::Context;
use crate::failure::Failure;
use crate::lifecycle::launch::Keeper;
use crate::lifecycle::start::{self, Started};
use crate::lifecycle::{self, Request, launch, start_failure};
use crate::settings::{Settings, access};
use crate::wire::{self, Status};

#[derive(Args)]
pub(super) struct Arguments {
    /// Stay in the terminal and log there too; Ctrl-C ends
    #[arg(long)]
    foreground: bool,
    /// Become the daemon of the service manager that has started this program
    #[arg(long, hide = true, conflicts_with = "foreground")]
    service: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.foreground {
        return Err(become_host(context, Keeper::Terminal));
    }
    if arguments.service {
        let failure = become_host(context, Keeper::Service);
        // For the program that has asked the manager for the start.
        start_failure::remember(&context.paths, &failure);
        return Err(failure);
    }
    let started = lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    if let Started::Found(_) = started {
        // Success means that it answers, not only that it listens.
        let _: Option<Status> = context.ask(&Request::get(wire::STATUS))?;
    }
    Ok(report(context, &started))
}

pub(super) fn restart(context: &Context) -> Result<ExitCode, Failure> {
    let started = start::replace(&context.paths, &context.env, &context.console)?;
    Ok(report(context, &started))
}

fn report(context: &Context, started: &Started) -> ExitCode {
    match started {
        Started::Found(_) => context.print("The daemon is already running."),
        Started::Fresh(_, ready) => context.print(&format!(
            "The daemon is running (process id {}, http://localhost:{}, Python {}).",
            ready.pid, ready.port, ready.python
        )),
    }
    let settings = Settings::load(&context.paths.config_file(), &context.env);
    if let Some(address) = settings.ok().and_then(|it| it.host.value.beyond_loopback()) {
        context.console.warning(&access::exposure(address));
    }
    ExitCode::SUCCESS
}

/// Becomes the host; returns only if that fails.
fn become_host(context: &Context, keeper: Keeper) -> Failure {
    let (paths, env) = (&context.paths, &context.env);
    let prepared = paths
        .create()
        .and_then(|()| Settings::load(&paths.config_file(), env))
        .and_then(|settings| launch::host_command(paths, env, &settings, keeper))
        .and_then(|(mut command, _)| {
            if keeper == Keeper::Service {
                // Where a crash is looked for; the log goes to the journal by stdout.
                launch::redirect_stderr(&mut command, paths)?;
            }
            Ok(command)
        });
    match prepared {
        Ok(mut command) => {
            let error = command.exec();
            let program = command.get_program().to_string_lossy().into_owned();
            Failure::environment(format!("cannot run {program}: {error}"))
        }
        Err(failure) => failure,
    }
}
