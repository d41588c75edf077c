//! The ASGI connection scope of a request or a WebSocket.

use http::{Version, header};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use skills_daemon::exchange::head::RequestHead;

/// Lets an application answer with a path instead of a file's content: the extension `http.response.pathsend`.
pub(crate) fn add_files(scope: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = scope.py();
    let extensions = PyDict::new(py);
    extensions.set_item(intern!(py, "http.response.pathsend"), PyDict::new(py))?;
    scope.set_item(intern!(py, "extensions"), extensions)
}

/// Returns the scope of a request with `head`, as a server of ASGI 3 makes it. On the plugin's thread.
pub(crate) fn of<'py>(py: Python<'py>, head: &RequestHead) -> PyResult<Bound<'py, PyDict>> {
    let scope = connection(py, head, intern!(py, "2.3"))?;
    scope.set_item(intern!(py, "type"), intern!(py, "http"))?;
    scope.set_item(intern!(py, "method"), head.method.as_str())?;
    scope.set_item(intern!(py, "scheme"), intern!(py, "http"))?;
    Ok(scope)
}

/// Returns the scope of a request for a WebSocket. On the plugin's thread.
pub(crate) fn of_socket<'py>(py: Python<'py>, head: &RequestHead) -> PyResult<Bound<'py, PyDict>> {
    let scope = connection(py, head, intern!(py, "2.4"))?;
    scope.set_item(intern!(py, "type"), intern!(py, "websocket"))?;
    scope.set_item(intern!(py, "scheme"), intern!(py, "ws"))?;
    let offered = head.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let subprotocols = PyList::empty(py);
    for value in offered.iter().filter_map(|value| value.to_str().ok()) {
        for subprotocol in value.split(',') {
            subprotocols.append(subprotocol.trim())?;
        }
    }
    scope.set_item(intern!(py, "subprotocols"), subprotocols)?;
    let extensions = PyDict::new(py);
    extensions.set_item(intern!(py, "websocket.http.response"), PyDict::new(py))?;
    scope.set_item(intern!(py, "extensions"), extensions)?;
    Ok(scope)
}

/// What the scopes of all connections have.
fn connection<'py>(
    py: Python<'py>,
    head: &RequestHead,
    spec_version: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyDict>> {
    let asgi = PyDict::new(py);
    asgi.set_item(intern!(py, "version"), intern!(py, "3.0"))?;
    asgi.set_item(intern!(py, "spec_version"), spec_version)?;
    let headers = PyList::empty(py);
    for (name, value) in &head.headers {
        let name = PyBytes::new(py, name.as_str().as_bytes());
        headers.append((name, PyBytes::new(py, value.as_bytes())))?;
    }
    let version = if head.version == Version::HTTP_10 { "1.0" } else { "1.1" };
    let scope = PyDict::new(py);
    scope.set_item(intern!(py, "asgi"), asgi)?;
    scope.set_item(intern!(py, "http_version"), version)?;
    scope.set_item(intern!(py, "path"), head.target.path())?;
    scope.set_item(intern!(py, "raw_path"), PyBytes::new(py, head.target.raw_path().as_bytes()))?;
    scope
        .set_item(intern!(py, "query_string"), PyBytes::new(py, head.target.query().as_bytes()))?;
    scope.set_item(intern!(py, "root_path"), intern!(py, ""))?;
    scope.set_item(intern!(py, "headers"), headers)?;
    let client = head.client.map(|client| (client.ip().to_string(), client.port()));
    scope.set_item(intern!(py, "client"), client)?;
    scope.set_item(intern!(py, "server"), head.server)?;
    Ok(scope)
}
