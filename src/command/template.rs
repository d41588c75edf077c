//! Path templates as Starlette writes them: `/issue/{key}`, `/files/{path:path}`, `/v{major}/{id:int}.json`.
//!
//! A template is parsed once, and every reader (route table, argument parser, help, completion) sees the same
//! [`Segment`]s. A brace that does not enclose a name is literal text, as in Starlette.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::OnceLock;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path with parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
    expression: Expression,
}

/// The regular expression of a template, compiled when it is first used; it follows from the text.
#[derive(Clone, Debug, Default)]
struct Expression(OnceLock<Option<Regex>>);

impl PartialEq for Expression {
    fn eq(&self, _: &Expression) -> bool {
        true
    }
}

impl Eq for Expression {}

/// What stands between two slashes of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Literal text.
    Fixed(String),
    /// One parameter and nothing else.
    Parameter {
        /// Its name.
        name: String,
        /// What it matches.
        convertor: Convertor,
    },
    /// Literal text and parameters: `v{major}`.
    Mixed(Vec<Part>),
}

/// A piece of a [`Segment::Mixed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// A parameter.
    Parameter {
        /// Its name.
        name: String,
        /// What it matches.
        convertor: Convertor,
    },
}

/// What a parameter of a template matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Convertor {
    /// One or more characters without a slash.
    Str,
    /// Anything, slashes and the empty text included.
    Path,
    /// Digits.
    Int,
    /// Digits, with or without a fraction.
    Float,
    /// A UUID.
    Uuid,
    /// Registered by the plugin; what it matches is not known here.
    Custom(String),
}

impl PathTemplate {
    /// Parses `text`; every text is a template.
    pub fn new(text: impl Into<String>) -> PathTemplate {
        let text = text.into();
        let segments = split(&text).map(Segment::parse).collect();
        PathTemplate { text, segments, expression: Expression::default() }
    }

    /// The template as it was declared.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// All segments; `""` has none, `/` and a trailing slash give an empty one.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The segments that are not empty.
    pub fn named_segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| !segment.is_empty())
    }

    /// The literal segments before the first that holds a parameter.
    pub fn fixed_prefix(&self) -> impl Iterator<Item = &str> {
        self.named_segments().map_while(Segment::fixed)
    }

    /// The template as OpenAPI writes it: `/files/{path:path}` becomes `/files/{path}`.
    pub fn without_convertors(&self) -> String {
        let plain = |segment: &Segment| match segment {
            Segment::Fixed(text) => text.clone(),
            Segment::Parameter { name, .. } => format!("{{{name}}}"),
            Segment::Mixed(parts) => parts.iter().map(Part::without_convertor).collect(),
        };
        self.segments.iter().map(|segment| format!("/{}", plain(segment))).collect()
    }

    /// True if the decoded path segments `path` match exactly; `None` with a custom convertor.
    pub fn matches(&self, path: &[String]) -> Option<bool> {
        let simple = self.segments.iter().all(|segment| match segment {
            Segment::Fixed(_) => true,
            Segment::Parameter { convertor, .. } => *convertor == Convertor::Str,
            Segment::Mixed(_) => false,
        });
        if !simple {
            let whole: String = path.iter().map(|segment| format!("/{segment}")).collect();
            return self.expression().map(|expression| expression.is_match(&whole));
        }
        let fits = |(segment, text): (&Segment, &String)| match segment {
            Segment::Fixed(fixed) => fixed == text,
            _ => !text.is_empty() && !text.contains('/'),
        };
        let same_length = self.segments.len() == path.len();
        Some(same_length && self.segments.iter().zip(path).all(fits))
    }

    /// The regular expression of the whole path, parameters as named groups; `None` with a custom convertor.
    pub fn expression(&self) -> Option<&Regex> {
        self.expression.0.get_or_init(|| self.compiled()).as_ref()
    }

    fn compiled(&self) -> Option<Regex> {
        let mut expression = String::from("^");
        for segment in &self.segments {
            expression.push('/');
            match segment {
                Segment::Fixed(text) => expression.push_str(&regex::escape(text)),
                Segment::Parameter { name, convertor } => {
                    expression.push_str(&convertor.group(name)?);
                }
                Segment::Mixed(parts) => {
                    for part in parts {
                        match part {
                            Part::Text(text) => expression.push_str(&regex::escape(text)),
                            Part::Parameter { name, convertor } => {
                                expression.push_str(&convertor.group(name)?);
                            }
                        }
                    }
                }
            }
        }
        expression.push('$');
        Regex::new(&expression).ok()
    }
}

impl Segment {
    fn parse(text: &str) -> Segment {
        let mut parts = Vec::new();
        let (mut literal, mut rest) = (String::new(), text);
        while let Some(start) = rest.find('{') {
            let (before, opened) = rest.split_at(start);
            literal.push_str(before);
            match parameter(opened) {
                Some((name, convertor, after)) => {
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Parameter { name: name.to_owned(), convertor });
                    rest = after;
                }
                None => {
                    literal.push('{');
                    rest = &opened[1..];
                }
            }
        }
        literal.push_str(rest);
        if parts.is_empty() {
            return Segment::Fixed(literal);
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        match parts.as_mut_slice() {
            [Part::Parameter { name, convertor }] => Segment::Parameter {
                name: std::mem::take(name),
                convertor: std::mem::replace(convertor, Convertor::Str),
            },
            _ => Segment::Mixed(parts),
        }
    }

