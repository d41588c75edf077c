//! Where a client was called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a client was called: the surroundings that a program run there would have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Caller {
    /// The working directory; absent where there is none, or one that is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Which standard streams are terminals.
    pub terminals: Terminals,
    /// Width of the terminal in columns; 0 without one.
    pub columns: u16,
    /// Height of the terminal in rows; 0 without one.
    pub rows: u16,
    /// Which streams take colour codes.
    pub colors: Colors,
    /// The locale for messages, from `LC_ALL`, `LC_MESSAGES` or `LANG`: `de_DE.UTF-8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `TZ`: `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// `TRACEPARENT`, as W3C Trace Context defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// `TRACESTATE`, which goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// True if log records of the call are shown.
    #[serde(skip_serializing_if = "is_false")]
    pub verbose: bool,
    /// The variables whose names fit `patterns`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The patterns of the plugin's manifest, as [`ENV_HEADER`](super::ENV_HEADER) had them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
}

/// Which standard streams are terminals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminals {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

/// Which streams take colour codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colors {
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
