//! The lock, compared with what is installed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use uv_normalize::PackageName;

use crate::installed::{Installed, Package};
use crate::lockfile::{LockError, Locked};
use crate::venv::Venv;

/// The lock, compared with what is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// There is none, or nothing to compare it with.
    Absent,
    /// It is no lock.
    Invalid {
        /// The file.
        path: PathBuf,
        /// The parser's error.
        reason: String,
    },
    /// It cannot be read.
    Unreadable(String),
    /// It can be read.
    Read {
        /// How many packages it has.
        packages: usize,
        /// Those that are not installed as it says: name, locked and installed version.
        differing: Vec<(String, String, Option<String>)>,
    },
}

impl LockState {
    pub(super) fn collect(venv: &Venv) -> LockState {
        let lock = match venv.lock() {
            Ok(Some(lock)) => lock,
            Ok(None) => return LockState::Absent,
            Err(LockError::Invalid { path, reason }) => return LockState::Invalid { path, reason },
            // Bytes that are no text are no lock either.
            Err(LockError::Read { path, source })
                if source.kind() == std::io::ErrorKind::InvalidData =>
            {
                return LockState::Invalid { path, reason: source.to_string() };
            }
            Err(LockError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotADirectory =>
            {
                return LockState::Absent;
            }
            Err(error) => return LockState::Unreadable(error.to_string()),
        };
        let installed = venv.site_packages().and_then(|site| Installed::read(&site).ok());
        let Some(installed) = installed else { return LockState::Absent };
        LockState::Read {
            packages: lock.packages.len(),
            differing: differing(&lock.packages, &installed.packages),
        }
    }
}

/// Returns the locked packages that are not installed in their version.
fn differing(
    locked: &BTreeMap<String, Locked>,
    installed: &BTreeMap<PackageName, Package>,
) -> Vec<(String, String, Option<String>)> {
    let installed: BTreeMap<&str, String> =
        installed.iter().map(|(name, it)| (name.as_ref(), it.version.to_string())).collect();
    let of = |(name, locked): (&String, &Locked)| {
        let version = locked.version.as_ref()?;
        let found = installed.get(name.as_str());
        (found != Some(version)).then(|| (name.clone(), version.clone(), found.cloned()))
    };
    locked.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::str::FromStr;
    use uv_pep440::Version;

    #[test]
    fn packages_that_are_missing_or_of_another_version_are_named() {
        let lock = |version: Option<&str>| Locked {
            version: version.map(str::to_owned),
            ..Locked::default()
        };
        let locked: BTreeMap<String, Locked> =
            [("a", Some("1")), ("b", Some("1")), ("c", Some("1")), ("d", None)]
                .map(|(name, version)| (name.to_owned(), lock(version)))
                .into();
        let package = |name: &str, version: &str| {
            let name = PackageName::from_str(name).unwrap();
            let package = Package {
                name: name.clone(),
                version: Version::from_str(version).unwrap(),
                requires: Vec::new(),
                extras: Vec::new(),
                requires_python: None,
                url: None,
                dist_info: Path::new("/x").into(),
            };
            (name, package)
        };
        let installed = [package("a", "1"), package("b", "2")].into();
        assert_eq!(
            differing(&locked, &installed),
            [("b".into(), "1".into(), Some("2".into())), ("c".into(), "1".into(), None)]
        );
    }
}
