//! Headers of HTTP as Python gives them.

use http::{HeaderMap, HeaderName, HeaderValue};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

/// Headers that Python gives as pairs of bytes.
///
/// # Errors
/// One of them is not valid HTTP.
pub(crate) fn headers_of(headers: &Bound<'_, PyAny>) -> PyResult<HeaderMap> {
    let mut map = HeaderMap::new();
    for header in headers.try_iter()? {
        let (name, value): (PyBackedBytes, PyBackedBytes) = header?.extract()?;
        let invalid = || PyValueError::new_err("a header's name or value is not valid HTTP");
        let name = HeaderName::from_bytes(&name).map_err(|_| invalid())?;
        map.append(name, HeaderValue::from_bytes(&value).map_err(|_| invalid())?);
    }
    Ok(map)
}
