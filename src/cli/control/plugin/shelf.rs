//! `~/.config/skills-daemon/plugins/`: a manifest or a link for each plugin that was added.
//!
//! Only what `plugin add` makes is ever replaced or removed: manifests and links, never a directory.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::discovery;
use crate::failure::{Failure, Kind};
use crate::paths::{self, Paths};

/// What is put there for a plugin.
pub(super) enum Item {
    /// The text of a manifest, which is copied.
    Manifest(String),
    /// The directory of a plugin, which is linked to.
    Directory(PathBuf),
}

/// The directory.
pub(super) struct Shelf {
    directory: PathBuf,
}

impl Shelf {
    pub(super) fn of(paths: &Paths) -> Shelf {
        Shelf { directory: paths.added_plugins() }
    }

    /// Where a plugin `name` lies that is such an item.
    pub(super) fn place(&self, name: &str, item: &Item) -> PathBuf {
        match item {
            Item::Manifest(_) => self.directory.join(format!("{name}.json")),
            Item::Directory(_) => self.directory.join(name),
        }
    }

    /// Everything that lies there for the name.
    pub(super) fn entries(&self, name: &str) -> Vec<PathBuf> {
        let places = [self.directory.join(name), self.directory.join(format!("{name}.json"))];
        places.into_iter().filter(|place| place.symlink_metadata().is_ok()).collect()
    }

    /// The entry that is or leads to the plugin at `path`.
    pub(super) fn entry_of(&self, path: &Path) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .find(|entry| discovery::added_path(entry).is_some_and(|leads_to| leads_to == path))
    }

    /// Puts the item in its place, at once and whole, and removes what else is there for the name.
    pub(super) fn put(&self, name: &str, item: &Item) -> Result<PathBuf, Failure> {
        let place = self.place(name, item);
        for entry in self.entries(name) {
            refuse_directory(&entry)?;
        }
        let staged = self.directory.join(format!(".{name}.{}", std::process::id()));
        let put = (|| {
            fs::create_dir_all(&self.directory)?;
            match item {
                Item::Manifest(text) => fs::write(&staged, text)?,
                Item::Directory(target) => symlink(target, &staged)?,
            }
            fs::rename(&staged, &place)
        })();
        put.map_err(|error: io::Error| {
            let _ = fs::remove_file(&staged);
            paths::unwritable(&place, &error)
        })?;
        for entry in self.entries(name).into_iter().filter(|entry| *entry != place) {
            self.take(&entry)?;
        }
        Ok(place)
    }

    /// Removes an entry; what it leads to is left as it is.
    pub(super) fn take(&self, entry: &Path) -> Result<(), Failure> {
        refuse_directory(entry)?;
        fs::remove_file(entry).map_err(|error| paths::unwritable(entry, &error))
    }
}

fn refuse_directory(entry: &Path) -> Result<(), Failure> {
    if entry.is_symlink() || !entry.is_dir() {
        return Ok(());
    }
    let error = format!("{} was not made by `plugin add`: it is a directory", entry.display());
    Err(Failure::new(Kind::Usage, error).hint("Move it away yourself if it is not needed."))
}
