//! The trait in front of the resolver: are requirements satisfied together, and if they cannot be, why not.
//!
//! The host implements it with `uv-resolver`, which only `src/bin/skills-host/` names; everything else works with the
//! plain data here.

use std::collections::BTreeSet;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use uv_normalize::PackageName;
use uv_pep508::MarkerEnvironment;

use crate::failure::Failure;
use crate::installed::Installed;
use crate::requirements::{Owner, Wanted};

/// A resolver of requirements.
pub trait Solver: Send + Sync {
    /// Checks whether `installed` satisfies all of `wanted` together, transitively; needs neither network nor process.
    ///
    /// # Errors
    /// A requirement that the resolver cannot read.
    fn check(
        &self,
        wanted: &Wanted,
        installed: &Installed,
        markers: &MarkerEnvironment,
    ) -> Result<Verdict, Failure>;

    /// Finds out why `wanted` has no solution among what the indexes offer; runs no code of a package.
    ///
    /// # Errors
    /// The indexes cannot be read.
    fn explain(
        &self,
        wanted: Wanted,
        world: World,
    ) -> BoxFuture<'static, Result<Explanation, Failure>>;
}

/// What is needed to read the indexes.
#[derive(Clone, Debug)]
pub struct World {
    /// The interpreter to resolve for.
    pub python: PathBuf,
    /// The cache directory of `uv`.
    pub cache: PathBuf,
}

/// Whether what is installed will do.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// All requirements are satisfied.
    Satisfied {
        /// The packages that the requirements lead to; no other is needed.
        needed: BTreeSet<PackageName>,
    },
    /// Some are not.
    Unsatisfied(Vec<Missing>),
}

/// One requirement that is not satisfied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whose requirement leads to it.
    pub owner: Owner,
    /// From the owner's requirement to the one that is not satisfied: `["fastapi>=0.115", "starlette<0.42"]`.
    pub chain: Vec<String>,
    /// What is there instead: `starlette 0.45.2 is installed`, `it is not installed`.
    pub instead: String,
}

/// Why requirements have no solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// They have one.
    Solvable,
    /// Parties that cannot live together; without any one of them, the others could.
    Conflict(Conflict),
    /// A single party cannot be satisfied, whatever the others want.
    Impossible {
        /// Whose requirement it is.
        owner: Owner,
        /// From the owner's requirement to the one without a solution.
        chain: Vec<String>,
        /// `no version of it fits Python 3.11`, `it is not in the index`.
        reason: String,
    },
}

/// The smallest set of parties that cannot live together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What each of them needs, by seniority.
    pub needs: Vec<Need>,
}

/// What one party of a conflict needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The party.
    pub owner: Owner,
    /// From its own requirement to the contested one: `["fastapi>=0.115", "starlette<0.42"]`.
    pub chain: Vec<String>,
}
