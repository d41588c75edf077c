//! A daemon whose service is installed: its manager starts it, wherever any other program would.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::alive::Ping;
use super::start_failure::failure_since;
use super::{Connection, alive, connect, locks, start_lock};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::service::{Manager, Service};
use crate::wire::Ready;

/// Time between two looks at a daemon that its manager starts.
const TICK: Duration = Duration::from_millis(50);
/// Timeout of a manager that has accepted the start and runs no host.
const ABSENT_MAX: Duration = Duration::from_secs(20);

/// Returns the service of the daemon, if one is installed and its manager can be reached; warns if it cannot.
pub fn in_charge(paths: &Paths, env: &Environment, console: &Console) -> Option<Service> {
    let service = Service::installed(paths, env)?;
    match service.check() {
        Ok(()) => Some(service),
        Err(failure) => {
            console.warning(&format!("{} is not used: {failure}", service.unit()));
            None
        }
    }
}

/// True if the daemon that serves is the service's process.
pub(super) fn keeps(service: &Service, paths: &Paths) -> bool {
    let pid = service.state().ok().and_then(|state| state.pid);
    pid == locks::holder(paths).map(|holder| holder.as_raw())
}

/// Has the manager start the daemon.
pub(super) fn start(
    service: &Service,
    paths: &Paths,
    console: &Console,
) -> Result<(Connection, Ready), Failure> {
    console.progress(&format!("starting {}", service.unit()));
    through(service, paths, Service::start)
}

/// Has the manager start the daemon again.
pub(super) fn restart(
    service: &Service,
    paths: &Paths,
    console: &Console,
) -> Result<(Connection, Ready), Failure> {
    console.progress(&format!("restarting {}", service.unit()));
    through(service, paths, Service::restart)
}

fn through(
    service: &Service,
    paths: &Paths,
    act: fn(&Service) -> Result<(), Failure>,
) -> Result<(Connection, Ready), Failure> {
    let begin = SystemTime::now();
    // The daemon's own reason before that of the manager, which has only its exit status.
    let reason = |failure: Failure| failure_since(paths, begin).unwrap_or(failure);
    act(service).map_err(|failure| reason(explained(service, failure)))?;
    let ready = wait(service, paths).map_err(reason)?;
    match connect(paths)? {
        Some(connection) => Ok((connection, ready)),
        None => Err(reason(gone(service))),
    }
}

/// Waits until the daemon answers.
fn wait(service: &Service, paths: &Paths) -> Result<Ready, Failure> {
    let begun = Instant::now();
    let mut absent = begun;
    loop {
        if !locks::is_free(paths) {
            if let Ping::Answered(Some(status)) = alive::ping(paths) {
                return Ok(status.ready);
            }
            absent = Instant::now();
        }
        if absent.elapsed() >= ABSENT_MAX || begun.elapsed() >= start_lock::WAIT_MAX {
            return Err(gone(service));
        }
        thread::sleep(TICK);
    }
}

fn gone(service: &Service) -> Failure {
    explained(service, Failure::environment(format!("{} has ended", service.unit())))
}

fn explained(service: &Service, failure: Failure) -> Failure {
    let hint = match (service.manager(), service.log_command()) {
        (Manager::Systemd, Some(log)) => format!("Run `skills-daemon service status` and `{log}`."),
        _ => "Run `skills-daemon service status` and `skills-daemon logs`.".to_owned(),
    };
    failure.hint(hint)
}
