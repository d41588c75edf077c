//! What is installed: the `*.dist-info` directories of one `site-packages`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use uv_normalize::{ExtraName, PackageName};
use uv_pep440::{Version, VersionSpecifiers};

/// The installed packages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Installed {
    /// The directory of packages.
    pub site_packages: PathBuf,
    /// By normalized name.
    pub packages: BTreeMap<PackageName, Package>,
}

/// One installed package, from its `METADATA` and `direct_url.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// The normalized name.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// `Requires-Dist`, each as text in the form of PEP 508.
    pub requires: Vec<String>,
    /// `Provides-Extra`.
    pub extras: Vec<ExtraName>,
    /// `Requires-Python`.
    pub requires_python: Option<VersionSpecifiers>,
    /// The URL that it was installed from, if not from an index.
    pub url: Option<String>,
    /// Its `dist-info` directory.
    pub dist_info: PathBuf,
}
