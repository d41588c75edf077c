//! The bytecode of a generation: `cache/pycache/` followed by the path of the source.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Generation;
use crate::installed::{Installed, Package};
use crate::paths::Paths;

/// Returns where the bytecode of sources below `directory` lies.
pub(super) fn place(paths: &Paths, directory: &Path) -> PathBuf {
    paths.pycache().join(directory.strip_prefix("/").unwrap_or(directory))
}

/// Links the bytecode of packages that are the same in both generations, so that the first import after a change
/// compiles only what is new.
///
/// Python checks time and size of each source, so what is linked in vain is never used.
pub(super) fn carry(paths: &Paths, from: &Generation, to: &Generation) {
    let installed = Installed::read(from.site_packages())
        .and_then(|old| Ok((old, Installed::read(to.site_packages())?)));
    let Ok((old, new)) = installed else { return };
    let is_same = |package: &&Package| {
        let before = old.packages.get(&package.name);
        before.is_some_and(|it| it.version == package.version && it.url == package.url)
    };
    let (from, to) = (place(paths, from.site_packages()), place(paths, to.site_packages()));
    for package in new.packages.values().filter(is_same) {
        if let Err(error) = link(&package.sources(), &from, &to) {
            tracing::debug!(package = %package.name, %error, "its bytecode was not carried over");
        }
    }
}

/// Links the bytecode of `sources` from one directory into another.
fn link(sources: &[PathBuf], from: &Path, to: &Path) -> io::Result<()> {
    let directories: BTreeSet<&Path> =
        sources.iter().filter_map(|source| source.parent()).collect();
    let own: BTreeSet<(&Path, &OsStr)> =
        sources.iter().filter_map(|source| Some((source.parent()?, source.file_stem()?))).collect();
    for directory in directories {
        let Ok(entries) = fs::read_dir(from.join(directory)) else { continue };
        fs::create_dir_all(to.join(directory))?;
        for entry in entries {
            let name = entry?.file_name();
            // `table.cpython-311.pyc`
            let stem = name.to_str().and_then(|name| name.split('.').next()).unwrap_or_default();
            if own.contains(&(directory, OsStr::new(stem))) {
                let target = to.join(directory).join(&name);
                match fs::hard_link(from.join(directory).join(&name), target) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytecode_of_the_sources_is_linked() {
        let cache = tempfile::tempdir().unwrap();
        let (from, to) = (cache.path().join("a"), cache.path().join("b"));
        fs::create_dir_all(from.join("p/sub")).unwrap();
        for file in ["p/x.cpython-311.pyc", "p/x.cpython-311.opt-1.pyc", "p/y.cpython-311.pyc"] {
            fs::write(from.join(file), file).unwrap();
        }
        let sources = ["p/x.py", "p/sub/z.py", "q/w.py"].map(PathBuf::from);
        link(&sources, &from, &to).unwrap();
        link(&sources, &from, &to).unwrap();
        let mut linked: Vec<_> =
            fs::read_dir(to.join("p")).unwrap().map(|it| it.unwrap().file_name()).collect();
        linked.sort();
        assert_eq!(linked, ["sub", "x.cpython-311.opt-1.pyc", "x.cpython-311.pyc"]);
        assert!(!to.join("q").exists());
    }
}
