//! What happened to one entry of a directory, from the events of the system.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RenameMode};

/// What happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file is being written, and will be closed.
    Written,
    /// A file is whole: closed, moved to its place, or linked there.
    Whole,
    /// Its attributes changed.
    Touched,
    /// A directory, or a link to one, appeared.
    Directory,
    /// It is gone.
    Vanished,
}

/// A change of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The path of the entry.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// Returns the changes of an event; none where files were only read.
pub(super) fn of(event: notify::Event) -> Vec<Change> {
    let kind = event.kind;
    let change = |path: PathBuf| kind_of(kind, &path).map(|kind| Change { path, kind });
    event.paths.into_iter().filter_map(change).collect()
}

fn kind_of(kind: EventKind, path: &Path) -> Option<Kind> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Kind::Whole,
        EventKind::Access(_) => return None,
        EventKind::Create(CreateKind::Folder) => Kind::Directory,
        EventKind::Create(_) => created(path),
        // Each of the two names has an event of its own.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return None,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => {
            Kind::Vanished
        }
        EventKind::Modify(ModifyKind::Name(_)) => present(path),
        EventKind::Modify(ModifyKind::Metadata(_)) => Kind::Touched,
        EventKind::Modify(_) => Kind::Written,
        EventKind::Any | EventKind::Other => present(path),
    })
}

/// A file that was just made, unless it is a link, is open for writing.
fn created(path: &Path) -> Kind {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.nlink() == 1 => Kind::Written,
        _ => present(path),
    }
}

fn present(path: &Path) -> Kind {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Kind::Directory,
        Ok(_) => Kind::Whole,
        Err(_) => Kind::Vanished,
    }
}
