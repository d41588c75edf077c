//! The background tasks of one plugin, which Python reports and any thread reads.
//!
//! The lock is held for a move of memory, never while Python runs.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use skills_daemon::wire::BackgroundTask;

/// Shows the background tasks of one plugin.
#[pyclass(frozen, module = "_skills_host")]
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<Mutex<Vec<BackgroundTask>>>);

impl Board {
    /// The tasks as they were reported last.
    pub(crate) fn tasks(&self) -> Vec<BackgroundTask> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[pymethods]
impl Board {
    /// Replaces what is shown; called on the plugin's thread.
    fn show(&self, tasks: &str) -> PyResult<()> {
        let tasks = serde_json::from_str(tasks)
            .map_err(|error| PyValueError::new_err(format!("cannot read the tasks: {error}")))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
        Ok(())
    }
}
