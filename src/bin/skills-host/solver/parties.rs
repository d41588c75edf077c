//! The parties as packages of the resolver's world.

use skills_daemon::failure::Failure;
use skills_daemon::requirements::{Owner, Party, Wanted};
use uv_distribution_types::{Requirement, RequirementSource};
use uv_normalize::PackageName;
use uv_pep440::{Version, VersionSpecifiers};
use uv_types::RequestedRequirements;

use super::distribution::Distribution;
use super::requirement;

/// The requirements of one owner, as a package.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Whose they are.
    pub(super) owner: Owner,
    /// The only version of the package.
    pub(super) distribution: Distribution,
}

/// Reads the requirements of `wanted`, in its order.
pub(super) fn members(wanted: &Wanted) -> Result<Vec<Member>, Failure> {
    wanted.parties.iter().enumerate().map(|(number, party)| Member::new(number, party)).collect()
}

/// Reads the constraints of `wanted`.
pub(super) fn constraints(wanted: &Wanted) -> Result<Vec<Requirement>, Failure> {
    let read = |text: &String| requirement::parse(text, "the constraints");
    wanted.sources.constraints.iter().map(read).collect()
}

impl Member {
    fn new(number: usize, party: &Party) -> Result<Member, Failure> {
        let owner = party.owner.to_string();
        let read = |wanted: &skills_daemon::requirements::Requirement| {
            requirement::parse(&wanted.text, &owner)
        };
        let requires = party.requirements.iter().map(read).collect::<Result<_, _>>()?;
        let distribution = Distribution {
            name: package_name(number),
            version: Version::new([1]),
            requires,
            extras: Box::default(),
            requires_python: party.requires_python.clone(),
        };
        Ok(Member { owner: party.owner.clone(), distribution })
    }

    /// Returns each requirement of the party as a package of its own.
    pub(super) fn units(&self) -> impl Iterator<Item = Member> {
        let requires = self.distribution.requires.iter().enumerate();
        requires.map(|(number, it)| self.only(&format!("requirement-{number}"), it.clone()))
    }

    /// Returns any requirement as one of the party.
    pub(super) fn probe(&self, number: usize, requirement: Requirement) -> Member {
        self.only(&format!("probe-{number}"), requirement)
    }

    fn only(&self, suffix: &str, requirement: Requirement) -> Member {
        let name = format!("{}-{suffix}", self.distribution.name);
        let distribution = Distribution {
            name: PackageName::from_owned(name).expect("a name, a dash and a number"),
            requires: Box::from([requirement]),
            ..self.distribution.clone()
        };
        Member { owner: self.owner.clone(), distribution }
    }

    /// Returns the requirement of the party's package.
    pub(super) fn root(&self) -> Requirement {
        Requirement {
            name: self.distribution.name.clone(),
            extras: Box::default(),
            groups: Box::default(),
            marker: uv_pep508::MarkerTree::TRUE,
            source: RequirementSource::Registry {
                specifier: VersionSpecifiers::empty(),
                index: None,
                conflict: None,
            },
            origin: None,
        }
    }

    /// Returns what makes the party's requirements count as direct ones: for URLs and pre-releases.
    pub(super) fn lookahead(&self) -> RequestedRequirements {
        let Distribution { name, version, requires, .. } = &self.distribution;
        RequestedRequirements::new(
            name.clone(),
            version.clone(),
            Box::default(),
            requires.clone(),
            true,
        )
    }
}

/// Never asked of an index.
fn package_name(number: usize) -> PackageName {
    PackageName::from_owned(format!("skills-daemon-party-{number}"))
        .expect("words, dashes and a number")
}
