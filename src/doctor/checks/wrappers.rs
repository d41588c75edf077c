//! The shell commands of plugins.

use super::super::facts::{Daemon, Installation, WrapperPlace, WrappersOnDisk};
use super::super::{Check, Control, Fix, Group};
use crate::wrappers::{self, WrapperState};

const GROUP: Group = Group::Plugins;

/// Checks that the wrappers are on PATH, and each of them.
pub fn wrappers(installation: &Installation) -> Vec<Check> {
    const NAME: &str = "wrappers";
    if installation.settings.as_ref().is_ok_and(|settings| !settings.wrappers.value.0) {
        return vec![Check::ok(GROUP, NAME, "switched off")];
    }
    let found = match &installation.wrappers {
        Ok(found) => found,
        Err(failure) => {
            let check = Check::warning(GROUP, NAME, &failure.error);
            return vec![check.remedy(failure.hint.as_deref().unwrap_or_default())];
        }
    };
    let bin = installation.paths.bin.display();
    let count = found.places.len();
    let mut checks = vec![match (count, found.on_path) {
        (0, _) => Check::ok(GROUP, NAME, "no plugin has one"),
        (_, true) => Check::ok(GROUP, NAME, format!("{bin} is on PATH; plugins: {count}")),
        (_, false) => {
            let line = wrappers::path_line(&installation.paths);
            Check::warning(GROUP, NAME, format!("{bin} is not on PATH"))
                .remedy("Add this line to your shell's start-up file:")
                .command(line)
        }
    }];
    let runs = matches!(installation.daemon, Daemon::Running(_));
    let stale = stale(found, runs);
    let judged = found.places.iter();
    checks.extend(judged.filter_map(|place| wrapper(place, runs, &stale, &installation.control)));
    checks
}

/// Returns the plugins whose wrappers are to be written; those without any only where the daemon has loaded them.
fn stale(found: &WrappersOnDisk, runs: bool) -> Vec<String> {
    let is_stale = |place: &&WrapperPlace| match place.state {
        WrapperState::Stale => true,
        WrapperState::Absent => runs,
        _ => false,
    };
    found.places.iter().filter(is_stale).map(|place| place.plugin.clone()).collect()
}

/// Returns the warning about one wrapper, if any; `stale` are those that are written together.
fn wrapper(place: &WrapperPlace, runs: bool, stale: &[String], control: &Control) -> Option<Check> {
    let name = format!("wrapper {}", place.path.file_name()?.to_string_lossy());
    let path = place.path.display();
    let link = control.line("link");
    let warning = |evidence: String| Check::warning(GROUP, &name, evidence);
    let calls = match &place.client {
        Some((client, true)) => format!("calls {}", client.display()),
        Some((client, false)) => format!("calls {}, which is gone", client.display()),
        None => "belongs to another installation".to_owned(),
    };
    Some(match (place.state, &place.namesake) {
        (WrapperState::Foreign, _) => warning(format!("{path} was not written by skills-daemon"))
            .remedy("Move it away if the plugin is to have that name; then:")
            .command(link),
        (WrapperState::Another, _) => {
            warning(format!("{path} {calls}, for another daemon, whose runtime directory is in it"))
                .remedy("Remove it if that daemon is not used any more; then:")
                .command(link)
        }
        // The daemon writes wrappers when it has loaded the plugins.
        (WrapperState::Absent, _) if !runs => return None,
        (WrapperState::Absent, _) => {
            warning(format!("{path} does not exist")).command(link).fix(Fix::Link(stale.to_vec()))
        }
        (WrapperState::Stale, _) => warning(format!("{path} {calls}, and is out of date"))
            .command(link)
            .fix(Fix::Link(stale.to_vec())),
        (WrapperState::Current, Some(namesake)) => {
            warning(format!("{} has the same name as {path}", namesake.display())).remedy(
                "The first one on PATH is called. Rename the plugin if that is the wrong one.",
            )
        }
        (WrapperState::Current, None) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(plugin: &str, state: WrapperState, client: Option<(&str, bool)>) -> WrapperPlace {
        WrapperPlace {
            plugin: plugin.into(),
            path: format!("/bin/{plugin}").into(),
            state,
            client: client.map(|(client, exists)| (client.into(), exists)),
            namesake: None,
        }
    }

    #[test]
    fn a_wrapper_of_an_installation_that_is_gone_is_written_again() {
        let found = WrappersOnDisk {
            on_path: true,
            places: vec![
                place("a", WrapperState::Stale, Some(("/old/skills-client", false))),
                place("b", WrapperState::Absent, None),
                place("c", WrapperState::Another, Some(("/x/skills-client", true))),
            ],
        };
        assert_eq!(stale(&found, true), ["a", "b"]);
        let stale = stale(&found, false);
        assert_eq!(stale, ["a"]);
        let judge = |place| wrapper(place, false, &stale, &Control::default());
        let check = judge(&found.places[0]).unwrap();
        assert_eq!(
            check.evidence,
            "/bin/a calls /old/skills-client, which is gone, and is out of date"
        );
        assert_eq!(check.fix, Some(Fix::Link(stale.clone())));
        assert_eq!(judge(&found.places[1]), None);
        let check = judge(&found.places[2]).unwrap();
        assert!(check.evidence.contains("calls /x/skills-client, for another daemon"));
        assert_eq!(check.fix, None);
    }
}
