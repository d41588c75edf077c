//! The daemon as a service of the user: a unit of systemd, or an agent of launchd.
//!
//! A service belongs to one daemon: its files have a [`Mark`] with the runtime directory, so a daemon of another profile
//! or of a temporary place is never taken for it. The files are the only record that a service is installed.
//!
//! - [`mark`]: the line by which own files are known.
//! - [`systemd`], [`launchd`]: the files of a manager, and the commands that it takes.
//! - [`state`]: what the manager reports.
//! - `program`: running the manager's own program, within a limit.
//!
//! To add another manager: a module with the files and the commands, a variant of [`Manager`], a line in each match.

pub mod launchd;
pub mod mark;
mod program;
pub mod state;
pub mod systemd;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::environment::{self, Environment, supervision};
use crate::failure::Failure;
use crate::paths::{self, Paths};
use mark::Mark;
use program::Program;
use state::State;

/// The first part of the names of all services, the whole name for the default profile.
pub const NAME: &str = "skills-daemon";

/// Variables with places that a service keeps from its installation, besides those of the daemon itself.
const PLACES: [&str; 6] = [
    environment::PATH,
    environment::XDG_CONFIG_HOME,
    "XDG_BIN_HOME",
    "XDG_DATA_HOME",
    environment::UV_CACHE_DIR,
    "SSL_CERT_FILE",
];
/// Prefix of the daemon's own variables, which are no secrets.
const OWN: &str = "SKILLS_DAEMON_";

/// A service manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// `systemd --user`.
    Systemd,
    /// launchd of macOS.
    Launchd,
}

/// The service of one daemon, which may be installed.
#[derive(Clone, Debug)]
pub struct Service {
    manager: Manager,
    /// `skills-daemon`, with `-PROFILE` for a profile.
    name: String,
    runtime: PathBuf,
    files: PathBuf,
    program: Program,
}

/// What a service runs, and with which environment.
#[derive(Clone, Debug)]
pub struct Definition {
    /// `skills-daemon`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The variables that it gets besides those of the manager, in order.
    pub variables: Vec<(String, String)>,
    /// What the service is, for lists of services.
    pub description: String,
    /// The daemon's socket.
    pub socket: PathBuf,
    /// File for the output of a program that does not become a daemon.
    pub output: PathBuf,
    /// The line by which the files are known.
    pub mark: Mark,
}

impl Service {
    /// The service of the daemon of `paths`.
    pub fn of(paths: &Paths, env: &Environment) -> Service {
        let manager = if cfg!(target_os = "macos") { Manager::Launchd } else { Manager::Systemd };
        let name = match &paths.profile {
            Some(profile) => format!("{NAME}-{profile}"),
            None => NAME.to_owned(),
        };
        let files = match manager {
            Manager::Systemd => systemd::directory(&paths.home, env),
            Manager::Launchd => launchd::directory(&paths.home),
        };
        let program = match manager {
            Manager::Systemd => Program::systemctl(env),
            Manager::Launchd => Program::launchctl(env),
        };
        Service { manager, name, runtime: paths.runtime.clone(), files, program }
    }

    /// The service, if it is installed for this daemon.
    pub fn installed(paths: &Paths, env: &Environment) -> Option<Service> {
        let service = Service::of(paths, env);
        service.mark().is_some_and(|mark| mark.runtime == paths.runtime).then_some(service)
    }

    /// Its manager.
    pub fn manager(&self) -> Manager {
        self.manager
    }

    /// Its name for the manager.
    pub fn unit(&self) -> String {
        match self.manager {
            Manager::Systemd => systemd::service_name(&self.name),
            Manager::Launchd => self.name.clone(),
        }
    }

    /// The file that defines it.
    pub fn file(&self) -> PathBuf {
        match self.manager {
            Manager::Systemd => self.files.join(systemd::service_name(&self.name)),
            Manager::Launchd => self.files.join(launchd::file_name(&self.name)),
        }
    }

    /// The mark of the file that is there; `None` without a file, or for one that is not ours.
    pub fn mark(&self) -> Option<Mark> {
        Mark::find(&fs::read_to_string(self.file()).ok()?)
    }

    /// Returns what shows its log.
    pub fn log_command(&self) -> Option<String> {
        match self.manager {
            Manager::Systemd => Some(format!("journalctl --user -u {}", self.unit())),
            Manager::Launchd => None,
        }
    }

    /// Fails unless the manager can be reached.
    ///
    /// # Errors
    /// Neither manager is here, or this session has none.
    pub fn check(&self) -> Result<(), Failure> {
        match self.manager {
            Manager::Systemd => systemd::check(&self.program),
            Manager::Launchd => self.program.find().map(drop),
        }
    }

