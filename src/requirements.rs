//! What the installed packages must satisfy: the requirements of the daemon and of all plugins together.
//!
//! A [`Wanted`] is plain data, read from manifests, inline metadata of scripts, and settings. Its order is that of
//! seniority: the daemon's own requirements first, then each plugin by the time at which it came.
//!
//! - [`text`]: one requirement as text, checked and made canonical; [`ground`]: the paths that it may name.
//! - [`remarks`]: what a plugin installs from elsewhere than the package index.
//! - [`seniority`]: when a plugin came; [`called`]: the bundled plugins that were called.
//! - [`fingerprint`]: recognizes that nothing has changed.
//!
//! Reading manifests is the task of [`manifest`](crate::manifest), which gives a [`Party`] for each.

pub mod called;
mod fingerprint;
pub mod ground;
mod remarks;
pub mod seniority;
mod state;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uv_normalize::PackageName;
use uv_pep440::VersionSpecifiers;

use ground::Ground;
use seniority::Seniority;

/// Requirements that every plugin may rely on without declaring them.
pub const CORE: [&str; 4] =
    ["docstring-parser>=0.16", "fastapi>=0.109", "msgspec>=0.19", "rich>=13"];

/// The most requirements of one party.
pub const REQUIREMENTS_MAX: usize = 2_000;

/// All requirements that one environment must satisfy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// By seniority; where parties conflict, the later one is set aside.
    pub parties: Vec<Party>,
    /// Where packages come from.
    pub sources: Sources,
}

/// The requirements of one owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Party {
    /// Whose they are.
    pub owner: Owner,
    /// In the order of the manifest.
    pub requirements: Vec<Requirement>,
    /// The Python versions that it works with.
    pub requires_python: Option<VersionSpecifiers>,
}

/// Whose a requirement is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The daemon's own.
    Daemon,
    /// A plugin's.
    Plugin {
        /// The name by which it is called; for messages.
        name: String,
        /// Its directory or file, which identifies it.
        path: PathBuf,
    },
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Daemon => f.write_str("skills-daemon"),
            Owner::Plugin { name, .. } => f.write_str(name),
        }
    }
}

/// One requirement in the form of PEP 508, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Its text, with an absolute `file:` URL in place of a relative one.
    pub text: String,
    /// The normalized name of the package.
    pub package: PackageName,
    /// Its place in the source: `dependencies[2]`.
    pub field: String,
}

/// Where packages come from, as far as the settings say; `uv`'s own settings hold for the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sources {
    /// The URL of the index in place of the default one.
    pub index: Option<String>,
    /// URLs of further indexes.
    pub extra_indexes: Vec<String>,
    /// Requirements that limit versions without wanting a package.
    pub constraints: Vec<String>,
    /// True if nothing is fetched.
    pub offline: bool,
}

impl Party {
    /// Its requirements as text.
    pub fn texts(&self) -> Vec<String> {
        self.requirements.iter().map(|requirement| requirement.text.clone()).collect()
    }

    /// True if it requires anything.
    pub fn asks(&self) -> bool {
        !self.requirements.is_empty() || self.requires_python.is_some()
    }

    /// Returns the daemon's own requirements, [`CORE`].
    pub fn base() -> Party {
        let ground = Ground { folder: PathBuf::from("/"), allowed: Vec::new() };
        let own = CORE.iter().map(|text| {
            Requirement::parse(text, "base", &ground).expect("a test parses all of CORE")
        });
        Party { owner: Owner::Daemon, requirements: own.collect(), requires_python: None }
    }
}

impl Owner {
    /// The directory or file of a plugin.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Owner::Daemon => None,
            Owner::Plugin { path, .. } => Some(path),
        }
    }
}

impl Wanted {
    /// Returns the daemon's own requirements and those of `plugins`, which are in order of discovery.
    pub fn new(plugins: Vec<Party>, sources: Sources, seniority: &Seniority) -> Wanted {
        let mut parties = plugins;
        seniority.sort(&mut parties);
        parties.insert(0, Party::base());
        Wanted { parties, sources }
    }

    /// The owners of requirements of `package`.
    pub fn owners(&self, package: &PackageName) -> BTreeSet<&Owner> {
        let asks = |party: &&Party| party.requirements.iter().any(|it| it.package == *package);
        self.parties.iter().filter(asks).map(|party| &party.owner).collect()
    }
}
