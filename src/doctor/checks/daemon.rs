//! The process: lock, socket, port, watching, reports, log.

use super::super::facts::{Daemon, Installation, LogErrors};
use super::super::{Check, Control, Fix, Group, Verdict};
use crate::environment;

const GROUP: Group = Group::Daemon;

/// Checks that the process answers and holds its lock.
pub fn process(installation: &Installation) -> Check {
    const NAME: &str = "process";
    let restart = installation.control.line("restart");
    let broken = |evidence: String| broken(installation, NAME, evidence);
    match (&installation.daemon, installation.holder) {
        (Daemon::Running(status), Some(_)) => {
            let ready = &status.ready;
            let evidence = format!("process id {}, version {}", ready.pid, ready.version);
            if ready.version == crate::VERSION {
                return Check::ok(GROUP, NAME, evidence);
            }
            let evidence = format!("{evidence}, but this program has version {}", crate::VERSION);
            Check { verdict: Verdict::Warning, ..broken(evidence) }
        }
        (Daemon::NotRunning, None) => {
            let line = installation.last_stderr_line.as_ref();
            let last = line.map_or(String::new(), |line| format!("; last line on stderr: {line}"));
            Check::ok(GROUP, NAME, format!("not running; the next command starts it{last}"))
        }
        (Daemon::NotRunning, Some(pid)) => Check::warning(
            GROUP,
            NAME,
            format!(
                "process id {pid} does not listen: it is starting, stopping, or has lost its socket"
            ),
        )
        .remedy(format!("If that persists, run `{restart}`."))
        .command(restart),
        (Daemon::Unreachable(failure), _) => {
            let check = Check::failed(GROUP, NAME, &failure.error);
            let hint = failure.hint.as_deref().unwrap_or_default();
            match installation.agent {
                Some(agent) => check.remedy(agent.remedy(&installation.paths.socket())),
                // Of one that is suspended it depends on why; a person decides.
                None => check.remedy(hint).command(restart),
            }
        }
        (Daemon::InvalidAnswer(error), _) => {
            broken(format!("invalid answer to a status request: {error}"))
        }
        (Daemon::Running(_), None) => {
            broken("a daemon answers, but no process holds its lock".to_owned())
        }
    }
}

/// The failed check `name`, which a restart mends.
fn broken(installation: &Installation, name: &str, evidence: String) -> Check {
    let restart = installation.control.line("restart");
    Check::failed(GROUP, name, evidence)
        .remedy(format!("Run `{restart}`."))
        .command(restart)
        .fix(Fix::Restart)
}

/// Checks that only the user may use the socket.
pub fn socket(installation: &Installation) -> Check {
    const NAME: &str = "socket";
    let place = installation.paths.socket();
    let broken = |evidence: String| broken(installation, NAME, evidence);
    match (&installation.daemon, installation.socket_mode) {
        (_, Some(0o600)) | (Daemon::NotRunning, None) => {
            Check::ok(GROUP, NAME, place.display().to_string())
        }
        (_, Some(mode)) => broken(format!("{} has mode {mode:o}, not 600", place.display())),
        (_, None) => broken(format!("{} is missing", place.display())),
    }
}

/// Checks that the TCP port is the daemon's, or free.
pub fn port(installation: &Installation) -> Check {
    const NAME: &str = "port";
    match (&installation.daemon, &installation.port_free) {
        (Daemon::Running(status), _) => {
            Check::ok(GROUP, NAME, format!("http://localhost:{}", status.ready.port))
        }
        (_, Some(Err(error))) => Check::failed(GROUP, NAME, error.as_str())
            .remedy(format!("Set {} to a free port, or 0.", environment::PORT))
            .command(installation.control.line("config set port 0")),
        (_, Some(Ok(()))) => Check::ok(GROUP, NAME, "free"),
        (_, None) => Check::warning(GROUP, NAME, "not checked"),
    }
}

/// Checks that the running daemon notices changes of files at once.
pub fn watching(installation: &Installation) -> Option<Check> {
    const NAME: &str = "watching";
    let status = installation.daemon.status()?;
    Some(match &status.polled {
        None => Check::ok(GROUP, NAME, "changed files take effect at once"),
        Some(polled) => Check::warning(GROUP, NAME, polled.as_str())
            .remedy("Nothing to do: changes there take effect a few seconds later."),
    })
}

/// Returns the other current reports of the running daemon about itself.
pub fn notices(installation: &Installation) -> Vec<Check> {
    let Some(status) = installation.daemon.status() else { return Vec::new() };
    let others = status.notices.iter().filter(|notice| status.polled.as_ref() != Some(*notice));
    others.map(|notice| Check::warning(GROUP, "notice", notice.as_str())).collect()
}

/// Checks that the log has no errors of the last hour; `None` if it has none.
pub fn log(errors: &LogErrors, control: &Control) -> Option<Check> {
    const NAME: &str = "log";
    if let Some(error) = &errors.unreadable {
        return Some(
            Check::warning(GROUP, NAME, error.as_str()).remedy("Make it readable for you."),
        );
    }
    let last = errors.last.as_deref()?;
    let evidence = match errors.count {
        1 => format!("1 error in the last hour: {last}"),
        count => format!("{count} errors in the last hour, the last one: {last}"),
    };
    Some(Check::warning(GROUP, NAME, evidence).command(control.line("logs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_the_log_are_a_warning() {
        let control = Control::default();
        assert_eq!(log(&LogErrors::default(), &control), None);
        let errors = LogErrors { count: 2, last: Some("[jira] no".into()), unreadable: None };
        let check = log(&errors, &control).unwrap();
        assert_eq!(check.evidence, "2 errors in the last hour, the last one: [jira] no");
        assert_eq!(check.command.as_deref(), Some("skills-daemon logs"));
        let unreadable = LogErrors { unreadable: Some("no".into()), ..LogErrors::default() };
        assert_eq!(log(&unreadable, &control).unwrap().verdict, Verdict::Warning);
    }
}
