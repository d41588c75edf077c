//! What each party of a conflict needs, down to the contested package.

use std::collections::{BTreeMap, BTreeSet};

use skills_daemon::failure::Failure;
use skills_daemon::solver::{Conflict, Explanation, Need};
use uv_distribution_types::{Requirement, RequirementSource};
use uv_normalize::PackageName;

use super::explain::{Case, Unit};
use super::index::Outcome;
use super::offers::Offers;
use super::requirement::label;
use super::shrink::shrink;
use super::walk::Walk;

/// The number of packages that are looked at as the contested one.
const CANDIDATES_MAX: usize = 30;

/// One requirement of the contested package: the number of the walk that leads to it, and of its step.
type Claim = (usize, usize);

impl Case {
    /// Explains `culprits`, of several parties, which have no solution together while each smaller part has one.
    pub(super) async fn conflict(&self, culprits: &[Unit]) -> Result<Explanation, Failure> {
        let chains = self.chains(culprits).await?;
        let owners = culprits.iter().map(|unit| unit.owner().clone());
        let needs = owners.zip(chains).map(|(owner, chain)| Need { owner, chain }).collect();
        Ok(Explanation::Conflict(Conflict { needs }))
    }

    /// Returns the chain from each of `culprits` to the contested package.
    pub(super) async fn chains(&self, culprits: &[Unit]) -> Result<Vec<Vec<String>>, Failure> {
        let mut walks = Vec::new();
        for unit in culprits {
            let one = std::slice::from_ref(unit);
            if let Outcome::Solved(solution) = self.solve(one, &self.constraints).await? {
                walks.push(self.walk(unit, &solution));
            }
        }
        if walks.len() < culprits.len() {
            return Ok(culprits.iter().map(|unit| vec![label(unit.requirement())]).collect());
        }
        let all: BTreeSet<usize> = (0..walks.len()).collect();
        let mut ends = self.contest(&walks, &all).await?;
        // More than one package may be contested; then two parties at a time have one in common.
        for number in 0..walks.len() {
            for other in 0..walks.len() {
                if other != number && !ends.contains_key(&number) {
                    let pair = BTreeSet::from([number, other]);
                    let contested = self.contest(&walks, &pair).await?;
                    ends.extend(contested.get(&number).map(|&step| (number, step)));
                }
            }
        }
        let end = |number: usize| ends.get(&number).copied().unwrap_or_default();
        Ok(walks.iter().enumerate().map(|(number, walk)| walk.chain(end(number))).collect())
    }

    /// Returns the last step of each of the `chosen` walks to the nearest package of which no version satisfies them all.
    async fn contest(
        &self,
        walks: &[Walk],
        chosen: &BTreeSet<usize>,
    ) -> Result<BTreeMap<usize, usize>, Failure> {
        for package in common(walks, chosen).into_iter().take(CANDIDATES_MAX) {
            let claims: Vec<Claim> = chosen
                .iter()
                .flat_map(|&walk| steps(&walks[walk], &package).map(move |step| (walk, step)))
                .collect();
            let offers = self.index.offers(&package).await?.unwrap_or_default();
            let excludes = |claims: &[Claim]| self.excludes(walks, claims, &package, &offers);
            if !excludes(&claims) {
                continue;
            }
            let kept = shrink(claims, async |claims| Ok(excludes(claims))).await?;
            let nearest = |walk: usize| steps(&walks[walk], &package).next().unwrap_or_default();
            let mut ends: BTreeMap<usize, usize> =
                chosen.iter().map(|&walk| (walk, nearest(walk))).collect();
            ends.extend(kept);
            return Ok(ends);
        }
        Ok(BTreeMap::new())
    }

    /// True if no version of `package` satisfies all of `claims`.
    fn excludes(
        &self,
        walks: &[Walk],
        claims: &[Claim],
        package: &PackageName,
        offers: &Offers,
    ) -> bool {
        let claimed = claims.iter().map(|&(walk, step)| walks[walk].requirement(step));
        let constraints = self.constraints.iter().filter(|it| it.name == *package);
        let wanted: Vec<&Requirement> = claimed.chain(constraints).collect();
        let urls: BTreeSet<String> =
            wanted.iter().filter_map(|it| super::requirement::url(it)).collect();
        if !urls.is_empty() {
            return urls.len() > 1;
        }
        let only_prereleases = offers.keys().all(|version| version.any_prerelease());
        let usable = offers.iter().filter(|(version, offer)| {
            offer.is_usable() && (only_prereleases || !version.any_prerelease())
        });
        !usable.map(|it| it.0).any(|version| {
            wanted.iter().all(|it| match &it.source {
                RequirementSource::Registry { specifier, .. } => specifier.contains(version),
                _ => true,
            })
        })
    }
}

/// Returns the packages to which all of the `chosen` walks lead, nearest first.
fn common(walks: &[Walk], chosen: &BTreeSet<usize>) -> Vec<PackageName> {
    let mut distances: BTreeMap<&PackageName, (usize, usize)> = BTreeMap::new();
    for &number in chosen {
        let walk = &walks[number];
        let mut seen = BTreeSet::new();
        for (step, requirement) in walk.requirements() {
            if seen.insert(&requirement.name) {
                let (count, distance) = distances.entry(&requirement.name).or_default();
                *count += 1;
                *distance += walk.path(step).len();
            }
        }
    }
    let mut common: Vec<(usize, &PackageName)> = distances
        .into_iter()
        .filter(|(_, (count, _))| *count == chosen.len())
        .map(|(name, (_, distance))| (distance, name))
        .collect();
    common.sort();
    common.into_iter().map(|(_, name)| name.clone()).collect()
}

fn steps<'a>(walk: &'a Walk, package: &'a PackageName) -> impl Iterator<Item = usize> + 'a {
    walk.requirements().filter(move |(_, it)| it.name == *package).map(|it| it.0)
}
