//! Plugins as shell commands: a small script for each in the user's directory of executables.
//!
//! A wrapper is a regular file that begins with [`MARKER`]; any other file of its name is foreign, and neither
//! changed nor followed. A wrapper that the user has edited is kept if that line is removed. A wrapper also names
//! the runtime directory that it was written for, because a daemon replaces and removes only its own; those of a
//! directory that is gone are replaced, too. The wrappers of a profile are called `PLUGIN@PROFILE`, so that each profile
//! may have the same plugin. A wrapper is written beside its place and moved there, so that it is never executed
//! half-written.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::environment::profile::Profile;
use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::manifest::check_name;
use crate::paths::Paths;

/// The beginning of every wrapper.
const MARKER: &str = "#!/bin/sh\n\
    # Made by skills-daemon, which replaces and removes this file as long as this line is in it.\n";
/// The beginning of the line that names the runtime directory.
const OWNER: &str = "# Its daemon: ";
/// What is between plugin and profile in the name of a wrapper.
const AT: char = '@';
/// Name of the client executable, which a wrapper calls.
pub const CLIENT: &str = "skills-client";
/// The largest file that can be a wrapper, in bytes.
const SIZE_MAX: u64 = 64 << 10;
const MODE: u32 = 0o755;

/// The state of a wrapper's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrapperState {
    /// No file.
    Absent,
    /// An up-to-date wrapper.
    Current,
    /// An outdated wrapper, or one of a runtime directory that is gone.
    Stale,
    /// A wrapper of another daemon, which is left alone.
    Another,
    /// A file that is not a wrapper, which is left alone.
    Foreign,
}

/// Result of a wrapper sync.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Names of the wrappers that were written.
    pub written: Vec<String>,
    /// Names of the wrappers that were removed.
    pub removed: Vec<String>,
    /// Foreign files, and wrappers of other daemons, in the place of a wrapper.
    pub left_alone: Vec<PathBuf>,
}

/// The directory of wrappers, and the content of each.
#[derive(Clone, Debug)]
pub struct Wrappers {
    directory: PathBuf,
    client: PathBuf,
    runtime: String,
    profile: Option<Profile>,
}

impl Wrappers {
    /// Returns the wrappers of `paths`, which call the client of this installation.
    ///
    /// # Errors
    /// The client is neither beside this program nor on PATH.
    pub fn of(paths: &Paths) -> Result<Wrappers, Failure> {
        Ok(Wrappers::calling(client()?, paths))
    }

    fn calling(client: PathBuf, paths: &Paths) -> Wrappers {
        let runtime = paths.runtime.display().to_string();
        // A comment is one line.
        let runtime: String =
            runtime.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        Wrappers { directory: paths.bin.clone(), client, runtime, profile: paths.profile.clone() }
    }

