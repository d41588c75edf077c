//! The `daemon` section of a manifest: how the daemon runs the plugin.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::limits::{self, Limits};

/// The `daemon` section.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[derive(Clone, Debug, Deserialize)]
pub struct Daemon {
    /// How many event loops, each on a thread of its own, run the plugin's `async def` handlers.
    #[serde(default = "Daemon::one")]
    #[cfg_attr(test, schemars(range(min = 1, max = 32)))]
    pub loops: usize,
    /// When the plugin is loaded.
    #[serde(default)]
    pub load: Load,
    /// True if two versions of the plugin cannot be loaded at once, because of a port or a lock file, say: during a
    /// reload, requests wait until the old version has ended and the new one is loaded.
    #[serde(default)]
    pub exclusive: bool,
    /// True if the daemon does not end for lack of requests while the plugin is loaded.
    #[serde(default)]
    pub resident: bool,
    /// Seconds that a command may take; its request is then answered with 504, and its coroutine cancelled.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 1, max = 2_678_400)))]
    pub timeout: Option<u32>,
    /// `timeout` of single commands, by name.
    #[serde(default)]
    pub timeouts: BTreeMap<String, u32>,
    /// How much of the daemon the plugin may take.
    #[serde(default)]
    pub limits: Limits,
}

/// When a plugin is loaded.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// When the daemon starts.
    #[default]
    Start,
    /// At its first call; its help comes from the stored description.
    Demand,
}

impl Daemon {
    fn one() -> usize {
        1
    }

    /// Checks loops, timeouts and limits; an error is the field and its message.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        if !(1..=limits::LOOPS_MAX).contains(&self.loops) {
            let message = format!("{} is not from 1 to {}", self.loops, limits::LOOPS_MAX);
            return Err(("daemon.loops".into(), message));
        }
        let own = self.timeout.map(|seconds| ("timeout".to_owned(), seconds));
        let each =
            self.timeouts.iter().map(|(name, seconds)| (format!("timeouts.{name}"), *seconds));
        for (field, seconds) in own.into_iter().chain(each) {
            if !(1..=limits::TIMEOUT_MAX).contains(&seconds) {
                let message = format!("{seconds} is not from 1 to {}", limits::TIMEOUT_MAX);
                return Err((format!("daemon.{field}"), message));
            }
        }
        let limits = self.limits.check();
        limits.map_err(|(field, message)| (format!("daemon.limits.{field}"), message))
    }
}

impl Default for Daemon {
    fn default() -> Self {
        Daemon {
            loops: Daemon::one(),
            load: Load::Start,
            exclusive: false,
            resident: false,
            timeout: None,
            timeouts: BTreeMap::new(),
            limits: Limits::default(),
        }
    }
}
