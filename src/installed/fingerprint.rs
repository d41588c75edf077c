//! Whether a directory of packages has changed, without reading a file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The files of a package's metadata whose change counts though that of their directory may not show it.
const METADATA_FILES: [&str; 2] = ["METADATA", "RECORD"];

/// A value that differs once a package is added, removed or replaced; it holds for one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// Returns the fingerprint of `site_packages`: of names, inodes, times and sizes of its entries, and of the metadata
/// files of its packages.
///
/// Files deeper in a package are not looked at: that is for [`damaged`](super::damaged).
///
/// # Errors
/// The directory cannot be listed.
pub fn fingerprint(site_packages: &Path) -> io::Result<Fingerprint> {
    let mut seen: BTreeMap<OsString, Vec<u64>> = BTreeMap::new();
    for entry in fs::read_dir(site_packages)? {
        let (path, name) = { entry.map(|entry| (entry.path(), entry.file_name()))? };
        let mut numbers = numbers(&fs::symlink_metadata(&path)?).to_vec();
        if path.extension().is_some_and(|end| end == "dist-info") {
            for file in METADATA_FILES {
                match fs::symlink_metadata(path.join(file)) {
                    Ok(metadata) => numbers.extend(self::numbers(&metadata)),
                    Err(_) => numbers.push(0),
                }
            }
        }
        seen.insert(name, numbers);
    }
    let mut hasher = DefaultHasher::new();
    seen.hash(&mut hasher);
    Ok(Fingerprint(format!("{:016x}", hasher.finish())))
}

fn numbers(metadata: &Metadata) -> [u64; 4] {
    let time = metadata.mtime().cast_unsigned();
    [metadata.ino(), metadata.size(), time, metadata.mtime_nsec().cast_unsigned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_package_counts_and_nothing_else() {
        let site = tempfile::tempdir().unwrap();
        let at = |path: &str| site.path().join(path);
        let now = || fingerprint(site.path()).unwrap();
        fs::create_dir_all(at("a-1.dist-info")).unwrap();
        fs::create_dir_all(at("a/deep")).unwrap();
        fs::write(at("a-1.dist-info/METADATA"), "x").unwrap();
        let changes: [&dyn Fn(); 6] = [
            &|| fs::write(at("a-1.dist-info/RECORD"), "a/x.py,,\n").unwrap(),
            &|| fs::write(at("a-1.dist-info/METADATA"), "xy").unwrap(),
            &|| fs::write(at("b.py"), "").unwrap(),
            &|| fs::write(at("a/new.py"), "").unwrap(),
            &|| fs::rename(at("a-1.dist-info"), at("a-2.dist-info")).unwrap(),
            &|| fs::remove_file(at("b.py")).unwrap(),
        ];
        for (index, change) in changes.iter().enumerate() {
            let before = now();
            assert_eq!(now(), before);
            change();
            assert_ne!(now(), before, "change {index}");
        }
        let before = now();
        fs::write(at("a/deep/x.pyc"), "").unwrap();
        assert_eq!(now(), before);
        assert!(fingerprint(&at("nowhere")).is_err());
    }
}
