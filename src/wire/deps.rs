//! The messages about dependencies: what is wanted, locked and installed, what is set aside, and how far a change is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Path of the report about dependencies ([`Dependencies`]).
pub const DEPS: &str = "/deps";
/// Path that has the installed packages changed ([`Order`] to [`Outcome`]).
pub const ORDER: &str = "/deps/change";
/// Path of the reasons for which a package is installed ([`Why`]).
pub const WHY: &str = "/deps/why";
/// Path of the packages of which a newer version would do ([`Outdated`]).
pub const OUTDATED: &str = "/deps/outdated";
/// Path that removes what no process uses ([`Pruned`]).
pub const PRUNE: &str = "/deps/prune";
/// Path that checks a plugin before it is added ([`Trial`]).
pub const TRIAL: &str = "/deps/trial";
/// Query parameter of [`WHY`]: the name of the package.
pub const PACKAGE: &str = "package";
/// Query parameter of [`TRIAL`]: the absolute path of the plugin.
pub const PATH: &str = "path";

/// The answer of `GET` [`DEPS`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dependencies {
    /// The lock, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// Every package that is locked, installed or directly required, by name.
    pub packages: Vec<PackageEntry>,
    /// The requirements of each owner, by seniority.
    pub wanted: Vec<PartyEntry>,
    /// The change in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Progress>,
    /// Why the last change failed as a whole, and when it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailedChange>,
    /// The environments on disk, the live one first.
    #[serde(default)]
    pub generations: Vec<Generation>,
}

/// One package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageEntry {
    /// The normalized name.
    pub name: String,
    /// The version in the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<String>,
    /// The version that is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<String>,
    /// The requirements that name it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<Ask>,
}

/// One requirement and its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The owner's name.
    pub owner: String,
    /// The requirement.
    pub requirement: String,
}

/// The requirements of one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyEntry {
    /// The owner's name.
    pub owner: String,
    /// The path of a plugin; absent for the daemon itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its requirements.
    pub requirements: Vec<String>,
    /// Whether they are satisfied.
    pub standing: Standing,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether the requirements of an owner are satisfied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// They are.
    Satisfied,
    /// A change for them is in progress, or about to begin.
    #[default]
    Pending,
    /// They cannot be satisfied beside those of others, or at all.
    SetAside,
    /// The last change for them failed.
    Failed,
}

/// A change that failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedChange {
    /// Why.
    pub error: String,
    /// Seconds until it is tried again; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_seconds: Option<u64>,
}

/// One environment on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its directory.
    pub path: String,
    /// True for the one in use.
    pub live: bool,
    /// The space that it alone takes, in bytes; files that others share are not counted.
    pub bytes: u64,
}

/// How far a change is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The step in progress.
    pub phase: Phase,
    /// What `uv` does, in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The packages that the change installs, once they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<PackageChange>,
    /// The number of packages that are ready.
    #[serde(default)]
    pub done: usize,
}

/// A step of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Comparing requirements with what is installed.
    #[default]
    Checking,
    /// Choosing versions.
    Resolving,
    /// Finding the requirements that conflict.
    Explaining,
    /// Making the new environment.
    Installing,
    /// Putting the new environment in place of the old one.
    Swapping,
    /// Waiting for a process that imports the new versions.
    Replacing,
}

/// A package that a change installs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageChange {
    /// The normalized name.
    pub name: String,
    /// The version to be installed; `None` if it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The version before; `None` for a new package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The size of its file, in bytes, where the index has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// What is asked of the installed packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", content = "packages", rename_all = "kebab-case")]
pub enum Order {
    /// Satisfy what is wanted, and try again what was set aside.
    #[default]
    Sync,
    /// Resolve what is wanted and write the lock, without installing it.
    Lock,
    /// Take the newest versions that will do: of the named packages, or of all.
    Upgrade(Vec<String>),
}

/// The answer of `POST` [`ORDER`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// False if the change failed as a whole.
    pub success: bool,
    /// The packages that were installed, replaced or removed; for [`Order::Lock`], those of the lock that differ.
    pub changes: Vec<PackageChange>,
    /// The packages of which files were missing or changed; they were installed again, except for [`Order::Lock`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repaired: Vec<String>,
    /// The lock that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// Owners whose requirements are set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<PartyEntry>,
    /// True if a new process takes over, because a package that was imported has another version.
    #[serde(default)]
    pub replaces_process: bool,
}

/// The answer of `GET` [`WHY`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The normalized name of the package.
    pub package: String,
    /// The version that is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<String>,
    /// The paths that lead to it.
    pub chains: Vec<Chain>,
}

