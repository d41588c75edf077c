//! A temporary daemon with one plugin, for a check.
//!
//! It has a runtime directory and a configuration in the cache, so that it shares neither registry nor
//! port nor venv with the running daemon. The venv is a new one, because a plugin under test must not change
//! packages that others have imported, and because only a fresh one shows that a dependency is missing from the
//! manifest; `uv` links the files out of its cache, which takes a second or two. The user's settings hold, except
//! for those that would reach outside.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::Context;
use crate::environment::{self, profile};
use crate::failure::{Failure, Kind};
use crate::lifecycle::{self, abandoned, stop};
use crate::paths::{self, Paths};
use crate::uv;

/// Ends the daemon of a check that was killed, in seconds.
const IDLE_TIMEOUT: &str = "60";

/// The temporary daemon; stopped, and its files removed, on drop.
pub(super) struct Scratch {
    directory: PathBuf,
    /// The context of that daemon.
    pub(super) context: Context,
}

impl Scratch {
    /// Starts a daemon whose only plugin, but for the bundled ones, is the one at `plugin`.
    pub(super) fn start(context: &Context, plugin: &Path) -> Result<Scratch, Failure> {
        let line = plugin.to_str().filter(|line| !line.contains('\n') && line.trim() == *line);
        let line = line.ok_or_else(|| {
            let error =
                format!("the plugin's path cannot be a line of plugins.conf: {}", plugin.display());
            Failure::new(Kind::Usage, error).hint(
                "Move the plugin to a path without line breaks and without spaces at its ends.",
            )
        })?;
        context.paths.create()?;
        abandoned::remove(&context.paths.cache(), abandoned::CHECK);
        let directory =
            context.paths.cache().join(format!("{}{}", abandoned::CHECK, std::process::id()));
        prepare(context, &directory, line)
            .map_err(|error| paths::unwritable(&directory, &error))?;
        let cache = context.env.path(environment::UV_CACHE_DIR);
        let cache = cache.unwrap_or_else(|| context.paths.cache().join("uv"));
        let env = context
            .env
            .clone()
            .with(environment::RUNTIME_DIR, &directory.to_string_lossy())
            .with(environment::PROFILE, profile::DEFAULT)
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
        // Leftovers are in the cache, and the daemon ends by itself.
        let own = &self.context;
        let _ = stop::stop(&own.paths, &own.env, &own.console);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn prepare(context: &Context, directory: &Path, plugin: &str) -> io::Result<()> {
    // The leftover of a process with the same id.
    let _ = fs::remove_dir_all(directory);
    let config = directory.join("config");
    fs::create_dir_all(&config)?;
    match fs::read_to_string(context.paths.config_file()) {
        Ok(text) => fs::write(config.join("config.toml"), within(&text))?,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    // A plugin may read its secrets while it is imported.
    symlink(context.paths.secrets_file(), config.join("secrets.toml"))?;
    fs::write(config.join("plugins.conf"), format!("{plugin}\n"))?;
    uv::share(&context.paths, directory)
}

/// Returns the text of a `config.toml` without what would write skills for agents.
pub(in super::super) fn within(text: &str) -> String {
    let Ok(mut table) = text.parse::<toml::Table>() else { return text.to_owned() };
    match table.remove("agents") {
        Some(_) => table.to_string(),
        None => text.to_owned(),
    }
}
