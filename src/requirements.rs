//! What the installed packages must satisfy: the requirements of the daemon and of all plugins together.
//!
//! A [`Wanted`] is plain data, read from manifests, inline metadata of scripts, and settings. Its order is that of
//! seniority: the daemon's own requirements first, then each plugin by the time at which it came.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uv_normalize::PackageName;
use uv_pep440::VersionSpecifiers;

/// All requirements that one environment must satisfy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// By seniority; where parties conflict, the later one is set aside.
    pub parties: Vec<Party>,
    /// Where packages come from.
    pub sources: Sources,
}

/// The requirements of one owner.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Its text, with an absolute `file:` URL in place of a relative one.
    pub text: String,
    /// The normalized name of the package.
    pub package: PackageName,
    /// Its place in the source: `dependencies[2]`.
    pub field: String,
}

/// Where packages come from, as far as the settings say; `uv`'s own settings hold for the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

impl Wanted {
    /// The owners of requirements of `package`.
    pub fn owners(&self, package: &PackageName) -> BTreeSet<&Owner> {
        let asks = |party: &&Party| party.requirements.iter().any(|it| it.package == *package);
        self.parties.iter().filter(asks).map(|party| &party.owner).collect()
    }
}
