//! The facts about the installation; a broken part is a fact like any other.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

use crate::discovery::{self, PluginSource};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::installed::{Damage, Depth, damaged};
use crate::interpreter::{self, Interpreter};
use crate::lifecycle::{self, ExchangeError, Request, Response, alive, launch, locks};
use crate::manifest::Manifest;
use crate::paths::{self, Paths};
use crate::settings::Settings;
use crate::settings::secrets::Secrets;
use crate::store::Store;
use crate::uv;
use crate::venv::{Base, State, Venv};
use crate::wire::deps::Dependencies;
use crate::wire::{self, PluginState, Status};
use crate::wrappers::{self, WrapperState, Wrappers};

/// Imports the packages that every plugin may rely on, and prints their versions.
const IMPORT_CORE: &str = "import fastapi, pydantic, rich, importlib.metadata as m; \
    print(', '.join(f'{n} {m.version(n)}' for n in ('fastapi', 'pydantic', 'rich')))";

/// One plugin on disk.
pub struct PluginOnDisk {
    /// Its place.
    pub source: PluginSource,
    /// The name in its manifest, if any, or the manifest's error.
    pub manifest: Result<Option<String>, String>,
}

/// The wrappers of plugins.
pub struct WrappersOnDisk {
    /// Whether their directory is on the caller's PATH.
    pub on_path: bool,
    /// The place of each plugin's wrapper.
    pub places: Vec<WrapperPlace>,
}

/// The place of a wrapper.
pub struct WrapperPlace {
    /// Its path.
    pub path: PathBuf,
    /// The state of the file there.
    pub state: WrapperState,
    /// Another program of that name on PATH.
    pub namesake: Option<PathBuf>,
}

/// The daemon's answer to a request for its status.
pub enum Daemon {
    /// No process listens on the socket.
    NotRunning,
    /// Its status.
    Running(Box<Status>),
    /// It hangs, or connecting is forbidden.
    Unreachable(Failure),
    /// The answer is not a status.
    InvalidAnswer(String),
}

/// Everything the checks look at.
pub struct Facts {
    /// The places.
    pub paths: Paths,
    /// Whether the runtime directories could be made and written.
    pub directories: Result<(), Failure>,
    /// Free space in the runtime directory, in bytes.
    pub free_space: Option<u64>,
    /// The settings in force.
    pub settings: Result<Settings, Failure>,
    /// The secrets of plugins.
    pub secrets: Result<Secrets, Failure>,
    /// The host executable.
    pub host: Result<PathBuf, Failure>,
    /// The path of `skills-client` on PATH.
    pub client_on_path: Option<PathBuf>,
    /// The interpreter that would be embedded.
    pub interpreter: Result<Interpreter, Failure>,
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
    /// The process that holds the life lock.
    pub holder: Option<i32>,
    /// The daemon's answer.
    pub daemon: Daemon,
    /// What is wanted, locked and installed, as the running daemon has it.
    pub dependencies: Option<Dependencies>,
    /// The mode of the socket file.
    pub socket_mode: Option<u32>,
    /// Whether the configured port is free, where no daemon runs.
    pub port_free: Option<Result<(), String>>,
    /// The last line the host wrote to stderr.
    pub last_stderr_line: Option<String>,
    /// The plugins on disk.
    pub plugins: Vec<PluginOnDisk>,
    /// The names of all plugins that are known: in the daemon, on disk, and from earlier loads.
    pub plugin_names: BTreeSet<String>,
    /// The wrappers of the plugins with a certain name.
    pub wrappers: Result<WrappersOnDisk, Failure>,
}

