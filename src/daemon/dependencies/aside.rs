//! Parties that are set aside: why, for how long, and the reason as text.

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::requirements::{Owner, Party};
use crate::solver::{Conflict, Need};

/// A party that cannot be satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::daemon) struct Aside {
    /// The party.
    pub(in crate::daemon) party: Party,
    /// Why.
    pub(in crate::daemon) reason: Reason,
    /// The parties with which it conflicts.
    pub(in crate::daemon) others: Vec<Party>,
}

/// Why a party cannot be satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::daemon) enum Reason {
    /// Others need what it excludes.
    Conflict(Conflict),
    /// It has no solution by itself.
    Impossible {
        /// From its requirement to the one without a solution.
        chain: Vec<String>,
        /// Why that has none.
        reason: String,
    },
    /// `uv` cannot resolve or build it.
    Unusable(String),
}

impl Aside {
    /// True while the reason holds: the party and those that it conflicts with are all among `parties`.
    pub(super) fn holds(&self, parties: &[Party]) -> bool {
        parties.contains(&self.party) && self.others.iter().all(|other| parties.contains(other))
    }

    /// True if time may mend it.
    pub(super) fn is_unusable(&self) -> bool {
        matches!(self.reason, Reason::Unusable(_))
    }

    /// The failure of the party's plugin.
    pub(in crate::daemon) fn failure(&self) -> Failure {
        let (error, hint) = match &self.reason {
            Reason::Conflict(conflict) => (
                format!("its requirements conflict with others: {}", needs(&conflict.needs)),
                "Change or remove one of them; it is loaded by itself once the conflict is gone.",
            ),
            Reason::Impossible { chain, reason } => (
                format!("it needs {}, but {reason}", way(chain)),
                "Correct its `dependencies`: a saved change takes effect by itself.",
            ),
            Reason::Unusable(output) => (
                format!("its requirements cannot be installed: {}", one_line(output)),
                "Correct its `dependencies`, or run `skills-daemon deps sync` to try again.",
            ),
        };
        Failure::new(Kind::Plugin, error).hint(hint)
    }
}

/// `jira needs httpx<0.25; notes needs httpx>=0.27`.
pub(in crate::daemon) fn needs(needs: &[Need]) -> String {
    let need = |need: &Need| format!("{} needs {}", need.owner, way(&need.chain));
    needs.iter().map(need).collect::<Vec<_>>().join("; ")
}

/// The output of `uv` in one line.
pub(super) fn one_line(output: &str) -> String {
    let lines = output.lines().map(str::trim).filter(|line| !line.is_empty());
    let parts = lines.map(|line| {
        ["error: ", "cause: "].iter().fold(line, |it, prefix| it.trim_start_matches(prefix))
    });
    parts.collect::<Vec<_>>().join(": ")
}

/// `fastapi>=0.115, which needs starlette<0.42`.
fn way(chain: &[String]) -> String {
    chain.join(", which needs ")
}

/// The parties to satisfy: the wanted ones, and in place of one that is set aside that of the version that serves.
pub(super) fn accepted(
    wanted: &[Party],
    serving: &[Party],
    aside: &[Aside],
    is_given_up: impl Fn(&Owner) -> bool,
) -> Vec<Party> {
    let is_aside = |party: &Party| aside.iter().any(|aside| aside.party == *party);
    let of = |party: &Party| {
        if !is_aside(party) {
            return Some(party.clone());
        }
        let old = serving.iter().find(|old| old.owner == party.owner && *old != party);
        old.filter(|old| !is_given_up(&old.owner)).cloned()
    };
    wanted.iter().filter_map(of).collect()
}

/// Those of `aside` whose reason holds, given that those of them that are senior are not there.
pub(super) fn still_aside(aside: &[Aside], wanted: &[Party]) -> Vec<Aside> {
    let mut there: Vec<Party> = wanted.to_vec();
    let mut kept = Vec::new();
    for party in wanted {
        let own = aside.iter().find(|aside| aside.party == *party);
        if let Some(own) = own.filter(|own| own.holds(&there)) {
            there.retain(|other| other != party);
            kept.push(own.clone());
        }
    }
    kept
}
