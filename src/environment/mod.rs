//! The process environment: the names of all variables the programs read, and one snapshot of their values.
//!
//! The only module that reads the process environment (variables, search path, home directory, working
//! directory, own executable); `tests/floors` checks that. Only `main` functions take the snapshot; everything
//! below has it as an argument, so tests never set variables. [`inherited`] is the part that a daemon inherits.
//!
//! To add a variable: a constant here, its meaning in [`crate::settings`] or [`crate::paths`], a row in README.

pub mod inherited;
pub mod profile;
pub mod supervision;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use directories::BaseDirs;

/// Address to listen on.
pub const HOST: &str = "SKILLS_DAEMON_HOST";
/// TCP port; 0 lets the system choose.
pub const PORT: &str = "SKILLS_DAEMON_PORT";
/// Seconds without a request after which the daemon stops; 0 is never.
pub const TIMEOUT: &str = "SKILLS_DAEMON_TIMEOUT";
/// Seconds for in-flight requests and `shutdown()` hooks when the daemon stops.
pub const SHUTDOWN_TIMEOUT: &str = "SKILLS_DAEMON_SHUTDOWN_TIMEOUT";
/// Seconds for each of `startup()` and `connect()`.
pub const HOOK_TIMEOUT: &str = "SKILLS_DAEMON_HOOK_TIMEOUT";
/// DEBUG, INFO, WARNING or ERROR.
pub const LOG_LEVEL: &str = "SKILLS_DAEMON_LOG_LEVEL";
/// Moves venv, logs, state, tools and cache.
pub const RUNTIME_DIR: &str = "SKILLS_DAEMON_RUNTIME_DIR";
/// The profile: a daemon with places of its own.
pub const PROFILE: &str = "SKILLS_DAEMON_PROFILE";
/// Colon-separated plugin paths.
pub const PLUGINS: &str = "SKILLS_DAEMON_PLUGINS";
/// 0: no wrappers.
pub const WRAPPERS: &str = "SKILLS_DAEMON_WRAPPERS";
/// The Python interpreter to embed.
pub const PYTHON: &str = "SKILLS_DAEMON_PYTHON";
/// The shell's name, set by completion scripts: the program prints candidates.
pub const COMPLETE: &str = "SKILLS_COMPLETE";
/// Set by Claude Code for the commands that it runs.
pub const CLAUDECODE: &str = "CLAUDECODE";
/// Set by Codex for the commands that it runs in a sandbox of macOS.
pub const CODEX_SANDBOX: &str = "CODEX_SANDBOX";
/// Set by Codex for the commands that it runs without a network.
pub const CODEX_SANDBOX_NETWORK_DISABLED: &str = "CODEX_SANDBOX_NETWORK_DISABLED";
/// The cache directory of `uv`.
pub const UV_CACHE_DIR: &str = "UV_CACHE_DIR";
/// The package index of `uv`.
pub const UV_DEFAULT_INDEX: &str = "UV_DEFAULT_INDEX";
/// Further package indexes of `uv`, separated by spaces.
pub const UV_INDEX: &str = "UV_INDEX";
/// True: `uv` fetches nothing.
pub const UV_OFFLINE: &str = "UV_OFFLINE";
/// Base URL of a collector of OpenTelemetry that takes OTLP over HTTP.
pub const OTLP_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The name of the service in traces.
pub const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// Moves the settings of Claude Code.
pub const CLAUDE_CONFIG_DIR: &str = "CLAUDE_CONFIG_DIR";
/// Moves the settings of Codex.
pub const CODEX_HOME: &str = "CODEX_HOME";
/// Moves the settings of most programs.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// The directory of sockets of the login, the service manager's among them.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// The user's editor for a terminal that shows whole screens.
pub const VISUAL: &str = "VISUAL";
/// The user's editor.
pub const EDITOR: &str = "EDITOR";
/// The search path for programs.
pub const PATH: &str = "PATH";
/// Any value but the empty one: no colours.
pub const NO_COLOR: &str = "NO_COLOR";
/// Any value but `0`: colours also where the output is no terminal.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";

/// The dynamic loader's search path, which the launcher extends for the host.
#[cfg(target_os = "macos")]
pub const LIBRARY_PATH: &str = "DYLD_LIBRARY_PATH";
/// The dynamic loader's search path, which the launcher extends for the host.
#[cfg(not(target_os = "macos"))]
pub const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// Carries the caller's loader path to the host, which restores it before a plugin sees it.
pub const ORIGINAL_LIBRARY_PATH: &str = "SKILLS_DAEMON_ORIGINAL_LIBRARY_PATH";

