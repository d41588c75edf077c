//! One request as a Python object: arguments of a handler, or scope and messages of ASGI.
//!
//! All methods run on the plugin's thread, on one of its pool threads or on one that it started, with the GIL held, and
//! none of them waits, except for [`Call::read`], which lets go of it; so does [`Call::send_file`] while the file system
//! answers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyString};
use skills_daemon::exchange::head::ResponseHead;
use skills_daemon::exchange::{PluginSide, Received};
use skills_daemon::limits::admission::Permit;
use skills_daemon::runtime::{Caller, Direct};
use skills_daemon::traces::{CallTrace, Spans};

use crate::binder::Binder;
use crate::console::Console;
use crate::context;
use crate::ending::Ending;
use crate::file::{self, Opened};
use crate::headers::headers_of;
use crate::load::Counted;
use crate::{scope, wakes};

/// A request and the way to its answer.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Call {
    /// Number of the call, unique in its plugin.
    #[pyo3(get)]
    id: u64,
    /// How to call the handler without FastAPI.
    direct: Option<Direct>,
    /// Where the call comes from.
    caller: Option<Arc<Caller>>,
    /// No call of the same batch follows.
    pub(crate) last: bool,
    started: AtomicBool,
    /// The body was read to its end.
    is_read: AtomicBool,
    /// What the call holds until it is closed.
    held: Mutex<Option<Held>>,
    /// Where the plugin's spans go, if the call is traced.
    spans: Option<Box<Spans>>,
    /// When a direct call's handler began, and which.
    begun: OnceLock<(Instant, Py<Binder>)>,
    /// `None` once the call is closed.
    side: Mutex<Option<PluginSide>>,
}

/// What a call holds until it is closed.
pub(crate) struct Held {
    /// Its place among the requests of its loop.
    pub(crate) _load: Option<Counted>,
    /// Its place among the requests that its plugin is given at once.
    pub(crate) _permit: Option<Permit>,
    /// Its trace, if it is traced.
    pub(crate) trace: Option<Arc<CallTrace>>,
}

impl Call {
    /// Sends a whole answer.
    fn whole(&self, head: ResponseHead, body: Bytes, now: Instant) -> PyResult<()> {
        if let Some((begun, binder)) = self.begun.get() {
            binder.get().pace.end(now.saturating_duration_since(*begun));
        }
        self.started.store(true, Ordering::Relaxed);
        if let Some(waker) = self.with(|side| side.answer_with(head, body))? {
            wakes::wake(waker, now, self.last);
        }
        Ok(())
    }

    fn reply(&self, status: u16, body: Bytes, now: Instant) -> PyResult<()> {
        let status = status_of(status)?;
        self.started.store(true, Ordering::Relaxed);
        if let Some(waker) = self.with(|side| side.answer(status, body))? {
            wakes::wake(waker, now, self.last);
        }
        self.close();
        Ok(())
    }

    /// The keyword arguments of the handler, or `None` if FastAPI has to answer.
    pub(crate) fn arguments<'py>(
        &self,
        py: Python<'py>,
        binder: &Bound<'py, Binder>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        match &self.direct {
            Some(direct) => {
                if !binder.get().pace.begin() {
                    wakes::release();
                }
                // Set once: a call has one handler.
                let _ = self.begun.set((Instant::now(), binder.clone().unbind()));
                let (arguments, is_complete) = binder.get().arguments(py, &direct.values)?;
                Ok(is_complete.then_some(arguments))
            }
            None => Ok(None),
        }
    }

    /// Answers with what the handler returned and ends the call; false if that is not plain JSON.
    pub(crate) fn finish(&self, result: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some((begun, binder)) = self.begun.get() else { return Ok(false) };
        let (binder, now) = (binder.get(), Instant::now());
        binder.pace.end(now.saturating_duration_since(*begun));
        let Some(body) = binder.plain.written(result) else {
            // What follows may take its time: an encoder, a response of its own.
            wakes::release();
            return Ok(false);
        };
        self.reply(binder.status, Bytes::from(body), now)?;
        Ok(true)
    }

    pub(crate) fn new(
        id: u64,
        side: PluginSide,
        direct: Option<Direct>,
        caller: Option<Arc<Caller>>,
        held: Held,
    ) -> Call {
        let spans = held.trace.as_ref().map(|trace| Box::new(trace.spans().clone()));
        Call {
            id,
            direct,
            caller,
            last: false,
            started: AtomicBool::new(false),
            is_read: AtomicBool::new(false),
            held: Mutex::new(Some(held)),
            spans,
            begun: OnceLock::new(),
            side: Mutex::new(Some(side)),
        }
    }

    /// True if the call was cancelled before it is a Python object: one that is not worth beginning.
    pub(crate) fn is_cancelled_already(&mut self) -> bool {
        let side = self.side.get_mut().unwrap_or_else(PoisonError::into_inner);
        side.as_ref().is_some_and(PluginSide::is_cancelled)
    }

    /// Notes in the trace that the plugin's thread takes the call up.
    fn handling(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trace) = held.as_ref().and_then(|held| held.trace.as_ref()) {
            trace.handling();
        }
    }

    /// Looks at the exchange, under a lock that the same thread must not take again: `work` makes no object that Python's
    /// garbage collector tracks, because a collection runs code of plugins, which may write, and that asks this call.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&PluginSide) -> T) -> PyResult<T> {
        let side = self.side.lock().unwrap_or_else(PoisonError::into_inner);
        side.as_ref().map(work).ok_or_else(|| PyRuntimeError::new_err("the request has ended"))
    }
}

