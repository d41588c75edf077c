//! What is wanted, locked and installed, as it is reported.

use std::collections::BTreeMap;

use super::{Aside, Standing, State};
use crate::installed::Installed;
use crate::lockfile::Lock;
use crate::requirements::{Owner, Party};
use crate::wire::deps::{self, Ask, PackageChange, PackageEntry, PartyEntry};

/// Returns the packages that are locked, installed or directly required, by name.
pub(super) fn packages(
    state: &State,
    installed: &Installed,
    lock: Option<&Lock>,
) -> Vec<PackageEntry> {
    let mut entries: BTreeMap<String, PackageEntry> = BTreeMap::new();
    fn entry<'a>(
        entries: &'a mut BTreeMap<String, PackageEntry>,
        name: &str,
    ) -> &'a mut PackageEntry {
        let new = || PackageEntry { name: name.to_owned(), ..PackageEntry::default() };
        entries.entry(name.to_owned()).or_insert_with(new)
    }
    for (name, package) in &installed.packages {
        entry(&mut entries, name.as_ref()).installed = Some(package.version.to_string());
    }
    for (name, locked) in lock.iter().flat_map(|lock| &lock.packages) {
        let version = locked.version.clone().or_else(|| locked.url.clone());
        entry(&mut entries, name).locked = version;
    }
    for party in &state.asked.wanted.parties {
        for requirement in &party.requirements {
            let (owner, requirement_text) = (party.owner.to_string(), requirement.text.clone());
            let ask = Ask { owner, requirement: requirement_text };
            entry(&mut entries, requirement.package.as_ref()).wanted.push(ask);
        }
    }
    entries.into_values().collect()
}

/// Returns all parties and how they stand, by seniority.
pub(super) fn parties(state: &State) -> Vec<PartyEntry> {
    let of = |party: &Party| {
        let (standing, reason) = match state.standing(party) {
            Standing::Satisfied => (deps::Standing::Satisfied, None),
            Standing::Pending => (deps::Standing::Pending, None),
            Standing::SetAside(failure) => (deps::Standing::SetAside, Some(failure.error)),
            Standing::Failed(failure) => (deps::Standing::Failed, Some(failure.error)),
        };
        PartyEntry { standing, reason, ..entry(party) }
    };
    state.asked.wanted.parties.iter().map(of).collect()
}

/// A party that is set aside.
pub(super) fn set_aside(aside: &Aside) -> PartyEntry {
    let reason = Some(aside.failure().error);
    PartyEntry { standing: deps::Standing::SetAside, reason, ..entry(&aside.party) }
}

fn entry(party: &Party) -> PartyEntry {
    let path = match &party.owner {
        Owner::Daemon => None,
        Owner::Plugin { path, .. } => Some(path.display().to_string()),
    };
    let requirements = party.requirements.iter().map(|it| it.text.clone()).collect();
    PartyEntry { owner: party.owner.to_string(), path, requirements, ..PartyEntry::default() }
}

/// Returns what installing the lock changes, by name.
pub(super) fn changes(installed: &Installed, lock: &Lock) -> Vec<PackageChange> {
    let mut changes = BTreeMap::new();
    for (name, locked) in &lock.packages {
        let now = installed.packages.iter().find(|(own, _)| own.as_ref() == name.as_str());
        let from = now.map(|(_, package)| package.version.to_string());
        let to = locked.version.clone().or_else(|| locked.url.clone());
        let is_there = match (&from, &locked.version, now) {
            (Some(from), Some(version), _) => from == version,
            // A version that only the directory or URL has.
            (Some(_), None, Some((_, package))) => package.url == locked.url,
            _ => false,
        };
        if !is_there {
            let change = PackageChange { name: name.clone(), to, from, bytes: locked.size };
            changes.insert(name.clone(), change);
        }
    }
    for (name, package) in &installed.packages {
        let name = name.to_string();
        if !lock.packages.contains_key(&name) {
            let from = Some(package.version.to_string());
            changes.insert(name.clone(), PackageChange { name, from, ..PackageChange::default() });
        }
    }
    changes.into_values().collect()
}
