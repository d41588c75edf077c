//! Plugins as skills of agents that use the shell: a `SKILL.md` for each, `NAME/SKILL.md` in a directory of skills.
//!
//! A generated file has [`MARKER`] in a line of its own; any other one is foreign, and neither changed nor removed. One
//! that the user has edited is kept if that line is removed. It also names the runtime directory that it was written
//! for, because a daemon removes only the skills of its own plugins.

mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::description::Description;
use crate::durable;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::wrappers;

/// The begin of the line that marks a generated file.
const MARKER: &str = "<!-- Made by skills-daemon, which replaces and removes this file as long as this line is in it. Its daemon: ";
/// The file of a skill.
const FILE: &str = "SKILL.md";
/// The longest name of a skill, in characters: that of the format.
const NAME_MAX: usize = 64;
/// The largest file that can be a generated one, in bytes.
const SIZE_MAX: u64 = 256 << 10;

/// The skills of plugins: their texts by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skills {
    texts: BTreeMap<String, String>,
    head: String,
}

/// Result of a sync of one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that were written, or that would be.
    pub written: Vec<PathBuf>,
    /// Files that were removed, or that would be.
    pub removed: Vec<PathBuf>,
    /// Foreign files in the place of a skill.
    pub left_alone: Vec<PathBuf>,
}

impl Skills {
    /// Returns the skills of plugins; those without commands for agents have none. With `wrapped`, each plugin is a
    /// shell command of its own.
    pub fn of<'a>(
        descriptions: impl IntoIterator<Item = &'a Description>,
        wrapped: bool,
        paths: &Paths,
    ) -> Skills {
        let (head, profile) = (head(paths), paths.profile.as_ref());
        let mut texts = BTreeMap::new();
        let mut sorted: Vec<&Description> = descriptions.into_iter().collect();
        sorted.sort_by(|one, other| one.name.cmp(&other.name));
        for description in sorted {
            let name = free_name(&description.name, &texts);
            let program = match wrapped {
                true => wrappers::file_name(&description.name, profile),
                false => wrappers::called(&description.name, profile),
            };
            if let Some(text) = text::of(description, &name, &program, &head) {
                texts.insert(name, text);
            }
        }
        Skills { texts, head }
    }

    /// Returns the texts by file in `directory`.
    pub fn files(&self, directory: &Path) -> BTreeMap<PathBuf, &str> {
        self.texts.iter().map(|(name, text)| (place(directory, name), text.as_str())).collect()
    }

    /// Returns what [`sync`](Skills::sync) would change.
    pub fn changes(&self, directory: &Path, kept: Option<&BTreeSet<String>>) -> Changes {
        let mut changes = Changes::default();
        for (file, text) in self.files(directory) {
            match look(&file) {
                Found::Generated(present) if present == text => {}
                Found::Generated(_) | Found::Nothing => changes.written.push(file),
                Found::Foreign => changes.left_alone.push(file),
            }
        }
        let kept: Option<BTreeSet<String>> =
            kept.map(|kept| kept.iter().map(|name| cleaned(name)).collect());
        if let Some(kept) = kept {
            let own = self.generated(directory).into_iter();
            changes.removed = own
                .filter(|name| !self.texts.contains_key(name) && !kept.contains(name))
                .map(|name| place(directory, &name))
                .collect();
        }
        changes
    }

    /// Makes the generated files in `directory` those of the plugins; removes those of this daemon that belong neither to
    /// them nor to `kept`, names of plugins. Without `kept`, none is removed.
    ///
    /// # Errors
    /// A file or directory that cannot be written.
    pub fn sync(
        &self,
        directory: &Path,
        kept: Option<&BTreeSet<String>>,
    ) -> Result<Changes, Failure> {
        let changes = self.changes(directory, kept);
        let files = self.files(directory);
        for file in &changes.written {
            let text = files.get(file).copied().unwrap_or_default();
            write(file, text).map_err(|error| failed("write", file, &error))?;
        }
        for file in &changes.removed {
            fs::remove_file(file).map_err(|error| failed("remove", file, &error))?;
            // Fails if it has other files.
            let _ = file.parent().map(fs::remove_dir);
        }
        Ok(changes)
    }

    /// Returns the names of the skills in `directory` that this daemon has written, in order.
    fn generated(&self, directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_own = |name: &String| match look(&place(directory, name)) {
            Found::Generated(text) => text.lines().any(|line| line == self.head),
            _ => false,
        };
        let mut names: Vec<String> = names.filter(is_own).collect();
        names.sort();
        names
    }
}

/// Returns the line that marks the files of the daemon of `paths`.
fn head(paths: &Paths) -> String {
    let runtime = match paths.runtime.strip_prefix(&paths.home) {
        Ok(below) => Path::new("~").join(below),
        Err(_) => paths.runtime.clone(),
    };
    let runtime = runtime.display().to_string();
    // A comment is one line, and ends with `-->`.
    let runtime: String = runtime.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    format!("{MARKER}{} -->", runtime.replace("--", "- -"))
}

fn place(directory: &Path, name: &str) -> PathBuf {
    directory.join(name).join(FILE)
}