/// The environment at one moment.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    vars: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// Takes a snapshot of the process's environment.
    pub fn of_process() -> Self {
        Environment { vars: std::env::vars_os().collect() }
    }

    /// Returns the value of `name`, unless it is unset, empty or not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(OsStr::new(name))?.to_str().filter(|value| !value.is_empty())
    }

    /// Returns the names and values that are UTF-8.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    /// Sets `name` to `value`, also for the host that is started with this environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// Returns the variables that are called `names`, as they are set.
    pub fn only<'a>(
        &'a self,
        names: &'a [&str],
    ) -> impl Iterator<Item = (&'a OsString, &'a OsString)> {
        self.vars.iter().filter(|(name, _)| names.iter().any(|it| *name == OsStr::new(it)))
    }

    /// Returns the environment without any variable but `HOME`.
    #[must_use]
    pub fn home_only(&self) -> Environment {
        let home = self.get("HOME").map(|home| ("HOME".to_owned(), home.to_owned()));
        home.into_iter().collect()
    }

    /// Returns the directories of `PATH`, in order.
    pub fn search_path(&self) -> impl Iterator<Item = PathBuf> {
        std::env::split_paths(self.search_path_text()).collect::<Vec<_>>().into_iter()
    }

    /// Returns the first program called `name` on `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.programs(name).next()
    }

    /// Returns all programs called `name` on `PATH`, in its order.
    pub fn programs(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        // An entry that is no absolute path counts from the working directory.
        let directory = working_directory().unwrap_or_default();
        which::which_in_all(name, Some(self.search_path_text()), directory).into_iter().flatten()
    }

    fn search_path_text(&self) -> &OsStr {
        self.vars.get(OsStr::new(PATH)).map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// Returns the value of `name` as a path, with a leading `~` expanded.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|value| self.expand(value))
    }

    /// Returns `text` as a path, a leading `~/` replaced by the home directory.
    pub fn expand(&self, text: &str) -> PathBuf {
        match (text.strip_prefix('~'), self.get("HOME")) {
            (Some(""), Some(home)) => PathBuf::from(home),
            (Some(rest), Some(home)) if rest.starts_with('/') => {
                PathBuf::from(format!("{home}{rest}"))
            }
            _ => PathBuf::from(text),
        }
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(vars: T) -> Self {
        vars.into_iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect()
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<T: IntoIterator<Item = (OsString, OsString)>>(vars: T) -> Self {
        Environment { vars: vars.into_iter().collect() }
    }
}

impl<'a> IntoIterator for &'a Environment {
    type Item = (&'a OsString, &'a OsString);
    type IntoIter = std::collections::btree_map::Iter<'a, OsString, OsString>;

    fn into_iter(self) -> Self::IntoIter {
        self.vars.iter()
    }
}

/// Returns the arguments of the process, its own name first.
pub fn arguments() -> impl Iterator<Item = OsString> {
    std::env::args_os()
}

/// Returns the user's directories by the platform's conventions: `HOME`, else the user database, and `XDG_*`.
pub fn base_directories() -> Option<BaseDirs> {
    BaseDirs::new()
}

/// Returns the working directory of the process.
///
/// # Errors
/// The directory was removed, or is closed to the user.
pub fn working_directory() -> io::Result<PathBuf> {
    std::env::current_dir()
}

/// Returns the directory for temporary files.
pub fn temporary_directory() -> PathBuf {
    std::env::temp_dir()
}

/// Returns the executable of the process.
///
/// # Errors
/// The system does not name it.
pub fn own_executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Returns the program `name` of this installation: beside the executable of the process, else on its `PATH`.
pub fn installed_program(name: &str) -> Option<PathBuf> {
    let beside = own_executable().ok().map(|own| own.with_file_name(name));
    beside.filter(|path| path.is_file()).or_else(|| Environment::of_process().program(name))
}

/// Restores the loader path that [`ORIGINAL_LIBRARY_PATH`] carries, for plugins and their subprocesses.
///
/// # Safety
/// No other thread may run.
pub unsafe fn restore_library_path() {
    let Some(original) = std::env::var_os(ORIGINAL_LIBRARY_PATH) else { return };
    // SAFETY: the caller guarantees that no other thread runs.
    unsafe {
        std::env::remove_var(ORIGINAL_LIBRARY_PATH);
        if original.is_empty() {
            std::env::remove_var(LIBRARY_PATH);
        } else {
            std::env::set_var(LIBRARY_PATH, original);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tilde_expands_only_alone_or_before_a_slash() {
        let env: Environment = [("HOME".to_string(), "/h".to_string())].into_iter().collect();
        assert_eq!(env.expand("~"), PathBuf::from("/h"));
        assert_eq!(env.expand("~/a"), PathBuf::from("/h/a"));
        assert_eq!(env.expand("~bob/a"), PathBuf::from("~bob/a"));
        assert_eq!(env.expand("/x/~"), PathBuf::from("/x/~"));
    }
}
