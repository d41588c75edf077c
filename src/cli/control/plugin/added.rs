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

/// The entry of a plugin.
pub(super) enum Content {
    /// The text of a manifest, which is copied.
    Manifest(String),
    /// The directory of a plugin, which is linked to.
    Directory(PathBuf),
    /// The one `.py` file of a plugin, which is linked to.
    Script(PathBuf),
}

/// The directory of added plugins.
pub(super) struct AddedPlugins {
    directory: PathBuf,
}

impl AddedPlugins {
    pub(super) fn of(paths: &Paths) -> AddedPlugins {
        AddedPlugins { directory: paths.added_plugins() }
    }

    /// Returns the path of the entry of the plugin `name`.
    pub(super) fn place(&self, name: &str, content: &Content) -> PathBuf {
        match content {
            Content::Manifest(_) => self.directory.join(format!("{name}.json")),
            Content::Directory(_) => self.directory.join(name),
            Content::Script(_) => self.directory.join(format!("{name}.py")),
        }
    }

    /// Returns all entries of the plugin `name`.
    pub(super) fn entries(&self, name: &str) -> Vec<PathBuf> {
        let places = ["", ".json", ".py"].map(|end| self.directory.join(format!("{name}{end}")));
        places.into_iter().filter(|place| place.symlink_metadata().is_ok()).collect()
    }

    /// Returns the entry that is, or links to, the plugin at `path`.
    pub(super) fn entry_of(&self, path: &Path) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .find(|entry| discovery::added_path(entry).is_some_and(|target| target == path))
    }

    /// Writes the entry of the plugin `name` atomically, and removes its other entries.
    pub(super) fn put(&self, name: &str, content: &Content) -> Result<PathBuf, Failure> {
        let place = self.place(name, content);
        for entry in self.entries(name) {
            refuse_directory(&entry)?;
        }
        let staged = self.directory.join(format!(".{name}.{}", std::process::id()));
        let put = (|| {
            fs::create_dir_all(&self.directory)?;
            match content {
                Content::Manifest(text) => fs::write(&staged, text)?,
                Content::Directory(target) | Content::Script(target) => symlink(target, &staged)?,
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

    /// Removes an entry; the target of a link stays.
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
    Err(Failure::new(Kind::Usage, error).hint("Move it away if it is not needed."))
}
