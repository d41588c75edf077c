//! The values of an HTTP request.

use std::borrow::Cow;
use std::collections::HashMap;

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use super::bind::{Field, Uncertain, Values, plain_header};
use super::table::Matched;
use crate::command::{Command, Location, Plan};

/// A name and its value, decoded.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The values of a request that matched a route; only the parts that its plan reads are parsed.
pub struct RequestValues<'a> {
    path: &'a [(&'a str, &'a str)],
    query: Result<Vec<Pair<'a>>, Uncertain>,
    headers: &'a HeaderMap,
    cookies: Result<Vec<(&'a str, &'a str)>, Uncertain>,
    body: Result<HashMap<String, &'a RawValue>, Uncertain>,
}

impl<'a> RequestValues<'a> {
    /// Parses what `plan` reads of a request; `query` and `body` are as they were sent.
    pub fn parse(
        command: &Command,
        plan: &Plan,
        matched: &'a Matched,
        query: &'a str,
        headers: &'a HeaderMap,
        body: &'a [u8],
    ) -> RequestValues<'a> {
        let reads = |location| {
            let mut parameters = plan.slots.iter().filter_map(|slot| command.parameter_of(slot));
            parameters.any(|parameter| parameter.location == location)
        };
        RequestValues {
            path: &matched.parameters,
            query: if reads(Location::Query) { parse_query(query) } else { Ok(Vec::new()) },
            headers,
            cookies: if reads(Location::Cookie) { parse_cookies(headers) } else { Ok(Vec::new()) },
            body: if reads(Location::Body) { parse_body(body) } else { Ok(HashMap::new()) },
        }
    }
}

impl Values for RequestValues<'_> {
    fn one(&self, location: Location, name: &str) -> Result<Option<Cow<'_, str>>, Uncertain> {
        Ok(match location {
            Location::Path => {
                self.path.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).into())
            }
            Location::Query => {
                let last = part(&self.query)?.iter().rev().find(|(own, _)| own == name);
                last.map(|(_, value)| Cow::Borrowed(value.as_ref()))
            }
            Location::Header => match self.headers.get(name) {
                None => None,
                Some(value) => Some(plain_header(value.as_bytes())?.into()),
            },
            Location::Cookie => {
                let last = part(&self.cookies)?.iter().rev().find(|(own, _)| *own == name);
                last.map(|(_, value)| (*value).into())
            }
            Location::Body => return Err(Uncertain),
        })
    }

    fn all(&self, location: Location, name: &str) -> Result<Vec<String>, Uncertain> {
        match location {
            Location::Query => {
                let all = part(&self.query)?.iter().filter(|(own, _)| own == name);
                Ok(all.map(|(_, value)| value.clone().into_owned()).collect())
            }
            Location::Header => {
                let all = self.headers.get_all(name).iter();
                all.map(|value| plain_header(value.as_bytes()).map(str::to_owned)).collect()
            }
            Location::Path | Location::Cookie | Location::Body => Err(Uncertain),
        }
    }

    fn field(&self, name: &str) -> Result<Option<Field<'_>>, Uncertain> {
        let Some(raw) = part(&self.body)?.get(name) else { return Ok(None) };
        let json = raw.get();
        if !json.starts_with('"') {
            return Ok(Some(Field::Json(json.into())));
        }
        // Refuses lone surrogates, which only Python can hold.
        let text: String = serde_json::from_str(json).map_err(|_| Uncertain)?;
        Ok(Some(Field::Text(text.into())))
    }
}

/// A part of a request, if it can be read in one way only.
fn part<T>(parsed: &Result<T, Uncertain>) -> Result<&T, Uncertain> {
    parsed.as_ref().map_err(|_| Uncertain)
}

/// The fields of a JSON object, the last of each name; no body at all is an empty one.
fn parse_body(body: &[u8]) -> Result<HashMap<String, &RawValue>, Uncertain> {
    if body.is_empty() {
        return Ok(HashMap::new());
    }
    let text = std::str::from_utf8(body).map_err(|_| Uncertain)?;
    serde_json::from_str(text).map_err(|_| Uncertain)
}

