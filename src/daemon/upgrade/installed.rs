//! What is looked at: files by their stamps, and the installed packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::venv::Venv;

/// What shows that a file was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: (i64, i64),
}

impl Stamp {
    /// `None` for a file that is not there, or empty.
    pub(super) fn of(file: &Path) -> Option<Stamp> {
        let it = fs::metadata(file).ok().filter(|it| it.len() > 0)?;
        Some(Stamp { inode: it.ino(), size: it.len(), modified: (it.mtime(), it.mtime_nsec()) })
    }
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) version: String,
    /// The top-level names of its modules.
    pub(super) tops: BTreeSet<String>,
}

impl Package {
    /// Reads the names from the text of `RECORD`: `x/__init__.py,sha256=…,…` or `x.cpython-311-….so,…`.
    pub(super) fn new(version: &str, record: &str) -> Package {
        let files = record.lines().filter_map(|line| line.split(',').next());
        let tops = files.filter_map(top).map(str::to_owned).collect();
        Package { version: version.to_owned(), tops }
    }
}

/// Returns the top-level names of the modules that are imported from `files`, relative to a folder of packages.
pub(super) fn tops(files: &BTreeSet<PathBuf>) -> BTreeSet<String> {
    files.iter().filter_map(|file| top(file.to_str()?)).map(str::to_owned).collect()
}

/// The top-level name of the module in a file: `x` of `x/y.py`, `x.py` and `x.cpython-311-….so`.
fn top(file: &str) -> Option<&str> {
    file.split('/').next()?.split('.').next().filter(|top| !top.is_empty())
}

/// The packages of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Installed {
    /// The real path of their folder.
    pub(super) folder: PathBuf,
    /// By name.
    pub(super) packages: BTreeMap<String, Package>,
}

/// The installed packages, read again only when their folder changes.
#[derive(Default)]
pub(super) struct Packages {
    modified: (i64, i64),
    read: Installed,
}

impl Packages {
    /// `None` where they cannot be read, or one is not whole.
    pub(super) fn read(&mut self, venv: &Venv) -> Option<Installed> {
        let folder = venv.site_packages()?.canonicalize().ok()?;
        let metadata = fs::metadata(&folder).ok()?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        if self.read.folder != folder || self.modified != modified {
            let mut packages = BTreeMap::new();
            for entry in fs::read_dir(&folder).ok()?.flatten() {
                let name = entry.file_name();
                let distribution = name.to_str().and_then(|name| name.strip_suffix(".dist-info"));
                let Some((name, version)) = distribution.and_then(|it| it.split_once('-')) else {
                    continue;
                };
                // Written last.
                let record = fs::read_to_string(entry.path().join("RECORD")).ok()?;
                packages.insert(name.to_owned(), Package::new(version, &record));
            }
            self.modified = modified;
            self.read = Installed { folder, packages };
        }
        Some(self.read.clone())
    }
}

/// The installation at one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) files: Vec<Option<Stamp>>,
    pub(super) packages: Installed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_packages_modules_are_in_its_record() {
        let record = "x/__init__.py,sha256=a,1\nx/y.py,,\n_x.cpython-311-x86_64.so,,\nsix.py,,\n\
                      x-1.dist-info/RECORD,,\n../../../bin/x,,\n";
        let tops = ["_x", "six", "x", "x-1"].map(str::to_owned);
        assert_eq!(Package::new("1", record), Package { version: "1".into(), tops: tops.into() });
    }
}
