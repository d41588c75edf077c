//! The service that starts the daemon.

use std::path::Path;

use super::super::facts::{Installation, InstalledService};
use super::super::{Check, Control, Fix, Group};
use super::programs::same_file;

const GROUP: Group = Group::Daemon;
const NAME: &str = "service";

/// Checks that the service is as this program, at the path `own`, would install it, and that it runs what serves.
pub fn service(installation: &Installation, own: Option<&Path>) -> Check {
    let Installation { service, holder, control, .. } = installation;
    match service {
        None => Check::ok(GROUP, NAME, "none is installed: commands start the daemon"),
        Some(service) => installed(service, own, *holder, control),
    }
}

/// Checks a service that is installed; `holder` is the process that serves.
fn installed(
    service: &InstalledService,
    own: Option<&Path>,
    holder: Option<i32>,
    control: &Control,
) -> Check {
    let InstalledService { unit, mark, .. } = service;
    let (program, version) = (mark.program.display(), &mark.version);
    let install = |check: Check| check.command(control.line("install-service"));
    let again = |check: Check| install(check).fix(Fix::InstallService);
    let restarted = |check: Check| check.command(control.line("restart")).fix(Fix::Restart);
    if !mark.program.is_file() {
        let evidence = format!("{unit} runs {program}, which is gone");
        return again(Check::failed(GROUP, NAME, evidence));
    }
    let state = match &service.state {
        Ok(state) => state,
        Err(failure) => {
            let evidence = format!("{unit} is installed, but {}", failure.error);
            let hint = failure.hint.as_deref().unwrap_or_default();
            return Check::warning(GROUP, NAME, evidence).remedy(hint);
        }
    };
    if let Some(failure) = &state.failure {
        let log = service.log_command.clone().unwrap_or_else(|| control.line("logs"));
        let check = Check::failed(GROUP, NAME, format!("{unit} is {}: {failure}", state.word));
        return restarted(check.remedy(format!("Its log has the reason (`{log}`); then:")));
    }
    if own.is_some_and(|own| !same_file(own, &mark.program)) {
        let evidence = format!("{unit} runs {program}, of another installation");
        return install(Check::warning(GROUP, NAME, evidence).remedy("To have it run this one:"));
    }
    if *version != crate::VERSION {
        let evidence = format!("{unit} was installed by version {version}");
        return again(Check::warning(GROUP, NAME, evidence));
    }
    if !state.at_login || state.listens == Some(false) {
        let evidence = match state.at_login {
            false => format!("{unit} does not start at login"),
            true => format!("the socket of {unit} is not active: nothing starts it when called"),
        };
        return again(Check::warning(GROUP, NAME, evidence));
    }
    if let Some(pid) = holder.filter(|holder| Some(*holder) != state.pid) {
        let evidence = format!("the daemon (process id {pid}) was not started by {unit}");
        return restarted(Check::warning(GROUP, NAME, evidence));
    }
    let restarts = match state.restarts {
        None | Some(0) => String::new(),
        Some(1) => ", started again once after a crash".to_owned(),
        Some(count) => format!(", started again {count} times after crashes"),
    };
    Check::ok(GROUP, NAME, format!("{unit} is {}, starts at login{restarts}", state.word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::failure::Failure;
    use crate::service::mark::Mark;
    use crate::service::state::State;

    #[test]
    fn what_is_wrong_with_a_service_is_named_with_what_mends_it() {
        let root = tempfile::tempdir().unwrap();
        let program = |name: &str| {
            let path = root.path().join(name);
            std::fs::write(&path, "").unwrap();
            path
        };
        let (own, other) = (program("skills-daemon"), program("other"));
        let running = State {
            active: true,
            word: "active (running)".to_owned(),
            pid: Some(7),
            at_login: true,
            listens: Some(true),
            ..State::default()
        };
        let check = |change: &dyn Fn(&mut InstalledService, &mut State)| {
            let mut service = InstalledService {
                unit: "s.service".to_owned(),
                mark: Mark::new(root.path(), &own),
                log_command: None,
                state: Err(Failure::environment("no manager is here").hint("Log in.")),
            };
            let mut state = running.clone();
            change(&mut service, &mut state);
            if state != State::default() {
                service.state = Ok(state);
            }
            let check = installed(&service, Some(&own), Some(7), &Control::default());
            (check.verdict, check.evidence, check.fix)
        };
        let ok = "s.service is active (running), starts at login";
        assert_eq!(check(&|_, _| ()), (Verdict::Ok, ok.to_owned(), None));
        let once = format!("{ok}, started again once after a crash");
        assert_eq!(check(&|_, state| state.restarts = Some(1)), (Verdict::Ok, once, None));
        let finds =
            |verdict, words: &str, fix, change: &dyn Fn(&mut InstalledService, &mut State)| {
                let found = check(change);
                assert!(found.1.contains(words), "{words}: {found:?}");
                assert_eq!((found.0, found.2), (verdict, fix), "{words}");
            };
        use Verdict::{Failed, Warning};
        let (install, restart) = (Some(Fix::InstallService), Some(Fix::Restart));
        finds(Warning, "is installed, but no manager", None, &|_, state| *state = State::default());
        finds(Failed, "which is gone", install.clone(), &|it, _| it.mark.program = "/gone".into());
        finds(Warning, "of another installation", None, &|it, _| it.mark.program = other.clone());
        finds(Warning, "by version 1.0.0", install.clone(), &|it, _| {
            it.mark.version = "1.0.0".to_owned();
        });
        finds(Failed, "is failed (failed): watchdog", restart.clone(), &|_, state| {
            state.word = "failed (failed)".to_owned();
            state.failure = Some("watchdog".to_owned());
        });
        finds(Warning, "not start at login", install.clone(), &|_, state| state.at_login = false);
        finds(Warning, "the socket of s.service", install, &|_, state| {
            state.listens = Some(false);
        });
        finds(Warning, "process id 7) was not started", restart, &|_, state| state.pid = None);
    }
}
