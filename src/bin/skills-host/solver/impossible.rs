//! Why a single party has no solution: from its requirement down to the one at fault.

use std::sync::Arc;

use skills_daemon::failure::Failure;
use skills_daemon::solver::Explanation;
use uv_distribution_types::{Requirement, RequirementSource};
use uv_normalize::PackageName;

use super::distribution::Distribution;
use super::explain::{Case, Unit};
use super::index::Outcome;
use super::requirement::label;
use super::shrink::shrink;
use super::walk::{Walk, World};

/// The longest chain that is followed.
const DEPTH_MAX: usize = 16;

/// A world of one package.
struct Only(Arc<Distribution>);

impl World for Only {
    fn distribution(&self, name: &PackageName) -> Option<Arc<Distribution>> {
        (self.0.name == *name).then(|| self.0.clone())
    }
}

impl Case {
    /// Explains `culprits`, all of one party, which have no solution together.
    pub(super) async fn impossible(&self, culprits: &[Unit]) -> Result<Explanation, Failure> {
        let owner = culprits[0].owner().clone();
        let (chain, reason) = match culprits {
            [unit] => match self.excluded(unit).await? {
                Some(excluded) => excluded,
                None => self.descend(unit).await?,
            },
            _ => {
                let mut chains = self.chains(culprits).await?;
                let first = chains.remove(0);
                let others: Vec<String> =
                    chains.iter().map(|it| it.join(", which needs ")).collect();
                (first, format!("the same plugin needs {}", others.join(" and ")))
            }
        };
        Ok(Explanation::Impossible { owner, chain, reason })
    }

    /// Returns the chain to a package that only the constraints of the settings leave without a version.
    async fn excluded(&self, unit: &Unit) -> Result<Option<(Vec<String>, String)>, Failure> {
        let one = std::slice::from_ref(unit);
        let Outcome::Solved(solution) = self.solve(one, &[]).await? else { return Ok(None) };
        let fails = async |some: &[Requirement]| {
            Ok(matches!(self.solve(one, some).await?, Outcome::Unsolvable(_)))
        };
        let constraints = shrink(self.constraints.clone(), fails).await?;
        let walk = self.walk(unit, &solution);
        let constrained = |it: &Requirement| constraints.iter().any(|other| other.name == it.name);
        let last = walk.requirements().find(|(_, it)| constrained(it)).map_or(0, |it| it.0);
        let constraints: Vec<String> =
            constraints.iter().map(|it| format!("`{}`", label(it))).collect();
        Ok(Some((
            walk.chain(last),
            format!("excluded by the constraint {}", constraints.join(", ")),
        )))
    }

    /// Follows the newest versions from the requirement of `unit` to one that has no solution by itself.
    async fn descend(&self, unit: &Unit) -> Result<(Vec<String>, String), Failure> {
        let mut requirement = unit.requirement().clone();
        let mut chain = vec![label(&requirement)];
        while chain.len() < DEPTH_MAX {
            if let Some(reason) = self.index.lack(&requirement).await? {
                return Ok((chain, reason));
            }
            let Some(newest) = self.newest(&requirement) else { break };
            let probes = self.needs(&requirement, &newest).map(|it| self.probe(unit, it)).collect();
            match self.smallest(probes).await?.as_slice() {
                [] => break,
                [one] => requirement = one.requirement().clone(),
                several => {
                    let chains = self.chains(several).await?;
                    let needs: Vec<String> =
                        chains.iter().map(|chain| chain.join(", which needs ")).collect();
                    let version = &newest.version;
                    let reason =
                        format!("its version {version} needs both {}", needs.join(" and "));
                    return Ok((chain, reason));
                }
            }
            chain.push(label(&requirement));
        }
        Ok((chain, "what it requires has no solution".to_owned()))
    }

    /// Returns the newest version of a package that was considered for `requirement`.
    fn newest(&self, requirement: &Requirement) -> Option<Arc<Distribution>> {
        let mut versions = self.index.notes.versions(&requirement.name).into_iter();
        versions.find(|it| match &requirement.source {
            RequirementSource::Registry { specifier, .. } => specifier.contains(&it.version),
            _ => true,
        })
    }

    /// Returns what `package` requires where `requirement` asks for it.
    fn needs(
        &self,
        requirement: &Requirement,
        package: &Arc<Distribution>,
    ) -> impl Iterator<Item = Requirement> {
        let markers = self.index.interpreter.markers();
        let walk = Walk::new(std::slice::from_ref(requirement), &Only(package.clone()), markers);
        let needs: Vec<Requirement> = walk.requirements().skip(1).map(|it| it.1.clone()).collect();
        needs.into_iter()
    }

    /// Returns the smallest part of `units` that fails; nothing if they do not.
    async fn smallest(&self, units: Vec<Unit>) -> Result<Vec<Unit>, Failure> {
        if units.is_empty() || !self.fails(&units).await? {
            return Ok(Vec::new());
        }
        shrink(units, async |some| self.fails(some).await).await
    }
}
