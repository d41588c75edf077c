//! What lies in the places: directories, settings, packages, daemon, plugins.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::agents::{self, AgentFile, SandboxSetting};
use super::daemon::{self, Daemon};
use super::leftovers::Leftovers;
use super::lock::LockState;
use super::log::{self, LogErrors};
use super::plugins::{self, PluginOnDisk, WrappersOnDisk};
use super::service::InstalledService;
use crate::bounded;
use crate::crashes;
use crate::doctor::Control;
use crate::environment::Environment;
use crate::environment::profile::Profile;
use crate::failure::Failure;
use crate::installed::{Damage, Depth, damaged};
use crate::interpreter::Interpreter;
use crate::lifecycle::sandbox::Sandbox;
use crate::lifecycle::{launch, locks};
use crate::paths::{Defect, Paths, profiles};
use crate::settings::Settings;
use crate::settings::secrets::{self, Secrets};
use crate::uv;
use crate::venv::{Base, State, Venv};
use crate::wire;
use crate::wire::deps::Dependencies;

/// Imports the packages that every plugin may rely on, and prints their versions.
const IMPORT_CORE: &str = "import fastapi, pydantic, rich, importlib.metadata as m; \
    print(', '.join(f'{n} {m.version(n)}' for n in ('fastapi', 'pydantic', 'rich')))";
/// Time for a program that is run for its output, on a slow disk too.
const OUTPUT_MAX: Duration = Duration::from_secs(60);
/// How much of the host's stderr is searched for its last line, in bytes.
const STDERR_MAX: u64 = 64 << 10;

/// What lies in the places.
#[derive(Debug)]
pub struct Installation {
    /// The places.
    pub paths: Paths,
    /// How the control program is called.
    pub control: Control,
    /// The names of the profiles that have files.
    pub profiles: Vec<String>,
    /// What is wrong with the runtime directories.
    pub directories: Vec<Defect>,
    /// Files of programs that were killed.
    pub leftovers: Leftovers,
    /// The settings in force.
    pub settings: Result<Settings, Failure>,
    /// The secrets of plugins.
    pub secrets: Result<Secrets, Failure>,
    /// True if others than the owner can read or change them.
    pub secrets_are_open: bool,
    /// The output of the host for `--version`.
    pub host_version: Result<String, String>,
    /// `uv` and its version.
    pub uv: Option<(PathBuf, Result<String, String>)>,
    /// The packages of the venv whose files are not as they were installed.
    pub damages: Vec<Damage>,
    /// The state of the venv, if the interpreter was found.
    pub venv: Option<State>,
    /// The versions of the packages that every plugin may rely on.
    pub core: Result<String, String>,
    /// The lock, compared with what is installed.
    pub lock: LockState,
    /// The process that holds the life lock.
    pub holder: Option<i32>,
    /// The daemon's answer.
    pub daemon: Daemon,
    /// The service that starts the daemon, if one is installed.
    pub service: Option<InstalledService>,
    /// What is wanted, locked and installed, as the running daemon has it.
    pub dependencies: Option<Dependencies>,
    /// The mode of the socket file.
    pub socket_mode: Option<u32>,
    /// Whether the configured port is free, where no daemon runs.
    pub port_free: Option<Result<(), String>>,
    /// The last line the host wrote to stderr.
    pub last_stderr_line: Option<String>,
    /// The errors of the last hour.
    pub log: LogErrors,
    /// The plugins on disk.
    pub plugins: Vec<PluginOnDisk>,
    /// The names of all plugins that are known: in the daemon, on disk, and from earlier loads.
    pub plugin_names: BTreeSet<String>,
    /// The crashes that are recorded, where no daemon runs.
    pub crashes: Vec<String>,
    /// The wrappers of the plugins with a certain name.
    pub wrappers: Result<WrappersOnDisk, Failure>,
    /// Settings of coding agents that name this program.
    pub agents: Vec<AgentFile>,
    /// Sandboxes of coding agents that are closed to the daemon.
    pub sandboxes: Vec<SandboxSetting>,
    /// The agent that runs this program.
    pub agent: Option<Sandbox>,
}

