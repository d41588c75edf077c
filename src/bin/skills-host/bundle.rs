//! The Python code in the binary, laid out on disk, where tracebacks and `inspect` can read it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};
use skills_daemon::discovery::{Origin, PluginSource};
use skills_daemon::failure::Failure;
use skills_daemon::paths::{self, Paths};

static PYTHON: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/python");
static MANIFESTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/manifests");

/// Templates of new plugins, which are not imported.
const TEMPLATES: &str = "templates";
/// Where bundled plugins lie below the unpacked tree.
const PLUGINS: &str = "plugins";

/// Lays the tree out in `cache/`, unless this very tree is there, and returns its path.
///
/// A host that is alone removes the trees of earlier builds; the one that another replaces still uses its own.
pub(crate) fn unpack(paths: &Paths, is_alone: bool) -> Result<PathBuf, Failure> {
    let target = paths.cache().join(format!("python-{:016x}", fingerprint()));
    if is_alone {
        remove_old(&paths.cache(), &target).map_err(|error| paths::unwritable(&target, &error))?;
    }
    if target.is_dir() {
        return Ok(target);
    }
    let staging = target.with_extension(format!("new-{}", std::process::id()));
    let written = (|| -> io::Result<()> {
        write(&PYTHON, &staging)?;
        for manifest in MANIFESTS.files() {
            let plugin = manifest.path().file_stem().map(|name| staging.join(PLUGINS).join(name));
            if let Some(plugin) = plugin.filter(|plugin| plugin.is_dir()) {
                fs::write(plugin.join("manifest.json"), manifest.contents())?;
            }
        }
        fs::rename(&staging, &target)
    })();
    written.map_err(|error| paths::unwritable(&target, &error))?;
    Ok(target)
}

/// The bundled plugins in the unpacked tree.
pub(crate) fn plugins(python_dir: &Path) -> Vec<PluginSource> {
    let Some(plugins) = PYTHON.get_dir(PLUGINS) else { return Vec::new() };
    plugins
        .dirs()
        .map(|plugin| PluginSource::at(python_dir.join(plugin.path()), Origin::Bundled))
        .collect()
}

fn files<'a>(dir: &'a Dir<'a>) -> Vec<&'a include_dir::File<'a>> {
    dir.entries()
        .iter()
        .flat_map(|entry| match entry {
            DirEntry::Dir(dir) => files(dir),
            DirEntry::File(file) => vec![file],
        })
        // Left by running the SDK's tests in the source tree; and what only `plugin new` writes.
        .filter(|file| !file.path().iter().any(|part| part == "__pycache__" || part == TEMPLATES))
        // For type checkers.
        .filter(|file| file.path().extension().is_none_or(|extension| extension != "pyi"))
        .collect()
}

/// A hash of the tree, different for another build.
fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files(&PYTHON).into_iter().chain(files(&MANIFESTS)) {
        (file.path(), file.contents()).hash(&mut hasher);
    }
    hasher.finish()
}

fn write(dir: &Dir<'_>, target: &Path) -> io::Result<()> {
    for file in files(dir) {
        let path = target.join(file.path());
        fs::create_dir_all(path.parent().unwrap_or(target))?;
        fs::write(path, file.contents())?;
    }
    Ok(())
}

/// Removes the trees of earlier builds.
fn remove_old(cache: &Path, target: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let is_tree = entry.file_name().to_string_lossy().starts_with("python-");
        if is_tree && entry.path() != target {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
