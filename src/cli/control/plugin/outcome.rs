//! What a running daemon makes of a change of its plugins.

use std::path::{Path, PathBuf};

use super::super::known::{self, Known};
use super::super::{Context, reload};
use crate::failure::Failure;
use crate::lifecycle::{self, Request};
use crate::wire::Reloaded;

/// All plugins once those at `paths` were loaded again, or unloaded where nothing is left; `None` where no daemon
/// runs.
pub(super) fn reload(context: &Context, paths: &[PathBuf]) -> Result<Option<Vec<Known>>, Failure> {
    let path = reload::path(paths.iter().filter_map(|path| path.to_str()));
    match context.ask::<Reloaded>(&Request::post(&path))? {
        Some(_) => known::settled(context).map(Some),
        None => Ok(None),
    }
}

/// All plugins of the daemon, which is started or loads those at `paths` again.
pub(super) fn serve(context: &Context, paths: &[PathBuf]) -> Result<Vec<Known>, Failure> {
    if let Some(plugins) = reload(context, paths)? {
        return Ok(plugins);
    }
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    known::settled(context)
}

/// The plugin that lies at `path`.
pub(super) fn at<'a>(plugins: &'a [Known], path: &Path) -> Option<&'a Known> {
    plugins.iter().find(|plugin| plugin.lies_at(path))
}
