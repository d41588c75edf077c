//! Files that are answers, opened for a plugin.

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;
use nix::errno::Errno;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use skills_daemon::exchange::file;

/// A file of at most this many bytes is read at once: two changes of the thread would cost more, and its metadata was
/// just read.
const SHORT: u64 = 64 * 1024;

/// A file that was opened.
pub(crate) enum Opened {
    /// All of it.
    Short(Bytes),
    /// To be read as the connection takes it.
    Long(File),
}

/// Opens a file of which `length` bytes are to be sent, or all; detached, because the file system may be slow. On the
/// plugin's thread.
///
/// # Errors
/// It cannot be opened, as Python's `open` raises it, or is short and ends too early.
pub(crate) fn open(py: Python<'_>, path: &Path, length: Option<u64>) -> PyResult<Opened> {
    let open = || {
        let file = File::open(path)?;
        Ok(match length.filter(|length| *length <= SHORT) {
            Some(length) => Opened::Short(file::read_whole(file, length)?),
            None => Opened::Long(file),
        })
    };
    py.detach(open).map_err(|error: io::Error| match error.raw_os_error() {
        Some(number) => {
            let reason = Errno::from_raw(number).desc();
            PyOSError::new_err((number, reason, path.as_os_str().to_owned()))
        }
        None => PyOSError::new_err(error.to_string()),
    })
}