/// Returns the name of a plugin's skill: lowercase letters, digits and single hyphens.
fn cleaned(plugin: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = plugin.chars().map(allowed).collect();
    let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(NAME_MAX).collect();
    if name.is_empty() { "plugin".to_owned() } else { name }
}

/// Returns the name of a plugin's skill that is not `taken`.
fn free_name(plugin: &str, taken: &BTreeMap<String, String>) -> String {
    let name = cleaned(plugin);
    let numbered = (2..).map(|number| {
        let end = format!("-{number}");
        let begin: String = name.chars().take(NAME_MAX - end.len()).collect();
        format!("{begin}{end}")
    });
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|name| !taken.contains_key(name)).unwrap_or(name)
}

/// A file in the place of a skill.
enum Found {
    Nothing,
    Generated(String),
    Foreign,
}

/// Examines `file`; a link is not followed, and an unreadable file is foreign.
fn look(file: &Path) -> Found {
    let metadata = match fs::symlink_metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(_) => return Found::Foreign,
    };
    if !metadata.is_file() || metadata.len() > SIZE_MAX {
        return Found::Foreign;
    }
    match fs::read_to_string(file) {
        Ok(text) if text.lines().any(|line| line.starts_with(MARKER)) => Found::Generated(text),
        _ => Found::Foreign,
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    durable::write(file, text.as_bytes())
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::environment(format!("cannot {what} {}: {error}", path.display())).hint(
        "Make its directory writable for you, or take it out of `skills` in `[agents]` of config.toml.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use std::os::unix::fs::symlink;

    fn paths(root: &Path, runtime: &str) -> Paths {
        Paths {
            profile: None,
            home: root.into(),
            runtime: root.join(runtime),
            config: root.join("c"),
            bin: root.join("b"),
        }
    }

    fn skills(root: &Path, runtime: &str, names: &[&str]) -> Skills {
        let commands = vec![Command { path: "/x".into(), ..Command::default() }];
        let of = |name: &&str| Description {
            name: (*name).into(),
            commands: commands.clone(),
            ..Description::default()
        };
        let descriptions: Vec<Description> = names.iter().map(of).collect();
        Skills::of(&descriptions, true, &paths(root, runtime))
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_those_of_the_format() {
        let root = Path::new("/h");
        let skills = skills(root, "r", &["My_Jira", "my.jira", "__", "x"]);
        let names: Vec<&String> = skills.texts.keys().collect();
        assert_eq!(names, ["my-jira", "my-jira-2", "plugin", "x"]);
        assert!(skills.texts["my-jira"].contains("\nname: my-jira\n"));
        assert!(skills.texts["my-jira"].contains("\nMy_Jira x\n"));
        assert!(skills.texts["x"].contains(" Its daemon: ~/r -->\n"));
        assert_eq!(cleaned(&"a".repeat(80)).len(), NAME_MAX);
    }

    #[test]
    fn skills_follow_the_plugins_of_their_own_daemon() {
        let root = tempfile::tempdir().unwrap();
        let (root, directory) = (root.path(), root.path().join("agent/skills"));
        let file = |name: &str| place(&directory, name);
        let both = skills(root, "r", &["a", "b"]);
        let changes = both.sync(&directory, Some(&set(&[]))).unwrap();
        assert_eq!(changes.written, [file("a"), file("b")]);
        assert_eq!(both.sync(&directory, Some(&set(&[]))).unwrap(), Changes::default());
        skills(root, "other", &["theirs"]).sync(&directory, Some(&set(&[]))).unwrap();
        fs::write(directory.join("b/more.md"), "mine").unwrap();

        let none = skills(root, "r", &[]);
        assert_eq!(none.sync(&directory, None).unwrap(), Changes::default());
        assert_eq!(none.sync(&directory, Some(&set(&["a", "b"]))).unwrap(), Changes::default());
        let changes = none.sync(&directory, Some(&set(&["a"]))).unwrap();
        assert_eq!(changes.removed, [file("b")]);
        assert!(directory.join("b/more.md").exists() && file("theirs").exists());
        none.sync(&directory, Some(&set(&[]))).unwrap();
        assert!(!directory.join("a").exists());
    }

    #[test]
    fn what_a_person_wrote_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let (root, directory) = (root.path(), root.path().join("skills"));
        let own = skills(root, "r", &["a", "b", "c"]);
        own.sync(&directory, None).unwrap();
        let generated = fs::read_to_string(place(&directory, "a")).unwrap();
        let edited = generated.replace(&own.head, "");
        fs::write(place(&directory, "a"), &edited).unwrap();
        fs::remove_file(place(&directory, "b")).unwrap();
        symlink(place(&directory, "c"), place(&directory, "b")).unwrap();
        fs::write(place(&directory, "c"), format!("{generated}more")).unwrap();
        let changes = own.sync(&directory, Some(&set(&[]))).unwrap();
        assert_eq!(changes.left_alone, [place(&directory, "a"), place(&directory, "b")]);
        assert_eq!(changes.written, [place(&directory, "c")]);
        let removed = skills(root, "r", &[]).sync(&directory, Some(&set(&[]))).unwrap().removed;
        assert_eq!(removed, [place(&directory, "c")]);
        assert_eq!(fs::read_to_string(place(&directory, "a")).unwrap(), edited);
    }
}
