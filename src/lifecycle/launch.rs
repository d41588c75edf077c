//! Building the command that runs the host, with the right libpython.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment::{self, Environment, supervision};
use crate::failure::Failure;
use crate::interpreter::{self, Interpreter};
use crate::paths::{self, Paths};
use crate::settings::Settings;

/// Name of the host executable.
pub const HOST: &str = "skills-host";

/// Option of the host: stdin is the connection to the host that it replaces.
pub const TAKE_OVER: &str = "--take-over";

/// Option of the host: it logs to the terminal, too.
pub const FOREGROUND: &str = "--foreground";

/// Option of the host: a service manager has started it.
pub const SERVICE: &str = "--service";

/// What has started a host, and holds its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// A program, which goes on without it.
    Launcher,
    /// A terminal, in which it stays.
    Terminal,
    /// A service manager.
    Service,
}

/// Returns the host executable: beside this program, else on PATH.
pub fn host_executable() -> Result<PathBuf, Failure> {
    environment::installed_program(HOST).ok_or_else(|| {
        Failure::environment(format!("{HOST} is neither beside this program nor on PATH"))
            .hint("Install skills-daemon again; all three executables belong together.")
    })
}

/// Returns a command that runs the host in the runtime directory, with the inherited part of `env` and the path of
/// its library.
pub fn host_command(
    paths: &Paths,
    env: &Environment,
    settings: &Settings,
    keeper: Keeper,
) -> Result<(Command, Interpreter), Failure> {
    let executable = host_executable()?;
    let interpreter = interpreter::find(settings, env)?;
    let mut command = Command::new(executable);
    command.env_clear().envs(&env.inherited(keeper == Keeper::Terminal));
    match keeper {
        Keeper::Launcher => {}
        Keeper::Terminal => drop(command.arg(FOREGROUND)),
        // The host becomes the process that they are for.
        Keeper::Service => {
            command.arg(SERVICE).envs(env.only(supervision::VARIABLES));
        }
    }
    command.arg("--python").arg(&interpreter.executable);
    if let (Some(library), Some(dir)) = (&interpreter.library, interpreter.library_dir()) {
        command.arg("--library").arg(library);
        command.env(environment::LIBRARY_PATH, in_front(dir, env.get(environment::LIBRARY_PATH)));
    }
    let original = env.get(environment::LIBRARY_PATH).unwrap_or_default();
    command.env(environment::ORIGINAL_LIBRARY_PATH, original);
    command.current_dir(&paths.runtime);
    Ok((command, interpreter))
}

/// Redirects the host's stderr into a fresh file, for loader errors and crashes; the last one is kept, which has the
/// traceback of a crash.
pub fn redirect_stderr(command: &mut Command, paths: &Paths) -> Result<(), Failure> {
    let path = paths.host_stderr();
    // Fails at the first start, and costs a later one only the traceback.
    let _ = fs::rename(&path, paths.old_host_stderr());
    let file = create_private(&path).map_err(|error| paths::unwritable(&path, &error))?;
    command.stderr(Stdio::from(file));
    Ok(())
}

/// Creates a file in place of any other, which a host that is being replaced may still write to.
fn create_private(path: &Path) -> io::Result<fs::File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn in_front(dir: &Path, rest: Option<&str>) -> OsString {
    let mut value = dir.as_os_str().to_owned();
    if let Some(rest) = rest {
        value.push(":");
        value.push(rest);
    }
    value
}
