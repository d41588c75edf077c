//! Finding, fetching and calling `uv`.
//!
//! Packages are resolved and installed only by `uv`: one on PATH that is new enough, else one that the base
//! interpreter's `pip` installs into `tools/` once. It is looked for at the first call, so nothing runs where nothing
//! is to be done. Calls block and take arguments, never shell strings.
//!
//! `uv`'s own settings hold (`UV_*`, the user's `uv.toml`), those of a project do not. Requirements reach it as data in a
//! file whose format has no options.

mod call;
mod compile;
mod error;
mod install;
mod program;
mod step;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::environment::Environment;
use crate::paths::Paths;

pub use compile::{Resolution, Upgrade};
pub use error::UvError;
pub use install::Place;
pub use program::{MINIMUM, share};
pub use step::{Progress, Step};

use call::{Call, CallEnvironment, Calls};

/// `uv`, found or fetched at the first call.
#[derive(Clone, Debug)]
pub struct Uv {
    paths: Paths,
    variables: Environment,
    /// The interpreter whose `pip` fetches it.
    python: PathBuf,
    environment: CallEnvironment,
    executable: Arc<OnceLock<PathBuf>>,
    /// Held while it is fetched.
    fetching: Arc<Mutex<()>>,
    calls: Arc<Mutex<Calls>>,
}

impl Uv {
    /// Returns a handle; looks for nothing yet. `python` is the base interpreter, whose `pip` fetches a missing `uv`.
    pub fn new(paths: &Paths, env: &Environment, python: &Path) -> Uv {
        Uv {
            paths: paths.clone(),
            variables: env.clone(),
            python: python.to_owned(),
            environment: CallEnvironment::of(paths, env),
            executable: Arc::default(),
            fetching: Arc::default(),
            calls: Arc::default(),
        }
    }

    /// The cache directory of the calls.
    pub fn cache(&self) -> PathBuf {
        self.environment.cache()
    }

    /// True if calls use no network, whatever their [`Sources`](crate::requirements::Sources) say.
    pub fn is_offline(&self) -> bool {
        self.variables.get("UV_OFFLINE").is_some_and(|it| !matches!(it, "0" | "false"))
    }

    /// Ends the running calls and refuses further ones: the daemon stops.
    pub fn cancel(&self) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// Returns the executable, which is looked for or fetched first.
    fn executable(&self, progress: Progress) -> Result<&Path, UvError> {
        // One looks, the others wait for it.
        let _fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.executable.get() {
            return Ok(known);
        }
        let found = program::find_or_fetch(
            &self.paths,
            &self.variables,
            &self.environment,
            &self.python,
            progress,
        )?;
        Ok(self.executable.get_or_init(|| found))
    }

    /// Returns a call of `uv` with `arguments`.
    fn call(&self, progress: Progress, arguments: &[&str]) -> Result<Call, UvError> {
        let mut call = Call::new(&self.environment, self.executable(progress)?);
        call.args(arguments);
        Ok(call)
    }

    fn run(&self, call: Call, progress: Progress) -> Result<(ExitStatus, String), UvError> {
        call.run(progress, Some(&self.calls))
    }
}

/// Returns the installed `uv` that calls would use, and its version or why it has none; fetches nothing.
pub fn installed(paths: &Paths, env: &Environment) -> Option<(PathBuf, Result<String, UvError>)> {
    program::installed(paths, env)
}
