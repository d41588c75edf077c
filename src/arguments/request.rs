//! A reading of the line as the request that is sent.

use serde_json::{Map, Value};

use crate::description::{Location, Parameter};
use crate::failure::Failure;
use crate::wire::Input;

use super::choice::{Reading, takes_any_field};
use super::typed::{Given, Typing};
use super::value;
use super::{Invocation, input};
use crate::nearest::nearest;

/// The request that `reading` means; `method` decides by hand.
pub(super) fn invocation(
    reading: &Reading,
    inputs: &[Input],
    method: Option<String>,
) -> Result<Invocation, Failure> {
    let mut request = Request {
        inputs,
        sent: Vec::new(),
        body: takes_fields(reading).then(Map::new),
        warnings: Vec::new(),
    };
    for typing in &reading.typed.options {
        match typing.parameter {
            Some(parameter) => request.known(parameter, typing)?,
            None => request.unknown(reading, typing)?,
        }
    }
    for (parameter, values) in &reading.filled {
        for text in values {
            request.give(parameter, value::plain(parameter, text), value::json(parameter, text));
        }
    }
    Ok(request.into_invocation(reading, method))
}

/// True if a body is sent even without a field: its declared fields may all have defaults.
fn takes_fields(reading: &Reading) -> bool {
    reading.command.has_body && !takes_any_field(reading.command)
}

struct Request<'a> {
    inputs: &'a [Input],
    /// Where, name, value; in the order of typing.
    sent: Vec<(Location, String, String)>,
    body: Option<Map<String, Value>>,
    warnings: Vec<String>,
}

impl Request<'_> {
    fn known(&mut self, parameter: &Parameter, typing: &Typing) -> Result<(), Failure> {
        let (plain, json) = match typing.given {
            Given::Text(text) if value::is_free(parameter) => {
                let text = input::meant(typing, text, self.inputs)?;
                // The plugin only sees that a text is no object, not why.
                if let Some(error) = value::json_error(parameter, text) {
                    let spelling = typing.spelling;
                    self.warnings.push(format!("'{spelling}' is no JSON: {error}"));
                }
                (value::plain(parameter, text), value::json(parameter, text))
            }
            Given::Text(text) => (value::plain(parameter, text), value::json(parameter, text)),
            Given::Negated => (value::python_bool(false).to_owned(), Value::Bool(false)),
            Given::Alone => {
                if !value::is_boolean(parameter) {
                    let spelling = typing.spelling;
                    self.warnings.push(format!("'{spelling}' has no value, 'True' is sent"));
                }
                (value::python_bool(true).to_owned(), Value::Bool(true))
            }
        };
        self.give(parameter, plain, json);
        Ok(())
    }

    /// Sets a parameter: another value for a list, the last one wins otherwise.
    fn give(&mut self, parameter: &Parameter, plain: String, json: Value) {
        let name = &parameter.name;
        match parameter.location {
            // The path has it already.
            Location::Path => {}
            Location::Body => {
                let body = self.body.get_or_insert_default();
                match (json, body.get_mut(name)) {
                    (Value::Array(more), Some(Value::Array(list))) if value::is_list(parameter) => {
                        list.extend(more);
                    }
                    (json, _) => {
                        body.insert(name.clone(), json);
                    }
                }
            }
            location => self.send(location, name.clone(), plain, value::is_list(parameter)),
        }
    }

    /// Unknown options are sent all the same; the body takes them if it takes any field.
    fn unknown(&mut self, reading: &Reading, typing: &Typing) -> Result<(), Failure> {
        let name = typing.name().replace('-', "_");
        if takes_any_field(reading.command)
            && let Given::Text(text) = typing.given
        {
            let meant = input::meant(typing, text, self.inputs)?;
            if meant != text {
                self.body.get_or_insert_default().insert(name, Value::from(meant));
                return Ok(());
            }
        }
        let (plain, json) = match typing.given {
            // One-letter options have always been sent as they are.
            Given::Text(text) if typing.is_short() => (text.to_owned(), Value::from(text)),
            Given::Text(text) => (value::normalized(text), value::json_of_unknown(text)),
            Given::Alone | Given::Negated => {
                (value::python_bool(true).to_owned(), Value::Bool(true))
            }
        };
        if takes_any_field(reading.command) {
            self.body.get_or_insert_default().insert(name, json);
            return Ok(());
        }
        let names = reading.command.parameters.iter().map(|parameter| parameter.name.as_str());
        let mut warning = format!("Unknown parameter '{}'", typing.spelling);
        if let Some(meant) = nearest(typing.name(), names) {
            warning.push_str(&format!(". Did you mean '--{meant}'?"));
        }
        self.warnings.push(warning);
        self.send(Location::Query, name, plain, false);
        Ok(())
    }

    fn send(&mut self, location: Location, name: String, value: String, again: bool) {
        let before = self.sent.iter_mut().find(|sent| sent.0 == location && sent.1 == name);
        match before {
            Some(sent) if !again => sent.2 = value,
            _ => self.sent.push((location, name, value)),
        }
    }

    fn into_invocation(self, reading: &Reading, method: Option<String>) -> Invocation {
        let mut invocation = Invocation {
            method: method.unwrap_or_else(|| reading.command.method.clone()),
            segments: reading.fit.segments.clone(),
            body: self.body.map(Value::Object),
            warnings: self.warnings,
            ..Invocation::default()
        };
        let mut cookies = Vec::new();
        for (location, name, value) in self.sent {
            match location {
                Location::Header => invocation.headers.push((name, value)),
                Location::Cookie => cookies.push(format!("{name}={value}")),
                Location::Query | Location::Path | Location::Body => {
                    invocation.query.push((name, value));
                }
            }
        }
        if !cookies.is_empty() {
            invocation.headers.push(("cookie".to_owned(), cookies.join("; ")));
        }
        invocation
    }
}
