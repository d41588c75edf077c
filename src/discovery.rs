//! The plugins of the user, and their paths.
//!
//! 1. `SKILLS_DAEMON_PLUGINS`.
//! 2. `plugins.conf`.
//! 3. Only if these name nothing, and not in a profile: every `skills_plugin/` with an `__init__.py` below `~/.claude/plugins/`, except
//!    those of a plugin that `~/.claude/settings.json` switches off.
//! 4. In any case, the entries of `~/.config/skills-daemon/plugins/`, where `skills-daemon plugin add` puts them:
//!    every `*.json`, which is a plugin that is nothing but a manifest, every `*.py`, and every directory of a plugin,
//!    or link to one.
//! 5. The bundled ones, last, so that they never shadow a user's.
//!
//! Discovery reads directories and the small files named here; it neither loads nor checks a plugin, and a
//! missing path is still reported, as a source that will fail to load.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use crate::environment::Environment;
use crate::manifest::script;
use crate::paths::Paths;
use crate::plugin_files::SKIPPED;

/// The name of the manifest in a directory.
const MANIFEST: &str = "manifest.json";

/// Depth of the search below `~/.claude/plugins/`, in directories.
pub const DEPTH_MAX: usize = 16;

/// The source of a plugin's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `SKILLS_DAEMON_PLUGINS`.
    Environment,
    /// `plugins.conf`.
    Conf,
    /// A search below `~/.claude/plugins/`.
    Claude,
    /// `~/.config/skills-daemon/plugins/`.
    Added,
    /// The binary itself.
    Bundled,
}

/// One plugin on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSource {
    /// The package directory, the one `.py` file, or the manifest of a plugin that has no code.
    pub path: PathBuf,
    /// The file with its metadata: its `manifest.json`, which may be missing, or the one `.py` file itself.
    pub manifest: PathBuf,
    /// The source of the path.
    pub origin: Origin,
}

impl PluginSource {
    /// Returns the plugin at `path`: one file, or a directory with the manifest beside its code.
    ///
    /// The metadata of a `.py` file is in its script block if it has one, else in a manifest beside it.
    pub fn at(path: PathBuf, origin: Origin) -> PluginSource {
        let manifest = match Kind::of(&path) {
            Kind::Manifest => path.clone(),
            Kind::Directory => path.join(MANIFEST),
            Kind::Script => {
                let beside = path.with_file_name(MANIFEST);
                // A manifest among the added plugins is a plugin of its own.
                match origin == Origin::Added || script::has_block(&path) || !beside.is_file() {
                    true => path.clone(),
                    false => beside,
                }
            }
        };
        PluginSource { path, manifest, origin }
    }

    /// True for a plugin that is nothing but a manifest.
    pub fn is_manifest(&self) -> bool {
        Kind::of(&self.path) == Kind::Manifest
    }

    /// True for a plugin that is one `.py` file.
    pub fn is_script(&self) -> bool {
        Kind::of(&self.path) == Kind::Script
    }

    /// Returns the file that is executed.
    pub fn init_file(&self) -> PathBuf {
        match Kind::of(&self.path) {
            Kind::Directory => self.path.join("__init__.py"),
            Kind::Script | Kind::Manifest => self.path.clone(),
        }
    }

    /// Returns a name for the time before the plugin is loaded: that of the nearest folder with a specific name.
    pub fn working_name(&self) -> String {
        const GENERIC: [&str; 4] = ["skills_plugin", "scripts", "src", "skills"];
        let stem = self.path.with_extension("");
        stem.iter()
            .rev()
            .filter_map(|part| part.to_str())
            .find(|part| !GENERIC.contains(part))
            .unwrap_or("plugin")
            .to_owned()
    }
}

/// What a plugin's path is, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Manifest,
    Script,
    Directory,
}

impl Kind {
    fn of(path: &Path) -> Kind {
        match path.extension().and_then(OsStr::to_str) {
            Some("json") => Kind::Manifest,
            Some("py") => Kind::Script,
            _ => Kind::Directory,
        }
    }
}

