//! The plugins of the running daemon or, without one, those on disk.

use std::path::{Path, PathBuf};

use super::Context;
use crate::discovery;
use crate::failure::Failure;
use crate::lifecycle::Request;
use crate::manifest::Manifest;
use crate::settings::Settings;
use crate::wire::{self, PluginStatus, Plugins, Status};

/// A plugin by name and path.
pub(super) struct ListedPlugin {
    /// Its name; that of its directory where the plugin itself could not be read.
    pub(super) name: String,
    /// Its path.
    pub(super) path: PathBuf,
    /// Its status in the running daemon.
    pub(super) status: Option<PluginStatus>,
}

impl ListedPlugin {
    /// True for a bundled plugin, which the daemon unpacks into its cache.
    pub(super) fn is_bundled(&self, context: &Context) -> bool {
        self.path.starts_with(context.paths.cache())
    }

    /// True if it lies at `path`, links resolved.
    pub(super) fn lies_at(&self, path: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real(&self.path) == real(path)
    }
}

/// Returns the plugins of the running daemon once none is loading; empty where no daemon runs.
pub(super) fn loaded(context: &Context) -> Result<Vec<ListedPlugin>, Failure> {
    // Answered when all are loaded.
    let _: Option<Plugins> = context.ask(&Request::get("/plugins"))?;
    let status: Option<Status> = context.ask(&Request::get(wire::STATUS))?;
    let plugins = status.map(|status| status.plugins).unwrap_or_default();
    Ok(plugins
        .into_iter()
        .map(|plugin| ListedPlugin {
            name: plugin.name.clone(),
            path: PathBuf::from(&plugin.path),
            status: Some(plugin),
        })
        .collect())
}

/// Returns the plugins that discovery finds now, with name and status from the running daemon if it has them.
pub(super) fn found(context: &Context) -> Result<Vec<ListedPlugin>, Failure> {
    let settings = Settings::load(&context.paths.config_file(), &context.env)?;
    let running = loaded(context)?;
    let sources = discovery::discover(&context.paths, &context.env, &settings.plugins, Vec::new());
    let listed = sources.into_iter().map(|source| {
        let loaded = running.iter().find(|plugin| plugin.lies_at(&source.path));
        let manifest = Manifest::read(&source.manifest).ok().flatten();
        let name = loaded.map(|plugin| plugin.name.clone());
        let name = name.or_else(|| manifest.and_then(|manifest| manifest.name));
        ListedPlugin {
            name: name.unwrap_or_else(|| source.working_name()),
            path: source.path,
            status: loaded.and_then(|plugin| plugin.status.clone()),
        }
    });
    Ok(listed.collect())
}
