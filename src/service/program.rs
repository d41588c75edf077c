//! Running a service manager's own program: no shell, nothing to read, within a limit.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::own_variables;
use crate::environment::{self, Environment};
use crate::failure::Failure;

/// Limit of a command that only asks, or changes a file.
pub(super) const PROMPT: Duration = Duration::from_secs(20);
/// Limit of a command that waits for the daemon's start or end.
pub(super) const PATIENT: Duration = Duration::from_secs(30 * 60);
/// The most that is read of a program's output, in bytes.
const OUTPUT_MAX: u64 = 64 * 1024;

/// The program, and the environment in which it finds its manager.
#[derive(Clone, Debug)]
pub(super) struct Program {
    name: &'static str,
    path: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    /// The directory of the login's sockets.
    pub(super) session: PathBuf,
}

/// Output of a program that ran to its end.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Program {
    pub(super) fn systemctl(env: &Environment) -> Program {
        let session = env
            .path(environment::XDG_RUNTIME_DIR)
            .unwrap_or_else(|| PathBuf::from(format!("/run/user/{}", geteuid())));
        Program::called("systemctl", env, session)
    }

    pub(super) fn launchctl(env: &Environment) -> Program {
        Program::called("launchctl", env, PathBuf::new())
    }

    fn called(name: &'static str, env: &Environment, session: PathBuf) -> Program {
        let path = env.program(name).or_else(|| {
            // Short search paths of other services lack it.
            let usual = PathBuf::from(format!("/bin/{name}"));
            usual.is_file().then_some(usual)
        });
        let mut own = own_variables(env);
        if !session.as_os_str().is_empty() {
            own.push((environment::XDG_RUNTIME_DIR.into(), session.clone().into()));
        }
        Program { name, path, env: own, session }
    }

    /// Returns the path of the program.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn find(&self) -> Result<&PathBuf, Failure> {
        self.path.as_ref().ok_or_else(|| {
            Failure::environment(format!(
                "no service manager: neither systemd nor launchd is here ({} not found)",
                self.name
            ))
            .hint("Without a service, each command starts the daemon when it does not run.")
        })
    }

    /// Runs it with `arguments`.
    ///
    /// # Errors
    /// It cannot be run, or takes longer than `limit`.
    pub(super) fn run(&self, arguments: &[&str], limit: Duration) -> Result<Output, Failure> {
        let path = self.find()?;
        let line = || format!("{} {}", self.name, arguments.join(" "));
        let failed = |error: std::io::Error| {
            Failure::environment(format!("cannot run `{}`: {error}", line()))
        };
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        // Its words are read: in one language.
        command.env("LC_ALL", "C.UTF-8").env("SYSTEMD_PAGER", "").env("SYSTEMD_COLORS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait()));
        let Ok(status) = ended.recv_timeout(limit) else {
            // The thread above reaps it, so that its id is still its own.
            let _ = kill(pid, Signal::SIGKILL);
            let error = format!("`{}` did not end within {} s", line(), limit.as_secs());
            return Err(Failure::environment(error));
        };
        let success = status.map_err(failed)?.success();
        let text = |output: mpsc::Receiver<String>| output.recv_timeout(PROMPT).unwrap_or_default();
        Ok(Output { success, stdout: text(stdout), stderr: text(stderr) })
    }

    /// Runs it with `arguments`, which must succeed.
    ///
    /// # Errors
    /// As for [`Program::run`], or it fails.
    pub(super) fn done(&self, arguments: &[&str], limit: Duration) -> Result<(), Failure> {
        let output = self.run(arguments, limit)?;
        if output.success {
            return Ok(());
        }
        let line = format!("`{} {}` failed", self.name, arguments.join(" "));
        let reason = output.stderr.lines().find(|line| !line.trim().is_empty());
        let reason = reason.map_or(String::new(), |reason| format!(": {}", reason.trim()));
        Err(Failure::environment(format!("{line}{reason}")))
    }
}

/// Reads a pipe on a thread of its own.
fn read(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, text) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What cannot be read is missing in a message.
            let _ = pipe.by_ref().take(OUTPUT_MAX).read_to_end(&mut bytes);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    text
}
