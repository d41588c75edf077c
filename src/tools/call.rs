//! The call of a command by arguments: each to its place in the request.

use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};

use crate::command::template::{Convertor, Part};
use crate::command::{BODY, Command, Location, Parameter, Segment};
use crate::exchange::request::Composed;
use crate::failure::{Failure, Kind};
use crate::nearest::nearest;

/// A call of a tool.
#[derive(Debug, Default)]
pub struct ToolCall {
    /// The request.
    pub request: Composed,
    /// The text that the command reads from stdin, if it reads any.
    pub stdin: Option<String>,
}

/// Returns the call of `command` with `arguments` by name. Values are not validated: the plugin does that.
///
/// # Errors
/// An argument is unknown, or one of the path is missing or no single value.
pub fn composed(command: &Command, mut arguments: Map<String, Value>) -> Result<ToolCall, Failure> {
    let stdin = command
        .stdin
        .as_ref()
        .map(|name| arguments.shift_remove(name).as_ref().and_then(text).unwrap_or_default());
    let mut request = Composed {
        method: Method::from_bytes(command.method.as_bytes()).unwrap_or_default(),
        body: takes_fields(command).then(Map::new),
        ..Composed::default()
    };
    for parameter in &command.parameters {
        match arguments.shift_remove(&parameter.name) {
            Some(value) => place(&mut request, parameter, value)?,
            None if parameter.location == Location::Path => return Err(missing(parameter)),
            None => {}
        }
    }
    if command.body.is_some() {
        request.whole_body = arguments.shift_remove(BODY);
    }
    if command.takes_any_field() {
        request.body.get_or_insert_default().extend(arguments);
    } else if let Some(unknown) = arguments.keys().next() {
        return Err(not_known(command, unknown));
    }
    request.segments = segments(command, &request.path);
    Ok(ToolCall { request, stdin })
}

/// True if a body is sent even without a field: its declared fields may all have defaults.
fn takes_fields(command: &Command) -> bool {
    command.has_body && command.body.is_none() && !command.takes_any_field()
}

fn place(request: &mut Composed, parameter: &Parameter, value: Value) -> Result<(), Failure> {
    let name = parameter.name.clone();
    match parameter.location {
        // An explicit null is a value there.
        Location::Body => drop(request.body.get_or_insert_default().insert(name, value)),
        // Elsewhere there is no null: the default counts.
        _ if value.is_null() && parameter.location != Location::Path => {}
        Location::Path => {
            let text = text(&value).filter(|text| !text.is_empty());
            request.path.push((name, text.ok_or_else(|| missing(parameter))?));
        }
        Location::Query => match value {
            Value::Array(items) => {
                let texts = items.iter().filter_map(text);
                request.query.extend(texts.map(|text| (name.clone(), text)));
            }
            value => request.query.extend(text(&value).map(|text| (name, text))),
        },
        Location::Header => {
            let header = HeaderName::try_from(&name).ok();
            let value = text(&value).and_then(|text| HeaderValue::try_from(text).ok());
            request.headers.push(header.zip(value).ok_or_else(|| {
                let error = format!("the value of {name} cannot be sent as a header");
                Failure::new(Kind::Usage, error)
            })?);
        }
        Location::Cookie => request.cookies.extend(text(&value).map(|text| (name, text))),
    }
    Ok(())
}

/// A value as the text that stands for it in a URL; `None` for null.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}

/// The decoded path of a command with its parameters' values.
fn segments(command: &Command, values: &[(String, String)]) -> Vec<String> {
    let value = |name: &str| {
        let found = values.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let segment = |segment: &Segment| match segment {
        Segment::Fixed(text) => vec![text.clone()],
        Segment::Parameter { name, convertor: Convertor::Path } => {
            value(name).split('/').map(str::to_owned).collect()
        }
        Segment::Parameter { name, .. } => vec![value(name).to_owned()],
        Segment::Mixed(parts) => {
            let part = |part: &Part| match part {
                Part::Text(text) => text.clone(),
                Part::Parameter { name, .. } => value(name).to_owned(),
            };
            vec![parts.iter().map(part).collect()]
        }
    };
    command.path.segments().iter().flat_map(segment).collect()
}

fn missing(parameter: &Parameter) -> Failure {
    Failure::new(Kind::Usage, format!("argument `{}` is missing", parameter.name))
        .hint("It is part of the command's path.")
}

fn not_known(command: &Command, argument: &str) -> Failure {
    let names = || command.parameters.iter().map(|parameter| parameter.name.as_str());
    let failure = Failure::new(Kind::Usage, format!("unknown argument `{argument}`"));
    let failure = match nearest(argument, names()) {
        Some(meant) => failure.hint(format!("Did you mean `{meant}`?")),
        None => failure,
    };
    failure.available(names().map(str::to_owned).collect())
}