fn status_of(status: u16) -> PyResult<StatusCode> {
    StatusCode::from_u16(status)
        .map_err(|_| PyValueError::new_err(format!("{status} is not an HTTP status")))
}

#[pymethods]
impl Call {
    /// The id of the request, in all logs.
    #[getter]
    fn request_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.with(|side| PyString::new(py, side.request().id()))
    }

    /// The decoded path.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.with(|side| PyString::new(py, side.request().head().target.path()))
    }

    /// The method.
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.with(|side| PyString::new(py, side.request().head().method.as_str()))
    }

    /// The surroundings of the shell that called, as JSON; `None` for calls from elsewhere.
    #[getter]
    fn caller(&self) -> PyResult<Option<String>> {
        let Some(caller) = &self.caller else { return Ok(None) };
        let text = serde_json::to_string(&**caller);
        text.map(Some).map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    /// What the caller sees and answers while the call runs.
    #[getter]
    fn console(&self) -> Console {
        Console::new(self.with(PluginSide::emitter).ok(), self.caller.clone())
    }

    /// True once the call has ended.
    #[getter]
    fn ended(&self) -> bool {
        self.with(|_| ()).is_err()
    }

    /// True if a WebSocket is asked for.
    #[getter]
    fn is_socket(&self) -> bool {
        self.with(|side| side.is_socket()).unwrap_or(false)
    }

    /// The first header `name`, if it is text.
    fn header(&self, name: &str) -> Option<String> {
        let value = |side: &PluginSide| {
            let value = side.request().head().headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        self.with(value).ok().flatten()
    }

    /// Waits, detached, for the next piece of the body; empty at its end, `None` once the caller has gone. On a thread of
    /// the pool, or one of the plugin's own.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        loop {
            if self.is_read.load(Ordering::Relaxed) {
                return Ok(Some(PyBytes::new(py, b"")));
            }
            let (received, wait) = self.with(|side| (side.receive(), side.wait()))?;
            match received {
                Received::Pending => py.detach(|| wait.for_body()),
                Received::Disconnected => return Ok(None),
                Received::Chunk(bytes, more) => {
                    self.is_read.store(!more, Ordering::Relaxed);
                    if !bytes.is_empty() {
                        return Ok(Some(PyBytes::new(py, &bytes)));
                    }
                }
            }
        }
    }

    /// The span of the handler, as W3C Trace Context writes it; `None` for a call that is not traced.
    #[getter]
    fn traceparent(&self) -> Option<String> {
        self.spans.as_ref().map(|spans| spans.traceparent())
    }

    /// The `tracestate` that goes with it; `None` if there is none.
    #[getter]
    fn tracestate(&self) -> Option<&str> {
        self.spans.as_ref().and_then(|spans| spans.tracestate())
    }

    /// True if spans of the plugin are recorded.
    #[getter]
    fn records(&self) -> bool {
        self.spans.as_ref().is_some_and(|spans| spans.is_recording())
    }

    /// Records a span of the plugin that has ended, the library's `traces::Reported` as JSON; also after the answer.
    fn record(&self, span: &str) -> PyResult<()> {
        let Some(spans) = &self.spans else { return Ok(()) };
        let span =
            serde_json::from_str(span).map_err(|error| PyValueError::new_err(error.to_string()))?;
        spans.record(span);
        Ok(())
    }

    /// A wait for the end of the call.
    fn ending(&self) -> Ending {
        Ending::of(self.with(PluginSide::wait).ok())
    }

    /// The number of the plan, or `None` where FastAPI does everything.
    #[getter]
    pub(crate) fn plan(&self) -> Option<usize> {
        self.direct.as_ref().map(|direct| direct.plan)
    }

    /// True once an answer was begun.
    #[getter]
    fn started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// True once the call was cancelled: its answer has no reader.
    #[getter]
    fn cancelled(&self) -> bool {
        self.with(PluginSide::is_cancelled).unwrap_or(false)
    }

    /// A copy of the context `base` in which `variable` is the request's id, and `current` this call.
    pub(crate) fn context<'py>(
        slf: &Bound<'py, Self>,
        base: &Bound<'py, PyAny>,
        variable: &Bound<'py, PyAny>,
        current: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, own) = (slf.py(), slf.get());
        let id = own.request_id(py)?;
        let context = context::copy_with(base, [(variable, id.as_any()), (current, slf.as_any())])?;
        if own.spans.is_some() {
            own.handling();
            py.import(intern!(py, "skills_host.traces"))?
                .call_method1(intern!(py, "enter"), (&context, slf))?;
        }
        Ok(context)
    }

    /// The values that are bound, by slot; those that FastAPI has to bind are missing.
    fn slots<'py>(
        &self,
        py: Python<'py>,
        binder: &Bound<'py, Binder>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let Some(direct) = &self.direct else { return Ok(PyDict::new(py)) };
        if !binder.get().pace.begin() {
            wakes::release();
        }
        let _ = self.begun.set((Instant::now(), binder.clone().unbind()));
        binder.get().arguments(py, &direct.values).map(|(values, _)| values)
    }

    /// The whole body, once, if it has come; otherwise `receive` has its pieces.
    fn body<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let body = self.with(PluginSide::whole_body)?;
        Ok(body.map(|body| PyBytes::new(py, &body)))
    }

    /// What the handler returned as JSON; `None` if that is not plain.
    fn json<'py>(&self, result: &Bound<'py, PyAny>) -> Option<Bound<'py, PyBytes>> {
        let (_, binder) = self.begun.get()?;
        let body = binder.get().plain.written(result)?;
        Some(PyBytes::new(result.py(), &body))
    }

    /// Sends a whole answer; the call goes on.
    fn respond(
        &self,
        status: u16,
        headers: &Bound<'_, PyAny>,
        body: PyBackedBytes,
    ) -> PyResult<()> {
        let head = ResponseHead { status: status_of(status)?, headers: headers_of(headers)? };
        self.whole(head, Bytes::from_owner(body), Instant::now())
    }

    /// Answers with JSON bytes and ends the call.
    fn answer(&self, status: u16, body: PyBackedBytes) -> PyResult<()> {
        self.reply(status, Bytes::from_owner(body), Instant::now())
    }

    /// Sends all answers that are held, before work that may take its time.
    fn release(&self) {
        wakes::release();
    }

    /// The ASGI connection scope. With `files` it says that [`send_file`](Self::send_file) may be used, unless the answer
    /// has a reader of events.
    #[pyo3(signature = (files=false))]
    fn scope<'py>(&self, py: Python<'py>, files: bool) -> PyResult<Bound<'py, PyDict>> {
        let (request, has_events) =
            self.with(|side| (side.requested(), side.emitter().has_events()))?;
        let scope = scope::of(py, request.head())?;
        if files && !has_events {
            scope::add_files(&scope)?;
        }
        Ok(scope)
    }

    /// The next ASGI message for the application, or `None` if it has to wait until it is woken.
    fn receive<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let received = match self.with(PluginSide::receive) {
            Ok(received) => received,
            // An application may listen for the disconnect longer than the request lives.
            Err(_) => Received::Disconnected,
        };
        let message = PyDict::new(py);
        match received {
            Received::Pending => return Ok(None),
            Received::Chunk(bytes, more) => {
                message.set_item(intern!(py, "type"), intern!(py, "http.request"))?;
                message.set_item(intern!(py, "body"), PyBytes::new(py, &bytes))?;
                message.set_item(intern!(py, "more_body"), more)?;
            }
            Received::Disconnected => {
                message.set_item(intern!(py, "type"), intern!(py, "http.disconnect"))?;
            }
        }
        Ok(Some(message))
    }

    /// Starts the answer.
    fn start(&self, status: u16, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let head = ResponseHead { status: status_of(status)?, headers: headers_of(headers)? };
        self.started.store(true, Ordering::Relaxed);
        self.with(|side| side.respond(head))
    }

    /// Sends a piece of the answer's body; false if the application should wait before the next.
    fn write(&self, body: PyBackedBytes, more: bool) -> PyResult<bool> {
        let (room, waker) = self.with(|side| side.write_held(Bytes::from_owner(body), more))?;
        if let Some(waker) = waker {
            wakes::wake(waker, Instant::now(), self.last && !more);
        }
        Ok(room)
    }

    /// Sends a file as the body of the answer; a short one is read before it returns.
    fn send_file(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        if self.with(|side| side.emitter().has_events())? {
            return Err(PyRuntimeError::new_err(
                "the scope does not offer `http.response.pathsend`",
            ));
        }
        let length = self.with(PluginSide::announced_length)?;
        match file::open(py, &path, length)? {
            Opened::Short(content) => self.with(|side| side.write(content, false)).map(drop),
            Opened::Long(file) => self.with(|side| side.send_file(file)),
        }
    }

    /// True once nothing is left for the application to do: all of the answer was taken, or the client went away.
    fn is_sent(&self) -> PyResult<bool> {
        let is_sent = self.with(PluginSide::is_sent).unwrap_or(Ok(true));
        is_sent.map_err(|error| PyOSError::new_err(error.to_string()))
    }

    /// True while the application should wait.
    fn is_full(&self) -> bool {
        self.with(PluginSide::is_full).unwrap_or(false)
    }

    /// Ends the call; an answer that is not whole is aborted.
    fn close(&self) {
        self.side.lock().unwrap_or_else(PoisonError::into_inner).take();
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(trace) = held.as_ref().and_then(|held| held.trace.as_ref()) {
            trace.handled();
        }
        // Outside of the lock: another call may be admitted.
        drop(held);
    }
}
