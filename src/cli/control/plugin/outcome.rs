//! What a running daemon makes of a change of its plugins.

use std::path::Path;

use super::super::Context;
use super::super::known::{self, Known};
use crate::failure::Failure;
use crate::lifecycle::{self, Request};
use crate::wire::Reloaded;

/// All plugins after a reload; `None` where no daemon runs.
pub(super) fn reload(context: &Context) -> Result<Option<Vec<Known>>, Failure> {
    context.console.progress("loading all plugins again");
    match context.ask::<Reloaded>(&Request::post("/reload-plugins"))? {
        Some(_) => known::settled(context).map(Some),
        None => Ok(None),
    }
}

/// All plugins of the daemon, which is started or loads them again.
pub(super) fn serve(context: &Context) -> Result<Vec<Known>, Failure> {
    if let Some(plugins) = reload(context)? {
        return Ok(plugins);
    }
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    known::settled(context)
}

/// The plugin that lies at `path`.
pub(super) fn at<'a>(plugins: &'a [Known], path: &Path) -> Option<&'a Known> {
    plugins.iter().find(|plugin| plugin.lies_at(path))
}
