//! From the plugins on disk to their joint requirements.
//!
//! A plugin counts if it is enabled, asleep or not: its manifest can be used, it fits this daemon and this Python, and
//! a bundled one was called before. One that does not count keeps no other from working; loading it reports the reason.

use std::path::Path;

use crate::discovery::{Origin, PluginSource};
use crate::failure::{Failure, Kind};
use crate::manifest::{Manifest, ManifestError};
use crate::requirements::called::Called;
use crate::requirements::seniority::Seniority;
use crate::requirements::{Owner, Party, Wanted};
use crate::settings::Settings;

/// What decides which plugins count, and their order.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// The version of the embedded Python, `X.Y.Z`.
    pub python: &'a str,
    /// The bundled plugins that were called.
    pub called: &'a Called,
    /// When the plugins came.
    pub seniority: &'a Seniority,
}

/// Returns the joint requirements of `plugins`, in order of discovery; `name` is that in the stored description of the
/// plugin at a path, for those whose manifest has none.
///
/// # Errors
/// The file of constraints cannot be read.
pub fn of(
    plugins: &[PluginSource],
    name: impl Fn(&Path) -> Option<String>,
    terms: Terms,
) -> Result<Wanted, Failure> {
    let party = |source: &PluginSource| {
        let manifest = admitted(source, terms.python).ok()?;
        let name = manifest.name.clone().or_else(|| name(&source.path));
        let name = name.unwrap_or_else(|| source.working_name());
        let own = terms.settings.of_plugins.get(&name);
        let is_off = own.is_some_and(|own| own.enabled == Some(false));
        let counts = terms.called.counts(&name, source.origin == Origin::Bundled);
        (counts && !is_off).then(|| party(source, &manifest, name, terms.settings).ok()).flatten()
    };
    let parties = plugins.iter().filter_map(party).collect();
    Ok(Wanted::new(parties, terms.settings.dependencies.sources()?, terms.seniority))
}

/// Returns the manifest of the plugin at `source`, if it fits this daemon and the Python version `python`.
///
/// # Errors
/// The manifest cannot be used, or the plugin needs another version.
pub fn admitted(source: &PluginSource, python: &str) -> Result<Manifest, Failure> {
    let manifest = Manifest::read(&source.manifest).map_err(wrong)?.unwrap_or_default();
    let other = |message: String, hint: &str| {
        let error = format!("{}: {message}", source.manifest.display());
        Failure::new(Kind::Plugin, error).hint(hint)
    };
    manifest.check_daemon(crate::VERSION).map_err(|message| {
        other(
            message,
            "Install a skills-daemon of that version, or a version of the plugin for this one.",
        )
    })?;
    manifest.check_python(python).map_err(|message| {
        other(
            message,
            "Set `python` in config.toml to such an interpreter, or install a version of the plugin for this one.",
        )
    })?;
    Ok(manifest)
}

/// Returns the requirements of the plugin at `source`, which is called `name`.
///
/// # Errors
/// A requirement names a path that is missing or out of bounds.
pub fn party(
    source: &PluginSource,
    manifest: &Manifest,
    name: String,
    settings: &Settings,
) -> Result<Party, Failure> {
    let owner = Owner::Plugin { name, path: source.path.clone() };
    manifest.party(owner, &source.manifest, &settings.dependencies.paths).map_err(wrong)
}

fn wrong(error: ManifestError) -> Failure {
    Failure::new(Kind::Plugin, error.to_string())
        .hint("Correct the file; then run `skills-daemon reload`.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use std::fs;

    fn settings(text: &str) -> Settings {
        Settings::resolve(text.parse().unwrap(), Path::new("c"), &Environment::default()).unwrap()
    }

    #[test]
    fn all_that_are_enabled_and_fit_count_by_seniority() {
        let dir = tempfile::tempdir().unwrap();
        let plugin = |folder: &str, manifest: &str, origin: Origin| {
            let path = dir.path().join(folder);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("manifest.json"), manifest).unwrap();
            PluginSource::at(path, origin)
        };
        let plugins = [
            plugin("new", r#"{"dependencies": ["httpx"]}"#, Origin::Conf),
            plugin(
                "old",
                r#"{"dependencies": ["idna"], "daemon": {"load": "demand"}}"#,
                Origin::Conf,
            ),
            plugin("off", r#"{"name": "silent", "dependencies": ["a"]}"#, Origin::Conf),
            plugin("broken", r#"{"dependencies": ["a >> 1"]}"#, Origin::Conf),
            plugin("outside", r#"{"dependencies": ["a @ file:.."]}"#, Origin::Conf),
            plugin("future", r#"{"dependencies": ["a"], "requires-python": ">=4"}"#, Origin::Conf),
            plugin("ancient", r#"{"dependencies": ["a"], "daemon_version": "<1"}"#, Origin::Conf),
            plugin(
                "dates",
                r#"{"name": "dates", "dependencies": ["dateparser"]}"#,
                Origin::Bundled,
            ),
            plugin("text", r#"{"name": "text", "dependencies": ["a"]}"#, Origin::Bundled),
        ];
        let mut seniority = Seniority::default();
        seniority.note(&[&plugins[1].path], std::time::SystemTime::now());
        seniority.note(&[&plugins[0].path, &plugins[1].path], std::time::SystemTime::now());
        let mut called = Called::default();
        called.note("dates");
        let settings = settings("[plugins.silent]\nenabled = false");
        let terms =
            Terms { settings: &settings, python: "3.11.7", called: &called, seniority: &seniority };
        let name = |path: &Path| path.ends_with("new").then(|| "renamed".to_owned());
        let wanted = of(&plugins, name, terms).unwrap();
        let owners: Vec<String> =
            wanted.parties.iter().map(|party| party.owner.to_string()).collect();
        assert_eq!(owners, ["skills-daemon", "old", "renamed", "dates"]);
    }

    #[test]
    fn a_plugin_that_does_not_fit_names_both_versions() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("manifest.json");
        fs::write(&file, r#"{"requires-python": ">=3.13"}"#).unwrap();
        let source = PluginSource::at(dir.path().to_owned(), Origin::Conf);
        assert_eq!(
            admitted(&source, "3.11.7").unwrap_err().error,
            format!(
                "{}: the plugin needs Python >=3.13, and the daemon's is 3.11.7",
                file.display()
            )
        );
        assert!(admitted(&source, "3.13.0").is_ok());
    }
}
