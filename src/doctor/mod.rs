//! Checks of the whole installation: verdict, evidence, remedy.
//!
//! [`facts`] collects what there is to know and never gives up, whatever is broken; [`checks`] judges it without
//! touching the machine, so every verdict is unit-tested. To add a check: a fact, a function in `checks`, a line
//! in [`examine`].

pub mod checks;
pub mod facts;

use serde::Serialize;

pub use facts::Facts;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it must be.
    Ok,
    /// It works, but something deserves a look.
    Warning,
    /// It does not work.
    Failed,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen.
    pub evidence: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn new(name: &str, verdict: Verdict, evidence: impl Into<String>) -> Check {
        Check { name: name.to_owned(), verdict, evidence: evidence.into(), remedy: None }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Check {
        self.remedy = Some(remedy.into());
        self
    }
}

/// All checks over `facts`, in the order in which things depend on each other.
pub fn examine(facts: &Facts) -> Vec<Check> {
    let mut found = vec![
        checks::executables(facts),
        checks::directories(facts),
        checks::configuration(facts),
        checks::interpreter(facts),
        checks::host(facts),
        checks::uv(facts),
        checks::venv(facts),
        checks::process(facts),
        checks::socket(facts),
        checks::port(facts),
    ];
    found.extend(checks::plugins(facts));
    found.extend(checks::wrappers(facts));
    found
}
