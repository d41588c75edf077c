//! The end of a call, for a thread that has to do something then.

use std::sync::atomic::AtomicBool;

use pyo3::prelude::*;
use skills_daemon::exchange::Wait;

/// Waits for the end of a call.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Ending {
    /// `None` for a call that has ended.
    wait: Option<Wait>,
    is_stopped: AtomicBool,
}

impl Ending {
    pub(crate) fn of(wait: Option<Wait>) -> Ending {
        Ending { wait, is_stopped: AtomicBool::new(false) }
    }
}

#[pymethods]
impl Ending {
    /// Waits, detached, until the call is cancelled or answered; false after `stop`. On a thread that the plugin started.
    fn wait(&self, py: Python<'_>) -> bool {
        let Some(wait) = &self.wait else { return true };
        py.detach(|| wait.for_end(&self.is_stopped))
    }

    /// Ends the wait.
    fn stop(&self) {
        if let Some(wait) = &self.wait {
            wait.end(&self.is_stopped);
        }
    }
}
