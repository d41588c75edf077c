//! What is installed: the `*.dist-info` directories of one `site-packages`.
//!
//! - [`Installed::read`]: names, versions and requirements, from the metadata files.
//! - [`fingerprint()`]: has anything changed, from file metadata alone.
//! - [`damaged`]: are all files as their package's `RECORD` lists them.
//!
//! A package whose metadata cannot be read is reported as [`Broken`] and counts as not installed.

mod fingerprint;
mod metadata;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use uv_normalize::{ExtraName, PackageName};
use uv_pep440::{Version, VersionSpecifiers};

pub use fingerprint::{Fingerprint, fingerprint};
pub use record::{Damage, Depth, damaged};

use metadata::{Headers, origin};

/// The installed packages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Installed {
    /// The directory of packages.
    pub site_packages: PathBuf,
    /// By normalized name.
    pub packages: BTreeMap<PackageName, Package>,
    /// The packages whose metadata cannot be read.
    pub broken: Vec<Broken>,
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

/// A package whose metadata cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its `dist-info` directory.
    pub dist_info: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Installed {
    /// Reads the metadata of all packages in `site_packages`.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn read(site_packages: &Path) -> io::Result<Installed> {
        let mut installed =
            Installed { site_packages: site_packages.to_owned(), ..Installed::default() };
        for dist_info in dist_infos(site_packages)? {
            let package = Package::read(&dist_info).and_then(|package| {
                match installed.packages.get(&package.name) {
                    Some(other) => {
                        Err(format!("{} {} is installed too", other.name, other.version))
                    }
                    None => Ok(package),
                }
            });
            match package {
                Ok(package) => {
                    installed.packages.insert(package.name.clone(), package);
                }
                Err(reason) => installed.broken.push(Broken { dist_info, reason }),
            }
        }
        Ok(installed)
    }

    /// Returns the packages that own the `files`, whose paths are relative to the directory of packages.
    ///
    /// A file that no `RECORD` lists belongs to none.
    pub fn owners<'a>(&self, files: impl IntoIterator<Item = &'a Path>) -> BTreeSet<PackageName> {
        let files: HashSet<&Path> = files.into_iter().collect();
        let has_one = |package: &&Package| {
            let record = record::read(&package.dist_info).unwrap_or_default();
            record.iter().any(|entry| files.contains(Path::new(&entry.path)))
        };
        self.packages.values().filter(has_one).map(|package| package.name.clone()).collect()
    }
}

impl Package {
    /// Returns the paths of its Python sources, relative to the directory of packages.
    pub fn sources(&self) -> Vec<PathBuf> {
        record::sources(&self.dist_info)
    }

    fn read(dist_info: &Path) -> Result<Package, String> {
        let file = dist_info.join("METADATA");
        let bytes = fs::read(&file).map_err(|error| format!("cannot read METADATA: {error}"))?;
        let headers = Headers::parse(&String::from_utf8_lossy(&bytes));
        let required = |name: &str| {
            headers.first(name).ok_or_else(|| format!("METADATA has no field `{name}`"))
        };
        let name = PackageName::from_str(required("Name")?).map_err(|error| error.to_string())?;
        let version = Version::from_str(required("Version")?).map_err(|error| error.to_string())?;
        // As `uv` and `pip` do, an invalid limit of Python versions counts as none.
        let requires_python =
            headers.first("Requires-Python").and_then(|it| VersionSpecifiers::from_str(it).ok());
        Ok(Package {
            name,
            version,
            requires: headers.all("Requires-Dist").map(str::to_owned).collect(),
            extras: headers
                .all("Provides-Extra")
                .filter_map(|extra| ExtraName::from_str(extra).ok())
                .collect(),
            requires_python,
            url: origin(dist_info)?,
            dist_info: dist_info.to_owned(),
        })
    }
}

