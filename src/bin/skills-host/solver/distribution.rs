//! One version of a package, with what it requires.

use std::collections::BTreeMap;

use skills_daemon::failure::{Failure, Kind};
use uv_distribution::{ArchiveMetadata, Metadata};
use uv_distribution_filename::WheelFilename;
use uv_distribution_types::{
    File, FileLocation, HashComparison, IndexUrl, PrioritizedDist, RegistryBuiltWheel, Requirement,
    WheelCompatibility,
};
use uv_normalize::{ExtraName, PackageName};
use uv_pep440::{Version, VersionSpecifiers};
use uv_platform_tags::{AbiTag, LanguageTag, PlatformTag};
use uv_pypi_types::HashDigests;
use uv_resolver::{FlatDistributions, VersionMap, VersionsResponse};
use uv_small_str::SmallString;

/// The base of the URLs of packages that have no file; nothing is fetched from it.
const NOWHERE: &str = "https://packages.invalid/";

/// One version of a package.
#[derive(Clone, Debug)]
pub(super) struct Distribution {
    /// The normalized name.
    pub(super) name: PackageName,
    /// The version.
    pub(super) version: Version,
    /// What it requires, markers not evaluated.
    pub(super) requires: Box<[Requirement]>,
    /// The extras that it has.
    pub(super) extras: Box<[ExtraName]>,
    /// The Python versions that it works with.
    pub(super) requires_python: Option<VersionSpecifiers>,
}

impl Distribution {
    /// Returns its metadata for the resolver, each requirement changed by `lower`.
    pub(super) fn metadata(&self, lower: impl Fn(Requirement) -> Requirement) -> ArchiveMetadata {
        ArchiveMetadata::from(Metadata {
            name: self.name.clone(),
            version: self.version.clone(),
            requires_dist: self.requires.iter().cloned().map(lower).collect(),
            requires_python: self.requires_python.clone(),
            provides_extra: self.extras.clone(),
            dependency_groups: BTreeMap::new(),
            dynamic: false,
        })
    }
}

/// Returns the answer to the resolver's question for versions: `version` of `name` is the only one.
pub(super) fn only_version(
    name: &PackageName,
    version: &Version,
    requires_python: Option<&VersionSpecifiers>,
    index: &IndexUrl,
) -> VersionsResponse {
    let filename = SmallString::from(format!("{name}-{version}"));
    let file = File {
        dist_info_metadata: true,
        url: FileLocation::RelativeUrl(SmallString::from(NOWHERE), filename.clone()),
        filename,
        hashes: HashDigests::empty(),
        requires_python: requires_python.cloned().map(Into::into),
        size: None,
        upload_time_utc_ms: None,
        yanked: None,
        zstd: None,
    };
    let wheel = RegistryBuiltWheel {
        filename: WheelFilename::new(
            name.clone(),
            version.clone(),
            LanguageTag::Python { major: 3, minor: None },
            AbiTag::None,
            PlatformTag::Any,
        ),
        file: Box::new(file),
        index: index.clone(),
        size_is_authoritative: false,
    };
    let compatibility = WheelCompatibility::Compatible(HashComparison::Matched, None, None);
    let dist = PrioritizedDist::from_built(wheel, Vec::new(), compatibility);
    let versions = BTreeMap::from([(version.clone(), dist)]);
    VersionsResponse::Found(vec![VersionMap::from(FlatDistributions::from(versions))])
}

/// Returns the index of packages that come from none.
pub(super) fn no_index() -> Result<IndexUrl, Failure> {
    IndexUrl::parse(NOWHERE, None)
        .map_err(|error| Failure::new(Kind::Bug, format!("cannot name an index: {error}")))
}
