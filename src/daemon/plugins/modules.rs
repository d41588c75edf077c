//! The modules that plugins import from outside their directories: files that belong to a plugin beside its own.
//!
//! Python reports each file that it executes for a plugin. Those outside of the plugin's directory are watched and
//! fingerprinted like its own: in a load, after one, and after one that failed. Until a plugin is loaded for the first
//! time, they are those of its cached description.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::plugin_files::{self, MODULES_MAX};
use crate::runtime::ExecutedFile;
use crate::store::fingerprint::hash_of;

/// The hash of each module as it was imported; `None` for one that may have changed since.
pub(super) type Hashes = BTreeMap<PathBuf, Option<u64>>;

/// The modules of all plugins.
pub(super) type OfPlugins = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// The modules of each plugin by the plugin's path, for any thread.
pub(super) struct Modules(watch::Sender<OfPlugins>);

impl Modules {
    pub(super) fn new() -> Modules {
        Modules(watch::Sender::new(OfPlugins::new()))
    }

    /// Returns the modules of the plugin at `plugin`; those in `cached` while none are known.
    pub(super) fn of(
        &self,
        plugin: &Path,
        cached: Option<&BTreeSet<PathBuf>>,
    ) -> BTreeSet<PathBuf> {
        if let Some(cached) = cached.filter(|cached| !cached.is_empty()) {
            self.0.send_if_modified(|all| {
                let is_new = !all.contains_key(plugin);
                if is_new {
                    all.insert(plugin.to_owned(), cached.clone());
                }
                is_new
            });
        }
        self.0.borrow().get(plugin).cloned().unwrap_or_default()
    }

    /// Sets the modules of a plugin that was loaded.
    pub(super) fn set(&self, plugin: &Path, modules: &Hashes) {
        let modules: BTreeSet<PathBuf> = modules.keys().cloned().collect();
        self.0.send_if_modified(|all| match all.get(plugin) {
            None if modules.is_empty() => false,
            Some(known) if *known == modules => false,
            _ => {
                all.insert(plugin.to_owned(), modules);
                true
            }
        });
    }

    /// Adds modules of a plugin: of a load that failed, or that were imported after a load.
    pub(super) fn add(&self, plugin: &Path, modules: &Hashes) {
        self.0.send_if_modified(|all| {
            let new =
                modules.keys().filter(|file| !all.get(plugin).is_some_and(|it| it.contains(*file)));
            let new: Vec<PathBuf> = new.cloned().collect();
            let is_changed = !new.is_empty();
            if is_changed {
                all.entry(plugin.to_owned()).or_default().extend(new);
            }
            is_changed
        });
    }

    /// Receives all modules when any have changed.
    pub(super) fn subscribe(&self) -> watch::Receiver<OfPlugins> {
        self.0.subscribe()
    }
}

/// What one load of a plugin has executed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Executed {
    /// All files.
    pub(super) files: BTreeSet<PathBuf>,
    /// Those of them outside the plugin's directory.
    pub(super) modules: Hashes,
}

/// The files that a load of the plugin at `plugin` executes.
pub(super) struct Executing {
    pub(super) plugin: PathBuf,
    pub(super) files: UnboundedReceiver<ExecutedFile>,
    /// The hashes of known modules from before the load.
    pub(super) before: Hashes,
}

impl Executing {
    /// Returns what was executed and is reported already.
    pub(super) async fn reported(&mut self) -> Executed {
        let files = self.received();
        self.hashed(files).await
    }

    /// Waits for what is executed later; `None` once the version has ended.
    pub(super) async fn later(&mut self) -> Option<Executed> {
        let file = self.files.recv().await?;
        let mut files = self.received();
        files.insert(file);
        Some(self.hashed(files).await)
    }

    fn received(&mut self) -> BTreeSet<ExecutedFile> {
        std::iter::from_fn(|| self.files.try_recv().ok()).collect()
    }

