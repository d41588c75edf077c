//! `skills-daemon run`: one command in a daemon of its own.
//!
//! The daemon has the plugins and the settings of the profile, but a runtime directory below the directory for temporary
//! files, which is removed at the end, however the command ends. Settings that would write outside of it do not apply.
//! Packages come from the caches of `uv` and of the profile, if there are any.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use clap::Args;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::Context;
use super::plugin::within;
use crate::environment;
use crate::failure::Failure;
use crate::lifecycle::{abandoned, stop};
use crate::paths::{Paths, unwritable};
use crate::uv;
use crate::wrappers;

/// Ends a daemon whose `skills-daemon run` was killed, in seconds.
const IDLE_TIMEOUT: &str = "60";
/// Signals that end the command, and then this program.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
/// What a shell adds to the number of a signal that ended a command.
const OF_SIGNAL: i32 = 128;

/// The process of the command; 0 before it is started, negative once a signal came before that.
static COMMAND: AtomicI32 = AtomicI32::new(0);

#[derive(Args)]
pub(super) struct Arguments {
    /// The plugin, its command and arguments, as for skills-client
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PLUGIN"
    )]
    command: Vec<String>,
}

/// The place of the daemon; the daemon is stopped, and the place removed, on drop.
struct Place {
    directory: PathBuf,
    own: Context,
}

/// Runs the command; the exit status is its own.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let client = wrappers::client()?;
    watch_signals();
    let place = Place::make(context)?;
    let mut command = Command::new(&client);
    command.args(&arguments.command).env_clear().envs(&place.own.env);
    // SAFETY: between fork and exec only `sigprocmask` is called, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| Ok(SigSet::empty().thread_set_mask()?));
    }
    context.console.rest();
    let mut child = command.spawn().map_err(|error| {
        Failure::environment(format!("cannot run {}: {error}", client.display()))
    })?;
    let status = wait(&mut child)
        .map_err(|error| Failure::environment(format!("cannot wait for the command: {error}")))?;
    drop(place);
    Ok(ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX)))
}

/// Has the signals that end a program end the command only, so that this program outlives it.
fn watch_signals() {
    let signals: SigSet = ENDING.into_iter().collect();
    // Threads that are started later inherit it, and programs, which have to take it back.
    if signals.thread_block().is_err() {
        return;
    }
    thread::spawn(move || {
        while let Ok(signal) = signals.wait() {
            let none = COMMAND.compare_exchange(0, -1, Ordering::SeqCst, Ordering::SeqCst);
            if let Err(pid) = none
                && pid > 0
                // The terminal sends these to all of its programs.
                && !matches!(signal, Signal::SIGINT | Signal::SIGQUIT)
            {
                // Fails only if it has ended.
                let _ = kill(Pid::from_raw(pid), signal);
            }
        }
    });
}

/// Waits for the command; returns its exit status, as a shell has it.
fn wait(child: &mut Child) -> io::Result<i32> {
    let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
    if COMMAND.swap(pid, Ordering::SeqCst) < 0 {
        kill(Pid::from_raw(pid), Signal::SIGTERM)?;
    }
    let status = child.wait()?;
    COMMAND.store(0, Ordering::SeqCst);
    Ok(status.code().unwrap_or_else(|| OF_SIGNAL + status.signal().unwrap_or_default()))
}

impl Place {
    fn make(context: &Context) -> Result<Place, Failure> {
        let base = environment::temporary_directory();
        abandoned::remove(&base, abandoned::RUN);
        let directory = base.join(format!("{}{}", abandoned::RUN, std::process::id()));
        let failed = |error: io::Error| unwritable(&directory, &error);
        DirBuilder::new().mode(0o700).create(&directory).map_err(failed)?;
        let env = context
            .env
            .clone()
            .with(environment::RUNTIME_DIR, &directory.to_string_lossy())
            .with(environment::PORT, "0")
            .with(environment::TIMEOUT, IDLE_TIMEOUT)
            .with(environment::WRAPPERS, "0");
        let env = match context.paths.cache().join("uv") {
            cache if env.get(environment::UV_CACHE_DIR).is_none() && cache.is_dir() => {
                env.with(environment::UV_CACHE_DIR, &cache.to_string_lossy())
            }
            _ => env,
        };
        // Before the places are resolved: it decides where the configuration is.
        let config = fs::create_dir(directory.join("config"));
        let prepared = config.map_err(failed).and_then(|()| {
            let paths = Paths::resolve(&env)?;
            prepare(&context.paths, &paths).map_err(failed)?;
            Ok(Context { env, paths, console: context.console })
        });
        match prepared {
            Ok(own) => Ok(Place { directory, own }),
            Err(failure) => {
                let _ = fs::remove_dir_all(&directory);
                Err(failure)
            }
        }
    }
}

/// Gives the places of `own` the settings, the plugins and the `uv` of `of`.
fn prepare(of: &Paths, own: &Paths) -> io::Result<()> {
    fs::create_dir_all(&own.config)?;
    fs::create_dir_all(&own.runtime)?;
    match fs::read_to_string(of.config_file()) {
        Ok(text) => fs::write(own.config_file(), within(&text))?,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let links = [
        (of.plugins_conf(), own.plugins_conf()),
        (of.added_plugins(), own.added_plugins()),
        (of.secrets_file(), own.secrets_file()),
    ];
    for (original, link) in links.into_iter().filter(|(original, _)| original.exists()) {
        symlink(original, link)?;
    }
    uv::share(of, &own.runtime)
}

impl Drop for Place {
    fn drop(&mut self) {
        let own = &self.own;
        if let Err(failure) = stop::stop(&own.paths, &own.env, &own.console) {
            own.console.warning(&failure.error);
        }
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            let place = self.directory.display();
            own.console.warning(&format!("cannot remove {place}: {error}"));
        }
    }
}
