//! What can be done about a finding without a person: plain data, carried out by the control program.
//!
//! A fix is here if it destroys nothing that cannot be made again, and if what it does is the same as the command beside the
//! finding. The order of the variants is that in which fixes are done. To add one: a variant, its words, and an arm where
//! fixes are carried out.

use std::fmt;
use std::path::PathBuf;

/// What can be done about a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fix {
    /// Takes the permission to write from others than the owner; before anything is written there.
    CloseDirectory(PathBuf),
    /// Creates missing runtime directories, readable by the user alone.
    CreateDirectories,
    /// Takes all permissions from others than the owner.
    CloseFile(PathBuf),
    /// Removes files of a daemon that was killed, while none lives.
    RemoveStale(Vec<PathBuf>),
    /// Removes directories of temporary daemons whose program was killed.
    RemoveAbandoned(Vec<PathBuf>),
    /// Moves a lock that cannot be read out of the way.
    SetLockAside(PathBuf),
    /// Installs the service again, as this program would now, which starts the daemon.
    InstallService,
    /// Replaces the running daemon, or starts one; that makes a broken virtual environment again.
    Restart,
    /// Installs what is locked, and damaged packages again.
    Sync,
    /// Writes the wrappers of these plugins.
    Link(Vec<String>),
    /// Has an entry in an agent's settings call this installation.
    Register(Entry),
}

/// An entry of this program in an agent's settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The agent's own name.
    pub agent: &'static str,
    /// The settings file.
    pub file: PathBuf,
    /// The entry's name.
    pub name: String,
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::CreateDirectories => f.write_str("create the missing directories"),
            Fix::CloseDirectory(path) => {
                write!(f, "take the permission to write to {} from others", path.display())
            }
            Fix::CloseFile(path) => {
                write!(f, "take all permissions on {} from others", path.display())
            }
            Fix::RemoveStale(paths) | Fix::RemoveAbandoned(paths) => {
                write!(f, "remove {}", listed(paths))
            }
            Fix::SetLockAside(path) => {
                write!(f, "move {} to {}", path.display(), aside(path).display())
            }
            Fix::InstallService => f.write_str("install the service again"),
            Fix::Restart => f.write_str("start the daemon again"),
            Fix::Sync => f.write_str("install the packages that are locked"),
            Fix::Link(names) => write!(f, "write the commands of {}", names.join(", ")),
            Fix::Register(Entry { agent, file, name }) => {
                write!(f, "change the server `{name}` of {agent} in {}", file.display())
            }
        }
    }
}

/// Returns where a file goes that is moved out of the way.
pub(super) fn aside(path: &std::path::Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".broken");
    path.with_file_name(name)
}

impl Fix {
    /// Returns where [`Fix::SetLockAside`] moves the file.
    pub fn target(&self) -> Option<PathBuf> {
        match self {
            Fix::SetLockAside(path) => Some(aside(path)),
            _ => None,
        }
    }
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_moved_beside_its_place() {
        let fix = Fix::SetLockAside("/r/pylock.toml".into());
        assert_eq!(fix.target(), Some("/r/pylock.toml.broken".into()));
        assert_eq!(fix.to_string(), "move /r/pylock.toml to /r/pylock.toml.broken");
        assert_eq!(Fix::Restart.target(), None);
    }
}
