//! The cache of bytecode: `cache/pycache/` followed by the path of the source.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Generation;
use crate::installed::{Installed, Package};
use crate::paths::Paths;

/// How deep packages of the standard library are nested.
const PACKAGES_DEPTH: usize = 4;

/// Packages of the standard library that no plugin imports.
const UNUSED: [&str; 6] = ["test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo"];

/// Returns where in `cache` the bytecode of sources below `directory` lies.
pub(super) fn place(cache: &Path, directory: &Path) -> PathBuf {
    cache.join(directory.strip_prefix("/").unwrap_or(directory))
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
    let cache = paths.pycache();
    let (from, to) = (place(&cache, from.site_packages()), place(&cache, to.site_packages()));
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

/// Links the bytecode that comes with the standard library `stdlib` into `cache`; `tag` is that of the interpreter,
/// such as `cpython-311`.
///
/// Python looks for all bytecode in the cache, and would compile the modules of the standard library once more. A link
/// whose target is older than its source is replaced by Python.
///
/// # Errors
/// A directory cannot be read, or the cache not written.
pub fn link_stdlib(cache: &Path, stdlib: &Path, tag: &str) -> io::Result<()> {
    let cache = place(cache, stdlib);
    if cache.is_dir() {
        return Ok(());
    }
    // Whole, or not there: a start that is interrupted leaves the next one to begin again.
    let staged = cache.with_extension(format!("{}.new", std::process::id()));
    link_shipped(stdlib, &staged, &format!(".{tag}.pyc"), 0)?;
    match fs::rename(&staged, &cache) {
        // Another process was faster.
        Err(_) if cache.is_dir() => fs::remove_dir_all(&staged),
        outcome => outcome,
    }
}

/// Links what lies in the `__pycache__` of each package below `directory` and ends in `suffix`.
fn link_shipped(directory: &Path, to: &Path, suffix: &str, depth: usize) -> io::Result<()> {
    let shipped = directory.join("__pycache__");
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(&shipped).into_iter().flatten() {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(suffix) {
            symlink(entry.path(), to.join(entry.file_name()))?;
        }
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_package = entry.file_type()?.is_dir() && entry.path().join("__init__.py").is_file();
        if is_package && depth < PACKAGES_DEPTH && !UNUSED.iter().any(|unused| name == *unused) {
            link_shipped(&entry.path(), &to.join(&name), suffix, depth + 1)?;
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
        assert_eq!(names(&to.join("p")), ["sub", "x.cpython-311.opt-1.pyc", "x.cpython-311.pyc"]);
        assert!(!to.join("q").exists());
    }

    #[test]
    fn bytecode_of_the_standard_library_is_linked_once() {
        let dir = tempfile::tempdir().unwrap();
        let stdlib = dir.path().join("python3.11");
        for file in ["json/__init__.py", "json/__pycache__/decoder.cpython-311.pyc"] {
            fs::create_dir_all(stdlib.join(file).parent().unwrap()).unwrap();
            fs::write(stdlib.join(file), "json").unwrap();
        }
        for name in ["ast.cpython-311.pyc", "ast.cpython-311.opt-1.pyc", "ast.cpython-312.pyc"] {
            fs::create_dir_all(stdlib.join("__pycache__")).unwrap();
            fs::write(stdlib.join("__pycache__").join(name), name).unwrap();
        }
        fs::create_dir_all(stdlib.join("site-packages")).unwrap();
        let pycache = dir.path().join("pycache");
        link_stdlib(&pycache, &stdlib, "cpython-311").unwrap();
        let cache = place(&pycache, &stdlib);
        assert_eq!(fs::read_to_string(cache.join("json/decoder.cpython-311.pyc")).unwrap(), "json");
        assert_eq!(names(&cache), ["ast.cpython-311.pyc", "json"]);
        // What Python compiled itself stays.
        fs::remove_file(cache.join("ast.cpython-311.pyc")).unwrap();
        fs::write(cache.join("ast.cpython-311.pyc"), "compiled").unwrap();
        link_stdlib(&pycache, &stdlib, "cpython-311").unwrap();
        assert_eq!(fs::read_to_string(cache.join("ast.cpython-311.pyc")).unwrap(), "compiled");
        assert_eq!(names(cache.parent().unwrap()), ["python3.11"]);
    }

    fn names(directory: &Path) -> Vec<String> {
        let name = |it: io::Result<fs::DirEntry>| it.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(name).collect();
        names.sort();
        names
    }
}