    async fn hashed(&mut self, executed: BTreeSet<ExecutedFile>) -> Executed {
        // What was known before the load is true for what the load executes, not for later.
        let before = std::mem::take(&mut self.before);
        let files = executed.iter().map(|file| file.path.clone()).collect();
        if executed.iter().all(|file| file.path.starts_with(&self.plugin)) {
            return Executed { files, modules: Hashes::new() };
        }
        let plugin = self.plugin.clone();
        let hashed = spawn_blocking(move || hash(&plugin, &executed, &before));
        // Ends early only with the daemon.
        Executed { files, modules: hashed.await.unwrap_or_default() }
    }
}

/// Hashes the files that are outside of the plugin's directory.
fn hash(plugin: &Path, files: &BTreeSet<ExecutedFile>, before: &Hashes) -> Hashes {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let home = real(plugin);
    let outside = files.iter().filter(|file| {
        !file.path.starts_with(plugin) && plugin_files::is_module_outside(&home, &real(&file.path))
    });
    let hash = |file: &ExecutedFile| match before.get(&file.path) {
        Some(known) => *known,
        None => {
            let hash = hash_of(&file.path, true);
            let is_same = ExecutedFile::now(&file.path).is_ok_and(|now| now == *file);
            hash.filter(|_| is_same)
        }
    };
    outside.take(MODULES_MAX).map(|file| (file.path.clone(), hash(file))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn hashes(files: &[&str]) -> Hashes {
        files.iter().map(|file| (PathBuf::from(file), Some(1))).collect()
    }

    fn set(files: &[&str]) -> BTreeSet<PathBuf> {
        files.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn only_what_is_new_is_announced() {
        let modules = Modules::new();
        let mut seen = modules.subscribe();
        let plugin = Path::new("/p");
        let mut step = |act: &dyn Fn(), expected: &[&str]| {
            act();
            assert_eq!(modules.of(plugin, None), set(expected));
            let is_announced = seen.has_changed().unwrap();
            seen.mark_unchanged();
            is_announced
        };
        assert!(!step(&|| modules.set(plugin, &hashes(&[])), &[]));
        assert!(step(&|| drop(modules.of(plugin, Some(&set(&["/a"])))), &["/a"]));
        assert!(!step(&|| drop(modules.of(plugin, Some(&set(&["/b"])))), &["/a"]));
        assert!(!step(&|| modules.add(plugin, &hashes(&["/a"])), &["/a"]));
        assert!(step(&|| modules.add(plugin, &hashes(&["/c"])), &["/a", "/c"]));
        assert!(!step(&|| modules.set(plugin, &hashes(&["/a", "/c"])), &["/a", "/c"]));
        assert!(step(&|| modules.set(plugin, &hashes(&[])), &[]));
        assert!(!step(&|| modules.set(plugin, &hashes(&[])), &[]));
        assert!(modules.of(Path::new("/other"), None).is_empty());
    }

    #[test]
    fn modules_outside_are_hashed_as_they_were_executed() {
        let dir = tempfile::tempdir().unwrap();
        let (plugin, lib) = (dir.path().join("p"), dir.path().join("lib.py"));
        let own = plugin.join("x.py");
        fs::create_dir_all(&plugin).unwrap();
        fs::write(&own, "").unwrap();
        fs::write(&lib, "x = 1").unwrap();
        let files = [&own, &lib].map(|file| ExecutedFile::now(file).unwrap());
        let of = |before: &Hashes| hash(&plugin, &files.clone().into(), before);
        let known = hash_of(&lib, true);
        assert_eq!(of(&Hashes::new()), Hashes::from([(lib.clone(), known)]));
        // Written again since: it may not be what was executed.
        fs::write(&lib, "x = 12").unwrap();
        assert_eq!(of(&Hashes::new()), Hashes::from([(lib.clone(), None)]));
        fs::remove_file(&lib).unwrap();
        assert_eq!(of(&Hashes::new()), Hashes::from([(lib.clone(), None)]));
        // Known from before the import.
        let before = Hashes::from([(lib.clone(), Some(7))]);
        assert_eq!(of(&before), before);
    }
}
