//! Checks of the whole installation: verdict, evidence, remedy.
//!
//! [`facts`] collects, on a broken installation too; [`checks`] are pure functions of the facts. To add a check:
//! a fact, a function in `checks`, a line in [`examine`].

pub mod checks;
pub mod facts;

use serde::Serialize;

pub use facts::Facts;

/// Verdict of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Correct.
    Ok,
    /// Working, with a possible problem.
    Warning,
    /// Not working.
    Failed,
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The subject of the check.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The fact behind the verdict.
    pub evidence: String,
    /// The remedy.
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

/// Runs all checks over `facts`, in the order of dependence.
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
    found.extend(checks::secrets(facts));
    found.extend(checks::dependencies(facts));
    found.extend(checks::watching(facts));
    found.extend(checks::notices(facts));
    found.extend(checks::plugins(facts));
    found.extend(checks::plugin_settings(facts));
    found.extend(checks::wrappers(facts));
    found
}