    /// Installs or updates it, and has it start at login; it is not started.
    ///
    /// # Errors
    /// A file of its name is not ours, or is for another daemon; or the manager refuses it.
    pub fn install(&self, definition: &Definition) -> Result<(), Failure> {
        let texts = match self.manager {
            Manager::Systemd => systemd::texts(&self.name, definition)?,
            Manager::Launchd => vec![launchd::text(&self.name, definition)?],
        };
        for (name, _) in &texts {
            self.check_file(&self.files.join(name))?;
        }
        let unwritable = |path: &Path, error| paths::unwritable(path, &error);
        fs::create_dir_all(&self.files).map_err(|error| unwritable(&self.files, error))?;
        for (name, text) in texts {
            let path = self.files.join(name);
            durable::write(&path, text.as_bytes()).map_err(|error| unwritable(&path, error))?;
        }
        match self.manager {
            Manager::Systemd => systemd::enable(&self.program, &self.name),
            Manager::Launchd => launchd::load(&self.program, &self.name, &self.file()),
        }
    }

    /// Ends it, and removes its files; returns false if none was there.
    ///
    /// # Errors
    /// A file of its name is not ours, or cannot be removed. A manager that is not there is no error.
    pub fn uninstall(&self) -> Result<bool, Failure> {
        let names = match self.manager {
            Manager::Systemd => systemd::file_names(&self.name),
            Manager::Launchd => vec![launchd::file_name(&self.name)],
        };
        let found: Vec<PathBuf> =
            names.iter().map(|name| self.files.join(name)).filter(|path| path.exists()).collect();
        for path in &found {
            self.check_file(path)?;
        }
        let ended = match (found.is_empty(), self.manager) {
            (true, _) => return Ok(false),
            (false, Manager::Systemd) => systemd::disable(&self.program, &self.name),
            (false, Manager::Launchd) => launchd::unload(&self.program, &self.name),
        };
        let links = match self.manager {
            Manager::Systemd => systemd::links(&self.files, &self.name),
            Manager::Launchd => Vec::new(),
        };
        for path in found.iter().chain(links.iter().filter(|link| link.is_symlink())) {
            fs::remove_file(path).map_err(|error| paths::unwritable(path, &error))?;
        }
        match self.manager {
            // Fails where the manager is not there, which then reads the files of its next start.
            Manager::Systemd => drop(systemd::reload(&self.program)),
            Manager::Launchd => {}
        }
        // What runs on without a manager is not ended by anything else.
        if self.check().is_ok() { ended.map(|()| true) } else { Ok(true) }
    }

    /// Starts it, and returns once the manager has: that of systemd waits until the daemon serves.
    ///
    /// # Errors
    /// The manager does not start it.
    pub fn start(&self) -> Result<(), Failure> {
        match self.manager {
            Manager::Systemd => systemd::start(&self.program, &self.name),
            Manager::Launchd => launchd::start(&self.program, &self.name, &self.file()),
        }
    }

    /// Starts it again; what is sent to its socket meanwhile waits there, where the manager holds the socket.
    ///
    /// # Errors
    /// The manager does not start it.
    pub fn restart(&self) -> Result<(), Failure> {
        match self.manager {
            Manager::Systemd => systemd::restart(&self.program, &self.name),
            Manager::Launchd => launchd::restart(&self.program, &self.name, &self.file()),
        }
    }

    /// Has it stay stopped, until the next login or use.
    ///
    /// # Errors
    /// The manager does not stop it.
    pub fn stop(&self) -> Result<(), Failure> {
        match self.manager {
            Manager::Systemd => systemd::stop(&self.program, &self.name),
            Manager::Launchd => launchd::unload(&self.program, &self.name),
        }
    }

    /// Ends it together with its socket, for an update.
    ///
    /// # Errors
    /// The manager does not stop it.
    pub fn shut_down(&self) -> Result<(), Failure> {
        match self.manager {
            Manager::Systemd => systemd::shut_down(&self.program, &self.name),
            Manager::Launchd => launchd::unload(&self.program, &self.name),
        }
    }

    /// Returns what the manager reports of it.
    ///
    /// # Errors
    /// The manager does not answer.
    pub fn state(&self) -> Result<State, Failure> {
        match self.manager {
            Manager::Systemd => systemd::state(&self.program, &self.name),
            Manager::Launchd => launchd::state(&self.program, &self.name, &self.file()),
        }
    }

