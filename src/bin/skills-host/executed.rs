//! The files that one version of a plugin executes, passed on as Python reports them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use skills_daemon::runtime::ExecutedFile;
use tokio::sync::mpsc::UnboundedSender;

/// Receives the files of a plugin's own modules until the version ends.
#[pyclass(frozen, module = "_skills_host")]
#[derive(Clone)]
pub(crate) struct Executed(Arc<Mutex<Option<UnboundedSender<ExecutedFile>>>>);

impl Executed {
    pub(crate) fn new(files: UnboundedSender<ExecutedFile>) -> Executed {
        Executed(Arc::new(Mutex::new(Some(files))))
    }

    /// Takes no more files, though modules that were left behind still refer to this.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[pymethods]
impl Executed {
    /// Takes a file that is about to be executed.
    fn add(&self, path: PathBuf, size: u64, modified: i64) {
        let file = ExecutedFile { path, size, modified };
        if let Some(files) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Fails only if nothing reads them any more.
            let _ = files.send(file);
        }
    }
}
