//! The directories whose changes concern plugins and settings.
//!
//! Only what discovery and loading read is watched: the parents of the files and directories that discovery looks at,
//! the directories that it searches, and those of the plugins that were found. To watch another place where plugins are
//! found: a few lines in [`of_discovery`].

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::discovery::{self, Origin, PluginSource};
use crate::paths::Paths;
use crate::plugin_files;
use crate::store::fingerprint;
use crate::watch::{Entries, Kind, Place};

/// What a change may concern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// `config.toml` and `secrets.toml`.
    Settings,
    /// Which plugins there are.
    Discovery,
    /// The files of the plugin at this path.
    Plugin(PathBuf),
}

/// The names of the files that make a directory a plugin.
const MARKS: [&str; 2] = ["__init__.py", "manifest.json"];

/// Returns the places of `config.toml` and `secrets.toml`.
pub(super) fn of_settings(paths: &Paths) -> Vec<Place> {
    [of_path(&paths.config_file()), of_path(&paths.secrets_file())].concat()
}

/// Returns the places that decide which plugins there are; `sources` are those that were found, `searches` is true if
/// `~/.claude/plugins` was searched.
pub(super) fn of_discovery(paths: &Paths, sources: &[PluginSource], searches: bool) -> Vec<Place> {
    let mut places = of_path(&paths.plugins_conf());
    let shelf = paths.added_plugins();
    places.extend(of_path(&shelf));
    places.push(Place { directory: shelf.clone(), entries: Entries::Which(may_be_added) });
    for entry in fs::read_dir(&shelf).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            places.extend(of_candidate(&entry.path()));
        }
    }
    if searches {
        places.extend(of_path(&paths.claude_settings()));
        places.extend(of_path(&paths.claude_plugins()));
        places.extend(searched(&paths.claude_plugins()));
    }
    for source in sources.iter().filter(|source| source.origin != Origin::Bundled) {
        places.extend(of_path(&source.path));
    }
    places
}

/// Returns the places of a plugin's files, and of `modules`, which it imports from elsewhere.
pub(super) fn of_plugin(source: &PluginSource, modules: &BTreeSet<PathBuf>) -> Vec<Place> {
    if source.origin == Origin::Bundled {
        return Vec::new();
    }
    let mut places = of_files(source);
    places.extend(modules.iter().flat_map(|module| of_path(module)));
    // A directory may be replaced as a whole.
    let directories: BTreeSet<&Path> = modules.iter().filter_map(|it| it.parent()).collect();
    places.extend(directories.into_iter().flat_map(of_path));
    places
}

fn of_files(source: &PluginSource) -> Vec<Place> {
    let mut places = of_path(&source.path);
    if !source.path.is_dir() {
        places.extend(of_path(&source.manifest));
        return places;
    }
    let walk = WalkDir::new(&source.path).follow_links(true).max_depth(fingerprint::DEPTH_MAX);
    let walk = walk.into_iter().filter_entry(|entry| {
        entry.depth() == 0
            || !entry.file_type().is_dir()
            || plugin_files::is_searched(entry.file_name())
    });
    for entry in walk.flatten() {
        if entry.file_type().is_dir() {
            let entries = Entries::Which(may_be_of_plugin);
            places.push(Place { directory: entry.into_path(), entries });
        } else if entry.path_is_symlink() && plugin_files::belongs(entry.file_name()) {
            places.extend(of_target(entry.path()));
        }
    }
    places
}

/// Returns the places where a change of `path` shows: its directory or, while that is missing, the nearest one above it
/// that is there; and that of the file it links to.
fn of_path(path: &Path) -> Vec<Place> {
    let mut places: Vec<Place> = of_target(path).into_iter().collect();
    for (above, below) in path.ancestors().skip(1).zip(path.ancestors()) {
        let Some(name) = below.file_name() else { break };
        if above.is_dir() {
            places.push(Place { directory: above.to_owned(), entries: Entries::named(name) });
            break;
        }
    }
    places
}

/// Returns the place of the file that `path` links to, if it is a link.
fn of_target(path: &Path) -> Option<Place> {
    if !path.is_symlink() {
        return None;
    }
    let target = fs::canonicalize(path).ok()?;
    let entries = Entries::named(target.file_name()?);
    Some(Place { directory: target.parent()?.to_owned(), entries })
}

/// Returns the places of a directory that may become a plugin.
fn of_candidate(directory: &Path) -> Vec<Place> {
    let names = MARKS.map(OsString::from).into_iter().chain([OsString::from("skills_plugin")]);
    let entries = Entries::Named(names.collect::<BTreeSet<OsString>>());
    let inner = directory.join("skills_plugin");
    let mut places = vec![Place { directory: directory.to_owned(), entries: entries.clone() }];
    if inner.is_dir() {
        places.push(Place { directory: inner, entries });
    }
    places
}

/// Returns the directories below `root` in which a plugin may appear. Those of a plugin are none.
fn searched(root: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    let mut walk =
        WalkDir::new(root).follow_links(true).max_depth(discovery::DEPTH_MAX).into_iter();
    while let Some(entry) = walk.next() {
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_dir() {
            continue;
        }
        if plugin_files::SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
            walk.skip_current_dir();
        } else if entry.file_name() == "skills_plugin" {
            if discovery::is_plugin(entry.path()) {
                walk.skip_current_dir();
            } else {
                places.extend(of_candidate(entry.path()));
            }
        } else {
            let entries = Entries::Which(may_hold_plugin);
            places.push(Place { directory: entry.into_path(), entries });
        }
    }
    places
}

/// True for a change of a file that belongs to a plugin, or of a directory that may hold some.
fn may_be_of_plugin(path: &Path, kind: Kind) -> bool {
    let Some(name) = path.file_name() else { return false };
    plugin_files::belongs(name) || changes_directory(path, kind) && plugin_files::is_searched(name)
}

/// True for a directory that appears or vanishes in one that is searched.
fn may_hold_plugin(path: &Path, kind: Kind) -> bool {
    let skipped = |name: &OsStr| plugin_files::SKIPPED.iter().any(|skipped| name == *skipped);
    changes_directory(path, kind) && !path.file_name().is_some_and(skipped)
}

/// True for an entry of `~/.config/skills-daemon/plugins/` that is, or was, a plugin.
fn may_be_added(path: &Path, kind: Kind) -> bool {
    let Some(name) = path.file_name() else { return false };
    let is_hidden = name.as_encoded_bytes().starts_with(b".");
    let is_file = path.extension().is_some_and(|it| it == "json" || it == "py");
    !is_hidden && (is_file || changes_directory(path, kind))
}

/// True if a directory, or a link to one, appeared; or if something vanished that may have been one.
fn changes_directory(path: &Path, kind: Kind) -> bool {
    match kind {
        Kind::Directory => true,
        Kind::Vanished => !path.file_name().is_some_and(plugin_files::belongs),
        Kind::Written | Kind::Whole | Kind::Touched => false,
    }
}
