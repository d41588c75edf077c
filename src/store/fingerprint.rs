//! The content of all files that belong to a plugin, as hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::discovery::{Origin, PluginSource};
use crate::plugin_files;

/// The most files of a plugin whose contents are hashed.
const FILES_MAX: usize = 2_000;
/// The largest file whose content is hashed, in bytes.
const SIZE_MAX: u64 = 4 << 20;
/// How deep below its directory a plugin's files may lie.
pub const DEPTH_MAX: usize = 32;

/// The content of a plugin's files at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The files in its directory, and its manifest.
    own: BTreeMap<PathBuf, u64>,
    /// The modules that it imports from elsewhere; `None` for one that is missing.
    modules: BTreeMap<PathBuf, Option<u64>>,
}

impl Fingerprint {
    /// Reads the files of the plugin at `plugin`, and `modules`; `None` for a plugin that is unreadable or has none.
    ///
    /// Hashed are contents or, beyond [`FILES_MAX`] files and [`SIZE_MAX`], sizes and times.
    pub fn of<'a>(
        plugin: &Path,
        modules: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Option<Fingerprint> {
        let files = own_files(plugin)?;
        let own = files.into_iter().enumerate().map(|(number, file)| {
            let hash = hash_of(&file, number < FILES_MAX)?;
            Some((file, hash))
        });
        let modules = modules.into_iter().map(|file| (file.clone(), hash_of(file, true)));
        Some(Fingerprint { own: own.collect::<Option<_>>()?, modules: modules.collect() })
    }

    /// Returns a hash of everything.
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// Returns a hash of the files in the plugin's directory.
    pub fn own_digest(&self) -> String {
        digest(&self.own)
    }

    /// Returns the modules that are imported from elsewhere.
    pub fn modules(&self) -> &BTreeMap<PathBuf, Option<u64>> {
        &self.modules
    }

    /// Replaces the modules that are imported from elsewhere.
    pub fn set_modules(&mut self, modules: BTreeMap<PathBuf, Option<u64>>) {
        self.modules = modules;
    }

    /// Removes the modules that are not among `kept`.
    pub fn keep_modules(&mut self, kept: &BTreeSet<PathBuf>) {
        self.modules.retain(|file, _| kept.contains(file));
    }

    /// Adds `modules`, where they are not known yet.
    pub fn add_modules(&mut self, modules: &BTreeMap<PathBuf, Option<u64>>) {
        for (file, hash) in modules {
            self.modules.entry(file.clone()).or_insert(*hash);
        }
    }

    /// Returns the files that have another content in `later`. A module that only one of the two has is none of them: it
    /// was not looked at.
    pub fn changed(&self, later: &Fingerprint) -> BTreeSet<PathBuf> {
        let own = self.own.keys().chain(later.own.keys());
        let own = own.filter(|file| self.own.get(*file) != later.own.get(*file));
        let modules = self
            .modules
            .iter()
            .filter(|(file, hash)| later.modules.get(*file).is_some_and(|later| later != *hash));
        own.chain(modules.map(|(file, _)| file)).cloned().collect()
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        crate::VERSION.hash(state);
        self.own.hash(state);
        self.modules.hash(state);
    }
}

fn digest(value: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Returns the files of a plugin in its directory, and its manifest.
fn own_files(plugin: &Path) -> Option<Vec<PathBuf>> {
    // The place of the manifest does not depend on the origin.
    let source = PluginSource::at(plugin.to_owned(), Origin::Conf);
    let walk = WalkDir::new(&source.path).sort_by_file_name().follow_links(true);
    let walk = walk.max_depth(DEPTH_MAX).into_iter().filter_entry(|entry| {
        let name = entry.file_name();
        match entry.depth() {
            0 => true,
            _ if entry.file_type().is_dir() => plugin_files::is_searched(name),
            _ => plugin_files::belongs(name),
        }
    });
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in walk {
        let entry = entry.ok()?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    if source.manifest.is_file() && !files.contains(&source.manifest) {
        files.push(source.manifest);
    }
    (!files.is_empty()).then_some(files)
}

/// Returns the hash of a file's content or, for one that is large or not `read`, of its size and time; `None` for one
/// that is missing.
pub fn hash_of(file: &Path, read: bool) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let metadata = fs::metadata(file).ok()?;
    if read && metadata.len() <= SIZE_MAX {
        fs::read(file).ok()?.hash(&mut hasher);
    } else {
        (metadata.len(), metadata.modified().ok()).hash(&mut hasher);
    }
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_files_are_named_and_modules_only_if_both_have_them() {
        let dir = tempfile::tempdir().unwrap();
        let (plugin, lib) = (dir.path().join("p"), dir.path().join("lib/client.py"));
        let (init, data) = (plugin.join("__init__.py"), plugin.join("a.json"));
        fs::create_dir_all(&plugin).unwrap();
        fs::create_dir_all(lib.parent().unwrap()).unwrap();
        for file in [&init, &lib] {
            fs::write(file, "x = 1").unwrap();
        }
        let now = || Fingerprint::of(&plugin, [&lib]).unwrap();
        let before = now();
        assert!(before.changed(&now()).is_empty());
        fs::write(&lib, "x = 2").unwrap();
        assert_eq!(before.changed(&now()), BTreeSet::from([lib.clone()]));
        assert_ne!(before.digest(), now().digest());
        assert_eq!(before.own_digest(), now().own_digest());
        assert!(before.changed(&Fingerprint::of(&plugin, []).unwrap()).is_empty());
        assert!(Fingerprint::of(&plugin, []).unwrap().changed(&before).is_empty());
        fs::remove_file(&lib).unwrap();
        assert_eq!(before.changed(&now()), BTreeSet::from([lib.clone()]));
        fs::write(&lib, "x = 1").unwrap();
        assert!(before.changed(&now()).is_empty());
        fs::write(&data, "{}").unwrap();
        assert_eq!(before.changed(&now()), BTreeSet::from([data.clone()]));
        fs::remove_file(&init).unwrap();
        assert_eq!(before.changed(&now()), BTreeSet::from([init, data]));
        fs::remove_dir_all(&plugin).unwrap();
        assert_eq!(Fingerprint::of(&plugin, [&lib]), None);
    }
}
