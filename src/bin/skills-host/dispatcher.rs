//! Calls handlers that take nothing but bound values, without Python code of the host's own around them.
//!
//! Most calls are of such handlers. What else there is to a call is Python's business, and so is what is left of one that
//! turns out to be more: `skills_host.direct.runner`.
//!
//! [`Dispatcher::begin`] runs on a loop's thread, [`Dispatcher::run`] on a thread of the pool; both are attached.

use pyo3::call::PyCallArgs;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::binder::Binder;
use crate::call::Call;
use crate::context;
use crate::starter::Starter;

/// Calls the handlers of a plugin for one of its loops.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Dispatcher {
    /// The handlers that are called here, by the numbers of their plans.
    handlers: Vec<Option<Handler>>,
    /// The context that each call has a copy of.
    base: Py<PyAny>,
    /// The variables of that copy: the id of the request, and the call.
    variables: (Py<PyAny>, Py<PyAny>),
    /// What decides whether the application has to serve a request itself.
    telemetry: Option<Telemetry>,
    /// Begins the tasks of the loop.
    tasks: Py<Starter>,
    /// Has the loop call what is left of a call: `Inbox.call_soon` of the queue, which itself calls this dispatcher.
    call_soon: Py<PyAny>,
    /// Python's side.
    runner: Py<PyAny>,
}

/// A handler, and how it is called.
struct Handler {
    function: Py<PyAny>,
    binder: Py<Binder>,
}

/// Whether FastAPI traces a request.
struct Telemetry {
    /// The providers that it would trace by: variables of modules, `None` where none is set. Without any of them it is asked
    /// for every request. The daemon's own, which is set by the first traced call, is none.
    providers: Vec<Variable>,
    /// The daemon's own, once it was seen; it lives as long as its module, so that the collector need not know it.
    own: PyOnceLock<Py<PyAny>>,
    /// Asks it.
    ask: Py<PyAny>,
}

/// The function of each handler that is called here, and its binder.
type Handlers = Vec<Option<(Py<PyAny>, Py<Binder>)>>;

/// A variable of a module: the module's dictionary, and the name.
type Variable = (Py<PyDict>, Py<PyString>);

#[pymethods]
impl Dispatcher {
    #[new]
    fn new(
        handlers: Handlers,
        base: Py<PyAny>,
        variables: (Py<PyAny>, Py<PyAny>),
        telemetry: Option<(Vec<Variable>, Py<PyAny>)>,
        tasks: Py<Starter>,
        inbox: &Bound<'_, PyAny>,
        runner: Py<PyAny>,
    ) -> PyResult<Dispatcher> {
        let handler = |(function, binder)| Handler { function, binder };
        let handlers = handlers.into_iter().map(|parts| parts.map(handler)).collect();
        let telemetry =
            telemetry.map(|(providers, ask)| Telemetry { providers, own: PyOnceLock::new(), ask });
        let call_soon = inbox.getattr(intern!(inbox.py(), "call_soon"))?.unbind();
        Ok(Dispatcher { handlers, base, variables, telemetry, tasks, call_soon, runner })
    }

    /// Answers with the result of a task that waited, or with its exception. On the loop's thread.
    fn done(
        &self,
        call: &Bound<'_, Call>,
        task: &Bound<'_, PyAny>,
        context: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = call.py();
        match task.call_method0(intern!(py, "result")) {
            Ok(result) if call.get().finish(&result)? => Ok(()),
            Ok(result) => self.rest(py, intern!(py, "returned"), (call, result, context)),
            // Python's side takes it from the task, so that it is the exception that is being handled.
            Err(_) => self.rest(py, intern!(py, "raised"), (call, task, context)),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for Handler { function, binder } in self.handlers.iter().flatten() {
            visit.call(function)?;
            visit.call(binder)?;
        }
        if let Some(Telemetry { providers, ask, .. }) = &self.telemetry {
            providers.iter().try_for_each(|(module, _)| visit.call(module))?;
            visit.call(ask)?;
        }
        let (request_id, current) = &self.variables;
        for each in [&self.base, request_id, current, &self.runner] {
            visit.call(each)?;
        }
        visit.call(&self.tasks)?;
        visit.call(&self.call_soon)
    }
}

impl Telemetry {
    /// Whether the request at hand is traced.
    fn traces(&self, py: Python<'_>) -> PyResult<bool> {
        let is_set = |(module, name): &Variable| match module.bind(py).get_item(name)? {
            Some(provider) if !provider.is_none() => self.is_own(&provider).map(|is_own| !is_own),
            _ => Ok(false),
        };
        let mut may = self.providers.is_empty();
        for provider in &self.providers {
            may = may || is_set(provider)?;
        }
        if may { self.ask.bind(py).call0()?.is_truthy() } else { Ok(false) }
    }