/// The pairs of a query string, as `urllib.parse.parse_qsl` with blank values kept reads them.
fn parse_query(query: &str) -> Result<Vec<Pair<'_>>, Uncertain> {
    // Beyond ASCII the server's and Python's ideas of an encoding begin to matter.
    if !query.is_ascii() {
        return Err(Uncertain);
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    });
    Ok(pairs.collect())
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// The cookies of a request, if they are of the plain kind.
fn parse_cookies(headers: &HeaderMap) -> Result<Vec<(&str, &str)>, Uncertain> {
    let mut all = headers.get_all(header::COOKIE).iter();
    let Some(first) = all.next() else { return Ok(Vec::new()) };
    let text = first.to_str().map_err(|_| Uncertain)?;
    if all.next().is_some() || text.contains(['"', '\\']) {
        return Err(Uncertain);
    }
    let pairs = text.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (name.trim(), value.trim());
        (!name.is_empty() || !value.is_empty()).then_some((name, value))
    });
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::{Kind, Parameter, Slot};
    use crate::routes::Argument;
    use crate::routes::bind::bind;

    /// Binds one parameter of `kind` (as JSON) in a request with the query `query`.
    fn one(
        location: Location,
        name: &str,
        required: bool,
        kind: &str,
        query: &str,
    ) -> Option<Argument> {
        let parameter = Parameter {
            name: name.to_owned(),
            location,
            required,
            schema: json!({}),
            description: String::new(),
        };
        let kind: Kind = serde_json::from_str(kind).unwrap();
        let plan = Plan {
            number: 0,
            slots: vec![Slot { parameter: 0, required, kind }],
            ..Plan::default()
        };
        let command = Command { parameters: vec![parameter], ..Command::default() };
        let matched = Matched { command: 0, parameters: vec![("key", "v")] };
        let mut headers = HeaderMap::new();
        headers.insert("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        headers.insert(header::COOKIE, "a=1; b = 2;a=3".parse().unwrap());
        let body = br#"{"text": "a\u00fc", "list": [1, 2.50], "big": 123456789012345678901,
            "twice": 1, "twice": 2, "lone": "\ud800"}"#;
        let values = RequestValues::parse(&command, &plan, &matched, query, &headers, body);
        bind(&command, &plan, &values).ok().map(|mut bound| bound.remove(0))
    }

    #[test]
    fn fields_of_the_body_are_texts_or_json_as_it_was_sent() {
        let of = |kind, name, required| one(Location::Body, name, required, kind, "");
        assert_eq!(of(r#"{"str":{}}"#, "text", true), Some(Argument::Str("aü".into())));
        assert_eq!(of(r#"{"str":{}}"#, "list", true), None);
        assert_eq!(of(r#""json""#, "text", true), Some(Argument::Json("\"aü\"".into())));
        assert_eq!(of(r#""json""#, "list", true), Some(Argument::Json("[1, 2.50]".into())));
        assert_eq!(
            of(r#""json""#, "big", true),
            Some(Argument::Json("123456789012345678901".into()))
        );
        assert_eq!(of(r#""json""#, "twice", true), Some(Argument::Json("2".into())));
        assert_eq!(of(r#""json""#, "lone", true), None);
        assert_eq!(of(r#""json""#, "nope", true), None);
        assert_eq!(of(r#""json""#, "nope", false), Some(Argument::Default));
    }

    #[test]
    fn a_complete_plan_is_bound_but_for_what_is_not_certain() {
        let parameter = |name: &str| Parameter {
            name: name.to_owned(),
            location: Location::Query,
            required: true,
            schema: json!({}),
            description: String::new(),
        };
        let slot = |index, kind: &str| Slot {
            parameter: index,
            required: true,
            kind: serde_json::from_str(kind).unwrap(),
        };
        let plan = Plan {
            is_complete: true,
            slots: vec![
                slot(0, r#"{"int":{}}"#),
                slot(1, r#"{"int":{}}"#),
                slot(2, r#"{"str":{}}"#),
                slot(0, r#""unbound""#),
            ],
            ..Plan::default()
        };
        let parameters = vec![parameter("n"), parameter("odd"), parameter("missing")];
        let command = Command { parameters, ..Command::default() };
        let matched = Matched { command: 0, parameters: Vec::new() };
        let headers = HeaderMap::new();
        let bound = |query| {
            let values = RequestValues::parse(&command, &plan, &matched, query, &headers, b"");
            bind(&command, &plan, &values).unwrap()
        };
        let unbound = || Argument::Unbound;
        assert_eq!(bound("n=7&odd=7.0"), [Argument::Int(7), unbound(), unbound(), unbound()]);
        assert_eq!(bound("n=7&\u{fc}"), [unbound(), unbound(), unbound(), unbound()]);
        let strict = Plan { is_complete: false, ..plan.clone() };
        let values = RequestValues::parse(&command, &strict, &matched, "n=7", &headers, b"");
        assert_eq!(bind(&command, &strict, &values), Err(Uncertain));
    }

    #[test]
    fn plain_spellings_are_bound_and_odd_ones_left_alone() {
        let int = |query| one(Location::Query, "n", true, r#"{"int":{"ge":0,"le":100}}"#, query);
        assert_eq!(int("n=7"), Some(Argument::Int(7)));
        assert_eq!(int("n=007"), Some(Argument::Int(7)));
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
            assert_eq!(int(odd), None, "{odd}");
        }
        let float =
            |query| one(Location::Query, "f", true, r#"{"float":{"gt":0,"lt":10.5}}"#, query);
        assert_eq!(float("f=0.5"), Some(Argument::Float(0.5)));
        for odd in ["f=0", "f=10.5", "f=inf", "f=1e0", "f=.5", "f=5.", "f=--5", "f=1.2.3", "f=nan"]
        {
            assert_eq!(float(odd), None, "{odd}");
        }
        let flag = |query| one(Location::Query, "b", false, r#""bool""#, query);
        assert_eq!(flag("b=true"), Some(Argument::Bool(true)));
        assert_eq!(flag(""), Some(Argument::Default));
        assert_eq!(flag("b="), None);
        let text =
            |query| one(Location::Query, "s", true, r#"{"str":{"min_len":2,"max_len":3}}"#, query);
        assert_eq!(text("s=%C3%BC+"), Some(Argument::Str("ü ".into())));
        assert_eq!(text("s=a"), None);
        let choice = |query| one(Location::Query, "c", true, r#"{"choice":["x","y"]}"#, query);
        assert_eq!(choice("c=y"), Some(Argument::Choice(1)));
        assert_eq!(choice("c=z"), None);
    }

    #[test]
    fn the_last_query_value_counts_the_first_header_and_the_last_cookie() {
        let of = |location, kind, name, query| one(location, name, true, kind, query);
        let str = r#"{"str":{}}"#;
        assert_eq!(of(Location::Query, str, "a", "a=1&b&a=2"), Some(Argument::Str("2".into())));
        assert_eq!(of(Location::Query, str, "b", "a=1&b&a=2"), Some(Argument::Str(String::new())));
        let both = Some(Argument::Texts(vec!["1".into(), "2".into()]));
        assert_eq!(of(Location::Query, r#""texts""#, "a", "a=1&a=2"), both);
        assert_eq!(of(Location::Header, str, "x-a", ""), Some(Argument::Str("1".into())));
        assert_eq!(of(Location::Header, r#""texts""#, "x-a", ""), both);
        assert_eq!(of(Location::Cookie, r#"{"int":{}}"#, "a", ""), Some(Argument::Int(3)));
        assert_eq!(of(Location::Cookie, r#""text""#, "b", ""), Some(Argument::Text("2".into())));
        assert_eq!(of(Location::Path, str, "key", ""), Some(Argument::Str("v".into())));
        assert_eq!(of(Location::Query, str, "c", "a=1"), None);
    }
}
