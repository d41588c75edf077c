//! Contexts (`contextvars`) without a detour through Python code.

use pyo3::ffi;
use pyo3::prelude::*;

/// A copy of the context `base` in which each `ContextVar` has its value.
pub(crate) fn copy_with<'py, const N: usize>(
    base: &Bound<'py, PyAny>,
    values: [(&Bound<'py, PyAny>, &Bound<'py, PyAny>); N],
) -> PyResult<Bound<'py, PyAny>> {
    let py = base.py();
    // SAFETY: attached to Python, as `py` shows. `PyContext_Copy` checks that its argument is a context and returns
    // a new reference, or null with an exception set.
    let context = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_Copy(base.as_ptr()))? };
    // SAFETY: `context` is a context, new, so no other code has entered it. All calls check their arguments'
    // types and fail with an exception set; a context that was entered is left again in any case.
    unsafe {
        if ffi::PyContext_Enter(context.as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        let set = |(variable, value): (&Bound<'py, PyAny>, &Bound<'py, PyAny>)| {
            let token = ffi::PyContextVar_Set(variable.as_ptr(), value.as_ptr());
            Bound::from_owned_ptr_or_err(py, token).map(drop)
        };
        let outcome = values.into_iter().try_for_each(set);
        if ffi::PyContext_Exit(context.as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        outcome?;
    }
    Ok(context)
}
