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

/// Runs `work` in `context`, on the thread that is attached.
///
/// # Errors
/// It is no context, or was entered already; then nothing was run.
pub(crate) fn within<T>(context: &Bound<'_, PyAny>, work: impl FnOnce() -> T) -> PyResult<T> {
    /// Leaves the context again, also where `work` panics.
    struct Entered<'c, 'py>(&'c Bound<'py, PyAny>);

    impl Drop for Entered<'_, '_> {
        fn drop(&mut self) {
            // SAFETY: attached, as the `Bound` shows, and on the thread that entered it. What was entered since was left
            // again, so it is the current one; if it were not, the call fails with an exception set.
            if unsafe { ffi::PyContext_Exit(self.0.as_ptr()) } != 0 {
                let error = PyErr::fetch(self.0.py());
                tracing::error!(%error, "the context of a call could not be left");
            }
        }
    }

    // SAFETY: attached, as the `Bound` shows. The call checks the type of its argument, and fails with an exception set.
    if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
        return Err(PyErr::fetch(context.py()));
    }
    let _entered = Entered(context);
    Ok(work())
}