/// Returns all plugins of environment, configuration and directories, best first, bundled ones last.
pub fn discover(
    paths: &Paths,
    env: &Environment,
    named: &[PathBuf],
    bundled: Vec<PluginSource>,
) -> Vec<PluginSource> {
    let mut found: Vec<PluginSource> =
        named.iter().map(|path| PluginSource::at(path.clone(), Origin::Environment)).collect();
    found.extend(
        conf_paths(&paths.plugins_conf(), env)
            .into_iter()
            .map(|path| PluginSource::at(path, Origin::Conf)),
    );
    if found.is_empty() && paths.profile.is_none() {
        let disabled = disabled_plugins(&paths.claude_settings());
        found = search(&paths.claude_plugins(), &disabled);
    }
    found.extend(added(&paths.added_plugins()));
    found.extend(bundled);
    let mut seen = HashSet::new();
    found.retain(|source| {
        seen.insert(fs::canonicalize(&source.path).unwrap_or_else(|_| source.path.clone()))
    });
    found
}

/// Returns the plugin that an entry of `~/.config/skills-daemon/plugins/` is or links to; `None` if it is none.
///
/// A dangling link is a missing plugin, and is returned itself.
pub fn added_path(entry: &Path) -> Option<PathBuf> {
    match Kind::of(entry) {
        Kind::Manifest => return Some(entry.to_owned()),
        Kind::Script if entry.is_file() && !entry.is_symlink() => return Some(entry.to_owned()),
        Kind::Script | Kind::Directory if entry.is_symlink() => {}
        Kind::Script | Kind::Directory => return package_directory(entry),
    }
    // At its real path its folders name it, and its modules find each other.
    let Ok(target) = fs::canonicalize(entry) else { return Some(entry.to_owned()) };
    Some(package_directory(&target).unwrap_or(target))
}

/// Returns the directory of a plugin's package: `skills_plugin/` in `directory`, or `directory` itself.
pub fn package_directory(directory: &Path) -> Option<PathBuf> {
    let candidates = [directory.join("skills_plugin"), directory.to_owned()];
    candidates.into_iter().find(|candidate| is_plugin(candidate))
}

/// Returns the plugins in a directory, in order of their entries' names.
fn added(directory: &Path) -> Vec<PluginSource> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries
        // Hidden files include those that are being written.
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    let found = entries.iter().filter_map(|entry| added_path(entry));
    found.map(|path| PluginSource::at(path, Origin::Added)).collect()
}

fn conf_paths(file: &Path, env: &Environment) -> Vec<PathBuf> {
    fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| env.expand(line))
        .collect()
}

/// Returns the `name@marketplace` of every plugin that `settings.json` switches off.
fn disabled_plugins(file: &Path) -> HashSet<String> {
    let settings: Option<Value> =
        fs::read_to_string(file).ok().and_then(|text| serde_json::from_str(&text).ok());
    settings
        .as_ref()
        .and_then(|settings| settings.get("enabledPlugins"))
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, enabled)| **enabled == Value::Bool(false))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The place of a plugin in the layout of `~/.claude/plugins/`.
struct Place {
    /// Marketplaces come before caches, caches before anything else found.
    rank: u8,
    /// The plugin as `settings.json` names it, `name@marketplace`, if the layout shows it.
    handle: Option<String>,
    /// The same plugin in marketplace and cache has the same identity.
    identity: String,
    /// The version directory of a cache.
    version: Option<String>,
}

impl Place {
    /// `relative` is `marketplaces/MARKET/plugins/NAME/…`, `cache/MARKET/NAME/VERSION/…` or something else.
    fn of(relative: &Path) -> Place {
        let parts: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
        let literal = || parts.iter().skip(1).take(3).copied().collect::<Vec<_>>().join("/");
        match parts.as_slice() {
            ["marketplaces", market, "plugins" | "external_plugins", name, _, ..] => {
                let handle = format!("{name}@{market}");
                Place { rank: 0, identity: handle.clone(), handle: Some(handle), version: None }
            }
            ["cache", market, name, version, _, ..] => {
                let handle = format!("{name}@{market}");
                Place {
                    rank: 1,
                    identity: handle.clone(),
                    handle: Some(handle),
                    version: Some((*version).to_owned()),
                }
            }
            ["marketplaces", ..] => {
                Place { rank: 0, handle: None, identity: literal(), version: None }
            }
            ["cache", ..] => Place { rank: 1, handle: None, identity: literal(), version: None },
            _ => Place {
                rank: 2,
                handle: None,
                identity: relative.to_string_lossy().into_owned(),
                version: None,
            },
        }
    }

