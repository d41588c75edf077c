//! Which plugins there are, as the running daemon sees them or, without one, as they lie on disk.

use std::path::{Path, PathBuf};

use super::Context;
use crate::discovery;
use crate::failure::Failure;
use crate::lifecycle::Request;
use crate::manifest::Manifest;
use crate::settings::Settings;
use crate::wire::{self, PluginStatus, Plugins, Status};

/// A plugin by name and place.
pub(super) struct Known {
    /// Its name, or the best guess at it.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// How it stands, where a daemon runs.
    pub(super) status: Option<PluginStatus>,
}

impl Known {
    /// True for a plugin that comes with the binary, which lays it out in its cache.
    pub(super) fn is_bundled(&self, context: &Context) -> bool {
        self.path.starts_with(context.paths.cache())
    }

    /// True if it lies at `path`, whatever links lead there.
    pub(super) fn lies_at(&self, path: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real(&self.path) == real(path)
    }
}

/// All plugins of the running daemon, once none of them is loading; none where no daemon runs.
pub(super) fn settled(context: &Context) -> Result<Vec<Known>, Failure> {
    // Answers only when all are loaded.
    let _: Option<Plugins> = context.ask(&Request::get("/plugins"))?;
    let status: Option<Status> = context.ask(&Request::get(wire::STATUS))?;
    let plugins = status.map(|status| status.plugins).unwrap_or_default();
    Ok(plugins
        .into_iter()
        .map(|plugin| Known {
            name: plugin.name.clone(),
            path: PathBuf::from(&plugin.path),
            status: Some(plugin),
        })
        .collect())
}

/// All plugins that are found now; where a daemon runs, with the names that they have told it.
pub(super) fn found(context: &Context) -> Result<Vec<Known>, Failure> {
    let settings = Settings::load(&context.paths.config_file(), &context.env)?;
    let running = settled(context)?;
    let sources = discovery::discover(&context.paths, &context.env, &settings.plugins, Vec::new());
    let known = sources.into_iter().map(|source| {
        let told = running.iter().find(|plugin| plugin.lies_at(&source.path));
        let manifest = Manifest::read(&source.manifest).ok().flatten();
        let name = told.map(|plugin| plugin.name.clone());
        let name = name.or_else(|| manifest.and_then(|manifest| manifest.name));
        Known {
            name: name.unwrap_or_else(|| source.working_name()),
            path: source.path,
            status: told.and_then(|plugin| plugin.status.clone()),
        }
    });
    Ok(known.collect())
}
