//! What a daemon that stops cuts off after its deadline.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most requests that a report names; it counts the others.
const NAMED_MAX: usize = 20;

/// What a daemon that stopped cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Requests without an answer, or in the middle of it.
    pub requests: Vec<CutRequest>,
    /// Plugins whose threads did not end.
    pub plugins: Vec<String>,
}

/// One request that was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutRequest {
    /// Its method.
    pub method: String,
    /// Its path, which begins with the plugin's name.
    pub path: String,
    /// How long it had been in flight, in seconds.
    pub seconds: u64,
}

impl Cut {
    /// True if everything ended by itself.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.plugins.is_empty()
    }
}

impl fmt::Display for CutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} after {} s", self.method, self.path, self.seconds)
    }
}

/// The requests, then the plugins, in one line.
impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requests.len() {
            0 => {}
            1 => write!(f, "1 request was cut off: {}", self.requests[0])?,
            count => {
                write!(f, "{count} requests were cut off: {}", self.requests[0])?;
                for request in self.requests.iter().take(NAMED_MAX).skip(1) {
                    write!(f, ", {request}")?;
                }
                if count > NAMED_MAX {
                    write!(f, ", and {} more", count - NAMED_MAX)?;
                }
            }
        }
        if !self.requests.is_empty() && !self.plugins.is_empty() {
            f.write_str("; ")?;
        }
        if !self.plugins.is_empty() {
            write!(f, "blocked threads were left behind: {}", self.plugins.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_requests_and_plugins_and_has_a_limit() {
        let request =
            |path: &str| CutRequest { method: "GET".into(), path: path.into(), seconds: 10 };
        let mut cut = Cut::default();
        assert!(cut.is_empty());
        cut.requests.push(request("/jira/search"));
        assert_eq!(cut.to_string(), "1 request was cut off: GET /jira/search after 10 s");
        cut.plugins.push("jira".into());
        cut.requests.push(request("/x/y"));
        assert_eq!(
            cut.to_string(),
            "2 requests were cut off: GET /jira/search after 10 s, GET /x/y after 10 s; \
             blocked threads were left behind: jira"
        );
        cut.requests = vec![request("/z"); NAMED_MAX + 3];
        assert!(cut.to_string().contains("after 10 s, and 3 more; "), "{cut}");
    }
}
