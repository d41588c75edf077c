//! Where a result is written: stdout, or the file of `--output`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use crate::console::{self, Console};
use crate::failure::Failure;

/// Where a result is written.
pub(super) struct Out<'a> {
    console: &'a Console,
    file: Option<Staged>,
}

/// A file that takes its place once it is complete.
struct Staged {
    path: PathBuf,
    /// Where it is written; `None` for what is no regular file.
    beside: Option<PathBuf>,
    file: File,
}

impl<'a> Out<'a> {
    /// Opens the file at `path`, or stdout without one.
    pub(super) fn open(console: &'a Console, path: Option<&str>) -> Result<Out<'a>, Failure> {
        let file = path.map(|path| Staged::create(Path::new(path)).map_err(failed(path)));
        Ok(Out { console, file: file.transpose()? })
    }

    /// True if it is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.file.is_none() && self.console.columns > 0
    }

    /// True if it takes colour codes.
    pub(super) fn colored(&self) -> bool {
        self.file.is_none() && self.console.colored()
    }

    /// Writes bytes as they are.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.file {
            None => printed(self.console.write(bytes)).map(drop),
            Some(it) => {
                let path = it.path.display().to_string();
                it.file.write_all(bytes).map_err(failed(&path))
            }
        }
    }

    /// Writes a text and a newline.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.write(text.as_bytes())?;
        self.write(b"\n")
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let Some(it) = &mut self.file else { return Ok(()) };
        match it.beside.take() {
            None => Ok(()),
            Some(beside) => fs::rename(beside, &it.path).map_err(failed(&it.path.display())),
        }
    }
}

impl Staged {
    fn create(path: &Path) -> io::Result<Staged> {
        // Links stay; a pipe or a device is written as it is.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|it| !it.is_file()) {
            return Ok(Staged {
                file: File::options().write(true).open(&path)?,
                path,
                beside: None,
            });
        }
        let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
        name.push(format!(".{}.part", process::id()));
        let beside = path.with_file_name(name);
        let file = File::create_new(&beside)?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())?;
        }
        Ok(Staged { path, beside: Some(beside), file })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Nothing is left of a result that is not whole.
            let _ = fs::remove_file(beside);
        }
    }
}

/// Returns the outcome of a write; a closed pipe (`| head`) ends the program.
pub(super) fn printed(outcome: io::Result<()>) -> Result<ExitCode, Failure> {
    match outcome.map_err(ended) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::environment(format!("cannot write to stdout: {error}"))),
    }
}

/// Ends the program if `error` is that of a closed pipe, as the signal for it ends others; returns any other error.
pub(super) fn ended(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        console::end_by_closed_pipe();
    }
    error
}

fn failed(path: &(impl ToString + ?Sized)) -> impl FnOnce(io::Error) -> Failure {
    let path = path.to_string();
    move |error| Failure::environment(format!("cannot write {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::environment::Environment;

    #[test]
    fn a_file_is_there_once_it_is_whole_and_keeps_its_mode_and_links() {
        let console = Console::of_process(&Environment::default());
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let write = |name: &str, finishes: bool| {
            let mut out = Out::open(&console, Some(&path(name))).unwrap();
            assert!(!out.is_terminal() && !out.colored());
            out.print("text").unwrap();
            if finishes {
                out.finish().unwrap();
            }
        };
        write("new", false);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        write("new", true);
        assert_eq!(fs::read_to_string(path("new")).unwrap(), "text\n");
        fs::write(path("old"), "old").unwrap();
        let mut mode = fs::metadata(path("old")).unwrap().permissions();
        PermissionsExt::set_mode(&mut mode, 0o600);
        fs::set_permissions(path("old"), mode).unwrap();
        std::os::unix::fs::symlink("old", path("link")).unwrap();
        write("link", false);
        assert_eq!(fs::read_to_string(path("old")).unwrap(), "old");
        write("link", true);
        assert_eq!(fs::read_to_string(path("old")).unwrap(), "text\n");
        let kept = fs::metadata(path("old")).unwrap().permissions();
        assert_eq!(PermissionsExt::mode(&kept) & 0o777, 0o600);
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        write("/dev/null", true);
        let refused = Out::open(&console, Some(&path("no/file"))).err().unwrap();
        assert!(refused.error.contains("no/file: No such file"), "{refused}");
    }
}
