//! The installed packages as the resolver's world: each has one version.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use skills_daemon::failure::Failure;
use skills_daemon::installed::{Installed, Package};
use uv_cache_key::CanonicalUrl;
use uv_distribution::Reporter;
use uv_distribution_types::{Dist, IndexMetadata, IndexUrl, InstalledDist, Name, Requirement};
use uv_normalize::PackageName;
use uv_resolver::{
    MetadataResponse, PackageVersionsResult, ResolverProvider, VersionsResponse,
    WheelMetadataResult,
};

use super::distribution::{self, Distribution};
use super::parties::Member;
use super::requirement;
use super::walk::World;

/// The installed packages, whose metadata is read when it is needed.
pub(super) struct Site<'a> {
    installed: &'a Installed,
    read: Mutex<BTreeMap<&'a PackageName, Arc<Distribution>>>,
}

impl<'a> Site<'a> {
    pub(super) fn new(installed: &'a Installed) -> Self {
        Site { installed, read: Mutex::default() }
    }

    /// Returns what is installed under `name`.
    pub(super) fn package(&self, name: &PackageName) -> Option<&'a Package> {
        self.installed.packages.get(name)
    }

    /// Returns `requirement` without a URL: any version will do if the package came from there, else none.
    pub(super) fn without_url(&self, requirement: Requirement) -> Requirement {
        match requirement::url(&requirement) {
            None => requirement,
            Some(url) if self.is_from(&requirement.name, &url) => {
                requirement::any_version(requirement)
            }
            Some(_) => requirement::no_version(requirement),
        }
    }

    /// True if `name` was installed from `url`.
    pub(super) fn is_from(&self, name: &PackageName, url: &str) -> bool {
        let origin = self.package(name).and_then(|package| package.url.as_deref());
        origin.is_some_and(|origin| is_same(origin, url))
    }
}

impl World for Site<'_> {
    fn distribution(&self, name: &PackageName) -> Option<Arc<Distribution>> {
        let package = self.package(name)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let distribution = read.entry(&package.name).or_insert_with(|| Arc::new(parse(package)));
        Some(distribution.clone())
    }
}

fn parse(package: &Package) -> Distribution {
    let requires = package.requires.iter().filter_map(|text| {
        let requirement = requirement::parse_metadata(text);
        if requirement.is_none() {
            tracing::debug!(package = %package.name, text, "unreadable requirement ignored");
        }
        requirement
    });
    Distribution {
        name: package.name.clone(),
        version: package.version.clone(),
        requires: requires.collect(),
        extras: package.extras.clone().into(),
        requires_python: package.requires_python.clone(),
    }
}

/// True if two URLs lead to the same thing; what a fragment says counts only if both have it.
fn is_same(one: &str, other: &str) -> bool {
    let (one, one_fragment) = split(one);
    let (other, other_fragment) = split(other);
    let fragments_fit = match (one_fragment, other_fragment) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let same = match (CanonicalUrl::parse(one), CanonicalUrl::parse(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    };
    same && fragments_fit
}

fn split(url: &str) -> (&str, Option<&str>) {
    url.split_once('#').map_or((url, None), |(url, fragment)| (url, Some(fragment)))
}

/// Answers the resolver from [`Site`] and the parties.
pub(super) struct SiteProvider<'a, 'i> {
    site: &'a Site<'i>,
    members: &'a [Member],
    index: IndexUrl,
}

impl<'a, 'i> SiteProvider<'a, 'i> {
    pub(super) fn new(site: &'a Site<'i>, members: &'a [Member]) -> Result<Self, Failure> {
        Ok(SiteProvider { site, members, index: distribution::no_index()? })
    }

    fn member(&self, name: &PackageName) -> Option<&Distribution> {
        let mut distributions = self.members.iter().map(|member| &member.distribution);
        distributions.find(|distribution| distribution.name == *name)
    }
}

impl ResolverProvider for SiteProvider<'_, '_> {
    async fn get_package_versions<'io>(
        &'io self,
        name: &'io PackageName,
        _index: Option<&'io IndexMetadata>,
    ) -> PackageVersionsResult {
        let found = match self.member(name) {
            // Whether it works with this Python is checked beforehand, upper bounds included.
            Some(member) => Some((&member.version, None)),
            None => {
                let package = self.site.package(name);
                package.map(|it| (&it.version, it.requires_python.as_ref()))
            }
        };
        Ok(found.map_or(VersionsResponse::NotFound, |(version, requires_python)| {
            distribution::only_version(name, version, requires_python, &self.index)
        }))
    }

    async fn get_or_build_wheel_metadata<'io>(&'io self, dist: &'io Dist) -> WheelMetadataResult {
        let name = dist.name();
        let lower = |requirement| self.site.without_url(requirement);
        let metadata = match self.member(name) {
            Some(member) => member.metadata(lower),
            None => {
                let distribution = self.site.distribution(name);
                distribution.expect("its version came from the same place").metadata(lower)
            }
        };
        Ok(MetadataResponse::Found(metadata))
    }

    async fn get_installed_metadata<'io>(
        &'io self,
        dist: &'io InstalledDist,
    ) -> WheelMetadataResult {
        unreachable!("the resolver knows of no installed packages: {dist}")
    }

    fn with_reporter(self, _reporter: Arc<dyn Reporter>) -> Self {
        self
    }
}
