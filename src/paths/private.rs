//! Runtime directories that another user could write to are refused: the daemon runs code from them, and its socket and
//! its token lie there.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Uid, geteuid};

use crate::environment;
use crate::failure::Failure;

/// The permission bits by which the group and others may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Why a directory is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It belongs to the user of this id.
    Owner(u32),
    /// Others may write to it.
    Writable,
    /// It is a symbolic link.
    Link,
    /// It is a symbolic link that belongs to the user of this id.
    LinkOwner(u32),
}

/// Checks the runtime directory itself, which may be a link of the user's own to another disk.
///
/// # Errors
/// It or the link belongs to another user, or others may write to it.
pub(super) fn check_root(directory: &Path) -> Result<(), Failure> {
    let own = geteuid();
    let link = fs::symlink_metadata(directory).map_err(|error| unreadable(directory, &error))?;
    let fault = match link.is_symlink() {
        true if !is_trusted(link.uid(), own) => Some(Fault::LinkOwner(link.uid())),
        true => {
            let target = fs::metadata(directory).map_err(|error| unreadable(directory, &error))?;
            judge(&target, own)
        }
        false => judge(&link, own),
    };
    fault.map_or(Ok(()), |fault| Err(refused(directory, fault)))
}

/// Checks a directory in the runtime directory, which may not be a link.
///
/// # Errors
/// It is a link, belongs to another user, or others may write to it.
pub(super) fn check(directory: &Path) -> Result<(), Failure> {
    let metadata =
        fs::symlink_metadata(directory).map_err(|error| unreadable(directory, &error))?;
    let fault = match metadata.is_symlink() {
        true => Some(Fault::Link),
        false => judge(&metadata, geteuid()),
    };
    fault.map_or(Ok(()), |fault| Err(refused(directory, fault)))
}

/// True for a directory of the user's own, and no link, that others may write to.
pub(super) fn is_open(directory: &Path) -> bool {
    let metadata = fs::symlink_metadata(directory).ok().filter(|it| !it.is_symlink());
    metadata.is_some_and(|it| judge(&it, geteuid()) == Some(Fault::Writable))
}

fn judge(metadata: &Metadata, own: Uid) -> Option<Fault> {
    if metadata.uid() != own.as_raw() {
        return Some(Fault::Owner(metadata.uid()));
    }
    (metadata.mode() & WRITABLE_BY_OTHERS != 0).then_some(Fault::Writable)
}

/// True for a link that only this user or root can have made.
fn is_trusted(owner: u32, own: Uid) -> bool {
    owner == own.as_raw() || owner == 0
}

fn unreadable(directory: &Path, error: &io::Error) -> Failure {
    Failure::environment(format!("cannot examine {}: {error}", directory.display()))
}

fn refused(directory: &Path, fault: Fault) -> Failure {
    let shown = directory.display();
    let variable = environment::RUNTIME_DIR;
    let (error, hint) = match fault {
        Fault::Owner(owner) => (
            format!(
                "{shown} belongs to another user (id {owner}), who could change what the daemon runs"
            ),
            format!("Set {variable} to a directory of your own, or remove this one."),
        ),
        Fault::Writable => (
            format!("{shown} is writable by other users, who could change what the daemon runs"),
            format!("Run `chmod go-w {}`.", quoted(directory)),
        ),
        Fault::Link => (
            format!("{shown} is a symbolic link, and has to be a directory"),
            format!(
                "Remove the link. To keep the files on another disk, set {variable}, or let the whole runtime directory be a link."
            ),
        ),
        Fault::LinkOwner(owner) => (
            format!("{shown} is a symbolic link of another user (id {owner})"),
            format!("Set {variable} to a directory of your own, or remove the link."),
        ),
    };
    Failure::environment(error).hint(hint)
}

/// `path` as a word for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%,:".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    fn with_mode(directory: &Path, mode: u32) {
        fs::set_permissions(directory, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn others_may_read_and_not_write() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a b");
        fs::create_dir(&directory).unwrap();
        for mode in [0o700, 0o755, 0o711] {
            with_mode(&directory, mode);
            check_root(&directory).unwrap();
            check(&directory).unwrap();
        }
        for mode in [0o770, 0o702, 0o777, 0o1777] {
            with_mode(&directory, mode);
            let failure = check_root(&directory).unwrap_err();
            assert!(failure.error.contains("is writable by other users"), "{failure}");
            let remedy = format!("Run `chmod go-w '{}'`.", directory.display());
            assert_eq!(failure.hint.as_deref(), Some(remedy.as_str()));
            assert_eq!(check(&directory).unwrap_err().error, failure.error);
        }
    }

    #[test]
    fn only_the_runtime_directory_itself_may_be_a_link() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        fs::create_dir(&target).unwrap();
        symlink(&target, &link).unwrap();
        check_root(&link).unwrap();
        let failure = check(&link).unwrap_err();
        assert!(failure.error.contains("is a symbolic link"), "{failure}");
        with_mode(&target, 0o777);
        assert!(check_root(&link).unwrap_err().error.contains("is writable by other users"));
    }

    #[test]
    fn another_users_directory_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("theirs");
        fs::create_dir(&directory).unwrap();
        let metadata = fs::metadata(&directory).unwrap();
        let other = Uid::from_raw(metadata.uid() + 1);
        assert_eq!(judge(&metadata, other), Some(Fault::Owner(metadata.uid())));
        assert!(is_trusted(0, other) && !is_trusted(metadata.uid() + 2, other));
        // Only root can give a directory away.
        if chown(&directory, Some(65534), None).is_ok() {
            assert!(check_root(&directory).unwrap_err().error.contains("another user (id 65534)"));
            assert!(check(&directory).is_err());
        }
    }
}
