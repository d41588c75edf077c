//! The values for a handler, out of a request.
//!
//! A value is bound only if FastAPI would certainly bind the same: [`bind`] takes the plain spellings of each kind
//! and gives up on all others, and then FastAPI decides. It never reports what is wrong with a request.

use std::borrow::Cow;

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::table::Matched;
use super::{Kind, Parameter, Place};

/// Digits that surely fit into 64 bits.
const DIGITS_MAX: usize = 18;

/// A value for one parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A text.
    Str(String),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// The choice of this number.
    Choice(usize),
    /// A text that Python converts.
    Text(String),
    /// Texts that Python converts.
    Texts(Vec<String>),
    /// JSON that Python converts.
    Json(String),
    /// The default.
    Default,
}

/// Binds all parameters of a matched route; `None` means: ask FastAPI, or what stands in its place.
pub fn bind(
    matched: &Matched,
    query: &[u8],
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Vec<Argument>> {
    let parameters = &matched.plan.parameters;
    let uses = |place| parameters.iter().any(|parameter| parameter.place == place);
    let query = if uses(Place::Query) { parse_query(query)? } else { Vec::new() };
    let cookies = if uses(Place::Cookie) { parse_cookies(headers)? } else { Vec::new() };
    let body = if uses(Place::Body) { parse_body(body)? } else { Map::new() };
    parameters
        .iter()
        .map(|parameter| {
            let name = parameter.name.as_str();
            match (parameter.place, &parameter.kind) {
                (Place::Path, _) => {
                    let value = matched.parameters.iter().find(|(own, _)| *own == name)?.1;
                    convert(parameter, Some(value))
                }
                (Place::Query, Kind::Texts) => {
                    let all = query.iter().filter(|(own, _)| own == name);
                    several(parameter, all.map(|(_, value)| value.clone().into_owned()).collect())
                }
                (Place::Query, _) => {
                    let last = query.iter().rev().find(|(own, _)| own == name);
                    convert(parameter, last.map(|(_, value)| value.as_ref()))
                }
                (Place::Header, Kind::Texts) => {
                    let all = headers.get_all(name).iter();
                    several(
                        parameter,
                        all.map(|value| plain_header(value.as_bytes())).collect::<Option<_>>()?,
                    )
                }
                (Place::Header, _) => match headers.get(name) {
                    None => convert(parameter, None),
                    Some(value) => convert(parameter, Some(&plain_header(value.as_bytes())?)),
                },
                (Place::Body, _) => field(parameter, body.get(name)),
                (Place::Cookie, Kind::Texts) => None,
                (Place::Cookie, _) => {
                    let last = cookies.iter().rev().find(|(own, _)| *own == name);
                    convert(parameter, last.map(|(_, value)| *value))
                }
            }
        })
        .collect()
}

fn field(parameter: &Parameter, value: Option<&Value>) -> Option<Argument> {
    match (value, &parameter.kind) {
        (None, _) => convert(parameter, None),
        (Some(Value::String(text)), Kind::Str { .. } | Kind::Choice { .. }) => {
            convert(parameter, Some(text))
        }
        (Some(value), Kind::Json) => Some(Argument::Json(value.to_string())),
        (Some(_), _) => None,
    }
}

fn several(parameter: &Parameter, values: Vec<String>) -> Option<Argument> {
    match (values.is_empty(), parameter.required) {
        (true, true) => None,
        (true, false) => Some(Argument::Default),
        (false, _) => Some(Argument::Texts(values)),
    }
}

fn convert(parameter: &Parameter, value: Option<&str>) -> Option<Argument> {
    let Some(value) = value else { return (!parameter.required).then_some(Argument::Default) };
    match &parameter.kind {
        Kind::Str { min_len, max_len } => {
            let fits = *min_len == 0 && max_len.is_none() || {
                let length = value.chars().count();
                length >= *min_len && max_len.is_none_or(|max| length <= max)
            };
            fits.then(|| Argument::Str(value.to_owned()))
        }
        Kind::Int(range) => {
            let digits = value.strip_prefix('-').unwrap_or(value);
            let plain = !digits.is_empty()
                && digits.len() <= DIGITS_MAX
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number: i64 = plain.then(|| value.parse().ok())??;
            // Bounds are compared as floats: beyond 53 bits that is not exact.
            let exact = number.unsigned_abs() < 1 << 53;
            (exact && range.holds(number as f64)).then_some(Argument::Int(number))
        }
        Kind::Float(range) => {
            let plain = !value.is_empty()
                && value.len() <= 32
                && value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
                && value.bytes().next().is_some_and(|byte| byte != b'.')
                && value.bytes().next_back().is_some_and(|byte| byte.is_ascii_digit());
            let number: f64 = plain.then(|| value.parse().ok())??;
            (number.is_finite() && range.holds(number)).then_some(Argument::Float(number))
        }
        Kind::Bool => match value {
            "true" | "True" | "1" | "yes" | "on" => Some(Argument::Bool(true)),
            "false" | "False" | "0" | "no" | "off" => Some(Argument::Bool(false)),
            _ => None,
        },
        Kind::Choice { choices } => {
            choices.iter().position(|choice| choice == value).map(Argument::Choice)
        }
        Kind::Text => Some(Argument::Text(value.to_owned())),
        Kind::Texts | Kind::Json => None,
    }
}

/// The fields of a JSON object; no body at all is an empty one.
fn parse_body(body: &[u8]) -> Option<Map<String, Value>> {
    if body.is_empty() { Some(Map::new()) } else { serde_json::from_slice(body).ok() }
}

/// The pairs of a query string, as `urllib.parse.parse_qsl` with blank values kept reads them.
fn parse_query(query: &[u8]) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    // Beyond ASCII the server's and Python's ideas of an encoding begin to matter.
    let query = std::str::from_utf8(query).ok().filter(|query| query.is_ascii())?;
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    });
    Some(pairs.collect())
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// The cookies of a request, if they are of the plain kind.
fn parse_cookies(headers: &HeaderMap) -> Option<Vec<(&str, &str)>> {
    let mut all = headers.get_all(header::COOKIE).iter();
    let Some(first) = all.next() else { return Some(Vec::new()) };
    let text = first.to_str().ok()?;
    if all.next().is_some() || text.contains(['"', '\\']) {
        return None;
    }
    let pairs = text.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (name.trim(), value.trim());
        (!name.is_empty() || !value.is_empty()).then_some((name, value))
    });
    Some(pairs.collect())
}