    /// Returns the sort key, best first: by rank, then the newest version.
    fn order(&self) -> (u8, std::cmp::Reverse<Vec<u64>>) {
        let numbers = |version: &String| {
            version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0)).collect()
        };
        (self.rank, std::cmp::Reverse(self.version.as_ref().map(numbers).unwrap_or_default()))
    }
}

/// True for a directory with code or a manifest.
pub fn is_plugin(directory: &Path) -> bool {
    directory.join("__init__.py").is_file() || directory.join(MANIFEST).is_file()
}

/// Returns every enabled `skills_plugin/` below `root`; of several copies of a plugin only the best.
fn search(root: &Path, disabled: &HashSet<String>) -> Vec<PluginSource> {
    let mut walk =
        WalkDir::new(root).follow_links(true).max_depth(DEPTH_MAX).sort_by_file_name().into_iter();
    let mut by_place: BTreeMap<_, (Place, Vec<PathBuf>)> = BTreeMap::new();
    while let Some(entry) = walk.next() {
        // A loop of links, or a directory that cannot be read, hides only itself.
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_dir() {
            continue;
        }
        let name = entry.file_name().to_string_lossy();
        if SKIPPED.contains(&name.as_ref()) {
            walk.skip_current_dir();
        } else if name == "skills_plugin" && is_plugin(entry.path()) {
            walk.skip_current_dir();
            let place = Place::of(entry.path().strip_prefix(root).unwrap_or(entry.path()));
            let key = (place.order(), place.identity.clone());
            by_place.entry(key).or_insert((place, Vec::new())).1.push(entry.into_path());
        }
    }
    let mut taken = HashSet::new();
    by_place
        .into_values()
        .filter(|(place, _)| !place.handle.as_ref().is_some_and(|handle| disabled.contains(handle)))
        .filter(|(place, _)| taken.insert(place.identity.clone()))
        .flat_map(|(_, found)| found)
        .map(|path| PluginSource::at(path, Origin::Claude))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home {
        dir: tempfile::TempDir,
    }

    impl Home {
        fn new() -> Home {
            Home { dir: tempfile::tempdir().unwrap() }
        }

        fn plugin(&self, relative: &str) -> PathBuf {
            let path = self.dir.path().join(relative);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("__init__.py"), "").unwrap();
            path
        }

        fn found(&self, named: &[PathBuf]) -> Vec<PathBuf> {
            let home = self.dir.path();
            let paths = Paths {
                profile: None,
                home: home.into(),
                runtime: home.join("r"),
                config: home.join("c"),
                bin: home.join("b"),
            };
            let env = [("HOME".to_string(), home.display().to_string())].into_iter().collect();
            discover(&paths, &env, named, Vec::new())
                .into_iter()
                .map(|source| source.path)
                .collect()
        }
    }

    #[test]
    fn environment_and_conf_come_first_and_stop_the_search() {
        let home = Home::new();
        home.plugin(".claude/plugins/x/skills_plugin");
        let conf = home.plugin("mine");
        fs::create_dir(home.dir.path().join("c")).unwrap();
        fs::write(home.dir.path().join("c/plugins.conf"), "# mine\n~/mine\n\n").unwrap();
        assert_eq!(home.found(&["/e/one.py".into()]), [PathBuf::from("/e/one.py"), conf]);
    }

    #[test]
    fn a_marketplace_wins_over_the_cache_and_the_newest_cache_over_older_ones() {
        let home = Home::new();
        let base = ".claude/plugins";
        let market =
            home.plugin(&format!("{base}/marketplaces/m/plugins/a/skills/s/skills_plugin"));
        home.plugin(&format!("{base}/cache/m/a/9.0.0/skills/s/skills_plugin"));
        home.plugin(&format!("{base}/cache/m/b/1.9.0/skills_plugin"));
        let newest = home.plugin(&format!("{base}/cache/m/b/1.10.0/skills_plugin"));
        let other = home.plugin(&format!("{base}/local/skills_plugin"));
        assert_eq!(home.found(&[]), [market, newest, other]);
    }

    #[test]
    fn a_plugin_switched_off_is_not_found_anywhere() {
        let home = Home::new();
        home.plugin(".claude/plugins/marketplaces/m/plugins/a/skills_plugin");
        home.plugin(".claude/plugins/cache/m/a/1.0.0/skills_plugin");
        let kept = home.plugin(".claude/plugins/marketplaces/m/plugins/b/skills_plugin");
        fs::write(
            home.dir.path().join(".claude/settings.json"),
            r#"{"enabledPlugins": {"a@m": false, "b@m": true}}"#,
        )
        .unwrap();
        assert_eq!(home.found(&[]), [kept]);
    }

    #[test]
    fn links_count_and_loops_end() {
        let home = Home::new();
        let real = home.plugin("src/p/skills_plugin");
        let root = home.dir.path().join(".claude/plugins");
        fs::create_dir_all(&root).unwrap();
        std::os::unix::fs::symlink(real.parent().unwrap(), root.join("p")).unwrap();
        std::os::unix::fs::symlink(&root, root.join("loop")).unwrap();
        assert_eq!(home.found(&[]), [root.join("p/skills_plugin")]);
    }

    #[test]
    fn what_was_added_counts_whatever_else_is_named() {
        let home = Home::new();
        let (inner, plain) = (home.plugin("x/skills_plugin"), home.plugin("y"));
        let own = home.plugin("c/plugins/own");
        let shelf = home.dir.path().join("c/plugins");
        fs::write(shelf.join("m.json"), "{}").unwrap();
        fs::write(shelf.join("s.py"), "").unwrap();
        fs::write(home.dir.path().join("t.py"), "").unwrap();
        fs::create_dir_all(shelf.join("nothing")).unwrap();
        fs::write(shelf.join("readme.txt"), "").unwrap();
        for (name, target) in
            [("t.py", "t.py"), ("x", "x"), ("y", "y"), ("z", "gone"), (".hidden", "y")]
        {
            std::os::unix::fs::symlink(home.dir.path().join(target), shelf.join(name)).unwrap();
        }
        let named = PathBuf::from("/e/one.py");
        assert_eq!(
            home.found(std::slice::from_ref(&named)),
            [
                named,
                shelf.join("m.json"),
                own,
                shelf.join("s.py"),
                home.dir.path().join("t.py"),
                inner,
                plain,
                shelf.join("z")
            ]
        );
    }

    #[test]
    fn the_metadata_of_a_script_is_in_its_block_or_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one.py");
        let manifest = |origin| PluginSource::at(path.clone(), origin).manifest;
        fs::write(&path, "").unwrap();
        assert_eq!(manifest(Origin::Conf), path);
        let beside = dir.path().join("manifest.json");
        fs::write(&beside, "{}").unwrap();
        assert_eq!((manifest(Origin::Conf), manifest(Origin::Added)), (beside, path.clone()));
        fs::write(&path, "# /// script\n").unwrap();
        assert_eq!(manifest(Origin::Conf), path);
        let source = PluginSource::at(path.clone(), Origin::Conf);
        assert_eq!((source.init_file(), source.working_name().as_str()), (path, "one"));
    }

    #[test]
    fn working_names_come_from_the_nearest_folder_with_a_specific_name() {
        let name = |path: &str| PluginSource::at(path.into(), Origin::Conf).working_name();
        assert_eq!(name("/p/jira/scripts/skills_plugin"), "jira");
        assert_eq!(name("/p/one.py"), "one");
    }
}
