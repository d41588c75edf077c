//! Why requirements have no solution among what the indexes offer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use skills_daemon::environment::Environment;
use skills_daemon::failure::Failure;
use skills_daemon::requirements::{Owner, Wanted};
use skills_daemon::solver::{Explanation, World};
use uv_distribution_types::Requirement;

use super::index::{Index, Outcome, Solution};
use super::parties::{self, Member};
use super::requirement;
use super::shrink::shrink;
use super::walk::Walk;

/// Explains `wanted`.
pub(super) async fn explain(
    wanted: &Wanted,
    world: &World,
    env: &Environment,
) -> Result<Explanation, Failure> {
    let members = parties::members(wanted)?;
    let constraints = parties::constraints(wanted)?;
    let index = Index::open(&wanted.sources, env, &world.python, &world.cache).await?;
    let case = Case { members, constraints, index, probes: AtomicUsize::new(0) };
    match case.misfit() {
        Some(misfit) => Ok(misfit),
        None => case.explain().await,
    }
}

/// The question.
pub(super) struct Case {
    members: Vec<Member>,
    pub(super) constraints: Vec<Requirement>,
    pub(super) index: Index,
    /// The number of [`Case::probe`]s: the resolver remembers packages by name, so each has its own.
    probes: AtomicUsize,
}

/// One requirement of a party, as a package of the resolver's world.
#[derive(Clone)]
pub(super) struct Unit {
    /// The number of the party, by seniority.
    party: usize,
    pub(super) member: Member,
}

impl Unit {
    pub(super) fn owner(&self) -> &Owner {
        &self.member.owner
    }

    pub(super) fn requirement(&self) -> &Requirement {
        &self.member.distribution.requires[0]
    }
}

impl Case {
    /// Returns the first party that does not work with this Python.
    fn misfit(&self) -> Option<Explanation> {
        let python = self.index.python();
        self.members.iter().find_map(|member| {
            let wanted = member.distribution.requires_python.as_ref()?;
            (!wanted.contains(&python)).then(|| Explanation::Impossible {
                owner: member.owner.clone(),
                chain: vec![requirement::python_label(wanted)],
                reason: format!("Python {} runs", self.index.interpreter.python_full_version()),
            })
        })
    }

    async fn explain(&self) -> Result<Explanation, Failure> {
        let units = self.units();
        match self.solve(&units, &self.constraints).await? {
            Outcome::Solved(solution) => Ok(self.unread(&units, &solution)),
            Outcome::Unsolvable(_) => {
                let culprits = self.culprits(units).await?;
                let parties: BTreeSet<usize> = culprits.iter().map(|unit| unit.party).collect();
                if parties.len() > 1 {
                    self.conflict(&culprits).await
                } else {
                    self.impossible(&culprits).await
                }
            }
        }
    }

    /// Returns the requirements of all parties whose markers hold.
    fn units(&self) -> Vec<Unit> {
        let markers = self.index.interpreter.markers();
        let members = self.members.iter().enumerate();
        let units = members
            .flat_map(|(party, member)| member.units().map(move |member| Unit { party, member }));
        units.filter(|unit| unit.requirement().evaluate_markers(Some(markers), &[])).collect()
    }

    /// Resolves `units` together.
    pub(super) async fn solve(
        &self,
        units: &[Unit],
        constraints: &[Requirement],
    ) -> Result<Outcome, Failure> {
        let members: Vec<&Member> = units.iter().map(|unit| &unit.member).collect();
        self.index.solve(&members, constraints).await
    }

    /// Returns a requirement of a package as one of the party of `unit`.
    pub(super) fn probe(&self, unit: &Unit, requirement: Requirement) -> Unit {
        let number = self.probes.fetch_add(1, Ordering::Relaxed);
        Unit { party: unit.party, member: unit.member.probe(number, requirement) }
    }

    pub(super) async fn fails(&self, units: &[Unit]) -> Result<bool, Failure> {
        Ok(matches!(self.solve(units, &self.constraints).await?, Outcome::Unsolvable(_)))
    }

    /// Returns the smallest part of `units` that has no solution, of the most senior parties that have none.
    async fn culprits(&self, units: Vec<Unit>) -> Result<Vec<Unit>, Failure> {
        let units = self.seniors(units).await?;
        let units = self.derived(units).await?;
        let parties: BTreeSet<usize> = units.iter().map(|unit| unit.party).collect();
        let of = |parties: &[usize]| -> Vec<Unit> {
            units.iter().filter(|unit| parties.contains(&unit.party)).cloned().collect()
        };
        let parties =
            shrink(parties.into_iter().collect(), async |some| self.fails(&of(some)).await).await?;
        shrink(of(&parties), async |some| self.fails(some).await).await
    }

    /// Returns the units of as few parties as have no solution, the senior ones first: the last is then the one that
    /// came too late.
    async fn seniors(&self, units: Vec<Unit>) -> Result<Vec<Unit>, Failure> {
        let up_to = |last: usize| -> Vec<Unit> {
            units.iter().filter(|unit| unit.party <= last).cloned().collect()
        };
        let (mut low, mut high) = (0, self.members.len() - 1);
        while low < high {
            let middle = low.midpoint(high);
            if self.fails(&up_to(middle)).await? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(up_to(high))
    }

    /// Returns the units that are part of the resolver's derivation, if they have no solution on their own.
    async fn derived(&self, units: Vec<Unit>) -> Result<Vec<Unit>, Failure> {
        let Outcome::Unsolvable(derivation) = self.solve(&units, &self.constraints).await? else {
            return Ok(units);
        };
        let is_part = |unit: &&Unit| derivation.contains(&unit.member.distribution.name);
        let part: Vec<Unit> = units.iter().filter(is_part).cloned().collect();
        if !part.is_empty() && self.fails(&part).await? { Ok(part) } else { Ok(units) }
    }

    /// Explains a solution: it holds unless a package in it cannot be had. Blames the most junior party that leads to
    /// one, because those before it were served already.
    fn unread(&self, units: &[Unit], solution: &Solution) -> Explanation {
        for unit in units.iter().rev() {
            let walk = self.walk(unit, solution);
            let unread = |(number, it): (usize, &Requirement)| {
                Some((number, solution.unread.get(&it.name)?.clone()))
            };
            if let Some((number, reason)) = walk.requirements().find_map(unread) {
                let chain = walk.chain(number);
                return Explanation::Impossible { owner: unit.owner().clone(), chain, reason };
            }
        }
        Explanation::Solvable
    }

    /// Follows the requirement of `unit` through a solution.
    pub(super) fn walk(&self, unit: &Unit, solution: &Solution) -> Walk {
        let requires = &unit.member.distribution.requires;
        Walk::new(requires, solution, self.index.interpreter.markers())
    }
}

#[cfg(test)]
mod tests;
