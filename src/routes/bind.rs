//! From the values of a request to the arguments of a handler.
//!
//! A value is bound only if FastAPI would certainly bind the same: [`bind`] takes the plain spellings of each kind
//! and leaves all others [`Argument::Unbound`]; then FastAPI's own functions decide. It never reports what is wrong
//! with a request.

use std::borrow::Cow;

use crate::command::{Command, Kind, Location, Plan, Slot};

/// Digits that surely fit into 64 bits.
const DIGITS_MAX: usize = 18;

/// A value for one slot of a plan.
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
    /// A text that the runtime validates.
    Text(String),
    /// Texts that the runtime validates.
    Texts(Vec<String>),
    /// JSON that the runtime validates.
    Json(String),
    /// The default.
    Default,
    /// None that is certain: missing, invalid, or of a spelling that may be read in several ways.
    Unbound,
}

/// A field of a JSON body.
#[derive(Clone, Debug, PartialEq)]
pub enum Field<'a> {
    /// A string, without its quotes and escapes.
    Text(Cow<'a, str>),
    /// Any other value, as JSON.
    Json(Cow<'a, str>),
}

/// No value is certain.
#[derive(Debug, PartialEq, Eq)]
pub struct Uncertain;

/// Where the values of a request come from.
pub trait Values {
    /// The value that counts of those that the request has for `name`; `None` if it has none.
    ///
    /// # Errors
    /// The value may be read in several ways.
    fn one(&self, location: Location, name: &str) -> Result<Option<Cow<'_, str>>, Uncertain>;

    /// All values that the request has for `name`.
    ///
    /// # Errors
    /// A value may be read in several ways.
    fn all(&self, location: Location, name: &str) -> Result<Vec<String>, Uncertain>;

    /// The field `name` of the body.
    ///
    /// # Errors
    /// The body is no JSON object.
    fn field(&self, name: &str) -> Result<Option<Field<'_>>, Uncertain>;
}

/// Binds all slots of `plan`, which is `command`'s.
///
/// # Errors
/// A value is not certain, and the runtime takes only whole sets of values.
pub fn bind(
    command: &Command,
    plan: &Plan,
    values: &impl Values,
) -> Result<Vec<Argument>, Uncertain> {
    let bound = plan.slots.iter().map(|slot| match argument(command, slot, values) {
        Err(Uncertain) if plan.is_complete => Ok(Argument::Unbound),
        bound => bound,
    });
    bound.collect()
}

fn argument(command: &Command, slot: &Slot, values: &impl Values) -> Result<Argument, Uncertain> {
    let parameter = command.parameter_of(slot).ok_or(Uncertain)?;
    let (location, name) = (parameter.location, parameter.name.as_str());
    match (location, &slot.kind) {
        (_, Kind::Unbound) => Err(Uncertain),
        (Location::Body, kind) => match values.field(name)? {
            None => default(slot.required),
            Some(field) => of_field(kind, field),
        },
        (_, Kind::Texts) => {
            let all = values.all(location, name)?;
            if all.is_empty() { default(slot.required) } else { Ok(Argument::Texts(all)) }
        }
        (_, kind) => match values.one(location, name)? {
            None => default(slot.required),
            Some(text) => convert(kind, text).ok_or(Uncertain),
        },
    }
}

/// A header's text, if FastAPI is certain to decode the same.
pub(super) fn plain_header(value: &[u8]) -> Result<&str, Uncertain> {
    std::str::from_utf8(value).ok().filter(|text| text.is_ascii()).ok_or(Uncertain)
}

fn default(required: bool) -> Result<Argument, Uncertain> {
    if required { Err(Uncertain) } else { Ok(Argument::Default) }
}

fn of_field(kind: &Kind, field: Field) -> Result<Argument, Uncertain> {
    match (kind, field) {
        (Kind::Str { .. } | Kind::Choice { .. }, Field::Text(text)) => {
            convert(kind, text).ok_or(Uncertain)
        }
        (Kind::Json, Field::Json(json)) => Ok(Argument::Json(json.into_owned())),
        (Kind::Json, Field::Text(text)) => {
            serde_json::to_string(&text).map(Argument::Json).map_err(|_| Uncertain)
        }
        _ => Err(Uncertain),
    }
}

/// The argument that `text` is certain to be, if it is.
fn convert(kind: &Kind, text: Cow<'_, str>) -> Option<Argument> {
    match kind {
        Kind::Str { min_len, max_len } => {
            let fits = *min_len == 0 && max_len.is_none() || {
                let length = text.chars().count();
                length >= *min_len && max_len.is_none_or(|max| length <= max)
            };
            fits.then(|| Argument::Str(text.into_owned()))
        }
        Kind::Int(range) => {
            let digits = text.strip_prefix('-').unwrap_or(&text);
            let plain = !digits.is_empty()
                && digits.len() <= DIGITS_MAX
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number: i64 = plain.then(|| text.parse().ok())??;
            // Bounds are compared as floats: beyond 53 bits that is not exact.
            let exact = number.unsigned_abs() < 1 << 53;
            (exact && range.holds(number as f64)).then_some(Argument::Int(number))
        }
        Kind::Float(range) => {
            let plain = !text.is_empty()
                && text.len() <= 32
                && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
                && text.bytes().next().is_some_and(|byte| byte != b'.')
                && text.bytes().next_back().is_some_and(|byte| byte.is_ascii_digit());
            let number: f64 = plain.then(|| text.parse().ok())??;
            (number.is_finite() && range.holds(number)).then_some(Argument::Float(number))
        }
        Kind::Bool => match &*text {
            "true" | "True" | "1" | "yes" | "on" => Some(Argument::Bool(true)),
            "false" | "False" | "0" | "no" | "off" => Some(Argument::Bool(false)),
            _ => None,
        },
        Kind::Choice(choices) => {
            choices.iter().position(|choice| *choice == text).map(Argument::Choice)
        }
        Kind::Text => Some(Argument::Text(text.into_owned())),
        Kind::Texts | Kind::Json | Kind::Unbound => None,
    }
}
