//! The paths of all files. No file outside these places is ever written.

mod private;
pub mod profiles;
mod survey;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd::{AccessFlags, access};

use crate::environment::profile::Profile;
use crate::environment::{self, Environment};
use crate::failure::{Failure, Kind};

pub use survey::Defect;

/// The longest path of a Unix socket, in bytes without the closing NUL.
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The first part of the name of a journal; its process id follows.
const JOURNAL_PREFIX: &str = "journal-";

/// All places the programs read and write.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The user's home directory.
    pub home: PathBuf,
    /// The profile; `None` for the default one.
    pub profile: Option<Profile>,
    /// `~/.local/share/skills-daemon`, or `SKILLS_DAEMON_RUNTIME_DIR`; of a profile `profiles/NAME/` in it.
    pub runtime: PathBuf,
    /// `~/.config/skills-daemon`, or `config/` in the runtime directory if that exists; of a profile `profiles/NAME/` in it.
    pub config: PathBuf,
    /// The user's own executables: `~/.local/bin`, or `XDG_BIN_HOME`.
    ///
    /// Independent of `SKILLS_DAEMON_RUNTIME_DIR`: a shell finds commands only on its PATH.
    pub bin: PathBuf,
}

impl Paths {
    /// Resolves all places from the environment and the platform's conventions.
    pub fn resolve(env: &Environment) -> Result<Paths, Failure> {
        let base = environment::base_directories().ok_or_else(|| {
            Failure::environment("no home directory: HOME is not set and the user has none")
                .hint("Set HOME to a directory you can write to.")
        })?;
        let moved = env.path(environment::RUNTIME_DIR);
        if let Some(path) = moved.as_deref().filter(|path| !path.is_absolute()) {
            return Err(Failure::environment(format!(
                "{} is not an absolute path: {}",
                environment::RUNTIME_DIR,
                path.display()
            )));
        }
        let profile = Profile::of(env).map_err(|error| {
            Failure::new(Kind::Usage, error).hint("`skills-daemon profiles` lists all profiles.")
        })?;
        let runtime = moved.unwrap_or_else(|| base.data_dir().join("skills-daemon"));
        let runtime = match &profile {
            // Plugins, and what they start, see the directory of their own daemon.
            Some(profile) => without(&profile.below(Path::new("")), runtime),
            None => runtime,
        };
        let beside = runtime.join("config");
        let config = if beside.is_dir() { beside } else { base.config_dir().join("skills-daemon") };
        let (runtime, config) = match &profile {
            Some(profile) => (profile.below(&runtime), profile.below(&config)),
            None => (runtime, config),
        };
        let home = base.home_dir().to_owned();
        // macOS has no convention for it; this directory is on most PATHs.
        let bin = base.executable_dir().map_or_else(|| home.join(".local/bin"), Path::to_owned);
        Ok(Paths { home, profile, runtime, config, bin })
    }

    /// The generations of the virtual environment, `ID/` each.
    pub fn venvs(&self) -> PathBuf {
        self.runtime.join("venvs")
    }

    /// The lock: the versions and hashes of all packages of the virtual environment.
    pub fn pylock(&self) -> PathBuf {
        self.runtime.join("pylock.toml")
    }

    /// The virtual environment: a link to the live generation.
    pub fn venv(&self) -> PathBuf {
        self.runtime.join("venv")
    }

    /// The interpreter of the virtual environment.
    pub fn venv_python(&self) -> PathBuf {
        self.venv().join("bin/python")
    }

    /// The directory of log files.
    pub fn logs(&self) -> PathBuf {
        self.runtime.join("logs")
    }

    /// The daemon's log: JSON lines.
    pub fn log_file(&self) -> PathBuf {
        self.logs().join("daemon.log")
    }

    /// The host's stderr since its last start: loader errors, crashes.
    pub fn host_stderr(&self) -> PathBuf {
        self.logs().join("host.stderr")
    }

    /// The stderr of the host before this one.
    pub fn old_host_stderr(&self) -> PathBuf {
        self.logs().join("host.stderr.old")
    }

    /// The directory of run-time state.
    pub fn state(&self) -> PathBuf {
        self.runtime.join("state")
    }

