//! The environments on disk and their size.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use walkdir::WalkDir;

use crate::paths::Paths;
use crate::wire::deps::Generation;

/// The size of a block in the metadata of files, in bytes.
const BLOCK: u64 = 512;

/// Returns the environments on disk, the `live` one first.
pub(super) fn generations(paths: &Paths, live: &Path) -> Vec<Generation> {
    let entries = fs::read_dir(paths.venvs()).into_iter().flatten().flatten();
    let directories = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let generation = |path: std::path::PathBuf| Generation {
        live: path == live,
        bytes: size(&path),
        path: path.display().to_string(),
    };
    let mut all: Vec<Generation> = directories.map(generation).collect();
    all.sort_by(|a, b| b.live.cmp(&a.live).then(a.path.cmp(&b.path)));
    all
}

/// The space that `directory` alone takes; files that the package cache or another environment shares are not counted.
fn size(directory: &Path) -> u64 {
    let files = WalkDir::new(directory).into_iter().flatten();
    let metadata = files.filter_map(|entry| entry.metadata().ok());
    let own = metadata.filter(|it| it.is_dir() || it.nlink() == 1);
    own.map(|it| it.blocks() * BLOCK).sum()
}
