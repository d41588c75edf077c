//! Contexts (`contextvars`) without a detour through Python code.

use pyo3::ffi;
use pyo3::prelude::*;

/// A copy of the context `base` in which `variable`, a `ContextVar`, has `value`.
pub(crate) fn copy_with<'py>(
    base: &Bound<'py, PyAny>,
    variable: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = variable.py();
    // SAFETY: attached to Python, as `py` shows. `PyContext_Copy` checks that its argument is a context and returns
    // a new reference, or null with an exception set.
    let context = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_Copy(base.as_ptr()))? };
    // SAFETY: `context` is a context, new, so no other code has entered it. All calls check their arguments'
    // types and fail with an exception set; a context that was entered is left again in any case.
    unsafe {
        if ffi::PyContext_Enter(context.as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        let token = Bound::from_owned_ptr_or_err(
            py,
            ffi::PyContextVar_Set(variable.as_ptr(), value.as_ptr()),
        );
        if ffi::PyContext_Exit(context.as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        token?;
    }
    Ok(context)
}
