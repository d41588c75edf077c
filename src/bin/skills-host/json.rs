//! Plain Python values as JSON bytes, straight from the objects.
//!
//! Only exact instances of `dict` (with `str` keys), `list`, `tuple`, `str`, `int`, `float`, `bool` and `None` are
//! plain; at anything else, and at what `json.dumps` refuses or would not write so, [`write`] gives up and the
//! plan's own encoder decides. Nothing here runs Python code, so objects cannot change while they are read.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// A plain value as JSON, as FastAPI's encoder and its default response write it; `None` if it is not plain. On any thread.
#[pyfunction]
pub(crate) fn to_json<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyBytes>> {
    let mut out = Vec::with_capacity(256);
    write(&mut out, value, true).is_ok().then(|| PyBytes::new(value.py(), &out))
}

/// Deeper nesting is left to Python, which detects cycles.
const DEPTH_MAX: usize = 64;

/// A value that is not plain.
pub(crate) struct NotPlain;

/// Appends `value` to `out`; with `as_encoder`, without the keys that FastAPI's encoder leaves out.
pub(crate) fn write(
    out: &mut Vec<u8>,
    value: &Bound<'_, PyAny>,
    as_encoder: bool,
) -> Result<(), NotPlain> {
    Writer { out, as_encoder }.value(value, 0)
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    as_encoder: bool,
}

impl Writer<'_> {
    fn value(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), NotPlain> {
        if depth > DEPTH_MAX {
            return Err(NotPlain);
        }
        if let Ok(text) = value.cast_exact::<PyString>() {
            return self.text(text);
        }
        if let Ok(number) = value.cast_exact::<PyInt>() {
            let number: i64 = number.extract().map_err(|_| NotPlain)?;
            let mut buffer = itoa::Buffer::new();
            self.out.extend_from_slice(buffer.format(number).as_bytes());
            return Ok(());
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            return self.dict(dict, depth);
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            return self.items(list.iter(), depth);
        }
        if let Ok(number) = value.cast_exact::<PyFloat>() {
            let number = number.value();
            // Python writes these with an exponent of its own style, or refuses them.
            let plain = number == 0.0 || (1e-4..1e16).contains(&number.abs());
            if !plain {
                return Err(NotPlain);
            }
            let mut buffer = ryu::Buffer::new();
            self.out.extend_from_slice(buffer.format_finite(number).as_bytes());
            return Ok(());
        }
        if let Ok(truth) = value.cast_exact::<PyBool>() {
            self.out.extend_from_slice(if truth.is_true() { b"true" } else { b"false" });
            return Ok(());
        }
        if value.is_none() {
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        match value.cast_exact::<PyTuple>() {
            Ok(tuple) => self.items(tuple.iter(), depth),
            Err(_) => Err(NotPlain),
        }
    }

    fn items<'py>(
        &mut self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        depth: usize,
    ) -> Result<(), NotPlain> {
        self.out.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.value(&item, depth + 1)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn dict(&mut self, dict: &Bound<'_, PyDict>, depth: usize) -> Result<(), NotPlain> {
        self.out.push(b'{');
        let mut first = true;
        for (key, value) in dict {
            let key = key.cast_exact::<PyString>().map_err(|_| NotPlain)?;
            if self.as_encoder && key.to_str().map_err(|_| NotPlain)?.starts_with("_sa") {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            self.text(key)?;
            self.out.push(b':');
            self.value(&value, depth + 1)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn text(&mut self, text: &Bound<'_, PyString>) -> Result<(), NotPlain> {
        // Fails for lone surrogates, as encoding the answer would.
        let text = text.to_str().map_err(|_| NotPlain)?.as_bytes();
        self.out.push(b'"');
        let mut start = 0;
        for (index, byte) in text.iter().enumerate() {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                0x08 => b"\\b",
                0x0c => b"\\f",
                0x00..0x20 => b"",
                _ => continue,
            };
            self.out.extend_from_slice(&text[start..index]);
            start = index + 1;
            if escape.is_empty() {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                self.out.extend_from_slice(b"\\u00");
                self.out.push(HEX[usize::from(byte >> 4)]);
                self.out.push(HEX[usize::from(byte & 15)]);
            } else {
                self.out.extend_from_slice(escape);
            }
        }
        self.out.extend_from_slice(&text[start..]);
        self.out.push(b'"');
        Ok(())
    }
}
