//! From bound values to the keyword arguments of a handler, and from its result to JSON.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use skills_daemon::routes::Argument;
use skills_daemon::scheduling::hold::Pace;

use crate::json;

/// What turns bound values into keyword arguments and results into answers; made once per plan by
/// `skills_host.plan`.
#[pyclass(frozen, module = "_skills_host")]
pub(crate) struct Binder {
    parameters: Vec<Parameter>,
    /// HTTP status of an answer that is no `Response`.
    pub(crate) status: u16,
    /// Which results may be written as they are.
    pub(crate) plain: Plain,
    /// The pace of the handler.
    pub(crate) pace: Pace,
}

/// Which results of plain JSON values may be written as they are.
#[derive(Clone, Copy)]
pub(crate) enum Plain {
    /// Any.
    Any,
    /// A `dict`.
    Dict,
    /// Any, but without the keys that FastAPI's encoder leaves out.
    Encoder,
    /// None.
    Nothing,
}

impl Plain {
    /// The JSON of a result, if it may be written and is plain.
    pub(crate) fn written(self, result: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
        let as_encoder = match self {
            Plain::Any => false,
            Plain::Dict if result.is_exact_instance_of::<PyDict>() => false,
            Plain::Encoder => true,
            Plain::Dict | Plain::Nothing => return None,
        };
        let mut body = Vec::with_capacity(256);
        json::write(&mut body, result, as_encoder).is_ok().then_some(body)
    }
}

struct Parameter {
    name: Py<PyString>,
    /// The default that all requests share, if there is no `default`.
    constant: Py<PyAny>,
    /// Makes a default of its own for each request.
    default: Option<Py<PyAny>>,
    choices: Vec<Py<PyAny>>,
    /// Returns `(value, errors)`.
    validate: Option<Py<PyAny>>,
}

/// `(name, constant, default, choices, validate)` of one parameter.
type Parts = (Py<PyString>, Py<PyAny>, Option<Py<PyAny>>, Vec<Py<PyAny>>, Option<Py<PyAny>>);

#[pymethods]
impl Binder {
    #[new]
    fn new(parameters: Vec<Parts>, status: u16, plain: Option<&str>) -> PyResult<Binder> {
        let plain = match plain {
            Some("any") => Plain::Any,
            Some("dict") => Plain::Dict,
            Some("encoder") => Plain::Encoder,
            None => Plain::Nothing,
            Some(other) => {
                return Err(PyValueError::new_err(format!("`{other}` is no kind of result")));
            }
        };
        let parameters = parameters
            .into_iter()
            .map(|(name, constant, default, choices, validate)| Parameter {
                name,
                constant,
                default,
                choices,
                validate,
            })
            .collect();
        Ok(Binder { parameters, status, plain, pace: Pace::default() })
    }
}

impl Binder {
    /// The keyword arguments, without those that are not bound or do not satisfy their validator; and whether all are
    /// there.
    pub(crate) fn arguments<'py>(
        &self,
        py: Python<'py>,
        values: &[Argument],
    ) -> PyResult<(Bound<'py, PyDict>, bool)> {
        let arguments = PyDict::new(py);
        let mut is_complete = true;
        for (parameter, value) in self.parameters.iter().zip(values) {
            let name = parameter.name.bind(py);
            match value {
                Argument::Str(text) => arguments.set_item(name, text)?,
                Argument::Int(number) => arguments.set_item(name, number)?,
                Argument::Float(number) => arguments.set_item(name, number)?,
                Argument::Bool(truth) => arguments.set_item(name, truth)?,
                Argument::Choice(number) => {
                    arguments.set_item(name, &parameter.choices[*number])?
                }
                Argument::Default => match &parameter.default {
                    Some(make) => arguments.set_item(name, make.call0(py)?)?,
                    None => arguments.set_item(name, &parameter.constant)?,
                },
                Argument::Text(text) | Argument::Json(text) => {
                    match parameter.checked(PyString::new(py, text).into_any())? {
                        Some(value) => arguments.set_item(name, value)?,
                        None => is_complete = false,
                    }
                }
                Argument::Texts(texts) => {
                    match parameter.checked(PyList::new(py, texts)?.into_any())? {
                        Some(value) => arguments.set_item(name, value)?,
                        None => is_complete = false,
                    }
                }
                Argument::Unbound => is_complete = false,
            }
        }
        Ok((arguments, is_complete))
    }
}

impl Parameter {
    /// What the validator makes of `value`, or `None` if it refuses it.
    fn checked<'py>(&self, value: Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(validate) = &self.validate else { return Ok(None) };
        let outcome = validate.bind(value.py()).call1((value,))?;
        let outcome = outcome.cast_into::<PyTuple>()?;
        let errors = outcome.get_item(1)?;
        Ok(if errors.is_truthy()? { None } else { Some(outcome.get_item(0)?) })
    }
}
