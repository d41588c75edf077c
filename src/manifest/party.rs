//! The requirements of a plugin as a [`Party`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use uv_pep440::{Version, VersionSpecifiers};

use super::{Manifest, ManifestError, REQUIRES_PYTHON};
use crate::requirements::ground::Ground;
use crate::requirements::text::RequirementError;
use crate::requirements::{Owner, Party, REQUIREMENTS_MAX, Requirement};

impl Manifest {
    /// Returns the requirements of `owner`, whose metadata is in `file`; the directories `allowed` may be named by
    /// `file:` requirements, besides that of `file`.
    ///
    /// # Errors
    /// A requirement names a path that is missing or out of bounds.
    pub fn party(
        &self,
        owner: Owner,
        file: &Path,
        allowed: &[PathBuf],
    ) -> Result<Party, ManifestError> {
        let ground = Ground::of(file, allowed);
        let mut requirements: Vec<Requirement> = Vec::new();
        let mut texts = BTreeSet::new();
        for (index, text) in self.dependencies.iter().enumerate() {
            let requirement = Requirement::parse(text, field(index), &ground)
                .map_err(|error| ManifestError::of_requirement(file, index, &error))?;
            // `PyYAML` and `pyyaml` are one.
            if texts.insert(requirement.text.clone()) {
                requirements.push(requirement);
            }
        }
        let requires_python =
            self.requires_python.as_ref().and_then(|text| VersionSpecifiers::from_str(text).ok());
        Ok(Party { owner, requirements, requires_python })
    }

    /// Checks that the plugin works with the Python `version`.
    ///
    /// # Errors
    /// The version that it needs instead.
    pub fn check_python(&self, version: &str) -> Result<(), String> {
        let Some(wanted) = &self.requires_python else { return Ok(()) };
        let specifiers = VersionSpecifiers::from_str(wanted).map_err(|error| error.to_string())?;
        let version = Version::from_str(version).map_err(|error| error.to_string())?;
        // As pip and uv do: a pre-release of 3.15 counts as 3.15.
        if specifiers.contains(&version.only_release()) {
            return Ok(());
        }
        Err(format!("the plugin needs Python {specifiers}, and the daemon's is {version}"))
    }

    /// Checks the form of all requirements; `file` is only named in errors.
    pub(super) fn check_dependencies(&self, file: &Path) -> Result<(), ManifestError> {
        let wrong = |field: String, message: String| {
            Err(ManifestError::Field { path: file.to_owned(), field, message })
        };
        let count = self.dependencies.len();
        if count > REQUIREMENTS_MAX {
            let message = format!("{count} requirements are too many (limit {REQUIREMENTS_MAX})");
            return wrong("dependencies".to_owned(), message);
        }
        for (index, text) in self.dependencies.iter().enumerate() {
            Requirement::check(text)
                .map_err(|error| ManifestError::of_requirement(file, index, &error))?;
        }
        match &self.requires_python {
            None => Ok(()),
            Some(text) => match VersionSpecifiers::from_str(text) {
                Ok(_) => Ok(()),
                Err(error) => wrong(
                    REQUIRES_PYTHON.to_owned(),
                    super::not_a_specifier(text, &error.to_string()),
                ),
            },
        }
    }
}

impl ManifestError {
    fn of_requirement(file: &Path, index: usize, error: &RequirementError) -> ManifestError {
        ManifestError::Field {
            path: file.to_owned(),
            field: field(index),
            message: error.to_string(),
        }
    }
}

fn field(index: usize) -> String {
    format!("dependencies[{index}]")
}
