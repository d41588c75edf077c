//! How much of the daemon a plugin may take, with the range of each limit; manifests and `config.toml` have the same.
//!
//! [`admission`] keeps the limit of requests at once; [`queue`] decides who is next.

pub mod admission;
mod queue;

use serde::Deserialize;

/// The most event loops of a plugin.
pub const LOOPS_MAX: usize = 32;
/// The longest timeout of a command, in seconds: 31 days.
pub const TIMEOUT_MAX: u32 = 31 * 86_400;
/// The most requests of a limit.
pub const REQUESTS_MAX: u32 = 1_000_000;
/// The most memory of a limit, in MiB.
pub const MEMORY_MAX: u32 = 1 << 20;

/// How much of the daemon a plugin may take.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Limits {
    /// How many requests it is given at once; the others wait.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000)))]
    pub concurrent: Option<u32>,
    /// How many requests may wait; any more are answered with 503. 4096 unless set.
    #[cfg_attr(test, schemars(range(max = 1_000_000)))]
    pub waiting: Option<u32>,
    /// Growth of the daemon's memory by the plugin, in MiB, from which on it is reported.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_048_576)))]
    pub memory: Option<u32>,
}

impl Limits {
    /// Checks that each limit is in its range.
    ///
    /// # Errors
    /// The field and its range.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let checks = [
            ("concurrent", self.concurrent, 1, REQUESTS_MAX),
            ("waiting", self.waiting, 0, REQUESTS_MAX),
            ("memory", self.memory, 1, MEMORY_MAX),
        ];
        for (field, value, least, most) in checks {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                return Err((field, format!("{value} is not from {least} to {most}")));
            }
        }
        Ok(())
    }
}
