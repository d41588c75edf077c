//! The reload after a change of the added plugins, and its outcome.

use std::path::{Path, PathBuf};

use super::super::listing::{self, ListedPlugin};
use super::super::{Context, reload};
use crate::failure::Failure;
use crate::lifecycle::{self, Request};
use crate::wire::Reloaded;

/// Reloads the plugins at `paths`, or unloads those that are gone, and returns all; `None` where no daemon runs.
pub(super) fn reload(
    context: &Context,
    paths: &[PathBuf],
) -> Result<Option<Vec<ListedPlugin>>, Failure> {
    let path = reload::path(paths.iter().filter_map(|path| path.to_str()));
    match context.ask::<Reloaded>(&Request::post(&path))? {
        Some(_) => listing::loaded(context).map(Some),
        None => Ok(None),
    }
}

/// Reloads the plugins at `paths`, or starts the daemon, and returns all.
pub(super) fn serve(context: &Context, paths: &[PathBuf]) -> Result<Vec<ListedPlugin>, Failure> {
    if let Some(plugins) = reload(context, paths)? {
        return Ok(plugins);
    }
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    listing::loaded(context)
}

/// Returns the plugin at `path`.
pub(super) fn at<'a>(plugins: &'a [ListedPlugin], path: &Path) -> Option<&'a ListedPlugin> {
    plugins.iter().find(|plugin| plugin.lies_at(path))
}
