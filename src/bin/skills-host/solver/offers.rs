//! The versions of a package that the indexes offer, and why none of them will do.

use std::collections::BTreeMap;

use skills_daemon::failure::{Failure, Kind};
use tokio::time::timeout_at;
use uv_client::{ErrorKind, MetadataFormat, OwnedArchive, SimpleDetailMetadata};
use uv_distribution_filename::DistFilename;
use uv_distribution_types::{File, Requirement, RequirementSource, RequiresPython};
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_platform_tags::Tags;
use uv_types::BuildContext;

use super::faults;
use super::index::Index;
use super::requirement;

/// One version of a package.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// True if a file of it works with the Python version.
    fits_python: bool,
    /// True if such a file is a source, or a wheel for the platform.
    fits_platform: bool,
    /// True if such a file was not yanked.
    is_kept: bool,
    /// What the files want of Python.
    python: String,
}

/// The versions of a package.
pub(super) type Offers = BTreeMap<Version, Offer>;

impl Index {
    /// Returns what the indexes have under `name`; `None` if nothing.
    pub(super) async fn offers(&self, name: &PackageName) -> Result<Option<Offers>, Failure> {
        let mut files: Vec<(DistFilename, File)> = self.found_links(name).collect();
        let details =
            self.client.simple_detail(name, None, self.context.capabilities(), &self.downloads);
        match timeout_at(self.deadline, details).await {
            Ok(Ok(answers)) => {
                for (_, answer) in answers {
                    files.extend(files_of(name, answer));
                }
            }
            Ok(Err(error)) if is_absence(error.kind()) => {}
            Ok(Err(error)) => return Err(unreadable(&faults::causes(&error))),
            Err(_) => return Err(unreadable("it took too long")),
        }
        let python = self.requires_python();
        let tags = self.tags()?;
        let mut offers = Offers::new();
        for (filename, file) in &files {
            offers
                .entry(filename.version().clone())
                .or_default()
                .add(filename, file, &python, tags);
        }
        Ok((!offers.is_empty()).then_some(offers))
    }

    fn found_links(&self, name: &PackageName) -> impl Iterator<Item = (DistFilename, File)> {
        let (entries, _) = self.flat_entries.clone().into_parts();
        let files = entries.into_iter().map(|entry| entry.into_parts());
        let of_name = files.filter(move |(filename, ..)| filename.name() == name);
        of_name.map(|(filename, file, _)| (filename, file))
    }

    /// Returns why no version of a package is one for `wanted`; `None` if there is one.
    pub(super) async fn lack(&self, wanted: &Requirement) -> Result<Option<String>, Failure> {
        let RequirementSource::Registry { specifier, .. } = &wanted.source else {
            return Ok(None);
        };
        let Some(offers) = self.offers(&wanted.name).await? else {
            let offline = self.client.connectivity().is_offline();
            let absent = if offline {
                "it is not in uv's cache, and the daemon is offline"
            } else {
                "it is not in the index"
            };
            return Ok(Some(absent.to_owned()));
        };
        let matching: Vec<&Offer> = offers
            .iter()
            .filter(|(version, _)| specifier.contains(version))
            .map(|it| it.1)
            .collect();
        let Some(newest_match) = matching.last() else {
            let newest = offers.iter().rev().find(|(version, _)| !version.any_prerelease());
            let newest = newest.or(offers.iter().next_back());
            return Ok(newest.map(|(version, _)| {
                format!("the index has no such version of it, the newest is {version}")
            }));
        };
        let python = self.interpreter.python_minor_version();
        let platform = self.interpreter.platform();
        Ok(if !matching.iter().any(|offer| offer.fits_python) {
            let wants = &newest_match.python;
            let wants =
                if wants.is_empty() { String::new() } else { format!(", it needs {wants}") };
            Some(format!("no version of it fits Python {python}{wants}"))
        } else if !matching.iter().any(|offer| offer.fits_platform) {
            Some(format!(
                "no version of it fits Python {python} on {} {}",
                platform.os(),
                platform.arch()
            ))
        } else if !matching.iter().any(|offer| offer.is_usable()) {
            Some("the versions of it that fit were all withdrawn (yanked)".to_owned())
        } else {
            None
        })
    }
}

impl Offer {
    /// True if the version can be installed or built here.
    pub(super) fn is_usable(&self) -> bool {
        self.fits_platform && self.is_kept
    }

    fn add(&mut self, filename: &DistFilename, file: &File, python: &RequiresPython, tags: &Tags) {
        let wanted = file.requires_python.as_deref();
        if let Some(wanted) = wanted {
            self.python = requirement::python_label(wanted);
        }
        if !wanted.is_none_or(|wanted| python.is_contained_by(wanted)) {
            return;
        }
        let fits = match filename {
            DistFilename::SourceDistFilename(_) => true,
            DistFilename::WheelFilename(wheel) => wheel.is_compatible(tags),
        };
        self.fits_python = true;
        self.fits_platform |= fits;
        self.is_kept |= fits && !file.yanked.as_deref().is_some_and(|it| it.is_yanked());
    }
}

fn files_of(name: &PackageName, answer: MetadataFormat) -> Vec<(DistFilename, File)> {
    match answer {
        MetadataFormat::Simple(details) => {
            let details: SimpleDetailMetadata = OwnedArchive::deserialize(&details);
            details.into_iter().flat_map(|version| version.files.all(name)).collect()
        }
        MetadataFormat::Flat(entries) => {
            let entries = entries.into_iter().map(|entry| entry.into_parts());
            entries.map(|(filename, file, _)| (filename, file)).collect()
        }
    }
}

/// True if an index says that it does not have the package.
fn is_absence(error: &ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::RemotePackageNotFound(_)
            | ErrorKind::LocalPackageNotFound(_)
            | ErrorKind::NoIndex(_)
            | ErrorKind::Offline(_)
    )
}

fn unreadable(reason: &str) -> Failure {
    Failure::new(Kind::Unavailable, format!("cannot read the package index: {reason}"))
}
