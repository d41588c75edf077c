//! Answers of the indexes and the parties to the resolver.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use skills_daemon::failure::Failure;
use tokio::time::{Instant, timeout_at};
use uv_distribution::{ArchiveMetadata, Error, Reporter};
use uv_distribution_types::{Dist, IndexMetadata, IndexUrl, InstalledDist, Name, RequestedDist};
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_resolver::{
    DefaultResolverProvider, MetadataResponse, PackageVersionsResult, ResolverProvider,
    VersionsResponse, WheelMetadataResult,
};

use super::builds::NoBuilds;
use super::distribution::{self, Distribution};
use super::faults;
use super::notes::Notes;
use super::parties::Member;

/// The indexes and the parties.
pub(super) struct IndexProvider<'a> {
    inner: DefaultResolverProvider<'a, NoBuilds>,
    members: BTreeMap<&'a PackageName, &'a Distribution>,
    notes: &'a Notes,
    /// When all requests end.
    deadline: Instant,
    nowhere: IndexUrl,
}

impl<'a> IndexProvider<'a> {
    pub(super) fn new(
        inner: DefaultResolverProvider<'a, NoBuilds>,
        members: &[&'a Member],
        notes: &'a Notes,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let members = members.iter().map(|member| &member.distribution);
        let members = members.map(|distribution| (&distribution.name, distribution)).collect();
        Ok(IndexProvider { inner, members, notes, deadline, nowhere: distribution::no_index()? })
    }

    /// Returns the result of `request`, or `None` once the time is over.
    async fn in_time<T>(&self, request: impl Future<Output = T>) -> Option<T> {
        let result = timeout_at(self.deadline, request).await.ok();
        if result.is_none() {
            self.notes.failed(|| "it took too long".to_owned());
        }
        result
    }

    /// Returns the answer for a version whose metadata could not be read. If the cause lies in the package, that is
    /// noted, and it requires nothing; otherwise the resolution ends.
    fn without_metadata(&self, dist: &Dist, cause: Arc<Error>) -> MetadataResponse {
        let Some(reason) = faults::of_package(&cause) else {
            self.notes.failed(|| faults::causes(&*cause));
            return error(dist, cause);
        };
        self.notes.unread(dist.name(), reason);
        let distribution = Distribution {
            name: dist.name().clone(),
            version: dist.version().cloned().unwrap_or_else(|| Version::new([0])),
            requires: Box::default(),
            extras: Box::default(),
            requires_python: None,
        };
        MetadataResponse::Found(distribution.metadata(|requirement| requirement))
    }

    fn note(&self, metadata: &ArchiveMetadata) {
        let metadata = &metadata.metadata;
        self.notes.read(Distribution {
            name: metadata.name.clone(),
            version: metadata.version.clone(),
            requires: metadata.requires_dist.clone(),
            extras: metadata.provides_extra.clone(),
            requires_python: metadata.requires_python.clone(),
        });
    }
}

impl ResolverProvider for IndexProvider<'_> {
    async fn get_package_versions<'io>(
        &'io self,
        name: &'io PackageName,
        index: Option<&'io IndexMetadata>,
    ) -> PackageVersionsResult {
        if let Some(member) = self.members.get(name) {
            return Ok(distribution::only_version(name, &member.version, None, &self.nowhere));
        }
        match self.in_time(self.inner.get_package_versions(name, index)).await {
            Some(Ok(versions)) => Ok(versions),
            Some(Err(error)) => {
                self.notes.failed(|| faults::causes(&error));
                Ok(VersionsResponse::Offline)
            }
            None => Ok(VersionsResponse::Offline),
        }
    }

    async fn get_or_build_wheel_metadata<'io>(&'io self, dist: &'io Dist) -> WheelMetadataResult {
        if let Some(member) = self.members.get(dist.name()) {
            return Ok(MetadataResponse::Found(member.metadata(|requirement| requirement)));
        }
        let response = match self.in_time(self.inner.get_or_build_wheel_metadata(dist)).await {
            Some(Ok(MetadataResponse::Error(_, error))) => self.without_metadata(dist, error),
            Some(Ok(response)) => response,
            Some(Err(error)) => self.without_metadata(dist, Arc::new(error)),
            None => error(dist, Arc::new(Error::NoBuild)),
        };
        if let MetadataResponse::Found(metadata) = &response {
            self.note(metadata);
        }
        Ok(response)
    }

    async fn get_installed_metadata<'io>(
        &'io self,
        dist: &'io InstalledDist,
    ) -> WheelMetadataResult {
        self.inner.get_installed_metadata(dist).await
    }

    fn with_reporter(self, reporter: Arc<dyn Reporter>) -> Self {
        IndexProvider { inner: self.inner.with_reporter(reporter), ..self }
    }
}

fn error(dist: &Dist, cause: Arc<Error>) -> MetadataResponse {
    let dist = RequestedDist::Installable(dist.clone());
    MetadataResponse::Error(Box::new(dist), cause)
}
