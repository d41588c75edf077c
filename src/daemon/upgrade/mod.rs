//! Notices that what this process was started from was replaced, and has the control program replace the process.
//!
//! Looked at are the executable of the host, the interpreter and its library, and the packages of the venv: one that was
//! there when the plugins were loaded and has another version now, or is gone, while modules of it are imported. A change
//! counts once it is the same at two looks, so nothing is started in the middle of an installation. A restart that
//! failed is tried again after a growing pause, or when something changes again.
//!
//! The daemon's own [changes of packages](super::dependencies) make a new environment instead, and ask for a new process
//! if it takes one: so another environment is where the comparison begins again.
//!
//! - `installed`: what is looked at.
//! - `detector`: decides when a change counts.

mod detector;
mod installed;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::dependencies::Replacement;
use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::http::Service;
use crate::notices::{Notices, Topic};
use crate::paths::Paths;
use crate::runtime::Runtime;
use crate::venv::Venv;
use detector::Detector;
use installed::{Packages, Stamp, State, tops};

/// Time between two looks.
const TICK: Duration = Duration::from_secs(1);
/// The program that restarts the daemon.
const CONTROL: &str = "skills-daemon";

/// The looks at the installation of a running daemon.
pub(super) struct Watch {
    files: Vec<PathBuf>,
    venv: Venv,
    env: Environment,
    control: Option<PathBuf>,
    started_from: Vec<Option<Stamp>>,
    /// Why this process is to be replaced, while it still serves.
    replaced: Mutex<Option<String>>,
}

impl Watch {
    /// Remembers the present state of `files`; without any, nothing is watched.
    pub(super) fn new(paths: &Paths, env: &Environment, files: Vec<PathBuf>) -> Watch {
        Watch {
            venv: Venv::at(paths),
            env: env.clone(),
            control: environment::installed_program(CONTROL),
            started_from: files.iter().map(|file| Stamp::of(file)).collect(),
            files,
            replaced: Mutex::default(),
        }
    }

    /// Restarts the daemon after each change and as `replacements` ask; never returns, because the new process ends
    /// this one.
    pub(super) async fn run(
        &self,
        service: &Service,
        python: &dyn Runtime,
        mut replacements: mpsc::UnboundedReceiver<Replacement>,
    ) -> Infallible {
        let Some(control) = self.control.as_ref().filter(|_| !self.files.is_empty()) else {
            // Those that ask learn that there will be no other process.
            drop(replacements);
            return std::future::pending().await;
        };
        // What is asked for need not wait until all plugins are loaded: some may wait for it.
        tokio::select! {
            _ = service.registry.settled() => {}
            Some(replacement) = replacements.recv() => {
                self.replace(control, replacement, &service.notices).await;
            }
        }
        let mut packages = Packages::default();
        let begin = State {
            files: self.started_from.clone(),
            packages: packages.read(&self.venv).unwrap_or_default(),
        };
        let mut detector = Detector::new(begin);
        tracing::debug!("watching for upgrades");
        loop {
            let replacement = tokio::select! {
                Some(replacement) = replacements.recv() => Some(replacement),
                () = sleep(TICK) => None,
            };
            if let Some(replacement) = replacement {
                self.replace(control, replacement, &service.notices).await;
                continue;
            }
            // A folder that cannot be read now may be in the middle of a change.
            let Some(installed) = packages.read(&self.venv) else { continue };
            let files = self.files.iter().map(|file| Stamp::of(file)).collect();
            let state = State { files, packages: installed };
            let imported = match detector.has_other_packages(&state) {
                // No answer while native code holds the GIL: the next look asks again.
                true => timeout(TICK, python.imported()).await.ok().and_then(Result::ok),
                false => None,
            };
            let imported = imported.map(|files| tops(&files));
            let Some(change) = detector.look(state, imported.as_ref(), Instant::now()) else {
                if detector.is_undone() && self.lock().take().is_some() {
                    service.notices.set(None, Topic::Restart, None);
                }
                continue;
            };
            self.attempt(control, change.text(&self.files), &service.notices).await;
            detector.failed(Instant::now());
        }
    }

    /// Restarts the daemon because that was asked for.
    async fn replace(&self, control: &Path, replacement: Replacement, notices: &Notices) {
        let Replacement { reason, answer } = replacement;
        let text = self.attempt(control, reason, notices).await;
        // Fails only when the daemon is ending.
        let _ = answer.send(Failure::environment(text).hint("Run `skills-daemon restart`."));
    }

    /// Restarts the daemon because of `change`; returns the notice that this failed, and never after a success.
    async fn attempt(&self, control: &Path, change: String, notices: &Notices) -> String {
        tracing::info!(change, "restarting");
        *self.lock() = Some(change.clone());
        let error = self.restart(control).await;
        tracing::error!(change, error, "the restart failed");
        self.not_replaced(notices, &error)
    }

    /// Sets the notice that no new process took over, after any restart that failed, and returns it.
    pub(super) fn not_replaced(&self, notices: &Notices, error: &str) -> String {
        let error = format!("a new process could not take over: {error}");
        let text = match &*self.lock() {
            Some(change) => format!("{change}, but {error}"),
            None => error,
        };
        notices.set(None, Topic::Restart, Some(text.clone()));
        text
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `skills-daemon restart`; returns its error, and never after a success.
    async fn restart(&self, control: &Path) -> String {
        let mut command = Command::new(control);
        command.arg("restart").env_clear().envs(&self.env);
        // It outlives this process, and signals to this process's group are not for it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let output = match command.spawn() {
            Ok(child) => child.wait_with_output().await,
            Err(error) => Err(error),
        };
        match output {
            Ok(output) if output.status.success() => std::future::pending().await,
            Ok(output) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                let error = stderr.lines().find_map(|line| line.strip_prefix("Error: "));
                error.map_or_else(|| format!("{}", output.status), str::to_owned)
            }
            Err(error) => format!("cannot run {}: {error}", control.display()),
        }
    }
}
