//! Secrets of plugins: `secrets.toml`, a table for each plugin, in a file that only its owner can read.
//!
//! Values are in no message and no debug output; errors have names and lines only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::{Table, Value};

use super::line_of;
use crate::failure::Failure;

/// The permissions of the file.
pub const MODE: u32 = 0o600;

/// The secrets of one plugin, by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OfPlugin(pub BTreeMap<String, String>);

impl fmt::Debug for OfPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The secrets of all plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets(pub BTreeMap<String, OfPlugin>);

impl Secrets {
    /// Reads the file, which may be missing.
    ///
    /// # Errors
    /// Others than its owner can read it, it cannot be read, or is invalid; the failure has no value of it.
    pub fn load(file: &Path) -> Result<Secrets, Failure> {
        Secrets::parsed(&read(file)?, file)
    }

    /// Parses the text of the file; `file` is only named in errors.
    ///
    /// # Errors
    /// It is no TOML, or has something other than tables of texts.
    pub fn parsed(text: &str, file: &Path) -> Result<Secrets, Failure> {
        let failed = |what: String| {
            let failure = Failure::environment(format!("{}: {what}", file.display()));
            failure
                .hint("A secret is a text in the table of its plugin: `[jira]`, `token = \"…\"`.")
        };
        // The parser's message may quote the line.
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            failed(format!("line {} is not TOML", line_of(text, error.span())))
        })?;
        let mut all = BTreeMap::new();
        for (plugin, secrets) in table {
            let Value::Table(secrets) = secrets else {
                return Err(failed(format!("`{plugin}` is not a table")));
            };
            let mut own = BTreeMap::new();
            for (name, value) in secrets {
                let Value::String(value) = value else {
                    return Err(failed(format!("`{plugin}.{name}` is not a text")));
                };
                own.insert(name, value);
            }
            all.insert(plugin, OfPlugin(own));
        }
        Ok(Secrets(all))
    }

    /// Returns the secrets of a plugin.
    pub fn of(&self, plugin: &str) -> OfPlugin {
        self.0.get(plugin).cloned().unwrap_or_default()
    }

    /// Returns the plugins whose secrets are others in `other`.
    pub fn differing<'a>(&'a self, other: &'a Secrets) -> BTreeSet<&'a str> {
        let names = self.0.keys().chain(other.0.keys()).map(String::as_str);
        names.filter(|name| self.of(name) != other.of(name)).collect()
    }
}

/// Returns the text of the file; empty if it is missing.
///
/// # Errors
/// Others than its owner can read it, or it cannot be read.
pub fn read(file: &Path) -> Result<String, Failure> {
    let failed =
        |error: io::Error| Failure::environment(format!("cannot read {}: {error}", file.display()));
    let mode = match fs::metadata(file) {
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(failed(error)),
    };
    if is_open(mode) {
        let error = format!(
            "{} has the permissions {mode:o}: others than you can read or change it",
            file.display()
        );
        return Err(
            Failure::environment(error).hint(format!("Run `chmod 600 {}`.", file.display()))
        );
    }
    fs::read_to_string(file).map_err(failed)
}

/// True for permissions with which others than the owner can read or change a file.
pub fn is_open(mode: u32) -> bool {
    mode & 0o077 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Secrets, String> {
        Secrets::parsed(text, Path::new("/s")).map_err(|failure| failure.error)
    }

    #[test]
    fn values_are_in_no_debug_output_and_no_message() {
        let secrets = parsed("[jira]\ntoken = 'hidden'\n[git]\n").unwrap();
        assert_eq!(secrets.of("jira").0["token"], "hidden");
        assert!(secrets.of("other").0.is_empty());
        let debug = format!("{secrets:?}");
        assert!(debug.contains("token") && !debug.contains("hidden"), "{debug}");
        for (text, message) in [
            ("[jira]\ntoken = hidden", "/s: line 2 is not TOML"),
            ("token = 'hidden'", "/s: `token` is not a table"),
            ("[jira]\ntoken = ['hidden']", "/s: `jira.token` is not a text"),
        ] {
            assert_eq!(parsed(text).unwrap_err(), message);
        }
    }

    #[test]
    fn differing_plugins_are_named() {
        let (before, after) = (parsed("[a]\nx = '1'\n[b]\nx = '1'"), parsed("[b]\nx = '2'\n[c]"));
        assert_eq!(Vec::from_iter(before.unwrap().differing(&after.unwrap())), ["a", "b"]);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.toml");
        assert_eq!(Secrets::load(&file).unwrap(), Secrets::default());
        fs::write(&file, "[a]\nx = '1'").unwrap();
        for (mode, is_fine) in [(0o640, false), (0o604, false), (0o620, false), (0o600, true)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let read = Secrets::load(&file);
            assert_eq!(read.is_ok(), is_fine, "{mode:o}");
            if let Err(failure) = read {
                assert!(failure.hint.unwrap().starts_with("Run `chmod 600 "));
            }
        }
    }
}
