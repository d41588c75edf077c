//! The routes of a plugin: which one a request is for, and the values for its handler.
//!
//! Knows no HTTP server and no Python: [`table`] matches as Starlette does, [`bind`] binds as FastAPI does, both
//! conservatively. Where a request is not certain to go to a planned route, or its values are not certain to
//! satisfy the plan, the answer is "ask FastAPI", which costs a millisecond and is always right.

pub mod bind;
mod pattern;
pub mod table;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use bind::Argument;
pub use table::Table;

/// One route, in order of declaration.
#[derive(Clone, Debug, Deserialize)]
pub struct Route {
    /// Path below the plugin's prefix, with convertors: `/files/{path:path}`; `None` if nobody knows.
    pub path: Option<String>,
    /// Methods it answers; `None` for all.
    #[serde(default)]
    pub methods: Option<Vec<String>>,
    /// How to call it directly.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// Why it cannot be called directly.
    #[serde(default)]
    pub why: Option<String>,
    /// What its handler's docstring says of parameters, if it does.
    #[serde(default)]
    pub documented: Option<Documented>,
}

/// A docstring that has a section on parameters, taken apart.
#[derive(Clone, Debug, Deserialize)]
pub struct Documented {
    /// The docstring without that section, if it is what describes the route.
    pub text: Option<String>,
    /// Help of parameters by their names in the request.
    pub parameters: HashMap<String, String>,
}

/// How to call a route directly.
#[derive(Clone, Debug, Deserialize)]
pub struct Plan {
    /// The plan's number on the Python side.
    pub number: usize,
    /// True if a call begins on the plugin's loop, not on a thread of its pool.
    pub begins_on_loop: bool,
    /// The parameters, in the order in which Python wants their values.
    pub parameters: Vec<Parameter>,
}

/// One parameter of a plan.
#[derive(Clone, Debug, Deserialize)]
pub struct Parameter {
    /// Its name in the request.
    pub name: String,
    /// Where its value is.
    #[serde(rename = "in")]
    pub place: Place,
    /// True if there is no default.
    pub required: bool,
    /// What is made of its text.
    #[serde(flatten)]
    pub kind: Kind,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The path.
    Path,
    /// The query string.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A field of the JSON object that is the body.
    Body,
}

/// What is made of a parameter's text.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// A text of bounded length, in characters.
    Str {
        /// Least length.
        #[serde(default)]
        min_len: usize,
        /// Greatest length.
        #[serde(default)]
        max_len: Option<usize>,
    },
    /// An integer in a range.
    Int(Range),
    /// A number in a range.
    Float(Range),
    /// A truth value.
    Bool,
    /// One of some texts, by its number.
    Choice {
        /// The texts.
        choices: Vec<String>,
    },
    /// Anything that Python converts from one text.
    Text,
    /// Anything that Python converts from a list of texts.
    Texts,
    /// Anything that Python converts from JSON.
    Json,
}

/// The bounds of a number.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Range {
    /// At least.
    #[serde(default)]
    pub ge: Option<f64>,
    /// More than.
    #[serde(default)]
    pub gt: Option<f64>,
    /// At most.
    #[serde(default)]
    pub le: Option<f64>,
    /// Less than.
    #[serde(default)]
    pub lt: Option<f64>,
}

impl Plan {
    /// True if a call needs the request's body.
    pub fn reads_body(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.place == Place::Body)
    }
}

impl Range {
    fn holds(&self, value: f64) -> bool {
        self.ge.is_none_or(|bound| value >= bound)
            && self.gt.is_none_or(|bound| value > bound)
            && self.le.is_none_or(|bound| value <= bound)
            && self.lt.is_none_or(|bound| value < bound)
    }
}
