//! One call of a program: its environment, its output, its end.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::error::UvError;
use super::step::{Progress, Step};
use crate::bounded;
use crate::environment::{Environment, UV_CACHE_DIR};
use crate::paths::Paths;

/// The length of the end of a tool's output that an error quotes, in bytes.
const OUTPUT_MAX: usize = 4096;

/// Time for a program that is called for its output.
const OUTPUT_TIME_MAX: Duration = Duration::from_secs(30);

/// The begin of the line in which `uv` names the environment of a call.
const ENVIRONMENT: &str = "Using Python ";

/// Settings of the directory of calls, where the search for a project's settings ends.
const NO_SETTINGS: &str = "uv.toml";

/// Working directory and environment variables of each call.
#[derive(Clone, Debug)]
pub(super) struct CallEnvironment {
    /// Where calls run and their input lies.
    pub(super) directory: PathBuf,
    /// Where locks are staged: beside the one in force, because paths in a lock are relative to it.
    pub(super) locks: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

/// The running calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    children: Vec<Pid>,
    cancelled: bool,
}

impl Calls {
    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
        for child in &self.children {
            // Reaped only after it leaves the list, so the id is still that of the same process.
            let _ = kill(*child, Signal::SIGTERM);
        }
    }
}

impl CallEnvironment {
    pub(super) fn of(paths: &Paths, env: &Environment) -> CallEnvironment {
        // The cache is in the runtime directory, unless the user sets another.
        let cache = env
            .get(UV_CACHE_DIR)
            .map_or_else(|| paths.cache().join("uv").into_os_string(), OsString::from);
        // The lock's format is called a preview by some versions, which warn of it.
        let preview = "UV_PREVIEW_FEATURES";
        let features = env.get(preview).map_or("pylock".into(), |it| format!("{it},pylock").into());
        let mut variables = vec![
            (UV_CACHE_DIR, cache),
            (preview, features),
            ("UV_NO_PROGRESS", "1".into()),
            ("UV_PYTHON_DOWNLOADS", "never".into()),
            ("NO_COLOR", "1".into()),
        ];
        // The system's certificates, as pip uses them; both names of the setting, old and new.
        for name in ["UV_SYSTEM_CERTS", "UV_NATIVE_TLS"] {
            variables.push((name, env.get(name).unwrap_or("1").into()));
        }
        let directory = paths.cache().join("calls");
        CallEnvironment { directory, locks: paths.runtime.clone(), variables }
    }

    pub(super) fn cache(&self) -> PathBuf {
        let cache = self.variables.iter().find(|(name, _)| *name == UV_CACHE_DIR);
        cache.map(|(_, path)| PathBuf::from(path)).unwrap_or_default()
    }
}

/// A call that is being put together.
pub(super) struct Call {
    command: Command,
    directory: PathBuf,
    executable: PathBuf,
}

impl Call {
    /// Returns a call that depends neither on the caller's virtual environment nor on its working directory.
    pub(super) fn new(environment: &CallEnvironment, executable: &Path) -> Call {
        let mut command = Command::new(executable);
        let directory = environment.directory.clone();
        command
            .current_dir(&directory)
            .env_remove("VIRTUAL_ENV")
            .env_remove("CONDA_PREFIX")
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME")
            .env_remove("UV_PYTHON")
            .envs(environment.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        Call { command, directory, executable: executable.to_owned() }
    }

    pub(super) fn args(&mut self, arguments: &[impl AsRef<OsStr>]) -> &mut Call {
        self.command.args(arguments);
        self
    }

    /// Adds `--NAME=VALUE`: one argument, so that no value can be an option.
    pub(super) fn option(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Call {
        let mut argument = OsString::from(format!("--{name}="));
        argument.push(value);
        self.command.arg(argument);
        self
    }

    /// Gives the program the file as its stdin, which keeps a lock on it for as long as the program lives.
    pub(super) fn holding(&mut self, lock: File) -> &mut Call {
        self.command.stdin(Stdio::from(lock));
        self
    }

    /// Returns the stdout of a program that needs no files and ends soon.
    pub(super) fn output(mut self) -> Result<String, UvError> {
        let output = bounded::output(self.command.current_dir("/"), OUTPUT_TIME_MAX);
        let output = output.map_err(|source| self.not_run(source))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs the program, reports its stderr line by line, and returns the end of it.
    pub(super) fn run(
        mut self,
        progress: Progress,
        calls: Option<&Mutex<Calls>>,
    ) -> Result<(ExitStatus, String), UvError> {
        self.prepared()
            .and_then(|()| run(&mut self.command, progress, calls))
            .map_err(|source| self.not_run(source))
    }

    /// Creates the directory of calls, which anyone may have removed with the cache.
    fn prepared(&self) -> std::io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let settings = self.directory.join(NO_SETTINGS);
        if settings.exists() { Ok(()) } else { fs::write(settings, "") }
    }

    fn not_run(&self, source: std::io::Error) -> UvError {
        UvError::Run { executable: self.executable.clone(), source }
    }
}

fn run(
    command: &mut Command,
    progress: Progress,
    calls: Option<&Mutex<Calls>>,
) -> std::io::Result<(ExitStatus, String)> {
    let lock = || calls.map(|calls| calls.lock().unwrap_or_else(PoisonError::into_inner));
    let mut child = {
        let mut calls = lock();
        if calls.as_ref().is_some_and(|calls| calls.cancelled) {
            return Err(std::io::Error::other("the daemon is stopping"));
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if let Some(calls) = &mut calls {
            calls.children.push(Pid::from_raw(child.id().cast_signed()));
        }
        child
    };
    let mut output = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        while stderr.by_ref().take(OUTPUT_MAX as u64).read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            // Of the environment, which is the daemon's choice.
            if text.starts_with(ENVIRONMENT) {
                line.clear();
                continue;
            }
            // The list of packages, which is indented, is for the error only.
            if !text.trim().is_empty() && !text.starts_with(' ') {
                progress(Step::Note(text.trim().to_owned()));
            }
            output.push_str(&text);
            if output.len() > 2 * OUTPUT_MAX {
                output.drain(..output.ceil_char_boundary(output.len() - OUTPUT_MAX));
            }
            line.clear();
        }
    }
    if let Some(mut calls) = lock() {
        let own = Pid::from_raw(child.id().cast_signed());
        calls.children.retain(|child| *child != own);
    }
    let status = child.wait()?;
    let output = output.trim();
    let output =
        if output.is_empty() { format!("it ended with {status}") } else { output.to_owned() };
    Ok((status, output))
}
