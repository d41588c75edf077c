//! MCP servers in JSON with comments and trailing commas.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::json;

use super::layout::{INDENT, compact, indent_of, pretty, unit};
use super::server::{Invalid, Server, State, is_own};
use super::splice::{Splice, line_break, line_of, spliced};

pub(super) fn state(text: &str, key: &str, server: &Server) -> Result<State, Invalid> {
    let root = root(text)?;
    let servers = root.as_ref().map(|root| object(text, root, key)).transpose()?.flatten();
    let Some(found) = servers.and_then(|servers| servers.get(&server.name)) else {
        return Ok(State::Absent);
    };
    let (command, arguments) = called(found);
    Ok(server.compared(command, &arguments))
}

pub(super) fn own(text: &str, key: &str) -> Result<Vec<Server>, Invalid> {
    let root = root(text)?;
    let servers = root.as_ref().map(|root| object(text, root, key)).transpose()?.flatten();
    let properties = servers.map_or(&[][..], |servers| &servers.properties);
    let own = |property: &ObjectProp| {
        let (command, arguments) = called(property);
        let command = command.filter(|command| is_own(command, &arguments))?.to_owned();
        Some(Server { name: property.name.as_str().to_owned(), command, arguments })
    };
    Ok(properties.iter().filter_map(own).collect())
}

pub(super) fn with(text: &str, key: &str, typed: bool, server: &Server) -> Result<String, Invalid> {
    let mut value = json!({"command": server.command, "args": server.arguments});
    if typed {
        value = json!({"type": "stdio", "command": server.command, "args": server.arguments});
    }
    let Some(root) = root(text)? else {
        let new = pretty(&json!({key: {&server.name: value}}), "", INDENT, "\n");
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{text}{gap}{new}\n"));
    };
    let splices = match object(text, &root, key)? {
        None => inserted(text, &root, key, &json!({&server.name: value})),
        Some(servers) => match servers.get(&server.name) {
            None => inserted(text, servers, &server.name, &value),
            Some(found) => replaced(text, found, &value, server),
        },
    };
    Ok(spliced(text, splices))
}

pub(super) fn without(text: &str, key: &str, name: &str) -> Result<String, Invalid> {
    let Some(root) = root(text)? else { return Ok(text.to_owned()) };
    let Some(servers) = object(text, &root, key)? else { return Ok(text.to_owned()) };
    let Some(at) = position(servers, name) else { return Ok(text.to_owned()) };
    if !is_all(text, servers, at) {
        return Ok(spliced(text, cut(text, servers, at)));
    }
    let at = position(&root, key).unwrap_or_default();
    if !is_all(text, &root, at) {
        return Ok(spliced(text, cut(text, &root, at)));
    }
    let Range { start, mut end } = range(&root);
    end += text[end..].chars().take_while(|c| c.is_whitespace()).map(char::len_utf8).sum::<usize>();
    Ok(format!("{}{}", &text[..start], &text[end..]))
}

/// Returns the object that is the text; `None` for a text without any value.
fn root(text: &str) -> Result<Option<Object<'_>>, Invalid> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| {
        Invalid::new(error.line_display(), format!("not JSON: {}", lowered(error.kind())))
    })?;
    match parsed.value {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => {
            Err(Invalid::new(line_of(text, other.start()), "the settings are not an object"))
        }
    }
}

fn lowered(message: &impl ToString) -> String {
    let message = message.to_string();
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Returns the object `key` of `root`.
fn object<'a, 'b>(
    text: &str,
    root: &'b Object<'a>,
    key: &str,
) -> Result<Option<&'b Object<'a>>, Invalid> {
    match root.get(key) {
        None => Ok(None),
        Some(ObjectProp { value: Value::Object(object), .. }) => Ok(Some(object)),
        Some(other) => {
            let line = line_of(text, other.range.start);
            Err(Invalid::new(line, format!("`{key}` is not an object")))
        }
    }
}

/// Returns the command and the arguments of a server.
fn called<'a>(property: &'a ObjectProp) -> (Option<&'a str>, Vec<String>) {
    let Value::Object(server) = &property.value else { return (None, Vec::new()) };
    let command = server.get_string("command").map(|command| &*command.value);
    let elements = server.get_array("args").map_or(&[][..], |array| &array.elements);
    let texts = elements.iter().filter_map(|it| Some(it.as_string_lit()?.value.to_string()));
    (command, texts.collect())
}

