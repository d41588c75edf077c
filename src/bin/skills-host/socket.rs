//! A WebSocket as a Python object: its scope, its messages and its end.
//!
//! All methods run on the plugin's thread with the GIL held, and none of them waits.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyString};
use skills_daemon::exchange::Emitted;
use skills_daemon::exchange::head::ResponseHead;
use skills_daemon::exchange::messages::{Close, Message, Taken};

use crate::call::Call;
use crate::headers::headers_of;
use crate::{scope, wakes};

/// From this size on, bytes are sent from where Python has them.
const SHARED_MIN: usize = 4 << 10;

/// The WebSocket of a call.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Socket(Py<Call>);

impl Socket {
    fn send(&self, message: Message) -> Option<bool> {
        match self.0.get().with(|side| side.send(message)).unwrap_or(Emitted::Dropped) {
            Emitted::Sent => Some(true),
            Emitted::Full => Some(false),
            Emitted::Dropped => None,
        }
    }
}

#[pymethods]
impl Socket {
    /// The WebSocket of a call that asks for one.
    #[new]
    fn new(call: Py<Call>) -> Socket {
        Socket(call)
    }

    /// A new ASGI connection scope.
    fn scope<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        wakes::release();
        let request = self.0.get().with(|side| side.requested())?;
        scope::of_socket(py, request.head())
    }

    /// Accepts the connection, with a subprotocol and other headers; false if it has ended.
    fn accept(&self, subprotocol: Option<&str>, headers: &Bound<'_, PyAny>) -> PyResult<bool> {
        let mut map = headers_of(headers)?;
        if let Some(subprotocol) = subprotocol.filter(|subprotocol| !subprotocol.is_empty()) {
            let value = HeaderValue::try_from(subprotocol)
                .map_err(|_| PyValueError::new_err("a subprotocol is not valid HTTP"))?;
            map.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        let head = ResponseHead { status: StatusCode::SWITCHING_PROTOCOLS, headers: map };
        self.0.get().with(|side| side.accept(head))
    }

    /// The next message of the client as one of ASGI, or `None` if the application has to wait until it is woken.
    fn receive<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let taken = self.0.get().with(|side| side.take());
        let message = PyDict::new(py);
        let kind = intern!(py, "type");
        match taken.unwrap_or_else(|_| Taken::Closed(Close::abnormal())) {
            Taken::Pending => return Ok(None),
            Taken::Message(Message::Text(text)) => {
                message.set_item(kind, intern!(py, "websocket.receive"))?;
                let text = PyString::new(py, &String::from_utf8_lossy(&text));
                message.set_item(intern!(py, "text"), text)?;
            }
            Taken::Message(Message::Binary(bytes)) => {
                message.set_item(kind, intern!(py, "websocket.receive"))?;
                message.set_item(intern!(py, "bytes"), PyBytes::new(py, &bytes))?;
            }
            Taken::Closed(Close { code, reason }) => {
                message.set_item(kind, intern!(py, "websocket.disconnect"))?;
                message.set_item(intern!(py, "code"), code)?;
                if let Some(reason) = reason {
                    message.set_item(intern!(py, "reason"), reason)?;
                }
            }
        }
        Ok(Some(message))
    }

    /// Sends text; false if the application should wait before the next message, `None` once the connection has ended.
    fn send_text(&self, text: &str) -> Option<bool> {
        self.send(Message::Text(Bytes::copy_from_slice(text.as_bytes())))
    }

    /// Sends bytes, as [`send_text`](Self::send_text) sends text.
    fn send_bytes(&self, data: PyBackedBytes) -> Option<bool> {
        let bytes = match data.len() < SHARED_MIN {
            true => Bytes::copy_from_slice(&data),
            false => Bytes::from_owner(data),
        };
        self.send(Message::Binary(bytes))
    }

    /// Closes the connection after all that was sent; false if it was lost before.
    fn close(&self, code: u16, reason: String) -> bool {
        let close = Close { code, reason: Some(reason) };
        self.0.get().with(|side| side.shut(close)).unwrap_or(false)
    }
}
