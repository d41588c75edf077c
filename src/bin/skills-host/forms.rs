//! Forms in request bodies for Python, parsed by [`skills_daemon::forms`].

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use skills_daemon::forms::{self, Entry, File, Limits};

/// A body of at least this many bytes is parsed detached; below, the way back to the GIL costs more.
const LARGE: usize = 64 * 1024;

/// Parses a form; a list of `(name, value)` for fields and `(name, filename, headers, start, end)` for files, whose
/// content is that range of the body, or `None` where Starlette has to parse. On any thread of a plugin.
#[pyfunction]
pub(crate) fn parse_form<'py>(
    py: Python<'py>,
    content_type: &str,
    body: PyBackedBytes,
    max_files: f64,
    max_fields: f64,
    max_part_size: f64,
) -> PyResult<Option<Bound<'py, PyList>>> {
    // Counts and sizes are whole; `as` saturates, which keeps a limit that is infinite.
    let limits = Limits {
        files: max_files as usize,
        fields: max_fields as usize,
        field_size: max_part_size as usize,
    };
    let parse = || forms::parse(content_type, &body, &limits);
    let parsed = if body.len() < LARGE { parse() } else { py.detach(parse) };
    let Some(parsed) = parsed else { return Ok(None) };
    let entries = parsed.into_iter().map(|entry| entry_of(py, entry));
    PyList::new(py, entries.collect::<PyResult<Vec<_>>>()?).map(Some)
}

fn entry_of<'py>(py: Python<'py>, entry: Entry<'_>) -> PyResult<Bound<'py, PyAny>> {
    let tuple = match entry {
        Entry::Field { name, value } => (name, value).into_pyobject(py)?,
        Entry::File(File { name, filename, headers, content }) => {
            let bytes = |(name, value): &(String, &[u8])| {
                (PyBytes::new(py, name.as_bytes()), PyBytes::new(py, value))
            };
            let headers = PyList::new(py, headers.iter().map(bytes))?;
            (name, filename, headers, content.start, content.end).into_pyobject(py)?
        }
    };
    Ok(tuple.into_any())
}
