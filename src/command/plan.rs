//! Call plans: how a handler is called without FastAPI.
//!
//! Python makes a plan where it is certain that the call is what FastAPI would make of the request; the
//! numbers and kinds here are what [`crate::routes::bind`] needs to bind one.

use serde::{Deserialize, Serialize};

use super::Location;

/// How a handler is called directly.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Number of the plan in the runtime.
    pub number: usize,
    /// True if a call begins on the plugin's event loop, false if on a thread of its pool.
    pub begins_on_loop: bool,
    /// True if the runtime also takes a call of which not every value is bound.
    #[serde(default)]
    pub is_complete: bool,
    /// True if a call reads the request's body.
    #[serde(default)]
    pub reads_body: bool,
    /// Why FastAPI's own handler of the route runs, if it does: then only the route is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_fastapi: Option<String>,
    /// The values of a call, in the order in which the runtime takes them.
    pub slots: Vec<Slot>,
}

/// One value of a call; several may be of one parameter, which dependencies share.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Index of the parameter in [`Command::parameters`](super::Command::parameters), then in
    /// [`Command::hidden`](super::Command::hidden).
    pub parameter: usize,
    /// True if there is no default.
    pub required: bool,
    /// How the value is bound.
    pub kind: Kind,
}

/// How a value is bound.
///
/// Written as `{"int": {"ge": 1}}`: an enum that is tagged inside would be buffered, and `serde_json` with
/// arbitrary precision cannot read a fraction out of a buffer.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A text of bounded length, in characters.
    Str {
        /// Least length.
        #[serde(default, skip_serializing_if = "is_zero")]
        min_len: usize,
        /// Greatest length.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_len: Option<usize>,
    },
    /// An integer in a range.
    Int(Range),
    /// A number in a range.
    Float(Range),
    /// A truth value.
    Bool,
    /// One of several texts, bound as its index.
    Choice(Vec<String>),
    /// One text, which the runtime validates.
    Text,
    /// A list of texts, which the runtime validates.
    Texts,
    /// JSON, which the runtime validates.
    Json,
    /// A value that only the runtime can bind.
    Unbound,
}

/// The bounds of a number.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// At least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ge: Option<f64>,
    /// More than.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gt: Option<f64>,
    /// At most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub le: Option<f64>,
    /// Less than.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lt: Option<f64>,
}

/// A plan as the runtime reports it, its parameters by name.
#[derive(Clone, Debug, Deserialize)]
pub struct ReportedPlan {
    /// Number of the plan in the runtime.
    pub number: usize,
    /// True if a call begins on the plugin's event loop.
    pub begins_on_loop: bool,
    /// True if the runtime also takes a call of which not every value is bound.
    #[serde(default)]
    pub is_complete: bool,
    /// True if a call reads the request's body.
    #[serde(default)]
    pub reads_body: bool,
    /// The values of a call, in the order in which the runtime takes them.
    pub parameters: Vec<ReportedSlot>,
}

/// A value of a call as the runtime reports it.
#[derive(Clone, Debug, Deserialize)]
pub struct ReportedSlot {
    /// The parameter's name in the request.
    pub name: String,
    /// Where its value is.
    #[serde(rename = "in")]
    pub location: Location,
    /// True if there is no default.
    pub required: bool,
    /// How the value is bound.
    pub kind: Kind,
}

impl Range {
    /// True if `value` is within the bounds.
    pub fn holds(&self, value: f64) -> bool {
        self.ge.is_none_or(|bound| value >= bound)
            && self.gt.is_none_or(|bound| value > bound)
            && self.le.is_none_or(|bound| value <= bound)
            && self.lt.is_none_or(|bound| value < bound)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_every_kind_survive_json() {
        for (text, kind) in [
            (
                r#"{"float":{"gt":0.0,"lt":10.5}}"#,
                Kind::Float(Range { gt: Some(0.0), lt: Some(10.5), ..Range::default() }),
            ),
            (r#"{"int":{"ge":0.1}}"#, Kind::Int(Range { ge: Some(0.1), ..Range::default() })),
            (
                r#"{"float":{"le":1e300}}"#,
                Kind::Float(Range { le: Some(1e300), ..Range::default() }),
            ),
            (r#"{"str":{}}"#, Kind::Str { min_len: 0, max_len: None }),
            (r#"{"choice":["a"]}"#, Kind::Choice(vec!["a".into()])),
            (r#""bool""#, Kind::Bool),
        ] {
            assert_eq!(serde_json::from_str::<Kind>(text).unwrap(), kind);
            let again = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<Kind>(&again).unwrap(), kind, "{again}");
        }
        let integer = serde_json::from_str::<Kind>(r#"{"float":{"gt":0,"lt":3}}"#).unwrap();
        assert_eq!(
            integer,
            Kind::Float(Range { gt: Some(0.0), lt: Some(3.0), ..Range::default() })
        );
    }
}
