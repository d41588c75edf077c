//! Initializing CPython as the venv's interpreter, and ending the process.

use std::ffi::{CStr, CString};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use skills_daemon::failure::Failure;
use skills_daemon::paths::Paths;
use skills_daemon::settings::Settings;
use skills_daemon::venv;
use tracing_appender::non_blocking::WorkerGuard;

use crate::{
    binder, board, bug, call, console, crash, dispatcher, ending, executed, forms, inbox, log,
    memory, pool, socket, starter, writes,
};

/// Holds the log's writers until [`exit`].
static LOG: Mutex<Vec<WorkerGuard>> = Mutex::new(Vec::new());

/// Keeps `guards` until the process ends.
pub(crate) fn keep_until_exit(guards: Vec<WorkerGuard>) {
    if let Ok(mut kept) = LOG.lock() {
        *kept = guards;
    }
}

/// Writes out the log and ends the process without waiting for any thread.
pub(crate) fn exit(status: i32) -> ! {
    if let Ok(mut kept) = LOG.lock() {
        kept.clear();
    }
    // SAFETY: `_exit` ends the process at once. Nothing in it needs destructors: files are written, sockets gone.
    unsafe { nix::libc::_exit(status) }
}

/// `X.Y.Z` of the library that was loaded.
pub(crate) fn version() -> String {
    // SAFETY: returns a static string; needs neither an interpreter nor the GIL.
    let text = unsafe { CStr::from_ptr(ffi::Py_GetVersion()) };
    text.to_string_lossy().split_whitespace().next().unwrap_or_default().to_owned()
}

/// Checks that the loader took the library it was meant to take.
pub(crate) fn check_library(expected: &Path) -> Result<(), Failure> {
    // Only Linux lists what is mapped; elsewhere the version in the venv's stamp is the check.
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return Ok(()) };
    let loaded = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| path.contains("/libpython3."));
    let expected = fs::canonicalize(expected).unwrap_or_else(|_| expected.to_owned());
    match loaded {
        Some(loaded) if fs::canonicalize(loaded).ok().as_ref() != Some(&expected) => {
            Err(Failure::environment(format!(
                "the loader took {loaded} instead of {}",
                expected.display()
            ))
            .hint("Look for an LD_PRELOAD or a library path that names another Python."))
        }
        _ => Ok(()),
    }
}

/// Initializes CPython as the interpreter `venv_python`, with `python_dir` in front of its path, and lets the GIL
/// go.
///
/// `venv_python` is that of one generation, not of the link to the live one: a swap must not mix two in this process.
/// Called once, by the main thread, before any other thread is started that may attach.
pub(crate) fn initialize(
    paths: &Paths,
    venv_python: &Path,
    python_dir: &Path,
    settings: &Settings,
    address: SocketAddr,
) -> Result<(), Failure> {
    start_interpreter(venv_python)?;
    // Attaches the main thread, which gives the GIL back at the end of the closure.
    Python::attach(|py| set_up(py, paths, python_dir, settings, address))
        .map_err(|error| bug("the embedded Python cannot be set up", &error))
}

fn set_up(
    py: Python<'_>,
    paths: &Paths,
    python_dir: &Path,
    settings: &Settings,
    address: SocketAddr,
) -> PyResult<()> {
    let sys = py.import("sys")?;
    let stdlib = py.import("os")?.getattr("__file__")?.extract::<PathBuf>()?;
    let tag: String = sys.getattr("implementation")?.getattr("cache_tag")?.extract()?;
    if let Err(error) =
        venv::link_stdlib(&paths.pycache(), stdlib.parent().unwrap_or(&stdlib), &tag)
    {
        tracing::debug!(%error, "the standard library is compiled again");
    }
    // Bytecode of plugins and of the venv goes to the cache: nothing is written beside their files.
    sys.setattr("pycache_prefix", paths.pycache().as_os_str())?;
    sys.getattr("path")?.call_method1("insert", (0, python_dir.as_os_str()))?;
    let environ = py.import("os")?.getattr("environ")?;
    environ.set_item(skills_daemon::environment::RUNTIME_DIR, paths.runtime.as_os_str())?;
    py.import("faulthandler")?.call_method0("enable")?;

    writes::watch(py);

    let module = PyModule::new(py, "_skills_host")?;
    module.add_class::<binder::Binder>()?;
    module.add_class::<board::Board>()?;
    module.add_class::<call::Call>()?;
    module.add_class::<console::Console>()?;
    module.add_class::<dispatcher::Dispatcher>()?;
    module.add_class::<ending::Ending>()?;
    module.add_class::<executed::Executed>()?;
    module.add_class::<inbox::Inbox>()?;
    module.add_class::<inbox::Reply>()?;
    module.add_class::<pool::Pool>()?;
    module.add_class::<socket::Socket>()?;
    module.add_class::<starter::Starter>()?;
    module.add_function(wrap_pyfunction!(log::log, &module)?)?;
    module.add_function(wrap_pyfunction!(forms::parse_form, &module)?)?;
    module.add_function(wrap_pyfunction!(crate::json::to_json, &module)?)?;
    module.add_function(wrap_pyfunction!(crash::slot, &module)?)?;
    module.add_function(wrap_pyfunction!(crash::carry, &module)?)?;
    module.add_function(wrap_pyfunction!(crash::exiting, &module)?)?;
    module.add_function(wrap_pyfunction!(trim, &module)?)?;
    module.add("settings", shown(py, settings, address)?)?;
    sys.getattr("modules")?.set_item("_skills_host", &module)?;

    let log_level = settings.log_level.value.to_string();
    py.import("skills_host.log")?.call_method1("install", (log_level,))?;
    py.import("skills_host.exits")?.call_method0("install")?;
    py.import("skills_host.collector")?.call_method0("relax")?;
    py.import("skills_host.threads")?.call_method0("attribute")?;
    py.import("skills_host.cleanup")?.call_method0("watch")?;
    Ok(())
}

