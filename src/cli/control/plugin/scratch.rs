//! A daemon of its own, with one plugin, for the time of a check.
//!
//! It has a runtime directory and a configuration in the cache, so that the running daemon notices nothing: not
//! its registry, nor its port, nor its venv. The venv is made anew instead of being linked to, because a plugin
//! under judgement must not change packages that others have imported, and because only a fresh one shows that
//! a dependency is missing from the manifest; `uv` links the files out of its cache, which takes a second or
//! two. The user's own settings hold, Python's above all, except for what would reach outside.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::super::Context;
use crate::environment;
use crate::failure::{Failure, Kind};
use crate::lifecycle::{self, stop};
use crate::paths::{self, Paths};

/// What the names of such directories begin with; a process id follows.
const PREFIX: &str = "check-";
/// Ends the daemon if whoever asked for it is gone, in seconds.
const IDLE_TIMEOUT: &str = "60";

/// The daemon; it is stopped and its files are removed when this is dropped.
pub(super) struct Scratch {
    directory: PathBuf,
    /// Speaks to that daemon.
    pub(super) context: Context,
}

impl Scratch {
    /// Starts a daemon whose only plugin, but for the bundled ones, is the one at `plugin`.
    pub(super) fn start(context: &Context, plugin: &Path) -> Result<Scratch, Failure> {
        let line = plugin.to_str().filter(|line| !line.contains('\n') && line.trim() == *line);
        let line = line.ok_or_else(|| {
            let error = format!("{} cannot be written in a line of text", plugin.display());
            Failure::new(Kind::Usage, error).hint("Move the plugin to a plainer path.")
        })?;
        context.paths.create()?;
        remove_abandoned(&context.paths.cache());
        let directory = context.paths.cache().join(format!("{PREFIX}{}", std::process::id()));
        prepare(context, &directory, line)
            .map_err(|error| paths::unwritable(&directory, &error))?;
        let cache = context.env.path(environment::UV_CACHE_DIR);
        let cache = cache.unwrap_or_else(|| context.paths.cache().join("uv"));
        let env = context
            .env
            .clone()
            .with(environment::RUNTIME_DIR, &directory.to_string_lossy())
            .with(environment::UV_CACHE_DIR, &cache.to_string_lossy())
            .with(environment::PLUGINS, "")
            .with(environment::PORT, "0")
            .with(environment::TIMEOUT, IDLE_TIMEOUT)
            .with(environment::WRAPPERS, "0");
        let paths = Paths::resolve(&env)?;
        let scratch =
            Scratch { directory, context: Context { env, paths, console: context.console } };
        let own = &scratch.context;
        lifecycle::ensure_running(&own.paths, &own.env, &own.console)?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whatever is left is in the cache, and the daemon ends by itself.
        let own = &self.context;
        let _ = stop::stop(&own.paths, &own.env, &own.console);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Removes what checks have left that were killed; a daemon whose files are gone ends by itself.
fn remove_abandoned(cache: &Path) {
    let gone = |name: &str| {
        let pid = name.strip_prefix(PREFIX).and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
    };
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn prepare(context: &Context, directory: &Path, plugin: &str) -> io::Result<()> {
    // Of a process that had the same id.
    let _ = fs::remove_dir_all(directory);
    let config = directory.join("config");
    fs::create_dir_all(&config)?;
    match fs::copy(context.paths.config_file(), config.join("config.toml")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(config.join("plugins.conf"), format!("{plugin}\n"))?;
    // `uv`, where the daemon has fetched it.
    symlink(context.paths.tools(), directory.join("tools"))
}
