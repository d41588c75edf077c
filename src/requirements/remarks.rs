//! What a party installs from elsewhere than the package index: named when a plugin is added.

use std::path::Path;
use std::str::FromStr;

use uv_pep508::VerbatimUrl;

use super::{Party, Requirement, text};

impl Requirement {
    /// The URL that it names in place of versions of an index, with its credentials.
    pub fn url(&self) -> Option<&str> {
        text::direct(&self.text).map(|(_, url, _)| url)
    }

    /// The text for a person: without the password of a URL.
    pub fn shown(&self) -> String {
        uv_pep508::Requirement::<VerbatimUrl>::from_str(&self.text)
            .map_or_else(|_| self.text.clone(), |parsed| parsed.to_string())
    }
}

impl Party {
    /// Returns one line for each requirement that names a URL, or a path outside of the plugin's own `folder`.
    ///
    /// A manifest cannot name an index: options are no requirements.
    pub fn remarks(&self, folder: &Path) -> Vec<String> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let remark = |requirement: &Requirement| {
            let (field, shown) = (&requirement.field, requirement.shown());
            let (name, url, _) = text::direct(&shown)?;
            match requirement.path() {
                None => Some(format!(
                    "`{field}` installs {name} from {url}, not from the package index"
                )),
                Some(path) if !path.starts_with(&folder) => Some(format!(
                    "`{field}` installs {name} from {}, outside of the plugin's folder",
                    path.display()
                )),
                Some(_) => None,
            }
        };
        self.requirements.iter().filter_map(remark).collect()
    }
}
