//! What a running daemon makes of a change of its plugins.

use std::path::Path;

use super::super::Context;
use super::super::known::{self, Known};
use crate::failure::Failure;
use crate::lifecycle::Request;
use crate::wire::Reloaded;

/// All plugins after a reload; `None` where no daemon runs.
pub(super) fn reload(context: &Context) -> Result<Option<Vec<Known>>, Failure> {
    context.console.progress("loading all plugins again");
    match context.ask::<Reloaded>(&Request::post("/reload-plugins"))? {
        Some(_) => known::settled(context).map(Some),
        None => Ok(None),
    }
}

/// The plugin that lies at `path`.
pub(super) fn at<'a>(plugins: &'a [Known], path: &Path) -> Option<&'a Known> {
    plugins.iter().find(|plugin| plugin.lies_at(path))
}
