//! `skills-daemon install-service`, `uninstall-service` and `service status`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use nix::unistd::Pid;
use serde::Serialize;

use super::Context;
use crate::failure::Failure;
use crate::lifecycle::{managed, start, start_lock::StartLock, stop};
use crate::service::state::State;
use crate::service::{Definition, Manager, Service};
use crate::settings::Settings;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show whether it is installed, runs, and starts at login; exit status 0 if it runs
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// The service as JSON.
#[derive(Serialize)]
struct Report {
    installed: bool,
    unit: String,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Action::Status { json } = arguments.action;
    let service = Service::of(&context.paths, &context.env);
    let installed = Service::installed(&context.paths, &context.env).is_some();
    let state = installed.then(|| service.check().and_then(|()| service.state()));
    let active = matches!(&state, Some(Ok(state)) if state.active);
    let status = if active { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if json {
        let (state, error) = match state.transpose() {
            Ok(state) => (state, None),
            Err(failure) => (None, Some(failure.error)),
        };
        context.print_json(&Report {
            installed,
            unit: service.unit(),
            file: service.file().display().to_string(),
            version: service.mark().filter(|_| installed).map(|mark| mark.version),
            state,
            error,
        })?;
        return Ok(status);
    }
    let Some(state) = state else {
        let why = service.check().err().map(|failure| format!(" ({failure})")).unwrap_or_default();
        context.print(&format!(
            "No service is installed{why}. `skills-daemon install-service` installs one."
        ));
        return Ok(status);
    };
    show(context, &service, &state?);
    Ok(status)
}

/// Installs or updates the service, and starts it.
pub(super) fn install(context: &Context) -> Result<ExitCode, Failure> {
    let (paths, env) = (&context.paths, &context.env);
    let service = Service::of(paths, env);
    service.check()?;
    paths.create()?;
    Settings::load(&paths.config_file(), env)?;
    let definition = Definition::of(paths, env)?;
    let before = Service::installed(paths, env);
    // Whatever runs is not the service as it will be.
    stop::stop(paths, env, &context.console)?;
    if let Some(before) = &before {
        before.shut_down()?;
    }
    service.install(&definition)?;
    let lock = StartLock::acquire(paths, || {})?;
    start::start_locked(paths, env, &context.console, &lock)?;
    drop(lock);
    let done = if before.is_some() { "Updated" } else { "Installed" };
    context.print(&format!("{done} {} ({}).", service.unit(), service.file().display()));
    show(context, &service, &service.state()?);
    Ok(ExitCode::SUCCESS)
}

/// Ends the service, and removes its files.
pub(super) fn uninstall(context: &Context) -> Result<ExitCode, Failure> {
    let (paths, env) = (&context.paths, &context.env);
    let service = Service::of(paths, env);
    if managed::in_charge(paths, env, &context.console).is_some() {
        stop::stop(paths, env, &context.console)?;
    }
    context.print(&match service.uninstall()? {
        true => format!(
            "Removed {}, and stopped the daemon. The next command starts one without a service.",
            service.unit()
        ),
        false => "No service was installed.".to_owned(),
    });
    Ok(ExitCode::SUCCESS)
}

fn show(context: &Context, service: &Service, state: &State) {
    let style = context.console.out;
    let color = if state.active { style.green } else { style.yellow };
    let mut line = format!("{}: {color}{}{}", service.unit(), state.word, style.reset);
    if let Some(pid) = state.pid {
        line.push_str(&format!(", process id {}", Pid::from_raw(pid)));
    }
    if let Some(since) = &state.since {
        line.push_str(&format!(", since {since}"));
    }
    context.print(&line);
    let detail = |name: &str, text: &str| context.print(&format!("  {name:<8} {text}"));
    if let Some(failure) = &state.failure {
        detail("failure", failure);
    }
    if let Some(report) = &state.report {
        detail("reports", report);
    }
    if let Some(restarts) = state.restarts.filter(|count| *count > 0) {
        detail("restarts", &format!("{restarts}, after crashes"));
    }
    let at_login = match (state.at_login, state.lingers) {
        (false, _) => "does not start",
        (true, Some(true)) => "starts with the machine, and runs on after logout",
        (true, Some(false)) => {
            "starts; ends after the last logout, unless `loginctl enable-linger` was run"
        }
        (true, None) => "starts",
    };
    detail("login", at_login);
    if let Some(listens) = state.listens {
        let does = if listens { "the manager listens" } else { "the manager does not listen" };
        detail("socket", &format!("{} ({does})", context.paths.socket().display()));
    }
    if service.manager() == Manager::Systemd {
        detail("unit", &service.file().display().to_string());
    } else {
        detail("agent", &service.file().display().to_string());
    }
    let file = context.paths.log_file();
    let log = match service.log_command() {
        Some(command) => format!("`{command}`, and {}", file.display()),
        None => file.display().to_string(),
    };
    detail("log", &log);
}