impl Installation {
    pub(super) fn collect(
        paths: &Paths,
        env: &Environment,
        settings: Result<Settings, Failure>,
        in_force: Option<&Settings>,
        interpreter: Option<&Interpreter>,
    ) -> Installation {
        let base = interpreter.map(|interpreter| Base {
            executable: interpreter.executable.clone(),
            version: interpreter.version.clone(),
        });
        let venv = Venv::at(paths);
        let daemon = Daemon::ask(paths);
        let port_free = match (&daemon, in_force) {
            (Daemon::NotRunning, Some(settings)) => Some(try_port(settings)),
            _ => None,
        };
        let on_disk = plugins::on_disk(paths, env, in_force);
        let plugin_names = plugins::names(paths, &daemon, &on_disk);
        let names = profiles::all(env).unwrap_or_default();
        Installation {
            control: Control(paths.profile.as_ref().map(|profile| profile.name().to_owned())),
            profiles: names.iter().map(Profile::to_string).collect(),
            directories: paths.survey(),
            leftovers: Leftovers::collect(paths),
            secrets: Secrets::load(&paths.secrets_file()),
            secrets_are_open: mode(&paths.secrets_file()).is_some_and(secrets::is_open),
            host_version: match in_force {
                Some(settings) => host_version(paths, env, settings),
                None => Err("not run: the settings are broken".to_owned()),
            },
            uv: uv::installed(paths, env).map(|(executable, version)| {
                (executable, version.map_err(|error| error.to_string()))
            }),
            damages: venv
                .site_packages()
                .and_then(|packages| damaged(&packages, Depth::Hash).ok())
                .unwrap_or_default(),
            venv: base.map(|base| venv.state(&base)),
            core: output(Command::new(venv.python()).args(["-I", "-B", "-c", IMPORT_CORE])),
            lock: LockState::collect(&venv),
            holder: locks::holder(paths).map(nix::unistd::Pid::as_raw),
            service: InstalledService::collect(paths, env),
            dependencies: match &daemon {
                Daemon::Running(_) => daemon::ask(paths, wire::deps::DEPS),
                _ => None,
            },
            socket_mode: mode(&paths.socket()),
            port_free,
            last_stderr_line: last_line(&paths.host_stderr()),
            log: LogErrors::collect(&paths.log_file()),
            crashes: match &daemon {
                Daemon::Running(_) => Vec::new(),
                _ => crashes::recorded(paths),
            },
            wrappers: plugins::wrappers_on_disk(paths, env, &daemon, &on_disk, &plugin_names),
            plugin_names,
            agents: agents::collect(paths, env),
            sandboxes: agents::sandboxes(paths, env),
            agent: Sandbox::of(env),
            plugins: on_disk,
            daemon,
            settings,
            paths: paths.clone(),
        }
    }
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|found| found.permissions().mode() & 0o777)
}

/// Starts the host just far enough to see that the loader finds its library.
fn host_version(paths: &Paths, env: &Environment, settings: &Settings) -> Result<String, String> {
    let (mut command, _) = launch::host_command(paths, env, settings, launch::Keeper::Launcher)
        .map_err(|failure| failure.error)?;
    if !paths.runtime.is_dir() {
        command.current_dir("/");
    }
    output(command.arg("--version"))
}

/// Returns the last line of a program's output.
fn output(command: &mut Command) -> Result<String, String> {
    let output = bounded::output(command, OUTPUT_MAX).map_err(|error| {
        format!("cannot run {}: {error}", command.get_program().to_string_lossy())
    })?;
    let text = String::from_utf8_lossy(if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    });
    let last = text.trim().lines().last().unwrap_or_default().to_owned();
    if output.status.success() { Ok(last) } else { Err(format!("{} ({})", last, output.status)) }
}

fn try_port(settings: &Settings) -> Result<(), String> {
    for address in &settings.host.value.0 {
        let address = SocketAddr::new(*address, settings.port.value.0);
        match TcpListener::bind(address) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                return Err(format!("{address} is in use by another program"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn last_line(file: &Path) -> Option<String> {
    let text = log::tail(file, STDERR_MAX).ok()?;
    text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}
