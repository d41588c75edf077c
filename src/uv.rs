//! Finding, fetching and calling `uv`.
//!
//! Packages are installed only by `uv`: one on PATH, else one that the base interpreter's `pip` installs into
//! `tools/` once. Calls block and take arguments, never shell strings.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use thiserror::Error;

use crate::environment::{Environment, UV_CACHE_DIR};
use crate::failure::{Failure, Kind};
use crate::paths::Paths;

/// The length of the end of a tool's output that an error quotes, in bytes.
const OUTPUT_MAX: usize = 4096;

/// A callback for lines of progress.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// A `uv` that can be called.
#[derive(Clone, Debug)]
pub struct Uv {
    executable: PathBuf,
    environment: CallEnvironment,
    calls: Arc<Mutex<Calls>>,
}

/// Working directory and environment variables of each call.
#[derive(Clone, Debug)]
struct CallEnvironment {
    /// A directory without a project, so that no `uv.toml` of the user's work is read.
    directory: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

/// The running calls.
#[derive(Debug, Default)]
struct Calls {
    children: Vec<Pid>,
    cancelled: bool,
}

/// Error of a call of `uv`.
#[derive(Debug, Error)]
pub enum UvError {
    /// No `uv` was found, and it could not be fetched.
    #[error("no `uv` on PATH, and installing it with {python} -m pip failed: {output}")]
    Missing {
        /// The base interpreter.
        python: PathBuf,
        /// The end of pip's output.
        output: String,
    },
    /// It could not be run.
    #[error("cannot run {executable}: {source}")]
    Run {
        /// The executable.
        executable: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The requirements have no solution: a package or version that does not exist, or a conflict.
    #[error("cannot install {wanted}: {output}")]
    NoSolution {
        /// The requirements.
        wanted: String,
        /// The end of uv's output.
        output: String,
    },
    /// Any other failure: no network, a full disk, a build that failed.
    #[error("{action} failed: {output}")]
    Failed {
        /// The action that failed.
        action: String,
        /// The end of uv's output.
        output: String,
    },
}

impl UvError {
    /// Returns the error with `requirements` in place of all requirements of the call.
    #[must_use]
    pub fn about(self, requirements: &[String]) -> UvError {
        match self {
            UvError::NoSolution { output, .. } => {
                UvError::NoSolution { wanted: requirements.join(", "), output }
            }
            other => other,
        }
    }
}

impl From<UvError> for Failure {
    fn from(error: UvError) -> Failure {
        let text = error.to_string();
        match error {
            UvError::Missing { .. } => Failure::environment(text)
                .hint("Check the network, or install uv (https://docs.astral.sh/uv/) and run this again."),
            UvError::Run { .. } => Failure::environment(text),
            UvError::NoSolution { .. } => Failure::new(Kind::Plugin, text)
                .hint("Correct `dependencies` in manifest.json; then run `skills-daemon reload`."),
            UvError::Failed { .. } => Failure::environment(text).hint(
                "Check network, proxy and free disk space; then run `skills-daemon reload`, or the command again.",
            ),
        }
    }
}

impl Uv {
    /// Returns the installed `uv`: on PATH, else in `tools/`.
    pub fn find(paths: &Paths, env: &Environment) -> Option<Uv> {
        let own = own_executable(paths);
        let executable = env.program("uv").or_else(|| own.is_file().then_some(own))?;
        let environment = CallEnvironment::of(paths, env);
        Some(Uv { executable, environment, calls: Arc::default() })
    }

    /// Returns the installed `uv`, or one freshly installed into `tools/` with `python -m pip`.
    pub fn find_or_fetch(
        paths: &Paths,
        env: &Environment,
        python: &Path,
        progress: Progress,
    ) -> Result<Uv, UvError> {
        if let Some(uv) = Uv::find(paths, env) {
            return Ok(uv);
        }
        progress("no uv on PATH: installing it with pip");
        let staging = paths.tools().join(format!("uv.{}", std::process::id()));
        let mut command = CallEnvironment::of(paths, env).command(python);
        command
            .args([
                "-I",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ])
            .args(["--no-cache-dir", "--root-user-action", "ignore"])
            .args(["--target".as_ref(), staging.as_os_str(), "uv".as_ref()] as [&OsStr; 3]);
        let installed = run(command, progress, None);
        let outcome = match installed {
            Ok((status, _)) if status.success() => {
                let home = own_home(paths);
                // A leftover without an executable, or `find` would have returned it.
                let _ = fs::remove_dir_all(&home);
                fs::rename(&staging, &home).map_err(|error| error.to_string())
            }
            Ok((_, output)) => Err(output),
            Err(error) => Err(error.to_string()),
        };
        let _ = fs::remove_dir_all(&staging);
        outcome
            .and_then(|()| {
                Uv::find(paths, env).ok_or_else(|| "the package holds no executable".to_owned())
            })
            .map_err(|output| UvError::Missing { python: python.to_owned(), output })
    }