/// Returns the splices that make `found` the server `value`; other settings of a server of this program are kept.
fn replaced(
    text: &str,
    found: &ObjectProp,
    value: &serde_json::Value,
    server: &Server,
) -> Vec<Splice> {
    let (command, arguments) = called(found);
    let state = server.compared(command, &arguments);
    if state == State::Current {
        return Vec::new();
    }
    if let Some(object) = found.value.as_object().filter(|_| state == State::Stale)
        && let (Some(command), Some(args)) = (object.get("command"), object.get("args"))
    {
        return vec![
            Splice::replace(value_range(command), compact(&value["command"])),
            Splice::replace(value_range(args), compact(&value["args"])),
        ];
    }
    let at = value_range(found);
    let new = match text[at.clone()].contains('\n') {
        true => pretty(value, indent_of(text, at.start), unit(text), line_break(text)),
        false => compact(value),
    };
    vec![Splice::replace(at, new)]
}

/// Returns the splices that insert a property at the end of `object`.
fn inserted(text: &str, object: &Object, name: &str, value: &serde_json::Value) -> Vec<Splice> {
    let whole = range(object);
    let inside = whole.start + 1..whole.end - 1;
    let last = object.properties.last();
    let from = last.map_or(inside.start, |last| last.range.end);
    let gap = Gap::of(text, from..inside.end);
    let key = serde_json::Value::from(name);
    if last.is_none() && gap.end == from {
        let is_flat = text.trim().len() > 2 && !text.trim().contains('\n');
        let new = match is_flat {
            true => compact(value),
            false => pretty(value, indent_of(text, whole.start), unit(text), line_break(text)),
        };
        return vec![Splice::insert(from, format!("{key}: {new}"))];
    }
    let mut splices = Vec::new();
    if last.is_some() && gap.comma.is_none() {
        splices.push(Splice::insert(from, ","));
    }
    let comma = if gap.comma.is_some() { "," } else { "" };
    let new = if text[whole].contains('\n') {
        let indent = match last {
            Some(last) => indent_of(text, last.range.start).to_owned(),
            None => format!("{}{}", indent_of(text, object.range.start), unit(text)),
        };
        let line_break = line_break(text);
        format!("{line_break}{indent}{key}: {}", pretty(value, &indent, unit(text), line_break))
    } else {
        format!(" {key}: {}", compact(value))
    };
    splices.push(Splice::insert(gap.end, format!("{new}{comma}")));
    splices
}

/// True if the property at `at` is all that its object has, and was inserted together with the object.
fn is_all(text: &str, object: &Object, at: usize) -> bool {
    let property = range(&object.properties[at]);
    let whole = range(object);
    let before = &text[whole.start + 1..property.start];
    let after = Gap::of(text, property.end..whole.end - 1);
    let is_bare = after.end <= after.comma.map_or(property.end, |comma| comma + 1);
    object.properties.len() == 1 && !before.is_empty() && before.trim().is_empty() && is_bare
}

/// Returns the splices that take the property at `at` out of `object`.
fn cut(text: &str, object: &Object, at: usize) -> Vec<Splice> {
    let whole = range(object);
    let own = range(&object.properties[at]);
    let next = object.properties.get(at + 1);
    let until = next.map_or(whole.end - 1, |next| next.range.start);
    let gap = Gap::of(text, own.end..until);
    let end = gap.comma.map_or(own.end, |comma| comma + 1);
    if at == 0 && next.is_some() && gap.end == end {
        return vec![Splice::cut(own.start..until)];
    }
    let before = text[..own.start].trim_end().len();
    let mut splices = vec![Splice::cut(before..end)];
    let previous = at.checked_sub(1).and_then(|at| object.properties.get(at));
    if let Some(previous) = previous.filter(|_| gap.comma.is_none()) {
        let comma = Gap::of(text, previous.range.end..own.start).comma;
        splices.extend(comma.map(|comma| Splice::cut(comma..comma + 1)));
    }
    splices
}

fn position(object: &Object, name: &str) -> Option<usize> {
    object.properties.iter().position(|property| property.name.as_str() == name)
}

fn range(node: &impl Ranged) -> Range<usize> {
    node.start()..node.end()
}

fn value_range(property: &ObjectProp) -> Range<usize> {
    range(&property.value)
}

/// What lies between two properties, or behind the last one: whitespace, comments, maybe a comma.
struct Gap {
    comma: Option<usize>,
    /// The end of the last comment or comma.
    end: usize,
}

impl Gap {
    fn of(text: &str, range: Range<usize>) -> Gap {
        let mut gap = Gap { comma: None, end: range.start };
        let mut at = range.start;
        while at < range.end {
            let rest = &text[at..range.end];
            let length = match rest.as_bytes() {
                [b'/', b'/', ..] => rest.find(['\n', '\r']).unwrap_or(rest.len()),
                [b'/', b'*', ..] => rest.find("*/").map_or(rest.len(), |end| end + 2),
                [b',', ..] => {
                    gap.comma.get_or_insert(at);
                    1
                }
                _ => {
                    at += rest.chars().next().map_or(1, char::len_utf8);
                    continue;
                }
            };
            at += length;
            gap.end = at;
        }
        gap
    }
}
