//! Starlette's path patterns: `/issue/{key}`, `/files/{path:path}`, `/at/{id:int}.json`.

use regex::Regex;

/// A path pattern, taken apart.
#[derive(Debug)]
pub(super) enum Pattern {
    /// Whole segments only, each fixed or a parameter that takes any one segment.
    Segments(Vec<Segment>),
    /// Anything else; the parameters are named groups.
    Expression(Box<Regex>),
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Fixed(String),
    Parameter(String),
}

/// Why a pattern cannot be read: a convertor of the plugin's own.
#[derive(Debug)]
pub(super) struct Unknown;

impl Pattern {
    /// Reads a declared path.
    pub(super) fn read(path: &str) -> Result<Pattern, Unknown> {
        if let Some(segments) = segments_of(path) {
            return Ok(Pattern::Segments(segments));
        }
        let mut expression = String::from("^");
        let mut rest = path;
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').ok_or(Unknown)? + start;
            expression.push_str(&regex::escape(&rest[..start]));
            let (name, convertor) =
                rest[start + 1..end].split_once(':').unwrap_or((&rest[start + 1..end], "str"));
            let accepts = match convertor {
                "str" => "[^/]+",
                "path" => ".*",
                "int" => "[0-9]+",
                "float" => r"[0-9]+(?:\.[0-9]+)?",
                "uuid" => {
                    "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
                }
                _ => return Err(Unknown),
            };
            expression.push_str(&format!("(?P<{name}>{accepts})"));
            rest = &rest[end + 1..];
        }
        expression.push_str(&regex::escape(rest));
        expression.push('$');
        Regex::new(&expression).map(Box::new).map(Pattern::Expression).map_err(|_| Unknown)
    }
}

/// The segments of a path that has no other pattern than whole-segment parameters.
fn segments_of(path: &str) -> Option<Vec<Segment>> {
    split(path)
        .map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(inner) if !inner.contains(['{', '}']) => match inner.split_once(':') {
                None => Some(Segment::Parameter(inner.to_owned())),
                Some((name, "str")) => Some(Segment::Parameter(name.to_owned())),
                Some(_) => None,
            },
            _ if segment.contains(['{', '}']) => None,
            _ => Some(Segment::Fixed(segment.to_owned())),
        })
        .collect()
}

/// What stands between the slashes: `""` gives nothing, `"/"` one empty segment.
pub(super) fn split(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').map(|rest| rest.split('/')).into_iter().flatten()
}
