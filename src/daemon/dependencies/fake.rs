//! [`FakePackages`]: packages without `uv`, venv and network, faults included.
//!
//! A requirement `x==1` wants version 1 of `x`; two of one name and another version conflict. All versions of all
//! packages are to be had, except of `missing`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::packages::{Built, Locked, Packages};
use super::{Aside, Fault, Settled, State, Upgrade};
use crate::failure::Failure;
use crate::lockfile::{self, Lock};
use crate::requirements::{Owner, Party, Wanted};
use crate::runtime::Followed;
use crate::solver::{Conflict, Explanation, Missing, Need, Verdict};
use crate::wire::deps::{self, PackageChange};

/// Packages that follow a script.
#[derive(Debug, Default)]
pub(in crate::daemon) struct FakePackages {
    /// Versions by name.
    installed: Mutex<BTreeMap<String, String>>,
    aside: Mutex<Vec<Aside>>,
    notes: Mutex<Vec<String>>,
    /// True while the index cannot be reached.
    pub(in crate::daemon) is_cut_off: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Name and version of each requirement of a plugin, with its owner.
fn wishes(wanted: &Wanted) -> Vec<(Owner, String, String)> {
    let plugins = wanted.parties.iter().filter(|party| party.owner != Owner::Daemon);
    let of = |party: &Party| {
        let split = |text: &str| {
            let (name, version) = text.split_once("==").unwrap_or((text, "1"));
            (party.owner.clone(), name.to_owned(), version.to_owned())
        };
        party.requirements.iter().map(|it| split(&it.text)).collect::<Vec<_>>()
    };
    plugins.flat_map(of).collect()
}

impl FakePackages {
    /// What was done, in order.
    pub(in crate::daemon) fn notes(&self) -> Vec<String> {
        lock(&self.notes).clone()
    }

    fn note(&self, note: impl Into<String>) {
        lock(&self.notes).push(note.into());
    }
}

impl Packages for FakePackages {
    fn check(&self, wanted: &Wanted) -> Result<Verdict, Failure> {
        let installed = lock(&self.installed);
        let lacks = |(owner, name, version): (Owner, String, String)| {
            let is_there = installed.get(&name) == Some(&version);
            let chain = vec![format!("{name}=={version}")];
            (!is_there).then(|| Missing { owner, chain, instead: "it is not installed".into() })
        };
        let missing: Vec<Missing> = wishes(wanted).into_iter().filter_map(lacks).collect();
        Ok(match missing.is_empty() {
            true => Verdict::Satisfied { needed: BTreeSet::new() },
            false => Verdict::Unsatisfied(missing),
        })
    }

    fn lock(
        &self,
        wanted: &Wanted,
        _upgrade: &Upgrade,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Locked, Fault> {
        self.note("lock");
        progress("Resolved");
        if self.is_cut_off.load(Ordering::SeqCst) {
            return Err(Fault::Passing(Failure::environment("the index cannot be reached")));
        }
        let mut chosen: BTreeMap<String, String> = BTreeMap::new();
        for (_, name, version) in wishes(wanted) {
            let other = chosen.insert(name.clone(), version.clone());
            if name == "missing" || other.is_some_and(|other| other != version) {
                return Err(Fault::NoSolution(format!("no solution for {name}")));
            }
        }
        let locked = |version: String| lockfile::Locked {
            version: Some(version),
            ..lockfile::Locked::default()
        };
        let installed = lock(&self.installed);
        let change = |(name, version): (&String, &String)| PackageChange {
            name: name.clone(),
            from: installed.get(name).cloned(),
            to: Some(version.clone()),
            bytes: None,
        };
        let changes = chosen.iter().filter(|(name, it)| installed.get(*name) != Some(*it));
        let changes: Vec<PackageChange> = changes.map(change).collect();
        let packages = chosen.into_iter().map(|(name, version)| (name, locked(version))).collect();
        let (text, origin) = (String::new(), lockfile::Origin::default());
        let (lock, sources) = (Lock { text, packages, origin }, wanted.sources.clone());
        Ok(Locked {
            lock,
            differs: !changes.is_empty(),
            changes,
            damaged: Vec::new(),
            sources,
            _turn: None,
        })
    }

    fn explain(&self, wanted: Wanted) -> BoxFuture<'static, Result<Explanation, Fault>> {
        self.note("explain");
        Box::pin(async move {
            let wishes = wishes(&wanted);
            let need = |(owner, name, version): &(Owner, String, String)| Need {
                owner: owner.clone(),
                chain: vec![format!("{name}=={version}")],
            };
            for (index, junior) in wishes.iter().enumerate() {
                if junior.1 == "missing" {
                    let (owner, chain) = (junior.0.clone(), vec!["missing".to_owned()]);
                    let reason = "it is not in the index".to_owned();
                    return Ok(Explanation::Impossible { owner, chain, reason });
                }
                let differs = |it: &&(Owner, String, String)| it.1 == junior.1 && it.2 != junior.2;
                if let Some(senior) = wishes[..index].iter().find(differs) {
                    let needs = vec![need(senior), need(junior)];
                    return Ok(Explanation::Conflict(Conflict { needs }));
                }
            }
            Ok(Explanation::Solvable)
        })
    }

    fn build(&self, _locked: &Locked, _progress: &(dyn Fn(&str) + Sync)) -> Result<Built, Fault> {
        self.note("build");
        let (site_packages, python) = ("/venvs/2/lib".into(), "/venvs/2/bin/python".into());
        Ok(Built { to: Followed { site_packages, python }, generation: None })
    }

    fn turn(&self) -> Result<File, Fault> {
        File::open("/dev/null")
            .map_err(|error| Fault::Other(Failure::environment(error.to_string())))
    }

    fn followed(&self, _to: &Followed) {}

    fn outdated(&self, _built: &Built, _imported: &BTreeSet<PathBuf>) -> Vec<String> {
        Vec::new()
    }

    fn swap(&self, locked: &Locked, built: Option<Built>) -> Result<(), Fault> {
        self.note("swap");
        if built.is_some() {
            let packages = locked.lock.packages.iter();
            let versions =
                packages.filter_map(|(name, it)| Some((name.clone(), it.version.clone()?)));
            *lock(&self.installed) = versions.collect();
        }
        Ok(())
    }

    fn recall(&self) -> Vec<Aside> {
        lock(&self.aside).clone()
    }

    fn settled(&self) -> Settled {
        Settled::new()
    }

    fn remember(&self, aside: &[Aside]) {
        *lock(&self.aside) = aside.to_vec();
    }

    fn cancel(&self) {}

    fn report(&self, state: &State) -> Result<deps::Dependencies, Failure> {
        let wanted = super::report::parties(state);
        Ok(deps::Dependencies { wanted, ..deps::Dependencies::default() })
    }

    fn party(&self, _path: &Path) -> Result<Party, Failure> {
        Err(Failure::environment("there are no plugins on disk"))
    }

    fn why(&self, _wanted: &Wanted, package: &str) -> Result<deps::Why, Failure> {
        Ok(deps::Why { package: package.to_owned(), ..deps::Why::default() })
    }

    fn prune(&self) -> Result<deps::Pruned, Failure> {
        Ok(deps::Pruned::default())
    }
}
