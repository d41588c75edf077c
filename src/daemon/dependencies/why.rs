//! The ways from parties to a package, among what is installed.

use std::collections::{BTreeSet, VecDeque};
use std::str::FromStr;

use uv_normalize::{ExtraName, PackageName};
use uv_pep508::{MarkerEnvironment, Requirement, VerbatimUrl, VersionOrUrl};

use crate::installed::Installed;
use crate::requirements::Party;
use crate::wire::deps::Chain;

type Parsed = Requirement<VerbatimUrl>;

/// Returns the shortest way from each party to `package`, by seniority.
pub(super) fn chains(
    parties: &[Party],
    installed: &Installed,
    markers: &MarkerEnvironment,
    package: &PackageName,
) -> Vec<Chain> {
    let chain = |party: &Party| {
        let requirements = shortest(party, installed, markers, package)?;
        Some(Chain { owner: party.owner.to_string(), requirements })
    };
    parties.iter().filter_map(chain).collect()
}

/// A breadth-first search from the requirements of `party`.
fn shortest(
    party: &Party,
    installed: &Installed,
    markers: &MarkerEnvironment,
    package: &PackageName,
) -> Option<Vec<String>> {
    let own = party.requirements.iter().filter_map(|it| Parsed::from_str(&it.text).ok());
    let own = own.filter(|it| it.evaluate_markers(markers, &[]));
    let mut queue: VecDeque<(Parsed, Vec<String>)> = own.map(|it| (it, Vec::new())).collect();
    let mut seen: BTreeSet<(PackageName, Vec<ExtraName>)> = BTreeSet::new();
    while let Some((requirement, mut chain)) = queue.pop_front() {
        chain.push(shown(&requirement));
        if requirement.name == *package {
            return Some(chain);
        }
        let extras = requirement.extras.to_vec();
        if !seen.insert((requirement.name.clone(), extras.clone())) {
            continue;
        }
        let requires = installed.packages.get(&requirement.name).map(|it| it.requires.as_slice());
        let requires = requires.unwrap_or_default().iter();
        let further = requires.filter_map(|text| Parsed::from_str(text).ok());
        let further = further.filter(|it| it.evaluate_markers(markers, &extras));
        queue.extend(further.map(|it| (it, chain.clone())));
    }
    None
}

/// `name[extras]` with versions or URL, without the marker.
fn shown(requirement: &Parsed) -> String {
    let extras: Vec<&str> = requirement.extras.iter().map(ExtraName::as_str).collect();
    let name = match extras.as_slice() {
        [] => requirement.name.to_string(),
        extras => format!("{}[{}]", requirement.name, extras.join(",")),
    };
    match &requirement.version_or_url {
        None => name,
        Some(VersionOrUrl::VersionSpecifier(versions)) => {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            format!("{name}{}", versions.join(","))
        }
        Some(VersionOrUrl::Url(url)) => format!("{name} @ {url}"),
    }
}
