//! Are all requirements satisfied together by what is installed, and which are not.

use std::collections::{BTreeSet, HashSet};

use skills_daemon::failure::{Failure, Kind};
use skills_daemon::installed::Installed;
use skills_daemon::requirements::Wanted;
use skills_daemon::solver::{Missing, Verdict};
use uv_configuration::Constraints;
use uv_distribution_types::{
    IndexCapabilities, IndexLocations, Name, Requirement, RequirementSource, RequiresPython,
    Resolution,
};
use uv_git::GitResolver;
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_pep508::MarkerEnvironment;
use uv_pypi_types::{Conflicts, ResolverMarkerEnvironment};
use uv_resolver::{
    InMemoryIndex, Manifest, OptionsBuilder, Prerelease, PrereleaseMode, PythonRequirement,
    ResolveError, Resolver, ResolverEnvironment,
};
use uv_types::{EmptyInstalledPackages, HashStrategy};

use super::parties::{self, Member};
use super::requirement;
use super::site::{Site, SiteProvider};
use super::walk::{Walk, World};

/// Checks `installed` against `wanted`.
pub(super) fn check(
    wanted: &Wanted,
    installed: &Installed,
    markers: &MarkerEnvironment,
) -> Result<Verdict, Failure> {
    let check = Check {
        members: parties::members(wanted)?,
        constraints: parties::constraints(wanted)?,
        site: Site::new(installed),
        markers,
        python: markers.python_full_version().only_release(),
    };
    let misfits = check.misfits();
    if !misfits.is_empty() {
        return Ok(Verdict::Unsatisfied(misfits.into_iter().chain(check.missing()).collect()));
    }
    match check.solve()? {
        Ok(needed) => Ok(Verdict::Satisfied { needed }),
        Err(error) => {
            let missing = check.missing();
            if missing.is_empty() {
                return Err(Failure::new(Kind::Bug, format!("unexplained conflict: {error}")));
            }
            Ok(Verdict::Unsatisfied(missing))
        }
    }
}

/// One check.
struct Check<'a> {
    members: Vec<Member>,
    constraints: Vec<Requirement>,
    site: Site<'a>,
    markers: &'a MarkerEnvironment,
    /// The version of Python without a suffix like `rc1`.
    python: Version,
}

impl Check<'_> {
    /// Returns the names of the packages that the resolver needs.
    fn solve(&self) -> Result<Result<BTreeSet<PackageName>, ResolveError>, Failure> {
        let lower = |it: &Requirement| self.site.without_url(it.clone());
        let manifest = Manifest::simple(self.members.iter().map(Member::root).collect())
            .with_constraints(Constraints::from_requirements(self.constraints.iter().map(lower)));
        let prerelease = Prerelease { global: PrereleaseMode::Allow, ..Prerelease::default() };
        let requires_python = RequiresPython::greater_than_equal_version(&self.python);
        let resolver = Resolver::new_custom_io(
            manifest,
            OptionsBuilder::new().prerelease(prerelease).build(),
            &HashStrategy::None,
            ResolverEnvironment::specific(ResolverMarkerEnvironment::from(self.markers.clone())),
            self.markers,
            None,
            &PythonRequirement::from_marker_environment(self.markers, requires_python),
            Conflicts::empty(),
            &InMemoryIndex::default(),
            &GitResolver::default(),
            &IndexCapabilities::default(),
            &IndexLocations::default(),
            SiteProvider::new(&self.site, &self.members)?,
            EmptyInstalledPackages,
        );
        // Needs no runtime: nothing in this world waits for the network.
        Ok(futures_executor::block_on(resolver.resolve()).map(|output| {
            let resolution = Resolution::from(output);
            let names = resolution.distributions().map(|it| it.name().clone());
            names.filter(|name| self.site.package(name).is_some()).collect()
        }))
    }

    /// Returns the parties that do not work with this Python.
    fn misfits(&self) -> Vec<Missing> {
        let misfit = |member: &Member| {
            let wanted = member.distribution.requires_python.as_ref()?;
            (!wanted.contains(&self.python)).then(|| Missing {
                owner: member.owner.clone(),
                chain: vec![requirement::python_label(wanted)],
                instead: self.running(),
            })
        };
        self.members.iter().filter_map(misfit).collect()
    }

    /// Returns the requirements that are not satisfied, of all parties.
    fn missing(&self) -> Vec<Missing> {
        self.members.iter().flat_map(|member| self.missing_of(member)).collect()
    }

    fn missing_of(&self, member: &Member) -> Vec<Missing> {
        let walk = Walk::new(&member.distribution.requires, &self.site, self.markers);
        let mut seen = HashSet::new();
        let mut missing = Vec::new();
        for (number, requirement) in walk.requirements() {
            let Some((also, instead)) = self.lacks(requirement) else { continue };
            let mut chain = walk.chain(number);
            chain.extend(also);
            if seen.insert((chain.last().cloned(), instead.clone())) {
                missing.push(Missing { owner: member.owner.clone(), chain, instead });
            }
        }
        missing
    }

    /// Returns why `requirement` is not satisfied: a further requirement that it leads to, and what is there instead.
    fn lacks(&self, requirement: &Requirement) -> Option<(Option<String>, String)> {
        let name = &requirement.name;
        let Some(found) = self.site.distribution(name) else {
            return Some((None, "it is not installed".to_owned()));
        };
        let is_installed = format!("{name} {} is installed", found.version);
        if let Some(url) = requirement::url(requirement) {
            let package = self.site.package(name)?;
            if !self.site.is_from(name, &url) {
                let origin = package.url.as_deref().unwrap_or("an index");
                return Some((None, format!("{is_installed} from {origin}")));
            }
        } else if !fits(requirement, &found.version) {
            return Some((None, is_installed));
        }
        let python = RequiresPython::greater_than_equal_version(&self.python);
        if let Some(wanted) = found.requires_python.as_ref()
            && !python.is_contained_by(wanted)
        {
            return Some((Some(requirement::python_label(wanted)), self.running()));
        }
        let constraint = self.broken_constraint(name, &found.version)?;
        Some((Some(format!("{} (constraint)", requirement::label(constraint))), is_installed))
    }

    fn broken_constraint(&self, name: &PackageName, version: &Version) -> Option<&Requirement> {
        let mut constraints = self.constraints.iter().filter(|it| it.name == *name);
        constraints.find(|constraint| {
            constraint.evaluate_markers(Some(self.markers), &[])
                && match requirement::url(constraint) {
                    Some(url) => !self.site.is_from(name, &url),
                    None => !fits(constraint, version),
                }
        })
    }

    fn running(&self) -> String {
        format!("Python {} runs", self.markers.python_full_version())
    }
}

fn fits(requirement: &Requirement, version: &Version) -> bool {
    match &requirement.source {
        RequirementSource::Registry { specifier, .. } => specifier.contains(version),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