fn plain_header(value: &[u8]) -> Option<String> {
    std::str::from_utf8(value).ok().filter(|text| text.is_ascii()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Plan;

    fn one(spec: &str, query: &str) -> Option<Argument> {
        let parameter: Parameter = serde_json::from_str(spec).unwrap();
        let plan = Plan { number: 0, begins_on_loop: false, parameters: vec![parameter] };
        let matched = Matched { plan: &plan, parameters: vec![("key", "v")] };
        let mut headers = HeaderMap::new();
        headers.insert("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        headers.insert(header::COOKIE, "a=1; b = 2;a=3".parse().unwrap());
        let body = br#"{"text": "a", "list": [1, 2.50], "big": 123456789012345678901}"#;
        bind(&matched, query.as_bytes(), &headers, body).map(|mut bound| bound.remove(0))
    }

    #[test]
    fn fields_of_the_body_are_texts_or_left_to_python() {
        let of = |kind: &str, name: &str, required: bool| {
            let spec = format!(
                r#"{{"name": "{name}", "in": "body", "required": {required}, "kind": "{kind}"}}"#
            );
            one(&spec, "")
        };
        assert_eq!(of("str", "text", true), Some(Argument::Str("a".into())));
        assert_eq!(of("str", "list", true), None);
        assert_eq!(of("json", "text", true), Some(Argument::Json("\"a\"".into())));
        assert_eq!(of("json", "list", true), Some(Argument::Json("[1,2.50]".into())));
        assert_eq!(of("json", "big", true), Some(Argument::Json("123456789012345678901".into())));
        assert_eq!(of("json", "nope", true), None);
        assert_eq!(of("json", "nope", false), Some(Argument::Default));
    }

    #[test]
    fn plain_spellings_are_bound_and_odd_ones_left_alone() {
        let int =
            r#"{"name": "n", "in": "query", "required": true, "kind": "int", "ge": 0, "le": 100}"#;
        assert_eq!(one(int, "n=7"), Some(Argument::Int(7)));
        assert_eq!(one(int, "n=007"), Some(Argument::Int(7)));
        for odd in [
            "",
            "n=",
            "n=+7",
            "n=7.0",
            "n= 7",
            "n=101",
            "n=-1",
            "n=1_0",
            "n=%D9%A1",
            "n=9999999999999999999",
        ] {
            assert_eq!(one(int, odd), None, "{odd}");
        }
        let float = r#"{"name": "f", "in": "query", "required": true, "kind": "float", "gt": 0}"#;
        assert_eq!(one(float, "f=0.5"), Some(Argument::Float(0.5)));
        for odd in ["f=0", "f=inf", "f=1e5", "f=.5", "f=5.", "f=--5", "f=1.2.3", "f=nan"] {
            assert_eq!(one(float, odd), None, "{odd}");
        }
        let flag = r#"{"name": "b", "in": "query", "required": false, "kind": "bool"}"#;
        assert_eq!(one(flag, "b=true"), Some(Argument::Bool(true)));
        assert_eq!(one(flag, ""), Some(Argument::Default));
        assert_eq!(one(flag, "b="), None);
        let text = r#"{"name": "s", "in": "query", "required": true, "kind": "str", "min_len": 2, "max_len": 3}"#;
        assert_eq!(one(text, "s=%C3%BC+"), Some(Argument::Str("ü ".into())));
        assert_eq!(one(text, "s=a"), None);
        let choice = r#"{"name": "c", "in": "query", "required": true, "kind": "choice", "choices": ["x", "y"]}"#;
        assert_eq!(one(choice, "c=y"), Some(Argument::Choice(1)));
        assert_eq!(one(choice, "c=z"), None);
    }

    #[test]
    fn the_last_query_value_counts_the_first_header_and_the_last_cookie() {
        let of = |place: &str, kind: &str, name: &str| {
            format!(r#"{{"name": "{name}", "in": "{place}", "required": true, "kind": "{kind}"}}"#)
        };
        assert_eq!(one(&of("query", "str", "a"), "a=1&b&a=2"), Some(Argument::Str("2".into())));
        assert_eq!(one(&of("query", "str", "b"), "a=1&b&a=2"), Some(Argument::Str(String::new())));
        let both = Some(Argument::Texts(vec!["1".into(), "2".into()]));
        assert_eq!(one(&of("query", "texts", "a"), "a=1&a=2"), both);
        assert_eq!(one(&of("header", "str", "x-a"), ""), Some(Argument::Str("1".into())));
        assert_eq!(one(&of("header", "texts", "x-a"), ""), both);
        assert_eq!(one(&of("cookie", "int", "a"), ""), Some(Argument::Int(3)));
        assert_eq!(one(&of("cookie", "text", "b"), ""), Some(Argument::Text("2".into())));
        assert_eq!(one(&of("path", "str", "key"), ""), Some(Argument::Str("v".into())));
        assert_eq!(one(&of("query", "str", "c"), "a=1"), None);
    }
}
