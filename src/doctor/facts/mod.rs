//! The facts about the installation; a broken part is a fact like any other.
//!
//! Nothing is written, and everything that may hang has a limit of time. To add a fact: a field of [`Machine`] if it needs
//! no places, else of [`Installation`].
//!
//! - `machine`: what depends on neither home nor runtime directory; `inotify` is a part of it.
//! - `installation`: what lies in the places.
//! - `daemon`: what the running daemon answers.
//! - `service`: the service that starts the daemon.
//! - `plugins`: plugins and wrappers on disk.
//! - `lock`: the lock, compared with what is installed.
//! - `log`: the errors of the last hour.
//! - `agents`: settings of coding agents.
//! - `leftovers`: files of programs that were killed.

mod agents;
mod daemon;
mod inotify;
mod installation;
mod leftovers;
mod lock;
mod log;
mod machine;
mod plugins;
mod service;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use agents::{AgentEntry, AgentFile, SandboxSetting};
pub use daemon::Daemon;
pub use inotify::Inotify;
pub use installation::Installation;
pub use leftovers::Leftovers;
pub use lock::LockState;
pub use log::{LogErrors, tail};
pub use machine::{Certificates, Descriptors, Machine};
pub use plugins::{PluginOnDisk, WrapperPlace, WrappersOnDisk};
pub use service::InstalledService;

use crate::environment::{self, Environment, UV_CACHE_DIR};
use crate::failure::Failure;
use crate::interpreter::{self, Interpreter};
use crate::paths::{self, Paths};
use crate::settings::Settings;

/// Everything the checks look at.
pub struct Facts {
    /// What needs no places.
    pub machine: Machine,
    /// The interpreter that would be embedded.
    pub interpreter: Result<Interpreter, Failure>,
    /// What lies in the places, or why there are none.
    pub installation: Result<Installation, Failure>,
    /// The free space where files are written.
    pub spaces: Vec<Space>,
    /// The time, and files to compare it with.
    pub clock: Clock,
}

/// The free space of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// What is written there.
    pub use_: &'static str,
    /// The place, or the nearest directory above it that exists.
    pub path: PathBuf,
    /// In bytes.
    pub free: u64,
}

/// The time, and files to compare it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The time of the system.
    pub now: SystemTime,
    /// When the executable was written.
    pub installed: Option<SystemTime>,
    /// The youngest file of the daemon.
    pub youngest: Option<(PathBuf, SystemTime)>,
}

impl Facts {
    /// Collects all facts about `places`. Runs the interpreter, `uv`, the host and the venv's Python, and sends requests to
    /// the daemon.
    pub fn collect(places: Result<Paths, Failure>, env: &Environment) -> Facts {
        let machine = Machine::collect(env);
        let spaces = spaces(places.as_ref().ok(), env);
        let clock = Clock::collect(places.as_ref().ok());
        let settings = places.as_ref().ok().map(|paths| {
            Settings::load(&paths.config_file(), env)
                .and_then(|settings| settings.dependencies.sources().map(|_| settings))
        });
        // A broken configuration must not hide what else is broken: defaults stand in for it.
        let in_force = settings.as_ref().and_then(|settings| settings.as_ref().ok().cloned());
        let in_force = in_force.or_else(|| {
            Settings::resolve(toml::Table::new(), Path::new(""), &Environment::default()).ok()
        });
        let interpreter = match &in_force {
            Some(settings) => interpreter::find(settings, env),
            None => Err(Failure::environment("not searched for: the settings are broken")),
        };
        let installation = places.map(|paths| {
            let settings = settings.unwrap_or_else(|| Err(Failure::environment("not read")));
            let found = interpreter.as_ref().ok();
            Installation::collect(&paths, env, settings, in_force.as_ref(), found)
        });
        Facts { machine, interpreter, installation, spaces, clock }
    }
}

/// Returns the free space where files are written, one for each file system.
fn spaces(paths: Option<&Paths>, env: &Environment) -> Vec<Space> {
    let mut places = vec![("temporary files", environment::temporary_directory())];
    if let Some(paths) = paths {
        let cache = env.path(UV_CACHE_DIR).unwrap_or_else(|| paths.cache().join("uv"));
        places.insert(0, ("runtime directory", paths.runtime.clone()));
        places.insert(1, ("settings", paths.config.clone()));
        places.push(("packages that were downloaded", cache));
    }
    let mut spaces: Vec<Space> = Vec::new();
    let mut devices = Vec::new();
    for (use_, path) in places {
        let Some(path) = path.ancestors().find(|path| path.is_dir()).map(Path::to_owned) else {
            continue;
        };
        let device = fs::metadata(&path).map(|found| std::os::unix::fs::MetadataExt::dev(&found));
        let Ok(device) = device else { continue };
        if devices.contains(&device) {
            continue;
        }
        devices.push(device);
        if let Some(free) = paths::free_space(&path) {
            spaces.push(Space { use_, path, free });
        }
    }
    spaces
}

impl Clock {
    fn collect(paths: Option<&Paths>) -> Clock {
        let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        let files = paths.map_or_else(Vec::new, |paths| {
            vec![
                paths.log_file(),
                paths.pylock(),
                paths.venvs(),
                paths.state(),
                paths.host_stderr(),
            ]
        });
        let times = files.into_iter().filter_map(|path| modified(&path).map(|time| (path, time)));
        Clock {
            now: SystemTime::now(),
            installed: environment::own_executable().ok().and_then(|path| modified(&path)),
            youngest: times.max_by_key(|(_, time)| *time),
        }
    }
}
