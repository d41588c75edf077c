//! A change of one settings file.

use std::path::{Path, PathBuf};

use super::super::Context;
use super::diff;
use crate::agents::{Format, Server, State, file};
use crate::failure::{Failure, Kind};

/// An edit of a settings file.
pub(super) struct Edit<'a> {
    pub(super) file: PathBuf,
    /// The permissions of the file where it is new.
    pub(super) mode: u32,
    /// Directories below this one go with the file if they are empty then.
    pub(super) top: PathBuf,
    /// From the text before to the text after; an empty one means that the file is removed.
    pub(super) edit: TextEdit<'a>,
}

/// A pure function from one text to another.
pub(super) type TextEdit<'a> = Box<dyn Fn(&str) -> Result<Edited, Failure> + 'a>;

/// The result of an edit.
pub(super) struct Edited {
    pub(super) text: String,
    /// What it replaces of others.
    pub(super) replaces: Vec<String>,
}

/// A file before and after an edit.
pub(super) struct Change {
    before: Option<String>,
    after: String,
    replaces: Vec<String>,
}

impl Edit<'_> {
    /// Returns the change of the file as it is now; `None` if nothing changes.
    pub(super) fn change(&self) -> Result<Option<Change>, Failure> {
        let before = file::read(&self.file)?;
        let Edited { text: after, replaces } = (self.edit)(before.as_deref().unwrap_or_default())?;
        let is_change = before.as_deref().unwrap_or_default() != after;
        Ok(is_change.then_some(Change { before, after, replaces }))
    }

    /// Prints the change.
    pub(super) fn show(&self, context: &Context, change: &Change) {
        let what = match (&change.before, change.after.as_str()) {
            (None, _) => " (new)",
            (_, "") => " (removed)",
            _ => "",
        };
        context.print(&format!("{}{what}:", self.file.display()));
        let before = change.before.as_deref().unwrap_or_default();
        context.print(&diff::lines(before, &change.after, context.console.out).join("\n"));
    }

    /// The question about the change.
    pub(super) fn question(&self, change: &Change) -> String {
        let file = self.file.display();
        match change.replaces.as_slice() {
            [] => format!("Change {file}?"),
            replaces => format!("Change {file}, and replace {}?", replaces.join(", ")),
        }
    }

    /// Makes the change that was agreed to, of the file as it is by now.
    ///
    /// # Errors
    /// The file cannot be written, or the change would replace more than was agreed to.
    pub(super) fn apply(&self, agreed: &Change) -> Result<(), Failure> {
        let Some(change) = self.change()? else { return Ok(()) };
        if change.replaces != agreed.replaces {
            let error = format!("{} has been changed meanwhile", self.file.display());
            return Err(Failure::new(Kind::Unavailable, error).hint("Run it again."));
        }
        match change.after.as_str() {
            "" => file::remove(&self.file, &self.top),
            text => file::write(&self.file, text, self.mode),
        }
    }

    /// Checks that nothing of others is replaced, where no question is asked.
    pub(super) fn check(&self, change: &Change) -> Result<(), Failure> {
        if change.replaces.is_empty() {
            return Ok(());
        }
        let replaces = change.replaces.join(", ");
        let error = format!("{} has {replaces}, which --yes does not replace", self.file.display());
        Err(Failure::new(Kind::Usage, error)
            .hint("Rename or remove it there, or run it without --yes in a terminal."))
    }
}

/// Returns `text` with `servers`.
pub(super) fn with_servers(
    text: &str,
    format: Format,
    servers: &[Server],
    file: &Path,
) -> Result<Edited, Failure> {
    let mut edited = Edited { text: text.to_owned(), replaces: Vec::new() };
    for server in servers {
        let state = format.state(&edited.text, server).map_err(|invalid| invalid.of(file))?;
        if let State::Foreign(command) = state {
            edited
                .replaces
                .push(format!("the server `{}` of another program ({command})", server.name));
        }
        edited.text = format.with(&edited.text, server).map_err(|invalid| invalid.of(file))?;
    }
    Ok(edited)
}

/// Returns `text` without the servers of this program, or only without those of `names`.
pub(super) fn without_servers(
    text: &str,
    format: Format,
    names: &[String],
    file: &Path,
) -> Result<Edited, Failure> {
    let own = format.own(text).map_err(|invalid| invalid.of(file))?;
    let mut text = text.to_owned();
    let own = own.into_iter().map(|server| server.name);
    let own: Vec<String> = own.filter(|name| names.is_empty() || names.contains(name)).collect();
    for name in own.iter().rev() {
        text = format.without(&text, name).map_err(|invalid| invalid.of(file))?;
    }
    Ok(Edited { text, replaces: Vec::new() })
}
