//! Directories, disks, the profile, and what killed programs leave.

use super::super::facts::{Installation, Leftovers, Space};
use super::super::{Check, Fix, Group};
use crate::failure::Failure;
use crate::paths::Defect;

const GROUP: Group = Group::Places;

/// The least free space, in bytes, below which installing is likely to fail.
const SPACE_MIN: u64 = 200 << 20;
/// The least free space, in bytes, below which even a log may fail.
const SPACE_NONE: u64 = 1 << 20;

/// The check of places that cannot be found: without a home directory, say.
pub fn no_places(failure: &Failure) -> Check {
    let hint = failure.hint.as_deref().unwrap_or_default();
    Check::failed(GROUP, "home", &failure.error).remedy(hint)
}

/// Describes the profile and its places.
pub fn profile(installation: &Installation) -> Check {
    const NAME: &str = "profile";
    let paths = &installation.paths;
    let name = paths.profile.as_ref().map_or("default".to_owned(), ToString::to_string);
    let places = format!("{}, settings in {}", paths.runtime.display(), paths.config.display());
    if paths.profile.is_some() && !installation.profiles.contains(&name) {
        let evidence = format!("{name} does not exist yet: it would be {places}");
        return Check::warning(GROUP, NAME, evidence)
            .remedy("If the name is right, this creates it:")
            .command(installation.control.line("start"));
    }
    let others = installation.profiles.iter().filter(|other| **other != name).count();
    let others = match others {
        0 => String::new(),
        1 => "; there is 1 other".to_owned(),
        count => format!("; there are {count} others"),
    };
    Check::ok(GROUP, NAME, format!("{name}: {places}{others}"))
}

/// Checks that the runtime directories can be written, and by the user alone.
pub fn directories(installation: &Installation) -> Vec<Check> {
    const NAME: &str = "directories";
    let runtime = &installation.paths.runtime;
    let shown = runtime.display();
    if installation.directories.is_empty() {
        return vec![Check::ok(GROUP, NAME, format!("{shown} is writable"))];
    }
    let daemon_runs = installation.daemon.status().is_some();
    let paths = &installation.paths;
    let parts = [paths.logs(), paths.state(), paths.tools(), paths.cache()];
    if !daemon_runs && installation.directories == parts.map(Defect::Missing) {
        let evidence = format!("{shown} has none of the daemon's files yet");
        return vec![Check::ok(GROUP, NAME, evidence)];
    }
    let check = |defect: &Defect| match defect {
        Defect::Missing(path) if path == runtime && !daemon_runs => Check::ok(
            GROUP,
            NAME,
            format!("{shown} does not exist yet; the first start creates it"),
        ),
        Defect::Missing(path) => {
            let evidence = format!("{} does not exist", path.display());
            match daemon_runs {
                true => Check::failed(GROUP, NAME, evidence),
                false => Check::warning(GROUP, NAME, evidence),
            }
            .remedy("The next start creates it.")
            .command(installation.control.line("restart"))
            .fix(if daemon_runs { Fix::Restart } else { Fix::CreateDirectories })
        }
        Defect::Open(path, failure) => Check::failed(GROUP, NAME, &failure.error)
            .remedy(failure.hint.as_deref().unwrap_or_default())
            .command(format!("chmod go-w {}", quoted(&path.display().to_string())))
            .fix(Fix::CloseDirectory(path.clone())),
        Defect::Unusable(failure) => Check::failed(GROUP, NAME, &failure.error)
            .remedy(failure.hint.as_deref().unwrap_or("Make it writable for you.")),
    };
    installation.directories.iter().map(check).collect()
}

/// Checks the free space where files are written.
pub fn space(spaces: &[Space]) -> Check {
    const NAME: &str = "disk space";
    let shown = |space: &Space| format!("{} has {} free", space.path.display(), size(space.free));
    let least = spaces.iter().min_by_key(|space| space.free);
    match least {
        None => Check::warning(GROUP, NAME, "not known: the system does not show it"),
        Some(space) if space.free < SPACE_MIN => {
            let evidence = format!("{} ({})", shown(space), space.use_);
            match space.free < SPACE_NONE {
                true => Check::failed(GROUP, NAME, evidence),
                false => Check::warning(GROUP, NAME, evidence),
            }
            .remedy("Free some space: nothing can be installed without. Packages that can be downloaded again:")
            .command("uv cache clean")
        }
        Some(_) => Check::ok(GROUP, NAME, spaces.iter().map(shown).collect::<Vec<_>>().join(", ")),
    }
}

/// Returns warnings about files of programs that were killed.
pub fn leftovers(installation: &Installation) -> Vec<Check> {
    let Leftovers { stale, abandoned } = &installation.leftovers;
    let mut checks = Vec::new();
    if !stale.is_empty() {
        let names: Vec<String> = stale
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        let directory = installation.paths.state();
        let evidence =
            format!("{} in {} of a daemon that was killed", names.join(", "), directory.display());
        checks.push(
            Check::warning(GROUP, "stale files", evidence)
                .remedy("The next start removes them.")
                .command(installation.control.line("start"))
                .fix(Fix::RemoveStale(stale.clone())),
        );
    }
    if let Some(first) = abandoned.first() {
        let more = match abandoned.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let evidence =
            format!("{}{more}: of a temporary daemon whose program was killed", first.display());
        let paths: Vec<String> =
            abandoned.iter().map(|path| quoted(&path.display().to_string())).collect();
        checks.push(
            Check::warning(GROUP, "abandoned files", evidence)
                .remedy("The next such program removes them.")
                .command(format!("rm -r {}", paths.join(" ")))
                .fix(Fix::RemoveAbandoned(abandoned.clone())),
        );
    }
    checks
}

/// Returns a number of bytes for a person.
fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes @ 0..10_240 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}

/// Returns a word for a shell.
pub(super) fn quoted(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), |quoted| quoted.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn the_fullest_disk_decides() {
        let space_of = |path: &str, mebibytes: u64| Space {
            use_: "temporary files",
            path: path.into(),
            free: mebibytes << 20,
        };
        for (spaces, verdict) in [
            (vec![space_of("/a", 500), space_of("/b", 90_000)], Verdict::Ok),
            (vec![space_of("/a", 500), space_of("/b", 199)], Verdict::Warning),
            (vec![space_of("/a", 0), space_of("/b", 199)], Verdict::Failed),
            (vec![], Verdict::Warning),
        ] {
            assert_eq!(space(&spaces).verdict, verdict, "{spaces:?}");
        }
        let check = space(&[space_of("/a", 500), space_of("/b", 90_000)]);
        assert_eq!(check.evidence, "/a has 500 MiB free, /b has 87 GiB free");
        let check = space(&[space_of("/a", 0)]);
        assert_eq!(check.evidence, "/a has 0 MiB free (temporary files)");
    }
}