/// Returns the `dist-info` directories in `site_packages`, sorted.
fn dist_infos(site_packages: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(site_packages)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "dist-info") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(site: &Path, dist_info: &str, files: &[(&str, &str)]) {
        let directory = site.join(dist_info);
        fs::create_dir_all(&directory).unwrap();
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
    }

    fn name(text: &str) -> PackageName {
        PackageName::from_str(text).unwrap()
    }

    #[test]
    fn packages_are_read_from_their_metadata() {
        let site = tempfile::tempdir().unwrap();
        let metadata = "Metadata-Version: 2.4\nName: Foo_Bar\nVersion: 1.2.post1\nRequires-Python: >=3.9\n\
            Requires-Dist: idna<4,\n  >=3\nRequires-Dist: rich; extra == \"color\"\nProvides-Extra: Color\n\n\
            Name: not a header\n";
        let url = r#"{"url": "file:///a/b", "dir_info": {}}"#;
        write(
            site.path(),
            "foo_bar-1.2.post1.dist-info",
            &[("METADATA", metadata), ("direct_url.json", url)],
        );
        let installed = Installed::read(site.path()).unwrap();
        let package = &installed.packages[&name("foo-bar")];
        assert_eq!(package.version.to_string(), "1.2.post1");
        assert_eq!(package.requires, ["idna<4, >=3", "rich; extra == \"color\""]);
        assert_eq!(package.extras, [ExtraName::from_str("color").unwrap()]);
        assert_eq!(package.requires_python, VersionSpecifiers::from_str(">=3.9").ok());
        assert_eq!(package.url.as_deref(), Some("file:///a/b"));
        assert!(installed.broken.is_empty());
    }

    #[test]
    fn a_package_that_cannot_be_read_is_reported_beside_the_others() {
        let site = tempfile::tempdir().unwrap();
        write(site.path(), "good-1.dist-info", &[("METADATA", "Name: good\nVersion: 1\n")]);
        write(site.path(), "good-2.dist-info", &[("METADATA", "Name: good\nVersion: 2\n")]);
        write(site.path(), "empty-1.dist-info", &[]);
        write(site.path(), "odd-1.dist-info", &[("METADATA", "Name: odd\nVersion: one\n")]);
        write(site.path(), "none-1.dist-info", &[("METADATA", "Name: none\n")]);
        let url = [("METADATA", "Name: url\nVersion: 1\n"), ("direct_url.json", "{")];
        write(site.path(), "url-1.dist-info", &url);
        let installed = Installed::read(site.path()).unwrap();
        assert_eq!(installed.packages.keys().collect::<Vec<_>>(), [&name("good")]);
        let reasons: Vec<_> = installed
            .broken
            .iter()
            .map(|broken| {
                let directory = broken.dist_info.file_stem().unwrap().to_str().unwrap();
                format!("{directory}: {}", broken.reason)
            })
            .collect();
        assert_eq!(reasons.len(), 5, "{reasons:#?}");
        for (reason, part) in reasons.iter().zip([
            "empty-1: cannot read METADATA",
            "good-2: good 1 is installed too",
            "none-1: METADATA has no field `Version`",
            "odd-1: ",
            "url-1: cannot read direct_url.json",
        ]) {
            assert!(reason.starts_with(part), "{reason}");
        }
        assert!(Installed::read(&site.path().join("nowhere")).is_err());
    }

    #[test]
    fn files_belong_to_the_package_whose_record_lists_them() {
        let site = tempfile::tempdir().unwrap();
        for (package, file) in [("a", "shared/a.py"), ("b", "shared/b.py"), ("c", "c.py")] {
            let metadata = format!("Name: {package}\nVersion: 1\n");
            let record = format!("{file},,\n");
            write(
                site.path(),
                &format!("{package}-1.dist-info"),
                &[("METADATA", &metadata), ("RECORD", &record)],
            );
        }
        let installed = Installed::read(site.path()).unwrap();
        let files = ["shared/a.py", "c.py", "unknown.py"].map(Path::new);
        assert_eq!(installed.owners(files), BTreeSet::from([name("a"), name("c")]));
    }
}
