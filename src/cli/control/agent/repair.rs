//! An entry of this program in an agent's settings that is to call this installation, with the arguments that it has.

use super::super::Context;
use super::edit::{Edit, Edited};
use crate::agents::{Agent, Scope, Server};
use crate::doctor::Entry;
use crate::failure::{Failure, Kind};
use crate::wrappers;

/// Prints what [`apply`] would change; nothing where it would fail.
pub(in crate::cli::control) fn show(context: &Context, entry: &Entry) {
    let Ok(edit) = edit(context, entry) else { return };
    if let Ok(Some(change)) = edit.change() {
        edit.show(context, &change);
    }
}

/// Has the entry call this installation.
///
/// # Errors
/// It is not there any more, or its file cannot be read or written.
pub(in crate::cli::control) fn apply(context: &Context, entry: &Entry) -> Result<(), Failure> {
    let edit = edit(context, entry)?;
    edit.change()?.map_or(Ok(()), |change| edit.apply(&change))
}

fn edit<'a>(context: &Context, entry: &'a Entry) -> Result<Edit<'a>, Failure> {
    let Entry { agent, file, name } = entry;
    let lost = || {
        let error = format!("{} has been changed meanwhile", file.display());
        Failure::new(Kind::Unavailable, error).hint("Run it again.")
    };
    let agent = Agent::ALL.into_iter().find(|it| it.title() == *agent).ok_or_else(lost)?;
    let files = agent.files(Scope::User(&context.paths.home), &context.env);
    let format = files.format;
    let command = wrappers::client()?.display().to_string();
    let changed = move |text: &str| {
        let own = format.own(text).map_err(|invalid| invalid.of(file))?;
        let old = own.into_iter().find(|server| server.name == *name).ok_or_else(lost)?;
        let new = Server { command: command.clone(), ..old };
        let text = format.with(text, &new).map_err(|invalid| invalid.of(file))?;
        Ok(Edited { text, replaces: Vec::new() })
    };
    let top = context.paths.home.clone();
    Ok(Edit { file: file.clone(), mode: files.mode, top, edit: Box::new(changed) })
}
