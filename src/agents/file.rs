//! Settings files on disk: links to them are followed, permissions kept, and files and directories that became empty
//! removed.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::failure::Failure;
use crate::paths::unwritable;

/// The most links that lead from one to another.
const LINKS_MAX: usize = 40;

/// Returns the text of a settings file; `None` if there is none.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::environment(format!("cannot read {}: {error}", path.display()))),
    }
}

/// Writes a settings file whole, with `mode` if it is new.
///
/// # Errors
/// The file or its directory cannot be written.
pub fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let target = target(path);
    let mode = fs::metadata(&target).map_or(mode, |found| found.permissions().mode() & 0o7777);
    let written = (|| {
        if let Some(directory) = target.parent() {
            fs::create_dir_all(directory)?;
        }
        durable::write_as(&target, text.as_bytes(), mode)
    })();
    written.map_err(|error| unwritable(&target, &error))
}

/// Removes a settings file, and then its directories below `top` as far as they are empty.
///
/// # Errors
/// The file cannot be removed.
pub fn remove(path: &Path, top: &Path) -> Result<(), Failure> {
    let target = target(path);
    match fs::remove_file(&target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(unwritable(&target, &error));
        }
        _ => {}
    }
    remove_empty(target.parent().unwrap_or(top), top);
    Ok(())
}

/// Removes `directory` and those above it, below `top`, as far as they are empty.
pub fn remove_empty(directory: &Path, top: &Path) {
    let below = |directory: &&Path| directory.starts_with(top) && *directory != top;
    for directory in directory.ancestors().take_while(below) {
        // Fails if it is not empty.
        if fs::remove_dir(directory).is_err() {
            return;
        }
    }
}

/// Returns the file that `path` leads to, which may be missing.
fn target(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&target) {
            Ok(link) => target = target.with_file_name("").join(link),
            Err(_) => break,
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn links_stay_and_permissions_too() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        fs::create_dir(home.join("dotfiles")).unwrap();
        symlink("dotfiles/mcp.json", home.join("mcp.json")).unwrap();
        // The link leads nowhere yet.
        write(&home.join("mcp.json"), "1", 0o600).unwrap();
        let file = home.join("dotfiles/mcp.json");
        assert_eq!((read(&file).unwrap().as_deref(), mode(&file)), (Some("1"), 0o600));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        write(&home.join("mcp.json"), "2", 0o600).unwrap();
        assert_eq!((read(&file).unwrap().as_deref(), mode(&file)), (Some("2"), 0o640));
        assert!(home.join("mcp.json").is_symlink());
        assert_eq!(fs::read_dir(home.join("dotfiles")).unwrap().count(), 1);
    }

    #[test]
    fn directories_that_became_empty_go_with_their_file() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let file = home.join(".config/Code/User/mcp.json");
        write(&file, "{}", 0o644).unwrap();
        write(&home.join(".config/other"), "", 0o644).unwrap();
        remove(&file, home).unwrap();
        assert!(!home.join(".config/Code").exists() && home.join(".config/other").exists());
        fs::remove_file(home.join(".config/other")).unwrap();
        remove(&file, home).unwrap();
        assert!(home.exists());
        assert_eq!(read(&file).unwrap(), None);
    }
}
