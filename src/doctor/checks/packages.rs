//! The virtual environment, the lock, the installed packages.

use super::super::facts::{Installation, LockState};
use super::super::{Check, Control, Fix, Group};
use crate::installed::Damage;
use crate::venv::State;
use crate::wire::deps::{PackageEntry, PartyEntry, Size, Standing};

const GROUP: Group = Group::Packages;
/// The most packages that evidence names.
const NAMED_MAX: usize = 8;

/// Checks that the venv is whole and that the packages every plugin relies on can be imported.
pub fn venv(installation: &Installation) -> Check {
    const NAME: &str = "venv";
    let place = installation.paths.venv();
    let restart = installation.control.line("restart");
    match (&installation.venv, &installation.core) {
        (None, _) => Check::warning(GROUP, NAME, "not checked: no interpreter to compare it with")
            .remedy("Repair the interpreter first."),
        (Some(State::Missing), _) => {
            Check::warning(GROUP, NAME, format!("{} does not exist yet", place.display()))
                .remedy("The first start makes it.")
                .command(installation.control.line("start"))
        }
        (Some(State::Broken(why)), _) => {
            Check::failed(GROUP, NAME, format!("{}: {why}", place.display()))
                .remedy(format!("`{restart}` makes it again."))
                .command(restart)
                .fix(Fix::Restart)
        }
        (Some(State::Whole), Err(error)) => {
            Check::failed(GROUP, NAME, format!("{}: {error}", place.display()))
                .remedy(format!("`{restart}` installs what is missing."))
                .command(restart)
                .fix(Fix::Restart)
        }
        (Some(State::Whole), Ok(_)) if !installation.damages.is_empty() => {
            let sync = installation.control.line("deps sync");
            let damages = Damage::list(&installation.damages);
            Check::failed(GROUP, NAME, format!("damaged packages: {damages}"))
                .remedy(format!("`{sync}` installs them again."))
                .command(sync)
                .fix(Fix::Sync)
        }
        (Some(State::Whole), Ok(core)) => {
            Check::ok(GROUP, NAME, format!("{} with {core}", place.display()))
        }
    }
}

/// Checks that what is locked is installed; `None` without a lock.
pub fn lock(lock: &LockState, control: &Control) -> Option<Check> {
    const NAME: &str = "lock";
    let sync = control.line("deps sync");
    Some(match lock {
        LockState::Absent => return None,
        LockState::Invalid { path, reason } => {
            let evidence =
                format!("{} is not a valid lock: {}", path.display(), first_line(reason));
            Check::failed(GROUP, NAME, evidence)
                .remedy("Move it away: versions are chosen again, from what is installed.")
                .command(control.line("doctor --fix"))
                .fix(Fix::SetLockAside(path.clone()))
        }
        LockState::Unreadable(error) => Check::failed(GROUP, NAME, error.as_str())
            .remedy("Make it readable for you, or move it away."),
        LockState::Read { packages, differing } if differing.is_empty() => {
            Check::ok(GROUP, NAME, format!("all {packages} packages are installed as locked"))
        }
        LockState::Read { differing, .. } => {
            let shown = differing.iter().map(|(name, locked, installed)| match installed {
                Some(installed) => format!("{name} {installed} is installed, {locked} is locked"),
                None => format!("{name} {locked} is not installed"),
            });
            Check::warning(GROUP, NAME, listed(shown.collect()))
                .remedy(format!("`{sync}` installs what is locked."))
                .command(sync)
                .fix(Fix::Sync)
        }
    })
}

/// Checks that the running daemon has all that is wanted, and that no plugin is set aside.
pub fn dependencies(installation: &Installation) -> Option<Check> {
    const NAME: &str = "dependencies";
    let report = installation.dependencies.as_ref()?;
    let differs = |package: &&PackageEntry| package.locked != package.installed;
    let packages = report.packages.iter().filter(|package| package.locked.is_some());
    let differing: Vec<String> =
        packages.filter(differs).map(|package| package.name.clone()).collect();
    let bytes: u64 = report.generations.iter().map(|generation| generation.bytes).sum();
    let count = report.packages.iter().filter(|package| package.installed.is_some()).count();
    let size = Size(bytes);
    let environments = match report.generations.len() {
        1 => "1 environment".to_owned(),
        generations => format!("{generations} environments"),
    };
    let evidence = format!("{count} packages installed, {environments} ({size})");
    let sync = installation.control.line("deps sync");
    if let Some(failure) = &report.failure {
        return Some(
            Check::warning(GROUP, NAME, format!("{evidence}; {}", failure.error))
                .remedy(format!("It is tried again by itself; `{sync}` does it now."))
                .command(sync),
        );
    }
    let bad = |party: &&PartyEntry| party.standing == Standing::SetAside;
    let set_aside = report.wanted.iter().filter(bad).map(|party| match &party.reason {
        Some(reason) => format!("{} ({reason})", party.owner),
        None => party.owner.clone(),
    });
    let set_aside: Vec<String> = set_aside.collect();
    Some(match (set_aside.as_slice(), differing.as_slice()) {
        ([], []) => Check::ok(GROUP, NAME, evidence),
        ([], differing) => {
            let text = format!("{evidence}; not as locked: {}", listed(differing.to_vec()));
            Check::warning(GROUP, NAME, text)
                .remedy(format!("`{sync}` installs what is locked."))
                .command(sync)
                .fix(Fix::Sync)
        }
        (aside, _) => {
            let text = format!("{evidence}; set aside: {}", aside.join(", "));
            Check::warning(GROUP, NAME, text)
                .remedy("Change or remove one of those that conflict; the plan of all of them:")
                .command(installation.control.line("deps list"))
        }
    })
}

/// Joins the first of `texts`, and counts the rest.
fn listed(mut texts: Vec<String>) -> String {
    let more = texts.len().saturating_sub(NAMED_MAX);
    texts.truncate(NAMED_MAX);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("{}{more}", texts.join(", "))
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn packages_that_are_not_as_locked_are_named() {
        let control = Control(Some("office".into()));
        let differing =
            vec![("a".into(), "1".into(), None), ("b".into(), "1".into(), Some("2".into()))];
        let check = lock(&LockState::Read { packages: 3, differing }, &control).unwrap();
        assert_eq!(check.evidence, "a 1 is not installed, b 2 is installed, 1 is locked");
        assert_eq!(check.command.as_deref(), Some("skills-daemon --profile office deps sync"));
        assert_eq!((check.verdict, check.fix), (Verdict::Warning, Some(Fix::Sync)));
        let whole = LockState::Read { packages: 3, differing: Vec::new() };
        assert_eq!(lock(&whole, &control).unwrap().verdict, Verdict::Ok);
        assert_eq!(lock(&LockState::Absent, &control), None);
    }

    #[test]
    fn a_lock_that_is_none_is_moved_away() {
        let invalid =
            LockState::Invalid { path: "/r/pylock.toml".into(), reason: "\nTOML\n|".into() };
        let check = lock(&invalid, &Control::default()).unwrap();
        assert_eq!(check.evidence, "/r/pylock.toml is not a valid lock: TOML");
        assert_eq!(check.fix, Some(Fix::SetLockAside("/r/pylock.toml".into())));
    }

    #[test]
    fn long_lists_are_counted() {
        let many = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(listed(many), "0, 1, 2, 3, 4, 5, 6, 7, and 2 more");
    }
}