    /// Whether a provider is the daemon's own.
    fn is_own(&self, provider: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = provider.py();
        if self.own.get(py).is_some_and(|own| provider.is(own)) {
            return Ok(true);
        }
        let is_own = provider.hasattr(intern!(py, "is_of_daemon"))?;
        if is_own {
            // Set once: there is one such provider.
            let _ = self.own.set(py, provider.clone().unbind());
        }
        Ok(is_own)
    }
}

impl Dispatcher {
    /// Begins a call on its loop; fails only by a mistake of the daemon's.
    pub(crate) fn begin(slf: &Bound<'_, Self>, call: &Bound<'_, Call>) -> PyResult<()> {
        let (py, own) = (slf.py(), slf.get());
        let Some(handler) = own.handler(py, call.get())? else {
            return own.rest(py, intern!(py, "run"), (call,));
        };
        let context = own.context(call)?;
        let binder = handler.binder.bind(py);
        let arguments = match context::within(&context, || call.get().arguments(py, binder))? {
            Ok(Some(arguments)) => arguments,
            Ok(None) => return own.rest(py, intern!(py, "unbound"), (call, context)),
            Err(error) => return own.refused(call, error, &context),
        };
        let task = handler.function.bind(py).call((), Some(&arguments));
        let task = task.and_then(|work| own.tasks.get().begin(&work, &context));
        match task {
            Ok(task) if task.call_method0(intern!(py, "done"))?.is_truthy()? => {
                own.done(call, &task, &context)
            }
            Ok(task) => own.rest(py, intern!(py, "waits"), (slf, call, task, context)),
            // A task passes on what ends programs, besides ending with it.
            Err(error) => own.refused(call, error, &context),
        }
    }

    /// Carries out a call on a thread of the pool; fails only by a mistake of the daemon's.
    pub(crate) fn run(&self, call: &Bound<'_, Call>) -> PyResult<()> {
        let context = self.context(call)?;
        let left = context::within(&context, || self.run_within(call))??;
        if let Some(left) = left {
            self.call_soon.bind(call.py()).call1((left,))?;
        }
        Ok(())
    }

    /// Carries out a call in its context; returns what is left of it for the loop.
    fn run_within(&self, call: &Bound<'_, Call>) -> PyResult<Option<Py<PyAny>>> {
        let (py, own) = (call.py(), call.get());
        let Some(handler) = self.handler(py, own)? else {
            return self.left(py, intern!(py, "run_sync"), (call,));
        };
        let arguments = match own.arguments(py, handler.binder.bind(py)) {
            Ok(Some(arguments)) => arguments,
            Ok(None) => return self.left(py, intern!(py, "unbound_sync"), (call,)),
            Err(error) => return self.raised(call, error),
        };
        let result = match handler.function.bind(py).call((), Some(&arguments)) {
            Ok(result) => result,
            Err(error) => return self.raised(call, error),
        };
        match own.finish(&result) {
            Ok(true) => Ok(None),
            Ok(false) => self.left(py, intern!(py, "returned_sync"), (call, result)),
            Err(error) => self.raised(call, error),
        }
    }

    /// The handler of a call, if it is one that is called here.
    fn handler(&self, py: Python<'_>, call: &Call) -> PyResult<Option<&Handler>> {
        let number = call.plan();
        let Some(handler) = number.and_then(|number| self.handlers.get(number)?.as_ref()) else {
            return Ok(None);
        };
        let is_traced = match &self.telemetry {
            Some(telemetry) => telemetry.traces(py)?,
            None => false,
        };
        Ok((!is_traced).then_some(handler))
    }

    /// The context of a call.
    fn context<'py>(&self, call: &Bound<'py, Call>) -> PyResult<Bound<'py, PyAny>> {
        let (py, (request_id, current)) = (call.py(), &self.variables);
        Call::context(call, self.base.bind(py), request_id.bind(py), current.bind(py))
    }

    /// Has Python's side answer an exception that came before a handler waited.
    fn refused(
        &self,
        call: &Bound<'_, Call>,
        error: PyErr,
        context: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = call.py();
        self.rest(py, intern!(py, "refused"), (call, error.into_value(py), context))
    }

    /// Has Python's side answer an exception on this thread; returns what is left for the loop.
    fn raised(&self, call: &Bound<'_, Call>, error: PyErr) -> PyResult<Option<Py<PyAny>>> {
        let py = call.py();
        self.left(py, intern!(py, "raised_sync"), (call, error.into_value(py)))
    }

    /// Has Python's side do the rest of a call.
    fn rest<'py, A>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyString>,
        arguments: A,
    ) -> PyResult<()>
    where
        A: PyCallArgs<'py>,
    {
        self.runner.bind(py).call_method1(method, arguments).map(drop)
    }

    /// Has Python's side do the rest of a call on this thread; returns what is left for the loop.
    fn left<'py, A>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyString>,
        arguments: A,
    ) -> PyResult<Option<Py<PyAny>>>
    where
        A: PyCallArgs<'py>,
    {
        let left = self.runner.bind(py).call_method1(method, arguments)?;
        Ok((!left.is_none()).then(|| left.unbind()))
    }
}
