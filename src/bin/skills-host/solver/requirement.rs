//! Requirements: from text, and as text for a person.

use std::str::FromStr;

use skills_daemon::failure::{Failure, Kind};
use uv_distribution_types::{Requirement, RequirementSource};
use uv_normalize::ExtraName;
use uv_pep440::{Version, VersionSpecifier, VersionSpecifiers};
use uv_pypi_types::{LenientRequirement, VerbatimParsedUrl};

/// Reads a requirement of a party, `of` in messages.
pub(super) fn parse(text: &str, of: &str) -> Result<Requirement, Failure> {
    let parsed = uv_pep508::Requirement::<VerbatimParsedUrl>::from_str(text);
    parsed.map(Requirement::from).map_err(|error| {
        let reason = error.message.to_string();
        Failure::new(Kind::Plugin, format!("invalid requirement `{text}` of {of}: {reason}"))
            .hint("Requirements have the form of PEP 508: `httpx>=0.27,<1`.")
    })
}

/// Reads a requirement from the metadata of a package, as leniently as `uv`.
pub(super) fn parse_metadata(text: &str) -> Option<Requirement> {
    let parsed = LenientRequirement::<VerbatimParsedUrl>::from_str(text).ok()?;
    Some(Requirement::from(uv_pep508::Requirement::from(parsed)))
}

/// Returns `name[extras]` with versions or URL, without the marker: `fastapi[standard]>=0.115,<1`.
pub(super) fn label(requirement: &Requirement) -> String {
    match &requirement.source {
        RequirementSource::Registry { specifier, .. } => {
            format!("{}{}", head(requirement), versions(specifier))
        }
        _ => {
            let url = url(requirement).unwrap_or_default();
            format!("{} @ {url}", head(requirement))
        }
    }
}

/// Returns what a package wants of Python: `Python>=3.12`.
pub(super) fn python_label(wanted: &VersionSpecifiers) -> String {
    format!("Python{}", versions(wanted))
}

fn versions(wanted: &VersionSpecifiers) -> String {
    let versions: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    versions.join(",")
}

fn head(requirement: &Requirement) -> String {
    let extras: Vec<&str> = requirement.extras.iter().map(ExtraName::as_str).collect();
    let name = &requirement.name;
    if extras.is_empty() { name.to_string() } else { format!("{name}[{}]", extras.join(",")) }
}

/// Returns the URL that a requirement names, credentials hidden.
pub(super) fn url(requirement: &Requirement) -> Option<String> {
    requirement.source.to_verbatim_parsed_url().map(|url| url.verbatim.to_string())
}

/// Returns `requirement` for any version.
pub(super) fn any_version(requirement: Requirement) -> Requirement {
    with_versions(requirement, VersionSpecifiers::empty())
}

/// Returns `requirement` for no version at all.
pub(super) fn no_version(requirement: Requirement) -> Requirement {
    let below_all = VersionSpecifier::less_than_version(Version::new([0]));
    with_versions(requirement, VersionSpecifiers::from(below_all))
}

fn with_versions(requirement: Requirement, specifier: VersionSpecifiers) -> Requirement {
    let source = RequirementSource::Registry { specifier, index: None, conflict: None };
    Requirement { source, ..requirement }
}