    /// The executable's path.
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// Returns the output of `uv --version`.
    pub fn version(&self) -> Result<String, UvError> {
        let mut command = self.command();
        command.arg("--version");
        let output = command.output().map_err(|source| self.not_run(source))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Creates an empty virtual environment of the interpreter `python` at `directory`.
    pub fn venv(&self, python: &Path, directory: &Path, progress: Progress) -> Result<(), UvError> {
        let mut command = self.command();
        command.args(["venv", "--quiet", "--no-project", "--python"]).arg(python).arg(directory);
        let (status, output) = self.run(command, progress)?;
        if status.success() {
            return Ok(());
        }
        let action = format!("creating the virtual environment {}", directory.display());
        Err(UvError::Failed { action, output })
    }

    /// Installs those of `requirements` that the environment of `python` lacks; changes nothing if it has them all.
    ///
    /// The packages named in `damaged` are installed again in any case.
    pub fn install(
        &self,
        python: &Path,
        requirements: &[String],
        damaged: &[String],
        progress: Progress,
    ) -> Result<(), UvError> {
        let mut command = self.command();
        command.args(["pip", "install", "--python"]).arg(python);
        for package in damaged {
            command.args(["--reinstall-package", package]);
        }
        command.arg("--").args(requirements);
        let (status, output) = self.run(command, progress)?;
        let wanted = requirements.join(", ");
        match status.code() {
            Some(0) => Ok(()),
            // uv's documented status for requirements without a solution.
            Some(1) => Err(UvError::NoSolution { wanted, output }),
            _ => Err(UvError::Failed { action: format!("installing {wanted}"), output }),
        }
    }

    /// Ends the running calls and refuses further ones: the daemon stops.
    pub fn cancel(&self) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.cancelled = true;
        for child in &calls.children {
            // Reaped only after it leaves the list, so the id is still that of the same process.
            let _ = kill(*child, Signal::SIGTERM);
        }
    }

    fn command(&self) -> Command {
        self.environment.command(&self.executable)
    }

    fn run(&self, command: Command, progress: Progress) -> Result<(ExitStatus, String), UvError> {
        run(command, progress, Some(&self.calls)).map_err(|source| self.not_run(source))
    }

    fn not_run(&self, source: std::io::Error) -> UvError {
        UvError::Run { executable: self.executable.clone(), source }
    }
}

fn own_home(paths: &Paths) -> PathBuf {
    paths.tools().join("uv")
}

fn own_executable(paths: &Paths) -> PathBuf {
    own_home(paths).join("bin/uv")
}

impl CallEnvironment {
    fn of(paths: &Paths, env: &Environment) -> CallEnvironment {
        // The cache is in the runtime directory, unless the user sets another.
        let cache = env.get(UV_CACHE_DIR).map_or_else(
            || paths.tools().with_file_name("cache").join("uv").into_os_string(),
            OsString::from,
        );
        let mut variables = vec![
            (UV_CACHE_DIR, cache),
            ("UV_NO_PROGRESS", "1".into()),
            ("UV_PYTHON_DOWNLOADS", "never".into()),
            ("NO_COLOR", "1".into()),
        ];
        // The system's certificates, as pip uses them; both names of the setting, old and new.
        for name in ["UV_SYSTEM_CERTS", "UV_NATIVE_TLS"] {
            variables.push((name, env.get(name).unwrap_or("1").into()));
        }
        CallEnvironment { directory: paths.tools(), variables }
    }

    /// Returns a command that depends neither on the caller's virtual environment nor on its working directory.
    fn command(&self, executable: &Path) -> Command {
        let mut command = Command::new(executable);
        command
            .current_dir(&self.directory)
            .env_remove("VIRTUAL_ENV")
            .env_remove("CONDA_PREFIX")
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME")
            .env_remove("UV_PYTHON")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }
}

/// Runs `command`, reports its stderr line by line, and returns the end of it.
fn run(
    mut command: Command,
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
            // The list of packages, which is indented, is for the error only.
            if !text.trim().is_empty() && !text.starts_with(' ') {
                progress(text.trim());
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
