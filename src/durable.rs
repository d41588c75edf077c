//! Files that are replaced whole, also when the power fails.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes `bytes` to `path` in place of any other file; after an error that one is unchanged.
///
/// # Errors
/// The directory cannot be written, or its file system is full.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    staged(path, bytes, |staged| File::create(staged))
}

/// The same with the permissions `mode`, which the file has before any byte is in it.
///
/// # Errors
/// As those of [`write()`].
pub fn write_as(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    staged(path, bytes, |staged| {
        // The leftover of a process with the same id.
        let _ = fs::remove_file(staged);
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(staged)?;
        // The umask may have masked bits.
        file.set_permissions(Permissions::from_mode(mode))?;
        Ok(file)
    })
}

/// Writes `bytes` to a file beside `path`, which `new` creates, and moves it there.
fn staged(path: &Path, bytes: &[u8], new: impl Fn(&Path) -> io::Result<File>) -> io::Result<()> {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(format!(".{}.new", std::process::id()));
    let staged = path.with_file_name(name);
    let written = new(&staged).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&staged, path));
    if placed.is_err() {
        // It may never have been created.
        let _ = fs::remove_file(&staged);
    }
    placed?;
    sync_directory_of(path)
}

/// Waits until the entry of `path` in its directory is on the disk.
///
/// # Errors
/// The directory cannot be opened or synchronized.
pub fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.json");
        write(&file, b"long text").unwrap();
        write(&file, b"text").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"text");
        // A directory in the place of the file.
        let taken = directory.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(write(&taken, b"x").is_err());
        assert!(write(&directory.path().join("no/file"), b"x").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