impl Facts {
    /// Collects all facts. Runs the interpreter, `uv`, the host and the venv's Python, sends a request to the
    /// daemon, and creates missing runtime directories.
    pub fn collect(paths: &Paths, env: &Environment) -> Facts {
        let directories = paths.create();
        let settings = Settings::load(&paths.config_file(), env)
            .and_then(|settings| settings.dependencies.sources().map(|_| settings));
        // A broken configuration must not hide what else is broken: defaults stand in for it.
        let in_force = settings.as_ref().ok().cloned().or_else(|| {
            Settings::resolve(toml::Table::new(), &paths.config_file(), &Environment::default())
                .ok()
        });
        let interpreter = match &in_force {
            Some(settings) => interpreter::find(settings, env),
            None => Err(Failure::environment("not searched for: the settings are broken")),
        };
        let base = interpreter.as_ref().ok().map(|interpreter| Base {
            executable: interpreter.executable.clone(),
            version: interpreter.version.clone(),
        });
        let venv = Venv::at(paths);
        let daemon = ask_daemon(paths);
        let port_free = match (&daemon, &in_force) {
            (Daemon::NotRunning, Some(settings)) => Some(try_port(settings)),
            _ => None,
        };
        let plugins = on_disk(paths, env, in_force.as_ref());
        Facts {
            wrappers: wrappers_on_disk(paths, env, &daemon, &plugins),
            plugin_names: plugin_names(paths, &daemon, &plugins),
            secrets: Secrets::load(&paths.secrets_file()),
            paths: paths.clone(),
            free_space: paths::free_space(&paths.runtime),
            host: launch::host_executable(),
            client_on_path: env.program(wrappers::CLIENT),
            host_version: match &in_force {
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
            holder: locks::holder(paths).map(nix::unistd::Pid::as_raw),
            dependencies: match &daemon {
                Daemon::Running(_) => ask(paths, wire::deps::DEPS).and_then(Result::ok),
                _ => None,
            },
            daemon,
            socket_mode: fs::metadata(paths.socket()).ok().map(|m| m.permissions().mode() & 0o777),
            port_free,
            last_stderr_line: last_stderr_line(&paths.host_stderr()),
            plugins,
            directories,
            settings,
            interpreter,
        }
    }
}

/// Returns the running daemon's answer to a `GET` of `path`; `None` without a daemon.
fn ask<T: DeserializeOwned>(paths: &Paths, path: &str) -> Option<Result<T, String>> {
    let connection = lifecycle::connect(paths).ok().flatten()?;
    let bytes = connection.send(&Request::get(path)).and_then(Response::bytes);
    let bytes = bytes.map_err(|error| error.to_string());
    Some(bytes.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())))
}

fn ask_daemon(paths: &Paths) -> Daemon {
    let connection = match lifecycle::connect(paths) {
        Ok(Some(connection)) => connection,
        Ok(None) => return Daemon::NotRunning,
        Err(failure) => return Daemon::Unreachable(failure),
    };
    match connection.send(&Request::get(wire::STATUS)).and_then(Response::bytes) {
        Err(ExchangeError::Unresponsive) => Daemon::Unreachable(alive::unresponsive(paths)),
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(status) => Daemon::Running(Box::new(status)),
            Err(error) => Daemon::InvalidAnswer(error.to_string()),
        },
        Err(error) => Daemon::InvalidAnswer(error.to_string()),
    }
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

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
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

fn last_stderr_line(stderr: &Path) -> Option<String> {
    let text = fs::read(stderr).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}

fn on_disk(paths: &Paths, env: &Environment, settings: Option<&Settings>) -> Vec<PluginOnDisk> {
    let named = settings.map(|settings| settings.plugins.clone()).unwrap_or_default();
    discovery::discover(paths, env, &named, Vec::new())
        .into_iter()
        .map(|source| {
            let manifest = match Manifest::read(&source.manifest).map(Option::unwrap_or_default) {
                Ok(manifest) if manifest.needs_code() && !source.init_file().is_file() => {
                    Err(format!("{} is not there", source.init_file().display()))
                }
                Ok(manifest) => Ok(manifest.name),
                Err(error) => Err(error.to_string()),
            };
            PluginOnDisk { source, manifest }
        })
        .collect()
}

fn plugin_names(paths: &Paths, daemon: &Daemon, plugins: &[PluginOnDisk]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Daemon::Running(status) = daemon {
        names.extend(status.plugins.iter().map(|plugin| plugin.name.clone()));
    }
    let own = |plugin: &PluginOnDisk| plugin.manifest.clone().ok().flatten();
    names.extend(
        plugins.iter().map(|plugin| own(plugin).unwrap_or_else(|| plugin.source.working_name())),
    );
    let stored = Store::at(paths.descriptions()).all();
    names.extend(stored.into_iter().map(|record| record.description.name.clone()));
    names
}

fn wrappers_on_disk(
    paths: &Paths,
    env: &Environment,
    daemon: &Daemon,
    plugins: &[PluginOnDisk],
) -> Result<WrappersOnDisk, Failure> {
    let wrappers = Wrappers::of(paths)?;
    let names: Vec<String> = match daemon {
        Daemon::Running(status) => {
            // Bundled ones lie in the cache, and have a wrapper only if it was linked by name.
            let own =
                status.plugins.iter().filter(|p| !Path::new(&p.path).starts_with(paths.cache()));
            own.filter(|plugin| matches!(plugin.state, PluginState::Ready { .. }))
                .map(|plugin| plugin.name.clone())
                .collect()
        }
        _ => plugins.iter().filter_map(|plugin| plugin.manifest.clone().ok().flatten()).collect(),
    };
    let place = |name: &String| {
        let path = wrappers.path(name);
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let namesake = env.programs(&file).find(|program| program.parent() != path.parent());
        WrapperPlace { state: wrappers.state(name), path, namesake }
    };
    Ok(WrappersOnDisk {
        on_path: wrappers::on_path(&paths.bin, env),
        places: names.iter().map(place).collect(),
    })
}
