//! JSON values as Python shows them: `str()`, `repr()` and `json.dumps`.

use serde_json::{Map, Number, Value};

/// `str(value)`: texts as they are, everything else as `repr` shows it.
pub(super) fn str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`.
pub(super) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(value, &mut out);
    out
}

/// `json.dumps(value, indent=2, ensure_ascii=False)`.
pub(super) fn indented(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, Some(0), &mut out);
    out
}

/// `json.dumps(value, ensure_ascii=False)`: one line, with spaces after commas and colons.
pub(super) fn one_line(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, None, &mut out);
    out
}

/// `bool(value)`.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn write_repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number_repr(number)),
        Value::String(text) => write_quoted(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_repr(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, item)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_quoted(name, out);
                out.push_str(": ");
                write_repr(item, out);
            }
            out.push('}');
        }
    }
}

/// Single quotes, unless the text has some and no double ones.
fn write_quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c if c <= '\u{ff}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c <= '\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push(quote);
}

/// Python's `str.isprintable`: true for all but separators, controls and unassigned characters.
///
/// Rust escapes the same categories in debug output, and marks that extend a letter only at its start.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let text: String = ['x', c].iter().collect();
    text.escape_debug().nth(1) == Some(c)
}

/// Returns an integer unchanged, a float as the shortest text that reads back as the same.
fn number_repr(number: &Number) -> String {
    let text = number.as_str();
    if !text.contains(['.', 'e', 'E']) {
        return if text == "-0" { "0".to_owned() } else { text.to_owned() };
    }
    match text.parse::<f64>() {
        Ok(value) => float_repr(value),
        Err(_) => text.to_owned(),
    }
}

fn float_repr(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    let shortest = shortest(value);
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let decimals = i32::try_from(decimals).unwrap_or(0) - exponent;
        return format!("{value:.0$}", usize::try_from(decimals).unwrap_or(0).max(1));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The shortest text in scientific notation that reads back as `value`.
///
/// Of two that are equally near Rust takes the larger and Python the even one, as exact rounding does.
fn shortest(value: f64) -> String {
    let shortest = format!("{value:e}");
    let digits = shortest.split_once('e').map_or("", |(digits, _)| digits);
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let rounded = format!("{value:.decimals$e}");
    if rounded.parse() == Ok(value) { rounded } else { shortest }
}

/// Returns a number as JSON; one beyond the range of floats unchanged, because `Infinity` is not JSON.
fn number_json(number: &Number) -> String {
    match number_repr(number).as_str() {
        "inf" | "-inf" => number.as_str().to_owned(),
        text => text.to_owned(),
    }
}

/// Writes JSON, over several lines if an indentation is given.
fn write_json(value: &Value, indent: Option<usize>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number_json(number)),
        Value::String(text) => write_json_text(text, out),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(fields) if fields.is_empty() => out.push_str("{}"),
        Value::Array(items) => {
            let inner = indent.map(|columns| columns + 2);
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(at, inner, out);
                write_json(item, inner, out);
            }
            close(indent, out);
            out.push(']');
        }
        Value::Object(fields) => write_fields(fields, indent, out),
    }
}

fn write_fields(fields: &Map<String, Value>, indent: Option<usize>, out: &mut String) {
    let inner = indent.map(|columns| columns + 2);
    out.push('{');
    for (at, (name, item)) in fields.iter().enumerate() {
        separate(at, inner, out);
        write_json_text(name, out);
        out.push_str(": ");
        write_json(item, inner, out);
    }
    close(indent, out);
    out.push('}');
}

/// Writes the separator before the item at index `at`.
fn separate(at: usize, indent: Option<usize>, out: &mut String) {
    out.push_str(if at > 0 { "," } else { "" });
    match indent {
        Some(columns) => {
            out.push('\n');
            out.push_str(&" ".repeat(columns));
        }
        None => out.push_str(if at > 0 { " " } else { "" }),
    }
}

fn close(indent: Option<usize>, out: &mut String) {
    if let Some(columns) = indent {
        out.push('\n');
        out.push_str(&" ".repeat(columns));
    }
}

fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn numbers_look_as_in_python() {
        for (json, shown) in [
            ("5", "5"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1.0", "1.0"),
            ("1.10", "1.1"),
            ("1e5", "100000.0"),
            ("0.1", "0.1"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1.5e-7", "1.5e-07"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("12345678901234567.0", "1.2345678901234568e+16"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("5e-324", "5e-324"),
            ("-1113178120592002.25", "-1113178120592002.2"),
            ("1e23", "1e+23"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("1e400", "inf"),
            ("-1e400", "-inf"),
        ] {
            assert_eq!(repr(&value(json)), shown, "{json}");
        }
        let beyond = value("1e400").to_string();
        assert_eq!(one_line(&value("[1e400, 1E2, -0]")), format!("[{beyond}, 100.0, 0]"));
    }

    #[test]
    fn texts_are_quoted_as_in_python() {
        for (text, shown) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("\"", "'\"'"),
            ("'\"", "'\\'\"'"),
            ("\\\n\r\t\0\u{1b}\u{7f}", "'\\\\\\n\\r\\t\\x00\\x1b\\x7f'"),
            ("ü日🦀é e\u{301}", "'ü日🦀é e\u{301}'"),
            ("\u{a0}\u{ad}\u{85}", "'\\xa0\\xad\\x85'"),
            ("\u{2028}\u{200b}\u{feff}\u{e000}\u{3000}", "'\\u2028\\u200b\\ufeff\\ue000\\u3000'"),
            ("\u{e0001}\u{10ffff}", "'\\U000e0001\\U0010ffff'"),
        ] {
            assert_eq!(repr(&Value::from(text)), shown);
        }
    }

    #[test]
    fn structures_look_as_in_python() {
        let nested = value(r#"{"a":[1,null,true,{"b":"c"}],"it's":{},"e":[]}"#);
        assert_eq!(repr(&nested), r#"{'a': [1, None, True, {'b': 'c'}], "it's": {}, 'e': []}"#);
        assert_eq!(one_line(&nested), r#"{"a": [1, null, true, {"b": "c"}], "it's": {}, "e": []}"#);
        assert_eq!(
            indented(&value(r#"{"a":[{}, [] , {"b":[1]}],"c":"\u0001\u001f\"\\/ü\u007f\u2028"}"#)),
            "{\n  \"a\": [\n    {},\n    [],\n    {\n      \"b\": [\n        1\n      ]\n    }\n  ],\n  \
             \"c\": \"\\u0001\\u001f\\\"\\\\/ü\u{7f}\u{2028}\"\n}"
        );
    }
}