    fn check_file(&self, path: &Path) -> Result<(), Failure> {
        let Ok(text) = fs::read_to_string(path) else { return Ok(()) };
        let shown = path.display();
        match Mark::find(&text) {
            Some(mark) if mark.runtime == self.runtime => Ok(()),
            Some(mark) => Err(Failure::environment(format!(
                "{shown} is the service of the daemon in {}",
                mark.runtime.display()
            ))
            .hint("Give this daemon a profile of its own: `--profile NAME`.")),
            None => Err(Failure::environment(format!("{shown} was not written by skills-daemon"))
                .hint("Move it away, and run the command again.")),
        }
    }
}

impl Definition {
    /// The service of the daemon of `paths`, as the environment of this moment has it.
    ///
    /// # Errors
    /// This program has no path.
    pub fn of(paths: &Paths, env: &Environment) -> Result<Definition, Failure> {
        let program = environment::own_executable().map_err(|error| {
            Failure::environment(format!("this program's own path is unknown: {error}"))
        })?;
        let mut arguments = Vec::new();
        let mut description = "Skills daemon".to_owned();
        if let Some(profile) = &paths.profile {
            arguments.extend(["--profile".to_owned(), profile.to_string()]);
            description.push_str(&format!(" (profile {profile})"));
        }
        arguments.extend(["start".to_owned(), "--service".to_owned()]);
        Ok(Definition {
            mark: Mark::new(&paths.runtime, &program),
            program,
            arguments,
            variables: variables(paths, env),
            description,
            socket: paths.socket(),
            output: paths.logs().join("service.stderr"),
        })
    }
}

/// Returns the variables that a service keeps: those with places, and the daemon's own settings.
fn variables(paths: &Paths, env: &Environment) -> Vec<(String, String)> {
    let is_kept = |name: &str| {
        let is_own = name.starts_with(OWN)
            && ![environment::PROFILE, environment::ORIGINAL_LIBRARY_PATH].contains(&name);
        is_own || PLACES.contains(&name)
    };
    let runtime = paths.runtime.to_string_lossy();
    // The runtime directory is that of the mark, whatever the manager's own environment makes of it.
    let env = env.inherited(false).with(environment::RUNTIME_DIR, &runtime);
    let kept = env.iter().filter(|(name, value)| is_kept(name) && !value.is_empty());
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Returns the variables of a process that its manager has started: none of another one's.
fn own_variables(env: &Environment) -> Vec<(OsString, OsString)> {
    let others = supervision::VARIABLES;
    let is_own = |name: &OsString| !others.iter().any(|other| name == other);
    let own = env.into_iter().filter(|(name, _)| is_own(name));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(home: &Path) -> Paths {
        Paths {
            profile: Some("office".parse().unwrap()),
            home: home.to_owned(),
            runtime: home.join("r/profiles/office"),
            config: home.join("config"),
            bin: home.join("bin"),
        }
    }

    #[test]
    fn a_service_keeps_places_and_settings_and_no_secrets() {
        let env: Environment = [
            ("PATH", "/p/.venv/bin:/bin"),
            ("VIRTUAL_ENV", "/p/.venv"),
            ("JIRA_TOKEN", "x"),
            ("UV_INDEX", "https://user:secret@host"),
            ("SKILLS_DAEMON_PORT", "9"),
            ("SKILLS_DAEMON_PROFILE", "office"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
        let kept = Definition::of(&paths(Path::new("/h")), &env).unwrap();
        let expected = [
            ("PATH", "/bin"),
            ("SKILLS_DAEMON_PORT", "9"),
            ("SKILLS_DAEMON_RUNTIME_DIR", "/h/r/profiles/office"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(kept.variables, expected);
        assert_eq!(kept.arguments, ["--profile", "office", "start", "--service"]);
    }

    #[test]
    fn a_service_is_that_of_one_runtime_directory() {
        let home = tempfile::tempdir().unwrap();
        let (own, env) = (paths(home.path()), Environment::default());
        assert!(Service::installed(&own, &env).is_none());
        let file = Service::of(&own, &env).file();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("# {}\n", Mark::new(&own.runtime, Path::new("/p")))).unwrap();
        assert!(Service::installed(&own, &env).is_some());
        let mut other = own.clone();
        other.runtime = home.path().join("other");
        assert!(Service::installed(&other, &env).is_none());
        let refused = Service::of(&other, &env).uninstall().unwrap_err();
        assert!(refused.error.contains("is the service of the daemon in"), "{refused}");
        fs::write(&file, "[Service]\n").unwrap();
        let refused = Service::of(&own, &env).uninstall().unwrap_err();
        assert!(refused.error.contains("was not written by skills-daemon"), "{refused}");
        assert!(file.exists());
    }
}