    /// The Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.state().join("daemon.sock")
    }

    /// The socket over which a host hands over to its successor; another protocol takes another name.
    pub fn handover_socket(&self) -> PathBuf {
        self.state().join("handover.sock")
    }

    /// The TCP address of the host, and the token for requests there.
    pub fn tcp(&self) -> PathBuf {
        self.state().join("tcp.json")
    }

    /// The sessions of agents over HTTP, one file each.
    pub fn mcp_sessions(&self) -> PathBuf {
        self.state().join("mcp")
    }

    /// The process id of the host, in decimal.
    pub fn pid_file(&self) -> PathBuf {
        self.state().join("daemon.pid")
    }

    /// The lock that the host holds for life.
    pub fn lock_file(&self) -> PathBuf {
        self.state().join("daemon.lock")
    }

    /// The fingerprints of the last check of the dependencies.
    pub fn dependencies(&self) -> PathBuf {
        self.state().join("dependencies.json")
    }

    /// The lock for starting and stopping the host.
    pub fn start_lock(&self) -> PathBuf {
        self.state().join("start.lock")
    }

    /// The failure of the last start; absent after a success.
    pub fn start_failure(&self) -> PathBuf {
        self.state().join("start-failure.json")
    }

    /// The directory of the plugins' own folders, `NAME/` each.
    pub fn plugin_data(&self) -> PathBuf {
        self.runtime.join("data")
    }

    /// The journal of the process `pid`.
    pub fn journal(&self, pid: u32) -> PathBuf {
        self.state().join(format!("{JOURNAL_PREFIX}{pid}"))
    }

    /// The journals in [`Paths::state`], stale ones included.
    pub fn journals(&self) -> Vec<PathBuf> {
        let is_journal = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            let pid = name.and_then(|name| name.strip_prefix(JOURNAL_PREFIX));
            pid.is_some_and(|pid| pid.parse::<u32>().is_ok())
        };
        let entries = fs::read_dir(self.state()).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(is_journal).collect()
    }

    /// The plugins that ended the process.
    pub fn crashes(&self) -> PathBuf {
        self.state().join("crashes.json")
    }

    /// When each plugin came.
    pub fn seniority(&self) -> PathBuf {
        self.state().join("seniority.json")
    }

    /// The bundled plugins that were called.
    pub fn called(&self) -> PathBuf {
        self.state().join("called.json")
    }

    /// The plugins whose requirements cannot be satisfied, and why.
    pub fn set_aside(&self) -> PathBuf {
        self.state().join("set-aside.json")
    }

    /// Tools the daemon fetched for itself.
    pub fn tools(&self) -> PathBuf {
        self.runtime.join("tools")
    }

    /// Files that can be made again at any time.
    pub fn cache(&self) -> PathBuf {
        self.runtime.join("cache")
    }

    /// The bytecode of plugins and packages, under the path of each source.
    pub fn pycache(&self) -> PathBuf {
        self.cache().join("pycache")
    }

    /// The stored descriptions of plugins.
    pub fn descriptions(&self) -> PathBuf {
        self.cache().join("descriptions")
    }

    /// The directory of plugins added by `plugin add`: manifests, and links to plugins elsewhere.
    pub fn added_plugins(&self) -> PathBuf {
        self.config.join("plugins")
    }

    /// The optional configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The optional file with the secrets of plugins.
    pub fn secrets_file(&self) -> PathBuf {
        self.config.join("secrets.toml")
    }

    /// The optional list of plugin paths.
    pub fn plugins_conf(&self) -> PathBuf {
        self.config.join("plugins.conf")
    }

    /// The directory that is searched for plugins.
    pub fn claude_plugins(&self) -> PathBuf {
        self.home.join(".claude/plugins")
    }

    /// The user's Claude settings, which can switch off those plugins.
    pub fn claude_settings(&self) -> PathBuf {
        self.home.join(".claude/settings.json")
    }

    /// Creates the runtime directories, readable by the user only.
    ///
    /// # Errors
    /// A directory that cannot be created or written, or that another user could write to ([`private`]), or a runtime
    /// path too long for a Unix socket.
    pub fn create(&self) -> Result<(), Failure> {
        self.check_length()?;
        let make = |dir: &Path| make_private_dir(dir).map_err(|error| unwritable(dir, &error));
        make(&self.runtime)?;
        private::check_root(&self.runtime)?;
        for dir in [self.logs(), self.state(), self.tools(), self.cache()] {
            make(&dir)?;
            private::check(&dir)?;
        }
        Ok(())
    }

    /// Checks that a socket can have the longest path that one has here.
    fn check_length(&self) -> Result<(), Failure> {
        // The longer one of the two.
        let length = self.handover_socket().as_os_str().len();
        if length > SOCKET_PATH_MAX {
            return Err(Failure::environment(format!(
                "the runtime directory's path is too long for a Unix socket ({length} bytes, at most {SOCKET_PATH_MAX}): {}",
                self.handover_socket().display()
            ))
            .hint(format!("Set {} to a shorter path.", environment::RUNTIME_DIR)));
        }
        Ok(())
    }
}

/// Returns `path` without `end`, if it ends so.
fn without(end: &Path, path: PathBuf) -> PathBuf {
    match path.ends_with(end) {
        true => path.ancestors().nth(end.iter().count()).map_or(path.clone(), Path::to_owned),
        false => path,
    }
}

/// Returns the free space of the file system of `path`, in bytes.
pub fn free_space(path: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    #[expect(clippy::useless_conversion, reason = "the types differ between systems")]
    Some(u64::from(stat.blocks_available()).saturating_mul(u64::from(stat.fragment_size())))
}

/// Returns the failure of writing at `path`.
pub fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::environment(format!("cannot write {}: {error}", path.display()));
    if error.raw_os_error() == Some(libc::ELOOP) {
        return failure.hint("It is a symbolic link, which is not followed here: remove it.");
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            failure.hint(format!(
                "Make it writable for you, or set {} to a directory that is.",
                environment::RUNTIME_DIR
            ))
        }
        io::ErrorKind::StorageFull => failure.hint("The disk is full: free some space."),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            failure.hint("A file is in the place of a directory: move it away.")
        }
        _ => failure,
    }
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {
            Ok(access(dir, AccessFlags::W_OK | AccessFlags::X_OK)?)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(runtime: &Path) -> Paths {
        Paths {
            home: "/h".into(),
            profile: None,
            runtime: runtime.into(),
            config: runtime.join("config"),
            bin: runtime.join("bin"),
        }
    }

    #[test]
    fn directories_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let paths = at(&dir.path().join("a/b"));
        paths.create().unwrap();
        paths.create().unwrap();
        for made in [paths.runtime.clone(), paths.state(), paths.logs()] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn a_long_runtime_path_is_refused_with_its_remedy() {
        let failure = at(Path::new(&format!("/{}", "x".repeat(120)))).create().unwrap_err();
        assert!(failure.error.contains("too long"), "{failure}");
        assert!(failure.hint.unwrap().contains("SKILLS_DAEMON_RUNTIME_DIR"));
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("logs"), "").unwrap();
        let failure = at(dir.path()).create().unwrap_err();
        assert!(failure.error.contains("logs"), "{failure}");
        assert!(failure.hint.unwrap().contains("move it away"));
    }
}
