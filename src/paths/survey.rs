//! The state of the runtime directories, without a change of any.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::{Paths, private, unwritable};
use crate::failure::Failure;

/// What keeps the runtime directories from being used as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It does not exist, and can be created.
    Missing(PathBuf),
    /// It is the user's own, and others can write to it; the failure of using it.
    Open(PathBuf, Failure),
    /// It cannot be used.
    Unusable(Failure),
}

impl Paths {
    /// Returns what is wrong with the runtime directories; nothing if [`Paths::create`] would change none.
    pub fn survey(&self) -> Vec<Defect> {
        if let Err(failure) = self.check_length() {
            return vec![Defect::Unusable(failure)];
        }
        let root = examined(&self.runtime, private::check_root);
        match root {
            None => {}
            Some(Defect::Open(..)) => {}
            // Nothing can be said of what is in it.
            Some(defect) => return vec![defect],
        }
        let parts = [self.logs(), self.state(), self.tools(), self.cache()];
        let parts = parts.iter().filter_map(|part| examined(part, private::check));
        root.into_iter().chain(parts).collect()
    }
}

/// Returns what is wrong with one directory.
fn examined(directory: &Path, check: fn(&Path) -> Result<(), Failure>) -> Option<Defect> {
    match fs::metadata(directory) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Some(unusable(directory, io::ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A link that leads nowhere is in the way.
            if fs::symlink_metadata(directory).is_ok() {
                return check(directory).err().map(Defect::Unusable);
            }
            return Some(match creatable(directory) {
                Ok(()) => Defect::Missing(directory.to_owned()),
                Err(error) => unusable(directory, error),
            });
        }
        Err(error) => return Some(unusable(directory, error)),
    }
    if let Err(failure) = check(directory) {
        return Some(match private::is_open(directory) {
            true => Defect::Open(directory.to_owned(), failure),
            false => Defect::Unusable(failure),
        });
    }
    let writable = access(directory, AccessFlags::W_OK | AccessFlags::X_OK);
    writable.err().map(|errno| unusable(directory, errno.into()))
}

/// Checks that `directory` can be created: the nearest directory above it is one, and is writable.
fn creatable(directory: &Path) -> io::Result<()> {
    for above in directory.ancestors().skip(1) {
        match fs::metadata(above) {
            Ok(found) if !found.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
            Ok(_) => return Ok(access(above, AccessFlags::W_OK | AccessFlags::X_OK)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn unusable(directory: &Path, error: io::Error) -> Defect {
    Defect::Unusable(unwritable(directory, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn at(runtime: &Path) -> Paths {
        Paths {
            home: "/h".into(),
            profile: None,
            runtime: runtime.into(),
            config: runtime.join("config"),
            bin: runtime.join("bin"),
        }
    }

    #[test]
    fn what_is_missing_is_named_and_not_made() {
        let root = tempfile::tempdir().unwrap();
        let paths = at(&root.path().join("a/b"));
        assert_eq!(paths.survey(), [Defect::Missing(paths.runtime.clone())]);
        assert!(!root.path().join("a").exists());
        paths.create().unwrap();
        assert_eq!(paths.survey(), []);
        fs::remove_dir(paths.logs()).unwrap();
        assert_eq!(paths.survey(), [Defect::Missing(paths.logs())]);
    }

    #[test]
    fn what_others_can_write_to_differs_from_what_cannot_be_used() {
        let root = tempfile::tempdir().unwrap();
        let paths = at(root.path());
        paths.create().unwrap();
        fs::set_permissions(paths.state(), fs::Permissions::from_mode(0o770)).unwrap();
        fs::remove_dir(paths.cache()).unwrap();
        fs::write(paths.cache(), "").unwrap();
        fs::remove_dir(paths.tools()).unwrap();
        symlink("/nowhere", paths.tools()).unwrap();
        let found = paths.survey();
        assert!(matches!(&found[0], Defect::Open(path, _) if *path == paths.state()), "{found:?}");
        assert!(matches!(&found[1], Defect::Unusable(it) if it.error.contains("symbolic link")));
        assert!(matches!(&found[2], Defect::Unusable(it) if it.hint.is_some()), "{found:?}");
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_file_in_the_way_and_a_path_that_is_too_long_are_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        for runtime in ["file", "file/x", &"x".repeat(120)] {
            let found = at(&root.path().join(runtime)).survey();
            assert!(matches!(found.as_slice(), [Defect::Unusable(_)]), "{found:?}");
        }
    }
}
