//! The chosen reading of a line turned into a call.

use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};

use crate::command::{BODY, Location, Parameter};
use crate::description::Description;
use crate::exchange::request::Composed;
use crate::failure::{Failure, Kind};
use crate::nearest::nearest;

use super::choice::Reading;
use super::input::Meant;
use super::parsed::{OptionValue, ParsedOption};
use super::{Line, Resolved, Stdin, input, output, path, stream, timeout, value};

/// Returns the call of `reading`; `method` is that of `-X`.
pub(super) fn resolved(
    description: &Description,
    reading: &Reading,
    line: &Line,
    method: Option<Method>,
) -> Result<Resolved, Failure> {
    let mut request = Request {
        line,
        sent: Vec::new(),
        body: takes_fields(reading).then(Map::new),
        whole_body: None,
        warnings: Vec::new(),
        lacks_text: false,
    };
    for option in &reading.typed.options {
        match option.parameter {
            Some(parameter) => request.set_declared(parameter, option)?,
            None => request.send_unknown(reading, option)?,
        }
    }
    for (parameter, values) in &reading.filled {
        for text in values {
            let text = path::absolute(parameter, text, line.directory);
            request.give(parameter, value::plain(parameter, &text), value::json(parameter, &text));
        }
    }
    request.add_default_paths(reading);
    request.into_resolved(description, reading, method)
}

/// True if a body is sent even without a field: its declared fields may all have defaults.
fn takes_fields(reading: &Reading) -> bool {
    let command = reading.command;
    command.has_body && command.body.is_none() && !command.takes_any_field()
}

/// A request under construction.
struct Request<'a> {
    line: &'a Line<'a>,
    /// Where, name, value; in the order of the line.
    sent: Vec<(Location, String, String)>,
    body: Option<Map<String, Value>>,
    /// A JSON body that is no object.
    whole_body: Option<Value>,
    warnings: Vec<String>,
    /// The text on stdin is needed, and was not read yet.
    lacks_text: bool,
}

impl Request<'_> {
    /// Sets the parameter that `option` names.
    fn set_declared(
        &mut self,
        parameter: &Parameter,
        option: &ParsedOption,
    ) -> Result<(), Failure> {
        let (plain, json) = match option.given {
            OptionValue::Text(text) if value::is_free(parameter) => {
                let text = self.meant(option, text)?;
                // The plugin's own error names the type, not the position of the mistake.
                if let Some(error) = value::json_error(parameter, text) {
                    let spelling = option.spelling;
                    self.warnings.push(format!("'{spelling}' is not JSON: {error}"));
                }
                let text = path::absolute(parameter, text, self.line.directory);
                (value::plain(parameter, &text), value::json(parameter, &text))
            }
            OptionValue::Text(text) => {
                (value::plain(parameter, text), value::json(parameter, text))
            }
            OptionValue::Negated => (value::python_bool(false).to_owned(), Value::Bool(false)),
            OptionValue::Flag => {
                if !value::is_boolean(parameter) {
                    let spelling = option.spelling;
                    self.warnings.push(format!("'{spelling}' has no value, 'True' is sent"));
                }
                (value::python_bool(true).to_owned(), Value::Bool(true))
            }
        };
        self.give(parameter, plain, json);
        Ok(())
    }

    /// Returns what `text` stands for.
    fn meant<'a>(&mut self, option: &ParsedOption, text: &'a str) -> Result<&'a str, Failure>
    where
        Self: 'a,
    {
        match input::meant(option, text, self.line.inputs)? {
            Meant::Text(text) => Ok(text),
            Meant::Unread => {
                self.lacks_text = true;
                Ok("")
            }
        }
    }

    /// Sets a parameter: adds a value to a list, replaces any other.
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

    /// Sends defaults that are relative paths as paths in the caller's directory.
    fn add_default_paths(&mut self, reading: &Reading) {
        let is_given = |parameter: &Parameter| {
            reading.typed.names(parameter)
                || reading.filled.iter().any(|(filled, _)| *filled == parameter)
        };
        for parameter in reading.command.parameters.iter().filter(|each| !is_given(each)) {
            if let Some(text) = path::default(parameter, self.line.directory) {
                self.give(parameter, text.clone(), Value::String(text));
            }
        }
    }

    /// Sends an undeclared option, in the body if that takes any field, else in the query with a warning.
    fn send_unknown(&mut self, reading: &Reading, option: &ParsedOption) -> Result<(), Failure> {
        let takes_any_field = reading.command.takes_any_field();
        let name = option.name().replace('-', "_");
        if reading.command.body.is_some()
            && name == BODY
            && let OptionValue::Text(text) = option.given
        {
            let meant = self.meant(option, text)?;
            // What is no JSON is for the plugin to refuse.
            self.whole_body = Some(serde_json::from_str(meant).unwrap_or(Value::from(meant)));
            return Ok(());
        }
        if takes_any_field && let OptionValue::Text(text) = option.given {
            let meant = self.meant(option, text)?;
            if meant != text {
                self.body.get_or_insert_default().insert(name, Value::from(meant));
                return Ok(());
            }
        }
        let (plain, json) = match option.given {
            // One-letter options are sent as typed, for compatibility.
            OptionValue::Text(text) if option.is_short() => (text.to_owned(), Value::from(text)),
            OptionValue::Text(text) => (value::normalized(text), value::json_of_unknown(text)),
            OptionValue::Flag | OptionValue::Negated => {
                (value::python_bool(true).to_owned(), Value::Bool(true))
            }
        };
        if takes_any_field {
            self.body.get_or_insert_default().insert(name, json);
            return Ok(());
        }
        let names = reading.command.parameters.iter().map(|parameter| parameter.name.as_str());
        let mut warning = format!("Unknown parameter '{}'", option.spelling);
        if let Some(meant) = nearest(option.name(), names) {
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

    fn into_resolved(
        self,
        description: &Description,
        reading: &Reading,
        method: Option<Method>,
    ) -> Result<Resolved, Failure> {
        let own = Method::from_bytes(reading.command.method.as_bytes()).unwrap_or_default();
        let mut request = Composed {
            method: method.unwrap_or_else(|| own.clone()),
            segments: reading.fit.segments.clone(),
            path: reading.fit.values.clone(),
            body: self.body,
            whole_body: self.whole_body,
            ..Composed::default()
        };
        for (location, name, value) in self.sent {
            match location {
                Location::Header => request.headers.push(header(&name, &value)?),
                Location::Cookie => {
                    header(&name, &value)?;
                    request.cookies.push((name, value));
                }
                Location::Query | Location::Path | Location::Body => {
                    request.query.push((name, value));
                }
            }
        }
        let is_certain =
            request.method == own && description.reaches(reading.command, &request.segments);
        let stdin = match (&reading.command.stdin, reading.source) {
            _ if self.lacks_text => Stdin::Text,
            (None, _) => Stdin::Nothing,
            (Some(_), None) => Stdin::Stream,
            (Some(_), Some(given)) => {
                stream::source(reading.command, given)?.map_or(Stdin::Stream, Stdin::File)
            }
        };
        Ok(Resolved {
            stdin,
            timeout: reading.timeout.map(timeout::parsed).transpose()?,
            output: reading.output.map(output::parsed).transpose()?,
            command: is_certain.then_some(reading.index),
            request,
            warnings: self.warnings,
        })
    }
}

/// Returns a parameter as a header.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let invalid =
        || Failure::new(Kind::Usage, format!("the value of --{name} cannot be sent as a header"));
    let value = HeaderValue::try_from(value).map_err(|_| invalid())?;
    Ok((HeaderName::try_from(name).map_err(|_| invalid())?, value))
}
