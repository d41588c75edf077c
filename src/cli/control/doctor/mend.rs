//! Carries out fixes: one after the other, each after a question, and what fails does not keep the others.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::libc;

use super::super::agent::repair;
use super::super::{Context, deps, link, service, start};
use super::Doctor;
use crate::doctor::{self, Check, Fix};
use crate::failure::{Failure, Kind};
use crate::lifecycle::locks;
use crate::lifecycle::start_lock::StartLock;
use crate::paths::unwritable;
use crate::settings::secrets;

/// How often what is left is mended: a fix may show what was hidden before it.
const ROUNDS_MAX: usize = 3;

impl Doctor<'_> {
    /// Mends what can be mended; returns the checks afterwards, if anything was done.
    ///
    /// # Errors
    /// There is no terminal to ask at, and no `--yes`: nothing was changed.
    pub(super) fn mend(&self, checks: &[Check], yes: bool) -> Result<Option<Vec<Check>>, Failure> {
        let Ok(context) = &self.context else { return Ok(None) };
        let mut tried = BTreeSet::new();
        let mut after: Option<Vec<Check>> = None;
        for _ in 0..ROUNDS_MAX {
            let found = doctor::fixes(after.as_deref().unwrap_or(checks));
            let left: Vec<Fix> = found.into_iter().filter(|fix| !tried.contains(fix)).collect();
            if left.is_empty() {
                break;
            }
            self.line("");
            if !yes && !context.console.watched {
                left.iter().for_each(|fix| self.line(&format!("to do    {fix}")));
                return Err(no_terminal());
            }
            let mut is_changed = false;
            for fix in left {
                is_changed |= self.one(context, &fix, yes)?;
                tried.insert(fix);
            }
            if !is_changed {
                break;
            }
            let (_, checks) = self.examine();
            after = Some(checks);
        }
        match &after {
            Some(checks) => {
                self.line("");
                self.print(checks);
            }
            None if tried.is_empty() => self.line("\nThere is nothing that --fix can mend."),
            None => {}
        }
        Ok(after)
    }

    /// Asks for and carries out one fix; returns true if it was carried out, or was begun.
    fn one(&self, context: &Context, fix: &Fix, yes: bool) -> Result<bool, Failure> {
        let style = self.console.out;
        if let Fix::Register(entry) = fix {
            repair::show(context, entry);
        }
        if !yes && !agreed(context, fix)? {
            self.line(&format!("{}skipped{}  {fix}", style.dim, style.reset));
            return Ok(false);
        }
        self.line(&format!("{}mending{}  {fix}", style.bold, style.reset));
        match carry_out(context, fix) {
            Ok(ExitCode::SUCCESS) => {
                self.line(&format!("{}done{}", style.green, style.reset));
            }
            Ok(_) => self.line(&format!("{}not all of it is done{}", style.yellow, style.reset)),
            Err(failure) => {
                self.line(&format!("{}failed{}   {failure}", style.red, style.reset));
                if let Some(hint) = &failure.hint {
                    self.line(&format!("         {}{hint}{}", style.dim, style.reset));
                }
            }
        }
        Ok(true)
    }
}

fn no_terminal() -> Failure {
    Failure::new(Kind::Usage, "there is no terminal to ask at: nothing was changed")
        .hint("Give --yes to do all of it.")
}

fn agreed(context: &Context, fix: &Fix) -> Result<bool, Failure> {
    let prompt = fix.to_string();
    let mut letters = prompt.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let prompt = format!("{}?", first.into_iter().chain(letters).collect::<String>());
    context.agrees(prompt).ok_or_else(no_terminal)
}

/// Carries out one fix; a status other than success means that a part of it could not be done, which was printed.
fn carry_out(context: &Context, fix: &Fix) -> Result<ExitCode, Failure> {
    let done = |()| ExitCode::SUCCESS;
    match fix {
        Fix::CreateDirectories => context.paths.create().map(done),
        Fix::CloseDirectory(path) => close_directory(path).map(done),
        Fix::CloseFile(path) => fs::set_permissions(path, Permissions::from_mode(secrets::MODE))
            .map_err(|error| unwritable(path, &error))
            .map(done),
        Fix::RemoveStale(files) => remove_stale(context, files).map(done),
        Fix::RemoveAbandoned(directories) => {
            directories.iter().try_for_each(|path| gone(path, fs::remove_dir_all(path))).map(done)
        }
        Fix::SetLockAside(path) => {
            let target = fix.target().unwrap_or_default();
            fs::rename(path, target).map_err(|error| unwritable(path, &error)).map(done)
        }
        Fix::InstallService => service::install(context),
        Fix::Restart => start::restart(context),
        Fix::Sync => deps::sync(context),
        Fix::Link(names) => link::again(context, names),
        Fix::Register(entry) => repair::apply(context, entry).map(done),
    }
}

/// Takes the permission to write from others; a link that has taken the directory's place is not followed.
fn close_directory(path: &Path) -> Result<(), Failure> {
    let close = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_DIRECTORY);
        let directory: File = options.open(path)?;
        let mode = directory.metadata()?.permissions().mode();
        directory.set_permissions(Permissions::from_mode(mode & 0o7755))
    };
    close().map_err(|error| unwritable(path, &error))
}

/// Removes files of a killed daemon, unless one was started meanwhile.
fn remove_stale(context: &Context, files: &[PathBuf]) -> Result<(), Failure> {
    let _lock = StartLock::acquire(&context.paths, || {})?;
    if !locks::hosts(&context.paths).is_empty() {
        return Err(Failure::new(Kind::Unavailable, "a daemon was started meanwhile"));
    }
    files.iter().try_for_each(|path| gone(path, fs::remove_file(path)))
}

/// Accepts that another program has removed the file already.
fn gone(path: &Path, removed: io::Result<()>) -> Result<(), Failure> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(path, &error)),
        _ => Ok(()),
    }
}
