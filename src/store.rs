//! Descriptions on disk, so that help and completion need neither Python nor a running plugin.
//!
//! One small file a plugin, `NAME.json` in [`Paths::descriptions`](crate::paths::Paths::descriptions), with the
//! description and a [`fingerprint`] of the files it was made from; its OpenAPI document lies beside it in
//! `NAME.openapi`, because completion does not need it. Only the daemon writes here.
//!
//! The store is a cache: an unreadable file, or one of another version, counts as missing.

pub mod fingerprint;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::description::Description;
use fingerprint::Fingerprint;

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
    /// The digest of the [fingerprint](Fingerprint) of its files.
    pub fingerprint: String,
    /// The modules among them that it imports from outside its directory.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub modules: BTreeSet<PathBuf>,
    /// Its description.
    pub description: Arc<Description>,
}

impl Record {
    /// True if the plugin's files are unchanged since the description was made.
    pub fn is_fresh(&self) -> bool {
        self.describes(Fingerprint::of(&self.path, &self.modules).as_ref())
    }

    /// True if the description was made from files of this fingerprint, which may have more modules.
    pub fn describes(&self, fingerprint: Option<&Fingerprint>) -> bool {
        let Some(mut fingerprint) = fingerprint.cloned() else { return false };
        fingerprint.keep_modules(&self.modules);
        fingerprint.digest() == self.fingerprint
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
    pub fn write(
        &self,
        path: &Path,
        fingerprint: &Fingerprint,
        metadata: &Metadata,
    ) -> io::Result<()> {
        let name = &metadata.description.name;
        let record = Record {
            version: crate::VERSION.to_owned(),
            path: path.to_owned(),
            fingerprint: fingerprint.digest(),
            modules: fingerprint.modules().keys().cloned().collect(),
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
        let lib = dir.path().join("lib.py");
        fs::write(&lib, "x = 1").unwrap();
        let now = || Fingerprint::of(&plugin, [&lib]).unwrap();
        store.write(&plugin, &now(), &metadata("p")).unwrap();
        fs::write(plugin.join("__pycache__/x.py"), "of no interest").unwrap();
        let record = store.read("p").unwrap();
        assert!(record.is_fresh());
        assert_eq!(store.openapi("p").as_deref(), Some("{}"));
        fs::write(plugin.join("__init__.py"), "x = 2").unwrap();
        assert!(!record.is_fresh());
        fs::write(plugin.join("__init__.py"), "x = 1").unwrap();
        assert!(record.is_fresh());
        fs::write(&lib, "x = 2").unwrap();
        assert!(!record.is_fresh());
        fs::write(&lib, "x = 1").unwrap();
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
            let path = PathBuf::from(format!("/{name}"));
            store.write(&path, &Fingerprint::default(), &metadata(name)).unwrap();
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