    /// The text of a literal segment.
    pub fn fixed(&self) -> Option<&str> {
        match self {
            Segment::Fixed(text) => Some(text),
            Segment::Parameter { .. } | Segment::Mixed(_) => None,
        }
    }

    /// The name of a segment that is one parameter.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Segment::Parameter { name, .. } => Some(name),
            Segment::Fixed(_) | Segment::Mixed(_) => None,
        }
    }

    /// True for a parameter that takes the rest of the path, slashes included.
    pub fn is_rest(&self) -> bool {
        matches!(self, Segment::Parameter { convertor: Convertor::Path, .. })
    }

    /// True for the empty segment of `/` and of a trailing slash.
    pub fn is_empty(&self) -> bool {
        matches!(self, Segment::Fixed(text) if text.is_empty())
    }

    /// How much a segment matches, the least first: literal text, mixed, one parameter, the rest of the path.
    pub fn breadth(&self) -> u8 {
        match self {
            Segment::Fixed(_) => 0,
            Segment::Mixed(_) => 1,
            Segment::Parameter { .. } if self.is_rest() => 3,
            Segment::Parameter { .. } => 2,
        }
    }

    /// The parameters and their values in `text`, which holds no slash; `None` if it does not match.
    ///
    /// Convertors do not narrow the match: a server answers a value that is no integer better than a parser.
    pub fn capture<'a>(&'a self, text: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        match self {
            Segment::Fixed(fixed) => (fixed == text).then(Vec::new),
            // An empty segment never reaches a route.
            Segment::Parameter { name, .. } if self.is_rest() || !text.is_empty() => {
                Some(vec![(name, text)])
            }
            Segment::Parameter { .. } => None,
            Segment::Mixed(parts) => capture(parts, text),
        }
    }
}

/// Matches `parts` greedily, as the regular expression of a route does.
fn capture<'a>(parts: &'a [Part], text: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    match parts.split_first() {
        None => text.is_empty().then(Vec::new),
        Some((Part::Text(fixed), rest)) => capture(rest, text.strip_prefix(fixed.as_str())?),
        Some((Part::Parameter { name, .. }, rest)) => {
            let ends = text.char_indices().rev().map(|(at, c)| at + c.len_utf8());
            ends.into_iter().find_map(|end| {
                let mut captured = capture(rest, &text[end..])?;
                captured.insert(0, (name, &text[..end]));
                Some(captured)
            })
        }
    }
}

impl Part {
    fn without_convertor(&self) -> String {
        match self {
            Part::Text(text) => text.clone(),
            Part::Parameter { name, .. } => format!("{{{name}}}"),
        }
    }
}

impl Convertor {
    fn of(name: &str) -> Convertor {
        match name {
            "str" => Convertor::Str,
            "path" => Convertor::Path,
            "int" => Convertor::Int,
            "float" => Convertor::Float,
            "uuid" => Convertor::Uuid,
            other => Convertor::Custom(other.to_owned()),
        }
    }

    /// The named group that matches a parameter `name`.
    fn group(&self, name: &str) -> Option<String> {
        let matched = match self {
            Convertor::Str => "[^/]+",
            Convertor::Path => ".*",
            Convertor::Int => "[0-9]+",
            Convertor::Float => r"[0-9]+(?:\.[0-9]+)?",
            Convertor::Uuid => {
                "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
            }
            Convertor::Custom(_) => return None,
        };
        Some(format!("(?P<{name}>{matched})"))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Convertor::Str => None,
            Convertor::Path => Some("path"),
            Convertor::Int => Some("int"),
            Convertor::Float => Some("float"),
            Convertor::Uuid => Some("uuid"),
            Convertor::Custom(name) => Some(name),
        }
    }
}

/// The parameter at the beginning of `text`, which starts with a brace, and the text after it.
fn parameter(text: &str) -> Option<(&str, Convertor, &str)> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    let (name, convertor) = inside.split_once(':').unwrap_or((inside, "str"));
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    (is_name(name) && is_name(convertor)).then(|| (name, Convertor::of(convertor), after))
}

/// The texts between the slashes of a path: `""` gives none, `"/"` one that is empty.
pub fn split(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').map(|rest| rest.split('/')).into_iter().flatten()
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = |f: &mut fmt::Formatter<'_>, name: &str, convertor: &Convertor| match convertor
            .name()
        {
            None => write!(f, "{{{name}}}"),
            Some(kind) => write!(f, "{{{name}:{kind}}}"),
        };
        match self {
            Segment::Fixed(text) => f.write_str(text),
            Segment::Parameter { name, convertor } => write(f, name, convertor),
            Segment::Mixed(parts) => parts.iter().try_for_each(|part| match part {
                Part::Text(text) => f.write_str(text),
                Part::Parameter { name, convertor } => write(f, name, convertor),
            }),
        }
    }
}

impl From<&str> for PathTemplate {
    fn from(text: &str) -> PathTemplate {
        PathTemplate::new(text)
    }
}

impl From<String> for PathTemplate {
    fn from(text: String) -> PathTemplate {
        PathTemplate::new(text)
    }
}

impl Serialize for PathTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PathTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PathTemplate, D::Error> {
        String::deserialize(deserializer).map(PathTemplate::new)
    }
}
