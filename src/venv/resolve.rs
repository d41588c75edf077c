//! From what is wanted to a lock.

use std::collections::BTreeMap;
use std::io;

use super::markers::markers_of;
use super::{Base, BuildError, Venv};
use crate::installed::Installed;
use crate::lockfile::{Lock, Origin};
use crate::requirements::Wanted;
use crate::uv::{Progress, Resolution, Upgrade, Uv};

/// What a lock is made for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The base interpreter.
    pub base: &'a Base,
    /// All requirements.
    pub wanted: &'a Wanted,
    /// The packages whose newest versions are chosen.
    pub upgrade: &'a Upgrade,
    /// True if source distributions may be built to read their metadata.
    pub builds: bool,
}

impl Venv {
    /// Chooses versions of all that is wanted; those of the lock in force, else the installed ones, are kept where they
    /// fit.
    ///
    /// # Errors
    /// There is no solution, or `uv` cannot find it.
    pub fn resolve(&self, uv: &Uv, of: Request, progress: Progress) -> Result<Lock, BuildError> {
        let Request { base, wanted, upgrade, builds } = of;
        let parties = wanted.parties.iter();
        let requirements: Vec<String> = parties
            .flat_map(|party| &party.requirements)
            .map(|requirement| requirement.text.clone())
            .collect();
        let preferences = self.preferences();
        let text = uv.compile(
            &Resolution {
                python: &base.executable,
                requirements: &requirements,
                sources: &wanted.sources,
                preferences: preferences.as_ref().map(|lock| lock.text.as_str()),
                upgrade,
                builds,
            },
            progress,
        )?;
        let lock = Lock::parse(text).map_err(BuildError::Lock)?;
        let origin = origin(base, wanted)
            .map_err(|source| BuildError::File { path: base.executable.clone(), source })?;
        Ok(lock.with_origin(origin))
    }

    /// Returns the lock in force; without one, the versions that are installed.
    fn preferences(&self) -> Option<Lock> {
        if let Ok(Some(lock)) = self.lock() {
            return Some(lock);
        }
        let installed = Installed::read(&self.site_packages()?).ok()?;
        Some(Lock::of_installed(&installed))
    }
}

fn origin(base: &Base, wanted: &Wanted) -> io::Result<Origin> {
    let markers = markers_of(&base.executable)?;
    let mut by_owner: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for party in &wanted.parties {
        let own = by_owner.entry(party.owner.to_string()).or_default();
        own.extend(party.requirements.iter().map(|requirement| requirement.text.clone()));
    }
    Ok(Origin {
        daemon: crate::VERSION.to_owned(),
        python: base.version.clone(),
        platform: format!("{} {}", markers.sys_platform(), markers.platform_machine()),
        wanted: by_owner,
    })
}
