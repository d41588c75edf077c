//! The service of the daemon, and what its manager reports.

use crate::environment::Environment;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::service::Service;
use crate::service::mark::Mark;
use crate::service::state::State;

/// The service that is installed for the daemon.
#[derive(Debug)]
pub struct InstalledService {
    /// Its name for its manager.
    pub unit: String,
    /// Which program it runs, and the version that wrote its file.
    pub mark: Mark,
    /// What shows its log, where the manager keeps one.
    pub log_command: Option<String>,
    /// What its manager reports.
    pub state: Result<State, Failure>,
}

impl InstalledService {
    pub(super) fn collect(paths: &Paths, env: &Environment) -> Option<InstalledService> {
        let service = Service::installed(paths, env)?;
        Some(InstalledService {
            unit: service.unit(),
            mark: service.mark()?,
            log_command: service.log_command(),
            state: service.check().and_then(|()| service.state()),
        })
    }
}
