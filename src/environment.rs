//! The names of all environment variables the programs read, and one snapshot of their values.
//!
//! Only `main` functions take the snapshot; everything below gets it handed in, so tests never set variables.
//! To add a variable: a constant here, its meaning in [`crate::settings`] or [`crate::paths`], a row in README.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Address to listen on (loopback only).
pub const HOST: &str = "SKILLS_DAEMON_HOST";
/// TCP port; 0 lets the system choose.
pub const PORT: &str = "SKILLS_DAEMON_PORT";
/// Seconds without a request after which the daemon stops; 0 is never.
pub const TIMEOUT: &str = "SKILLS_DAEMON_TIMEOUT";
/// Seconds that requests and `shutdown()` hooks get when the daemon stops.
pub const SHUTDOWN_TIMEOUT: &str = "SKILLS_DAEMON_SHUTDOWN_TIMEOUT";
/// Seconds that each of `startup()` and `connect()` gets.
pub const HOOK_TIMEOUT: &str = "SKILLS_DAEMON_HOOK_TIMEOUT";
/// DEBUG, INFO, WARNING or ERROR.
pub const LOG_LEVEL: &str = "SKILLS_DAEMON_LOG_LEVEL";
/// Moves venv, logs, state, tools and cache.
pub const RUNTIME_DIR: &str = "SKILLS_DAEMON_RUNTIME_DIR";
/// Colon-separated plugin paths.
pub const PLUGINS: &str = "SKILLS_DAEMON_PLUGINS";
/// 0: no command of its own for each plugin in the user's directory of executables.
pub const WRAPPERS: &str = "SKILLS_DAEMON_WRAPPERS";
/// The Python interpreter to embed.
pub const PYTHON: &str = "SKILLS_DAEMON_PYTHON";
/// Set by completion scripts, to the shell's name: the program answers what may be completed.
pub const COMPLETE: &str = "SKILLS_COMPLETE";
/// Where `uv` keeps what it fetched.
pub const UV_CACHE_DIR: &str = "UV_CACHE_DIR";
/// Where a shell looks for commands.
pub const PATH: &str = "PATH";
/// Set to anything: no colours.
pub const NO_COLOR: &str = "NO_COLOR";

/// The dynamic loader's search path, which the launcher extends for the host.
#[cfg(target_os = "macos")]
pub const LIBRARY_PATH: &str = "DYLD_LIBRARY_PATH";
/// The dynamic loader's search path, which the launcher extends for the host.
#[cfg(not(target_os = "macos"))]
pub const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// The working directory of the process; `None` where it is gone, or its path is no UTF-8.
pub fn current_directory() -> Option<String> {
    std::env::current_dir().ok()?.into_os_string().into_string().ok()
}

/// The environment at one moment.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    vars: BTreeMap<String, String>,
    /// What was set by [`Environment::with`].
    changed: BTreeMap<String, String>,
}

impl Environment {
    /// The process's environment now; variables that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of `name`, unless it is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The same with `name` set to `value`, also for the host that is started with it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self.changed.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The variables that are not those of the process.
    pub fn changed(&self) -> impl Iterator<Item = (&String, &String)> {
        self.changed.iter()
    }

    /// The value of `name` as a path, with a leading `~` expanded.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|value| self.expand(value))
    }

    /// `text` as a path, a leading `~/` replaced by the home directory.
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
        Environment { vars: vars.into_iter().collect(), changed: BTreeMap::new() }
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