/// One path from an owner to a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The owner's name.
    pub owner: String,
    /// From the owner's requirement to that of the package: `["fastapi>=0.115", "starlette<0.42"]`.
    pub requirements: Vec<String>,
}

/// The answer of `GET` [`OUTDATED`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outdated {
    /// The packages of which a newer version satisfies all requirements.
    pub packages: Vec<PackageChange>,
}

/// The answer of `POST` [`PRUNE`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// The directories that were removed.
    pub removed: Vec<String>,
    /// The space that is free again, in bytes.
    pub bytes: u64,
}

/// The answer of `POST` [`TRIAL`]: what adding a plugin would lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Why its requirements cannot be satisfied beside those of the plugins that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What would be installed, replaced or removed; empty if nothing, or if it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<PackageChange>,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Checking => "checking installed packages",
            Phase::Resolving => "resolving versions",
            Phase::Explaining => "looking for the conflict",
            Phase::Installing => "installing",
            Phase::Swapping => "putting the new environment in place",
            Phase::Replacing => "waiting for the new process",
        })
    }
}

impl fmt::Display for PackageChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (&self.from, &self.to) {
            (None, Some(to)) => write!(f, "{name} {to}"),
            (Some(from), Some(to)) => write!(f, "{name} {from} -> {to}"),
            (Some(from), None) => write!(f, "{name} {from} (removed)"),
            (None, None) => f.write_str(name),
        }
    }
}

impl Progress {
    /// The size of all packages to be installed, in bytes, as far as it is known.
    pub fn bytes(&self) -> u64 {
        self.packages.iter().filter_map(|package| package.bytes).sum()
    }
}

impl fmt::Display for Progress {
    /// One line: `installing 3 packages (1.4 MiB): httpx 0.27.2, idna 3.6 -> 3.10, sniffio 1.3.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The most packages that are named.
        const NAMED: usize = 4;
        write!(f, "{}", self.phase)?;
        if self.phase == Phase::Installing && !self.packages.is_empty() {
            let count = self.packages.len();
            write!(f, " {count} package{}", if count == 1 { "" } else { "s" })?;
            if self.bytes() > 0 {
                write!(f, " ({})", Size(self.bytes()))?;
            }
            let named = self.packages.iter().take(NAMED).map(ToString::to_string);
            write!(f, ": {}", named.collect::<Vec<_>>().join(", "))?;
            if count > NAMED {
                write!(f, " and {} more", count - NAMED)?;
            }
        }
        match &self.step {
            Some(step) => write!(f, "; {step}"),
            None => Ok(()),
        }
    }
}

/// A number of bytes as text: `912 B`, `14 KiB`, `1.4 MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
        let mebibytes = self.0 as f64 / f64::from(1 << 20);
        match self.0 {
            0..1024 => write!(f, "{} B", self.0),
            1024..1_048_576 => write!(f, "{} KiB", self.0 >> 10),
            _ => write!(f, "{mebibytes:.1} MiB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, from: Option<&str>, to: Option<&str>, bytes: u64) -> PackageChange {
        let own = |version: Option<&str>| version.map(str::to_owned);
        PackageChange { name: name.into(), to: own(to), from: own(from), bytes: Some(bytes) }
    }

    #[test]
    fn progress_is_one_line() {
        let progress = Progress { phase: Phase::Resolving, ..Progress::default() };
        assert_eq!(progress.to_string(), "resolving versions");
        let mut progress = Progress {
            phase: Phase::Installing,
            packages: vec![
                change("httpx", None, Some("0.27.2"), 1 << 20),
                change("idna", Some("3.6"), Some("3.10"), 419_430),
            ],
            ..Progress::default()
        };
        let text = "installing 2 packages (1.4 MiB): httpx 0.27.2, idna 3.6 -> 3.10";
        assert_eq!(progress.to_string(), text);
        progress.packages.extend((0..3).map(|_| change("x", Some("1"), None, 0)));
        progress.step = Some("Downloading httpx (1.0MiB)".into());
        let text = progress.to_string();
        assert!(text.ends_with("x 1 (removed) and 1 more; Downloading httpx (1.0MiB)"), "{text}");
    }

    #[test]
    fn orders_are_readable_json() {
        for (order, text) in [
            (Order::Sync, r#"{"order":"sync"}"#),
            (Order::Upgrade(vec!["idna".into()]), r#"{"order":"upgrade","packages":["idna"]}"#),
        ] {
            assert_eq!(serde_json::to_string(&order).unwrap(), text);
            assert_eq!(serde_json::from_str::<Order>(text).unwrap(), order);
        }
    }
}
