//! From the requirements of a party to all that they lead to, in a world where each package has one version.

use std::collections::HashSet;
use std::iter;
use std::slice;
use std::sync::Arc;

use uv_distribution_types::Requirement;
use uv_normalize::{ExtraName, PackageName};
use uv_pep508::MarkerEnvironment;

use super::distribution::Distribution;
use super::requirement;

/// One version of each of some packages.
pub(super) trait World {
    /// Returns the version of `name`.
    fn distribution(&self, name: &PackageName) -> Option<Arc<Distribution>>;
}

/// The requirements that lead from a party to each package, nearest first; each package and extra once.
pub(super) struct Walk {
    steps: Vec<Step>,
}

/// One requirement, and the step to the package that has it.
struct Step {
    requirement: Requirement,
    from: Option<usize>,
}

impl Walk {
    /// Follows `requirements` through `world`, as far as their markers hold.
    pub(super) fn new(
        requirements: &[Requirement],
        world: &impl World,
        markers: &MarkerEnvironment,
    ) -> Walk {
        let wanted = requirements.iter().filter(|it| it.evaluate_markers(Some(markers), &[]));
        let mut steps: Vec<Step> =
            wanted.map(|it| Step { requirement: it.clone(), from: None }).collect();
        let mut seen = HashSet::new();
        let mut next = 0;
        while let Some(Requirement { name, extras, .. }) = steps.get(next).map(|it| &it.requirement)
        {
            let (name, extras) = (name.clone(), extras.clone());
            if let Some(distribution) = world.distribution(&name) {
                for extra in iter::once(None).chain(extras.iter().map(Some)) {
                    if seen.insert((name.clone(), extra.cloned())) {
                        let needed = distribution.requires.iter();
                        let needed = needed.filter(|it| applies(it, extra, markers));
                        let step =
                            |it: &Requirement| Step { requirement: it.clone(), from: Some(next) };
                        steps.extend(needed.map(step));
                    }
                }
            }
            next += 1;
        }
        Walk { steps }
    }

    /// Returns the requirements with their numbers, nearest first.
    pub(super) fn requirements(&self) -> impl Iterator<Item = (usize, &Requirement)> {
        self.steps.iter().map(|step| &step.requirement).enumerate()
    }

    /// Returns requirement number `step`.
    pub(super) fn requirement(&self, step: usize) -> &Requirement {
        &self.steps[step].requirement
    }

    /// Returns the requirements from the party's own to number `last`.
    pub(super) fn path(&self, last: usize) -> Vec<&Requirement> {
        let mut path: Vec<&Requirement> =
            iter::successors(Some(&self.steps[last]), |step| step.from.map(|it| &self.steps[it]))
                .map(|step| &step.requirement)
                .collect();
        path.reverse();
        path
    }

    /// Returns [`Walk::path`] as text.
    pub(super) fn chain(&self, last: usize) -> Vec<String> {
        self.path(last).into_iter().map(requirement::label).collect()
    }
}

/// True if a package has the requirement for `extra` itself, or always if that is `None`.
fn applies(
    requirement: &Requirement,
    extra: Option<&ExtraName>,
    markers: &MarkerEnvironment,
) -> bool {
    let always = requirement.evaluate_markers(Some(markers), &[]);
    match extra {
        None => always,
        Some(extra) => {
            !always && requirement.evaluate_markers(Some(markers), slice::from_ref(extra))
        }
    }
}
