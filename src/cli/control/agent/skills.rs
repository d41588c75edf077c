//! The changes of a directory of skills.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::Context;
use super::edit::{Edit, Edited};
use crate::agents::{file, listed};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::skills::{Changes, Skills};
use crate::store::Store;

/// A directory of skills that is set up, or no longer one.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) skills: Skills,
    /// True if all generated files are removed.
    removes: bool,
    /// Directories below this one go with the files if they are empty then.
    top: PathBuf,
}

impl Directory {
    /// Returns the directory with the skills of all plugins that have been loaded, bundled ones left out; or without any.
    pub(super) fn of(
        context: &Context,
        path: &Path,
        top: &Path,
        removes: bool,
    ) -> Result<Directory, Failure> {
        let paths = &context.paths;
        let wrapped =
            removes || Settings::load(&paths.config_file(), &context.env)?.wrappers.value.0;
        let mut records = Store::at(paths.descriptions()).all();
        records.retain(|record| !removes && !record.path.starts_with(paths.cache()));
        let skills = Skills::of(records.iter().map(|record| &*record.description), wrapped, paths);
        Ok(Directory { path: path.to_owned(), skills, removes, top: top.to_owned() })
    }

    /// Returns what [`apply`](Directory::apply) changes.
    pub(super) fn changes(&self) -> Changes {
        self.skills.changes(&self.path, self.kept().as_ref())
    }

    /// Writes or removes the files.
    pub(super) fn apply(&self) -> Result<Changes, Failure> {
        let changes = self.skills.sync(&self.path, self.kept().as_ref())?;
        if self.removes {
            file::remove_empty(&self.path, &self.top);
        }
        Ok(changes)
    }

    /// Prints the changes.
    pub(super) fn show(&self, context: &Context, changes: &Changes) {
        let style = context.console.out;
        context.print(&format!("{}:", self.path.display()));
        let name =
            |file: &Path| file.strip_prefix(&self.path).unwrap_or(file).display().to_string();
        for file in &changes.written {
            context.print(&format!("{}  + {}{}", style.green, name(file), style.reset));
        }
        for file in &changes.removed {
            context.print(&format!("{}  - {}{}", style.red, name(file), style.reset));
        }
    }

    fn kept(&self) -> Option<BTreeSet<String>> {
        self.removes.then(BTreeSet::new)
    }
}

/// Returns the edit of `config.toml` that has the daemon keep `directory` up to date, or no longer.
pub(super) fn edit<'a>(context: &'a Context, directory: &'a Path, removes: bool) -> Edit<'a> {
    let file = context.paths.config_file();
    let name = match directory.strip_prefix(&context.paths.home) {
        Ok(below) => format!("~/{}", below.display()),
        Err(_) => directory.display().to_string(),
    };
    let is = move |text: &str| context.env.expand(text) == directory;
    let own = file.clone();
    let edit = move |text: &str| {
        let edited = match removes {
            true => listed::without(text, is),
            false => listed::with(text, &name, is),
        };
        let text = edited.map_err(|invalid| invalid.of(&own))?;
        Ok(Edited { text, replaces: Vec::new() })
    };
    Edit { file, mode: 0o644, top: context.paths.home.clone(), edit: Box::new(edit) }
}