    /// Returns the path of the wrapper of the plugin `name`, whether it exists or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(file_name(name, self.profile.as_ref()))
    }

    /// Returns the state of the wrapper of the plugin `name`.
    pub fn state(&self, name: &str) -> WrapperState {
        match look(&self.path(name)) {
            Found::Nothing => WrapperState::Absent,
            Found::Foreign => WrapperState::Foreign,
            Found::Ours { text, mode } if text == self.text(name) && mode & MODE == MODE => {
                WrapperState::Current
            }
            Found::Ours { text, .. } if self.is_of_another(&text) => WrapperState::Another,
            Found::Ours { .. } => WrapperState::Stale,
        }
    }

    /// True for a wrapper of another runtime directory that still exists.
    fn is_of_another(&self, text: &[u8]) -> bool {
        let owner = owner(text).filter(|owner| *owner != self.runtime);
        owner.is_some_and(|owner| Path::new(owner).is_dir())
    }

    /// Writes the wrapper `name` unless it is current or foreign; returns its state before.
    pub fn link(&self, name: &str) -> Result<WrapperState, Failure> {
        check_name(name).map_err(Failure::environment)?;
        let before = self.state(name);
        if matches!(before, WrapperState::Absent | WrapperState::Stale) {
            self.write(name).map_err(|error| failed("write", &self.path(name), &error))?;
        }
        Ok(before)
    }

    /// Removes the wrapper `name` unless it is foreign; returns its state before.
    pub fn unlink(&self, name: &str) -> Result<WrapperState, Failure> {
        let before = self.state(name);
        if matches!(before, WrapperState::Current | WrapperState::Stale) {
            remove(&self.path(name))?;
        }
        Ok(before)
    }

    /// Returns the names of the plugins that have a wrapper of this daemon, or of one whose directory is gone, in order.
    pub fn names(&self) -> Vec<String> {
        self.names_where(|text| !self.is_of_another(text))
    }

    /// Writes the wrappers of `wanted`, and removes those of this daemon that are in neither `wanted` nor `kept`;
    /// without `kept`, none is removed.
    pub fn sync(
        &self,
        wanted: &BTreeSet<String>,
        kept: Option<&BTreeSet<String>>,
    ) -> Result<Changes, Failure> {
        let mut changes = Changes::default();
        if let Some(kept) = kept {
            for name in self.names_where(|text| owner(text) == Some(&self.runtime)) {
                if !wanted.contains(&name) && !kept.contains(&name) {
                    remove(&self.path(&name))?;
                    changes.removed.push(name);
                }
            }
        }
        for name in wanted {
            match self.link(name)? {
                WrapperState::Current => {}
                WrapperState::Foreign | WrapperState::Another => {
                    changes.left_alone.push(self.path(name));
                }
                WrapperState::Absent | WrapperState::Stale => changes.written.push(name.clone()),
            }
        }
        Ok(changes)
    }

    fn names_where(&self, is_wanted: impl Fn(&[u8]) -> bool) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| self.plugin(&entry.file_name().into_string().ok()?))
            // Leaves out hidden files, those that a killed process has left among them.
            .filter(|name| check_name(name).is_ok())
            .filter(|name| match look(&self.path(name)) {
                Found::Ours { text, .. } => is_wanted(&text),
                _ => false,
            })
            .collect();
        names.sort();
        names
    }

    /// Returns the plugin of the wrapper of this file name; `None` for another profile's.
    fn plugin(&self, file: &str) -> Option<String> {
        let (name, profile) = parts(file);
        (profile == self.profile.as_ref().map(Profile::name)).then(|| name.to_owned())
    }

    fn text(&self, name: &str) -> Vec<u8> {
        let mut text = format!("{MARKER}{OWNER}{}\n", self.runtime).into_bytes();
        text.extend_from_slice(b"exec ");
        text.extend(quoted(&self.client));
        if let Some(profile) = &self.profile {
            text.extend_from_slice(format!(" --profile {profile}").as_bytes());
        }
        text.extend_from_slice(format!(" {name} \"$@\"\n").as_bytes());
        text
    }

    fn write(&self, name: &str) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&self.directory)?;
        let staged = self.directory.join(format!(".{name}.{}", std::process::id()));
        let written = (|| {
            // The leftover of a process with the same id.
            let _ = fs::remove_file(&staged);
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(MODE).open(&staged)?;
            file.write_all(&self.text(name))?;
            // The umask may have masked bits.
            file.set_permissions(Permissions::from_mode(MODE))?;
            drop(file);
            fs::rename(&staged, self.path(name))
        })();
        if written.is_err() {
            let _ = fs::remove_file(&staged);
        }
        written
    }
}

/// Returns the absolute path of the client of this installation.
///
/// # Errors
/// It is neither beside this program nor on PATH.
pub fn client() -> Result<PathBuf, Failure> {
    environment::installed_program(CLIENT)
        .and_then(|path| std::path::absolute(path).ok())
        .ok_or_else(|| {
            Failure::environment(format!("{CLIENT} is neither beside this program nor on PATH"))
                .hint("Install skills-daemon again; all three executables belong together.")
        })
}

/// True if `directory` is on the `PATH` of `env`.
pub fn on_path(directory: &Path, env: &Environment) -> bool {
    let same = |entry: &Path| match (fs::canonicalize(entry), fs::canonicalize(directory)) {
        (Ok(entry), Ok(directory)) => entry == directory,
        _ => entry == directory,
    };
    env.search_path().any(|entry| same(&entry))
}

