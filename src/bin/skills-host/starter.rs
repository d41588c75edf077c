//! Tasks of an event loop, each begun with its first step.
//!
//! Most handlers never wait, and a task that is done after its first step costs the loop no round. From Python 3.12 on,
//! `asyncio.Task` can do that by itself. Before, a task schedules its first step with `loop.call_soon`; that one call is
//! caught and made at once, in the task's own context, so that `asyncio.current_task()` and everything built on it work in
//! either case.

use std::sync::{Mutex, PoisonError};

use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple};

use crate::context;

/// Begins the tasks of one loop.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Starter {
    event_loop: Py<PyAny>,
    /// `asyncio.Task`.
    task: Py<PyAny>,
    /// The keywords that it is called with.
    keywords: Py<PyTuple>,
    /// What catches the first step, where a task does not make it by itself.
    catcher: Option<Py<Catcher>>,
    /// False before Python 3.11, where a task takes the context in which it is made, and copies it.
    takes_context: bool,
}

/// Takes the place of `loop.call_soon`, for one call.
#[pyclass(frozen, module = "_skills_host")]
struct Catcher(Mutex<Option<(Py<PyAny>, Py<PyAny>)>>);

#[pymethods]
impl Catcher {
    #[pyo3(signature = (step, context))]
    fn __call__(&self, step: Py<PyAny>, context: Py<PyAny>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, context));
    }
}

#[pymethods]
impl Starter {
    #[new]
    fn new(py: Python<'_>, event_loop: Py<PyAny>) -> PyResult<Starter> {
        let version = py.version_info();
        let (is_eager, takes_context) = (version >= (3, 12), version >= (3, 11));
        let keywords: &[&str] = match (is_eager, takes_context) {
            (true, _) => &["loop", "context", "eager_start"],
            (false, true) => &["loop", "context", "name"],
            (false, false) => &["loop", "name"],
        };
        let keywords = keywords.iter().map(|name| PyString::intern(py, name));
        let catcher = (!is_eager).then(|| Py::new(py, Catcher(Mutex::new(None)))).transpose()?;
        Ok(Starter {
            event_loop,
            task: py.import("asyncio")?.getattr("Task")?.unbind(),
            keywords: PyTuple::new(py, keywords)?.unbind(),
            catcher,
            takes_context,
        })
    }

    /// Runs the first step of the coroutine `work` as a task in `context`. On the loop's thread, outside of tasks.
    pub(crate) fn begin<'py>(
        &self,
        work: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(catcher) = &self.catcher else {
            let eager = PyBool::new(work.py(), true);
            return self.made(work.py(), [work, self.event_loop.bind(work.py()), context, &eager]);
        };
        let py = work.py();
        let (event_loop, name) = (self.event_loop.bind(py), intern!(py, "request").as_any());
        // An attribute of the instance hides the method for the length of one constructor.
        event_loop.setattr(intern!(py, "call_soon"), catcher)?;
        let task = match self.takes_context {
            true => Ok(self.made(py, [work, event_loop, context, name])),
            false => context::within(context, || self.made(py, [work, event_loop, name])),
        };
        event_loop.delattr(intern!(py, "call_soon"))?;
        let task = task??;
        let caught = catcher.get().0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((step, context)) = caught {
            context::within(context.bind(py), || step.bind(py).call0())??;
        }
        Ok(task)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.task)
    }
}

impl Starter {
    /// A new task by these arguments, the first of them by position.
    fn made<'py, const N: usize>(
        &self,
        py: Python<'py>,
        arguments: [&Bound<'py, PyAny>; N],
    ) -> PyResult<Bound<'py, PyAny>> {
        debug_assert_eq!(self.keywords.bind(py).len() + 1, N, "a value for each keyword");
        let arguments = arguments.map(|argument| argument.as_ptr());
        // SAFETY: attached to Python, as `py` shows. The array has the one positional argument and one for each
        // keyword, all borrowed for the length of the call, which returns a new reference, or null with an exception set.
        unsafe {
            let made = ffi::PyObject_Vectorcall(
                self.task.as_ptr(),
                arguments.as_ptr(),
                1,
                self.keywords.as_ptr(),
            );
            Bound::from_owned_ptr_or_err(py, made)
        }
    }
}
