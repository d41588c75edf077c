//! The executable: which one is used, and how a missing one is fetched.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use uv_pep440::Version;

use super::call::{Call, CallEnvironment};
use super::error::UvError;
use super::step::{Progress, Step};
use crate::environment::Environment;
use crate::paths::Paths;

/// The oldest version that is used: it reads and writes `pylock.toml` with hashes.
pub const MINIMUM: &str = "0.8.0";

/// Returns the executables there are: on PATH, then the fetched one.
fn candidates(paths: &Paths, env: &Environment) -> Vec<PathBuf> {
    let own = own_executable(paths);
    env.programs("uv").chain(own.is_file().then_some(own)).collect()
}

/// Returns the executable to use and its version, or the first one that does not do.
pub(super) fn installed(
    paths: &Paths,
    env: &Environment,
) -> Option<(PathBuf, Result<String, UvError>)> {
    let environment = CallEnvironment::of(paths, env);
    let mut first = None;
    for executable in candidates(paths, env) {
        let version = version(&environment, &executable);
        let fits = version.as_ref().is_ok_and(|version| is_new_enough(version));
        if fits {
            return Some((executable, version));
        }
        first.get_or_insert((executable, version));
    }
    first
}

/// Returns an executable that is new enough: one that is installed, else one fetched into `tools/` with
/// `python -m pip`.
pub(super) fn find_or_fetch(
    paths: &Paths,
    env: &Environment,
    environment: &CallEnvironment,
    python: &Path,
    progress: Progress,
) -> Result<PathBuf, UvError> {
    let found = match installed(paths, env) {
        Some((executable, Ok(version))) if is_new_enough(&version) => return Ok(executable),
        Some((executable, Ok(version))) => {
            format!("{} is {version}, which is older than {MINIMUM}", executable.display())
        }
        Some((_, Err(error))) => error.to_string(),
        None => "no `uv` on PATH".to_owned(),
    };
    progress(Step::Fetching);
    fetch(paths, environment, python, progress).map_err(|output| UvError::Missing {
        found,
        python: python.to_owned(),
        output,
    })
}

fn fetch(
    paths: &Paths,
    environment: &CallEnvironment,
    python: &Path,
    progress: Progress,
) -> Result<PathBuf, String> {
    let staging = paths.tools().join(format!("uv.{}", std::process::id()));
    let mut pip = Call::new(environment, python);
    pip.args(&["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(&["--no-input", "--no-cache-dir", "--root-user-action", "ignore"])
        .args(&["--target".as_ref(), staging.as_os_str()] as &[&OsStr])
        .args(&[format!("uv>={MINIMUM}")]);
    let outcome = match pip.run(progress, None) {
        Ok((status, _)) if status.success() => {
            let home = own_home(paths);
            // A leftover without an executable, or one that is too old.
            let _ = fs::remove_dir_all(&home);
            fs::rename(&staging, &home).map_err(|error| error.to_string())
        }
        Ok((_, output)) => Err(output),
        Err(error) => Err(error.to_string()),
    };
    let _ = fs::remove_dir_all(&staging);
    let own = own_executable(paths);
    outcome.and_then(|()| {
        own.is_file().then_some(own).ok_or_else(|| "the package holds no executable".to_owned())
    })
}

/// Returns `X.Y.Z` of an executable, or all of what it answers.
fn version(environment: &CallEnvironment, executable: &Path) -> Result<String, UvError> {
    let mut call = Call::new(environment, executable);
    call.args(&["--version"]);
    let output = call.output()?;
    Ok(output.strip_prefix("uv ").unwrap_or(&output).split(' ').next().unwrap_or("").to_owned())
}

fn is_new_enough(version: &str) -> bool {
    match (Version::from_str(version), Version::from_str(MINIMUM)) {
        (Ok(version), Ok(minimum)) => version >= minimum,
        _ => false,
    }
}

/// Gives the runtime directory `to` the `uv` that the daemon of `paths` has fetched, if any.
///
/// # Errors
/// The link to it cannot be made.
pub fn share(paths: &Paths, to: &Path) -> io::Result<()> {
    let tools = to.join("tools");
    DirBuilder::new().recursive(true).mode(0o700).create(&tools)?;
    let home = own_home(paths);
    if home.is_dir() { symlink(&home, tools.join("uv")) } else { Ok(()) }
}

fn own_home(paths: &Paths) -> PathBuf {
    paths.tools().join("uv")
}

fn own_executable(paths: &Paths) -> PathBuf {
    own_home(paths).join("bin/uv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, is_new) in
            [("0.8.0", true), ("0.13.9", true), ("0.7.22", false), ("1.0.0", true), ("", false)]
        {
            assert_eq!(is_new_enough(version), is_new, "{version}");
        }
    }
}