/// Returns the line for a shell's start-up file that puts the directory of wrappers on PATH.
pub fn path_line(paths: &Paths) -> String {
    let written = |directory: &Path| {
        let text = directory.display().to_string();
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`")
    };
    let directory = match paths.bin.strip_prefix(&paths.home) {
        Ok(below) => format!("$HOME/{}", written(below)),
        Err(_) => written(&paths.bin),
    };
    format!("export PATH=\"{directory}:$PATH\"")
}

/// Returns the file name of the wrapper of the plugin `name`.
pub fn file_name(name: &str, profile: Option<&Profile>) -> String {
    match profile {
        Some(profile) => format!("{name}{AT}{profile}"),
        None => name.to_owned(),
    }
}

/// Returns the words by which the plugin `name` is called without a wrapper.
pub fn called(name: &str, profile: Option<&Profile>) -> String {
    match profile {
        Some(profile) => format!("{CLIENT} --profile {profile} {name}"),
        None => format!("{CLIENT} {name}"),
    }
}

/// Returns the plugin and the profile that a wrapper is named after.
pub fn parts(file: &str) -> (&str, Option<&str>) {
    match file.split_once(AT) {
        Some((name, profile)) => (name, Some(profile)),
        None => (file, None),
    }
}

/// Returns the client that the wrapper at `path` calls; `None` if the file is no wrapper.
pub fn target(path: &Path) -> Option<PathBuf> {
    let Found::Ours { text, .. } = look(path) else { return None };
    let text = String::from_utf8(text).ok()?;
    let line = text.lines().find(|line| line.starts_with("exec "))?;
    shlex::split(line)?.into_iter().nth(1).map(PathBuf::from)
}

/// Returns the runtime directory that a wrapper names.
fn owner(text: &[u8]) -> Option<&str> {
    let rest = text.strip_prefix(MARKER.as_bytes())?.strip_prefix(OWNER.as_bytes())?;
    str::from_utf8(rest.split(|byte| *byte == b'\n').next()?).ok()
}

/// A file in the place of a wrapper.
enum Found {
    Nothing,
    Ours { text: Vec<u8>, mode: u32 },
    Foreign,
}

/// Examines `path`; a link is not followed, and an unreadable file is foreign.
fn look(path: &Path) -> Found {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_nothing(&error) => return Found::Nothing,
        Err(_) => return Found::Foreign,
    };
    if !metadata.is_file() || metadata.len() > SIZE_MAX {
        return Found::Foreign;
    }
    match fs::read(path) {
        Ok(text) if text.starts_with(MARKER.as_bytes()) => {
            Found::Ours { text, mode: metadata.permissions().mode() }
        }
        _ => Found::Foreign,
    }
}

/// True if the file or its directory does not exist.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if !is_nothing(&error) => Err(failed("remove", path, &error)),
        _ => Ok(()),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::environment(format!("cannot {what} {}: {error}", path.display())).hint(format!(
        "Make its directory writable for you, or set {}=0 to switch wrappers off.",
        environment::WRAPPERS
    ))
}

/// Returns `path` quoted as one word for a shell.
fn quoted(path: &Path) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            _ => word.push(*byte),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrappers(root: &Path, runtime: &str) -> Wrappers {
        let paths = Paths {
            profile: None,
            home: root.into(),
            runtime: root.join(runtime),
            config: root.join("c"),
            bin: root.join("a/bin"),
        };
        Wrappers::calling(root.join("it's/skills-client"), &paths)
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_wrapper_is_written_once_and_only_by_difference() {
        let root = tempfile::tempdir().unwrap();
        let wrappers = wrappers(root.path(), "r");
        assert_eq!(wrappers.link("jira").unwrap(), WrapperState::Absent);
        let path = wrappers.path("jira");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("#!/bin/sh\n# Made by skills-daemon"), "{text}");
        assert!(text.ends_with("/it'\\''s/skills-client' jira \"$@\"\n"), "{text}");
        assert_eq!(target(&path), Some(root.path().join("it's/skills-client")));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(wrappers.link("jira").unwrap(), WrapperState::Current);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(wrappers.link("jira").unwrap(), WrapperState::Stale);
        assert_eq!(wrappers.state("jira"), WrapperState::Current);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(wrappers.link("../jira").is_err());
    }

    #[test]
    fn what_is_not_ours_is_neither_changed_nor_followed() {
        let root = tempfile::tempdir().unwrap();
        let wrappers = wrappers(root.path(), "r");
        wrappers.link("ours").unwrap();
        fs::write(wrappers.path("script"), format!("#!/bin/sh\necho\n{MARKER}")).unwrap();
        std::os::unix::fs::symlink(wrappers.path("ours"), wrappers.path("link")).unwrap();
        std::os::unix::fs::symlink("/nowhere", wrappers.path("dangling")).unwrap();
        fs::create_dir(wrappers.path("directory")).unwrap();
        for name in ["script", "link", "dangling", "directory"] {
            assert_eq!(wrappers.link(name).unwrap(), WrapperState::Foreign, "{name}");
            assert_eq!(wrappers.unlink(name).unwrap(), WrapperState::Foreign, "{name}");
            assert!(fs::symlink_metadata(wrappers.path(name)).is_ok(), "{name}");
        }
        assert_eq!(wrappers.names(), ["ours"]);
    }

    #[test]
    fn wrappers_follow_the_plugins_of_their_own_daemon() {
        let root = tempfile::tempdir().unwrap();
        let wrappers = wrappers(root.path(), "r");
        let other = self::wrappers(root.path(), "other");
        fs::create_dir(root.path().join("other")).unwrap();
        other.link("theirs").unwrap();
        fs::write(wrappers.path("b"), "mine").unwrap();
        let changes = wrappers.sync(&set(&["a", "b", "c"]), Some(&set(&[]))).unwrap();
        assert_eq!(changes.written, ["a", "c"]);
        assert_eq!(changes.left_alone, [wrappers.path("b")]);
        assert_eq!(wrappers.sync(&set(&["a"]), None).unwrap(), Changes::default());
        let changes = wrappers.sync(&set(&["a"]), Some(&set(&["c"]))).unwrap();
        assert_eq!(changes, Changes::default());
        let changes = wrappers.sync(&set(&["a"]), Some(&set(&[]))).unwrap();
        assert_eq!(changes.removed, ["c"]);
        assert_eq!(wrappers.names(), ["a"]);
        assert_eq!(wrappers.link("theirs").unwrap(), WrapperState::Another);
        assert_eq!(other.state("theirs"), WrapperState::Current);
        let changes = wrappers.sync(&set(&["theirs"]), Some(&set(&[]))).unwrap();
        assert_eq!(changes.left_alone, [wrappers.path("theirs")]);
        fs::remove_dir(root.path().join("other")).unwrap();
        assert_eq!(wrappers.link("theirs").unwrap(), WrapperState::Stale);
        assert_eq!(wrappers.state("theirs"), WrapperState::Current);
    }

    #[test]
    fn each_profile_has_wrappers_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let default = wrappers(root.path(), "r");
        let profile = Some("office".parse().unwrap());
        let office = Wrappers { profile, ..wrappers(root.path(), "r/profiles/office") };
        default.link("jira").unwrap();
        office.link("jira").unwrap();
        assert_eq!(office.path("jira").file_name().unwrap(), "jira@office");
        let text = fs::read_to_string(office.path("jira")).unwrap();
        assert!(
            text.ends_with("/it'\\''s/skills-client' --profile office jira \"$@\"\n"),
            "{text}"
        );
        assert_eq!((default.names(), office.names()), (vec!["jira".into()], vec!["jira".into()]));
        assert_eq!(office.sync(&set(&[]), Some(&set(&[]))).unwrap().removed, ["jira"]);
        assert_eq!(default.state("jira"), WrapperState::Current);
    }

    #[test]
    fn the_line_for_the_shell_is_short_where_it_can_be() {
        let paths = |bin: &str| Paths {
            profile: None,
            home: "/h".into(),
            runtime: "/r".into(),
            config: "/c".into(),
            bin: bin.into(),
        };
        assert_eq!(path_line(&paths("/h/.local/bin")), "export PATH=\"$HOME/.local/bin:$PATH\"");
        assert_eq!(path_line(&paths("/a $b")), "export PATH=\"/a \\$b:$PATH\"");
        let path = |path: &str| Environment::default().with(environment::PATH, path);
        assert!(on_path(Path::new("/no/bin"), &path("/x:/no/bin")));
        assert!(!on_path(Path::new("/no/bin"), &path("/no")));
        assert!(!on_path(Path::new("/no/bin"), &Environment::default()));
    }
}