/// Gives memory that was freed back to the system; detached.
#[pyfunction]
fn trim(py: Python<'_>) {
    py.detach(memory::trim);
}

/// The settings that plugins see as `skills_daemon.config`, under their names in `config.toml`.
fn shown<'py>(
    py: Python<'py>,
    settings: &Settings,
    address: SocketAddr,
) -> PyResult<Bound<'py, PyDict>> {
    let shown = PyDict::new(py);
    shown.set_item("host", address.ip().to_string())?;
    shown.set_item("port", address.port())?;
    shown.set_item("timeout", settings.idle_timeout.value.0)?;
    shown.set_item("shutdown_timeout", settings.shutdown_timeout.value.0)?;
    shown.set_item("log_level", settings.log_level.value.to_string())?;
    Ok(shown)
}

/// Starts the interpreter and releases the GIL of the calling thread.
fn start_interpreter(venv_python: &Path) -> Result<(), Failure> {
    let failed = |what: &str, status: &ffi::PyStatus| {
        let message = if status.err_msg.is_null() {
            "no reason given".into()
        } else {
            // SAFETY: a status's message, where it is not null, is a static string.
            unsafe { CStr::from_ptr(status.err_msg) }.to_string_lossy()
        };
        Failure::environment(format!("CPython {what}: {message}"))
            .hint("Run `skills-daemon doctor`.")
    };
    let program = CString::new(venv_python.as_os_str().as_bytes())
        .map_err(|_| Failure::environment("the runtime directory's path holds a NUL byte"))?;
    // SAFETY: the configuration is initialized before any field is used and cleared on every way out; strings
    // are copied by CPython; no interpreter exists yet, and no other thread uses the Python API. Initializing
    // leaves this thread attached, and `PyEval_SaveThread` detaches it, so that others can attach.
    unsafe {
        let mut config: ffi::PyConfig = std::mem::zeroed();
        ffi::PyConfig_InitPythonConfig(&mut config);
        config.install_signal_handlers = 0;
        config.parse_argv = 0;
        config.use_environment = 0;
        config.user_site_directory = 0;
        // CPython finds `pyvenv.cfg` by the program's name, as the venv's own interpreter does.
        let mut status = ffi::PyConfig_SetBytesString(
            &mut config,
            &raw mut config.program_name,
            program.as_ptr(),
        );
        if ffi::PyStatus_Exception(status) == 0 {
            status = ffi::Py_InitializeFromConfig(&config);
        }
        ffi::PyConfig_Clear(&mut config);
        if ffi::PyStatus_Exception(status) != 0 {
            return Err(failed("does not start", &status));
        }
        ffi::PyEval_SaveThread();
    }
    Ok(())
}

/// Runs what plugins registered with `atexit`, on a thread that is left behind if it does not return.
pub(crate) fn run_exit_functions() {
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(2);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // Attaches this thread alone, which nothing waits for longer than the limit.
        let outcome =
            Python::attach(|py| py.import("atexit")?.call_method0("_run_exitfuncs").map(drop));
        if let Err(error) = outcome {
            tracing::warn!(%error, "an exit function failed");
        }
        let _ = sender.send(());
    });
    if receiver.recv_timeout(LIMIT).is_err() {
        tracing::warn!("exit functions did not return in {} s", LIMIT.as_secs());
    }
}
