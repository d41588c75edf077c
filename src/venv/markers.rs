//! The values of an interpreter that the markers of requirements are compared with (PEP 508).

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::utsname::uname;
use uv_pep508::MarkerEnvironment;

const SCRIPT: &str = include_str!("markers.py");

/// Asks the interpreter at `python` for its values.
///
/// # Errors
/// It cannot be run, or its output is not that of the script.
pub fn markers_of(python: &Path) -> io::Result<MarkerEnvironment> {
    let mut command = Command::new(python);
    let output = command.args(["-I", "-S", "-c", SCRIPT]).stdin(Stdio::null()).output()?;
    serde_json::from_slice(&output.stdout).map_err(|error| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reason = stderr.lines().last().map_or(error.to_string(), str::to_owned);
        io::Error::other(format!("{}: {reason}", python.display()))
    })
}

/// Returns `markers` with the present values of those that change with the system's kernel.
pub(super) fn refreshed(markers: MarkerEnvironment) -> MarkerEnvironment {
    let Ok(system) = uname() else { return markers };
    markers
        .with_platform_release(system.release().to_string_lossy())
        .with_platform_version(system.version().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::{BUILD_PYTHON, BUILD_VERSION};

    #[test]
    fn a_real_interpreter_has_all_values_and_they_are_current() {
        let Some(python) = BUILD_PYTHON else { return };
        let markers = markers_of(Path::new(python)).unwrap();
        assert_eq!(markers.python_version().string, BUILD_VERSION.unwrap());
        assert_eq!(markers.sys_platform(), std::env::consts::OS.replace("macos", "darwin"));
        assert_eq!(refreshed(markers.clone()), markers);
        let error = markers_of(Path::new("/bin/false")).unwrap_err().to_string();
        assert!(error.starts_with("/bin/false: "), "{error}");
    }
}
