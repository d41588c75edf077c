//! Descriptions on disk, so that help and completion need neither Python nor a running plugin.
//!
//! One small file a plugin, `NAME.json` in [`Paths::descriptions`](crate::paths::Paths::descriptions), with the
//! description and a fingerprint of the files it was made from; its OpenAPI document lies beside it in
//! `NAME.openapi`, because completion does not need it. Only the daemon writes here.
//!
//! The store is a cache: an unreadable file, or one of another version, counts as missing.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::description::Description;
use crate::discovery::{Origin, PluginSource};
use crate::plugin_files;

/// The most files of a plugin whose contents are hashed.
const FILES_MAX: usize = 2_000;
/// The largest file whose content is hashed, in bytes.
const SIZE_MAX: u64 = 4 << 20;
/// How deep below its directory a plugin's files may lie.
pub const DEPTH_MAX: usize = 32;

/// Metadata of a loaded plugin.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Its description.
    pub description: Arc<Description>,
    /// Its OpenAPI document as JSON, if it has one.
    pub openapi: Option<Arc<str>>,
    /// True if it was made from the plugin's files as they are.
    pub is_fresh: bool,
}

/// One description on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the daemon that wrote it.
    pub version: String,
    /// The path of the plugin.
    pub path: PathBuf,
    /// The [`fingerprint`] of its files.
    pub fingerprint: String,
    /// Its description.
    pub description: Arc<Description>,
}

impl Record {
    /// True if the plugin's files are unchanged since the description was made.
    pub fn is_fresh(&self) -> bool {
        fingerprint(&self.path).is_some_and(|now| now == self.fingerprint)
    }
}

/// The descriptions in one directory.
#[derive(Clone, Debug)]
pub struct Store(PathBuf);

impl Store {
    /// Returns the store in `directory`, which may be missing.
    pub fn at(directory: PathBuf) -> Store {
        Store(directory)
    }

    /// Returns the record of the plugin `name`.
    pub fn read(&self, name: &str) -> Option<Record> {
        // An invalid name could be a path outside of the store.
        crate::manifest::check_name(name).ok()?;
        record(&self.file(name))
    }

    /// Returns all records, by name.
    pub fn all(&self) -> Vec<Record> {
        let mut records: Vec<Record> =
            self.files().iter().filter_map(|path| record(path)).collect();
        records.sort_by(|one, other| one.description.name.cmp(&other.description.name));
        records
    }

    /// Returns the record of the plugin at `path`, which is probably called `name`.
    pub fn at_path(&self, path: &Path, name: Option<&str>) -> Option<Record> {
        let named = name.and_then(|name| self.read(name)).filter(|record| record.path == path);
        named.or_else(|| self.all().into_iter().find(|record| record.path == path))
    }

    /// Returns the OpenAPI document of the plugin `name`.
    pub fn openapi(&self, name: &str) -> Option<Arc<str>> {
        fs::read_to_string(self.openapi_file(name)).ok().map(Arc::from)
    }

    /// Stores the metadata of the plugin at `path`.
    pub fn write(&self, path: &Path, fingerprint: &str, metadata: &Metadata) -> io::Result<()> {
        let name = &metadata.description.name;
        let record = Record {
            version: crate::VERSION.to_owned(),
            path: path.to_owned(),
            fingerprint: fingerprint.to_owned(),
            description: metadata.description.clone(),
        };
        fs::create_dir_all(&self.0)?;
        let openapi = self.openapi_file(name);
        match &metadata.openapi {
            Some(text) => replace(&openapi, text.as_bytes())?,
            None => remove(&openapi)?,
        }
        replace(&self.file(name), &serde_json::to_vec(&record)?)
    }

    /// Removes the records of all plugins but those at `paths`.
    pub fn keep_only(&self, paths: &[&Path]) -> io::Result<()> {
        for file in self.files() {
            if record(&file).is_none_or(|record| !paths.contains(&record.path.as_path())) {
                remove(&file.with_extension("openapi"))?;
                remove(&file)?;
            }
        }
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }

    fn openapi_file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.openapi"))
    }

    fn files(&self) -> Vec<PathBuf> {
        let is_record = |path: &PathBuf| path.extension().is_some_and(|text| text == "json");
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(is_record).collect()
    }
}

fn record(path: &Path) -> Option<Record> {
    let record: Record = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (record.version == crate::VERSION).then_some(record)
}

/// Writes a file atomically.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&new, bytes)?;
    fs::rename(&new, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns a hash over the plugin's files: their names, and their contents or, beyond [`FILES_MAX`] files and
/// [`SIZE_MAX`], their sizes and times; `None` for a plugin that is unreadable or has none.
pub fn fingerprint(plugin: &Path) -> Option<String> {
    // The place of the manifest does not depend on the origin.
    let source = PluginSource::at(plugin.to_owned(), Origin::Conf);
    let mut hasher = DefaultHasher::new();
    crate::VERSION.hash(&mut hasher);
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
    if files.is_empty() {
        return None;
    }
    for (number, file) in files.iter().enumerate() {
        let name = file.strip_prefix(&source.path).unwrap_or(file);
        name.hash(&mut hasher);
        let metadata = fs::metadata(file).ok()?;
        if number < FILES_MAX && metadata.len() <= SIZE_MAX {
            fs::read(file).ok()?.hash(&mut hasher);
        } else {
            (metadata.len(), metadata.modified().ok()).hash(&mut hasher);
        }
    }
    Some(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &str) -> Metadata {
        let description = Description { name: name.into(), ..Description::default() };
        Metadata { description: Arc::new(description), openapi: Some("{}".into()), is_fresh: true }
    }

    #[test]
    fn a_record_is_fresh_until_a_file_changes() {
        let dir = tempfile::tempdir().unwrap();
        let plugin = dir.path().join("p");
        fs::create_dir_all(plugin.join("__pycache__")).unwrap();
        fs::write(plugin.join("__init__.py"), "x = 1").unwrap();
        let store = Store::at(dir.path().join("store"));
        let now = || fingerprint(&plugin).unwrap();
        store.write(&plugin, &now(), &metadata("p")).unwrap();
        fs::write(plugin.join("__pycache__/x.py"), "of no interest").unwrap();
        let record = store.read("p").unwrap();
        assert!(record.is_fresh());
        assert_eq!(store.openapi("p").as_deref(), Some("{}"));
        fs::write(plugin.join("__init__.py"), "x = 2").unwrap();
        assert!(!record.is_fresh());
        fs::write(plugin.join("__init__.py"), "x = 1").unwrap();
        fs::write(plugin.join("manifest.json"), "{}").unwrap();
        assert!(!record.is_fresh());
        fs::remove_dir_all(&plugin).unwrap();
        assert!(!record.is_fresh());
    }

    #[test]
    fn records_of_removed_plugins_and_damaged_records_go() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().to_owned());
        for name in ["b", "a"] {
            store.write(Path::new(&format!("/{name}")), "0", &metadata(name)).unwrap();
        }
        let names = |store: &Store| -> Vec<String> {
            store.all().iter().map(|record| record.description.name.clone()).collect()
        };
        assert_eq!(names(&store), ["a", "b"]);
        fs::write(dir.path().join("c.json"), "{").unwrap();
        store.keep_only(&[Path::new("/b")]).unwrap();
        assert_eq!(names(&store), ["b"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(store.read("../b").is_none());
    }
}
