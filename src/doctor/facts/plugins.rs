//! Plugins and their wrappers on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Daemon;
use crate::discovery::{self, PluginSource};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::paths::Paths;
use crate::settings::Settings;
use crate::store::Store;
use crate::wire::PluginState;
use crate::wrappers::{self, WrapperState, Wrappers};

/// One plugin on disk.
#[derive(Debug)]
pub struct PluginOnDisk {
    /// Its place.
    pub source: PluginSource,
    /// The name in its manifest, if any, or the manifest's error.
    pub manifest: Result<Option<String>, String>,
}

/// The wrappers of plugins.
#[derive(Debug)]
pub struct WrappersOnDisk {
    /// Whether their directory is on the caller's PATH.
    pub on_path: bool,
    /// The place of each plugin's wrapper.
    pub places: Vec<WrapperPlace>,
}

/// The place of a wrapper.
#[derive(Debug)]
pub struct WrapperPlace {
    /// The plugin.
    pub plugin: String,
    /// Its path.
    pub path: PathBuf,
    /// The state of the file there.
    pub state: WrapperState,
    /// The client that it calls, if it is a wrapper, and whether there is such a program.
    pub client: Option<(PathBuf, bool)>,
    /// Another program of that name on PATH.
    pub namesake: Option<PathBuf>,
}

pub(super) fn on_disk(
    paths: &Paths,
    env: &Environment,
    settings: Option<&Settings>,
) -> Vec<PluginOnDisk> {
    let named = settings.map(|settings| settings.plugins.clone()).unwrap_or_default();
    discovery::discover(paths, env, &named, Vec::new())
        .into_iter()
        .map(|source| {
            let manifest = match Manifest::read(&source.manifest).map(Option::unwrap_or_default) {
                Ok(manifest) if manifest.needs_code() && !source.init_file().is_file() => {
                    Err(format!("{} is not there", source.init_file().display()))
                }
                Ok(manifest) => Ok(manifest.name),
                Err(error) => Err(error.to_string()),
            };
            PluginOnDisk { source, manifest }
        })
        .collect()
}

/// Returns the names of all plugins that are known: in the daemon, on disk, and from earlier loads.
pub(super) fn names(paths: &Paths, daemon: &Daemon, plugins: &[PluginOnDisk]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Daemon::Running(status) = daemon {
        names.extend(status.plugins.iter().map(|plugin| plugin.name.clone()));
    }
    let own = |plugin: &PluginOnDisk| plugin.manifest.clone().ok().flatten();
    names.extend(
        plugins.iter().map(|plugin| own(plugin).unwrap_or_else(|| plugin.source.working_name())),
    );
    let stored = Store::at(paths.descriptions()).all();
    names.extend(stored.into_iter().map(|record| record.description.name.clone()));
    names
}

pub(super) fn wrappers_on_disk(
    paths: &Paths,
    env: &Environment,
    daemon: &Daemon,
    plugins: &[PluginOnDisk],
    known: &BTreeSet<String>,
) -> Result<WrappersOnDisk, Failure> {
    let wrappers = Wrappers::of(paths)?;
    let names: BTreeSet<String> = match daemon {
        Daemon::Running(status) => {
            // Bundled ones lie in the cache, and have a wrapper only if it was linked by name.
            let own =
                status.plugins.iter().filter(|p| !Path::new(&p.path).starts_with(paths.cache()));
            own.filter(|plugin| matches!(plugin.state, PluginState::Ready { .. }))
                .map(|plugin| plugin.name.clone())
                .collect()
        }
        // Without a daemon a name is certain that is in a manifest, or that has a wrapper already.
        _ => {
            let named = plugins.iter().filter_map(|plugin| plugin.manifest.clone().ok().flatten());
            named.chain(wrappers.names().into_iter().filter(|name| known.contains(name))).collect()
        }
    };
    let place = |name: &String| {
        let path = wrappers.path(name);
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let namesake = env.programs(&file).find(|program| program.parent() != path.parent());
        let client = wrappers::target(&path).map(|client| {
            let exists = client.is_file();
            (client, exists)
        });
        WrapperPlace { plugin: name.clone(), state: wrappers.state(name), path, client, namesake }
    };
    Ok(WrappersOnDisk {
        on_path: wrappers::on_path(&paths.bin, env),
        places: names.iter().map(place).collect(),
    })
}
