//! Which plugins there are, as the running daemon sees them.

use std::path::PathBuf;

use super::Context;
use crate::failure::Failure;
use crate::lifecycle::Request;
use crate::wire::{self, Plugins, Status};

/// A plugin by name and place.
pub(super) struct Known {
    /// Its name, or the best guess at it.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
}

impl Known {
    /// True for a plugin that comes with the binary, which lays it out in its cache.
    pub(super) fn is_bundled(&self, context: &Context) -> bool {
        self.path.starts_with(context.paths.cache())
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
        .map(|plugin| Known { name: plugin.name, path: PathBuf::from(plugin.path) })
        .collect())
}
