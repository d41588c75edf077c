//! Which files code of this process has written, from CPython's audit events.
//!
//! The hook runs for each audit event with the thread attached; events other than those of a file that is opened for
//! writing, or moved, cost it one comparison. Only files that may belong to a plugin are kept.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nix::libc;
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use skills_daemon::plugin_files;

/// The most files that are kept; the oldest are forgotten.
const FILES_MAX: usize = 1_000;

/// When each file was written last.
static WRITTEN: Mutex<BTreeMap<PathBuf, Instant>> = Mutex::new(BTreeMap::new());

type Hook = unsafe extern "C" fn(*const c_char, *mut PyObject, *mut c_void) -> c_int;

unsafe extern "C" {
    /// Of `cpython/sysmodule.h`; pyo3 does not declare it.
    fn PySys_AddAuditHook(hook: Hook, data: *mut c_void) -> c_int;
}

/// Notes from now on which files are written.
pub(crate) fn watch(_: Python<'_>) {
    // SAFETY: the interpreter is initialized, this thread is attached, and a function lives for ever.
    let status = unsafe { PySys_AddAuditHook(hook, std::ptr::null_mut()) };
    if status != 0 {
        tracing::warn!("files that plugins write themselves are not recognized");
    }
}

/// When the files below `directory` were written last.
pub(crate) fn below(directory: &Path) -> BTreeMap<PathBuf, Instant> {
    let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let below = written.iter().filter(|(file, _)| file.starts_with(directory));
    below.map(|(file, at)| (file.clone(), *at)).collect()
}

/// Takes an audit event; always lets it happen.
unsafe extern "C" fn hook(event: *const c_char, args: *mut PyObject, _: *mut c_void) -> c_int {
    // SAFETY: CPython passes the event's name as a C string.
    let event = unsafe { CStr::from_ptr(event) }.to_bytes();
    if event == b"open" || event == b"os.rename" {
        // SAFETY: audit events are raised with the thread attached.
        let py = unsafe { Python::assume_attached() };
        // SAFETY: `args` is a tuple, or null without arguments, and is borrowed during the call.
        let args = unsafe { Bound::from_borrowed_ptr_or_opt(py, args) };
        let file = args.and_then(|args| file(event, args.cast::<PyTuple>().ok()?));
        if let Some(file) = file.filter(|it| it.file_name().is_some_and(plugin_files::belongs)) {
            note(&file);
        }
    }
    0
}

/// The file that an event writes.
fn file(event: &[u8], args: &Bound<'_, PyTuple>) -> Option<PathBuf> {
    if event == b"os.rename" {
        return args.get_item(1).ok()?.extract().ok();
    }
    let flags: c_int = args.get_item(2).ok()?.extract().ok()?;
    let writes = flags & libc::O_ACCMODE != libc::O_RDONLY;
    // A number is a descriptor.
    if writes { args.get_item(0).ok()?.extract().ok() } else { None }
}

fn note(file: &Path) {
    let (directory, name) = (file.parent().unwrap_or(Path::new("")), file.file_name());
    let directory = std::path::absolute(directory).unwrap_or_default();
    let directory = directory.canonicalize().unwrap_or(directory);
    let file = directory.join(name.unwrap_or(OsStr::new("")));
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    written.insert(file, Instant::now());
    if written.len() > FILES_MAX {
        let oldest = written.iter().min_by_key(|(_, at)| **at).map(|(file, _)| file.clone());
        oldest.map(|oldest| written.remove(&oldest));
    }
}
