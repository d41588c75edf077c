//! When the head of an answer has to be there, and the failure of an answer that is late.
//!
//! Owns how the limits of a call combine: the earlier one of the caller's and the plugin's counts. A stream is limited
//! up to its head only. A handler that is late is cancelled, and its request answered without waiting for it.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::{Failure, Kind};
use crate::limits::TIMEOUT_MAX;
use crate::registry::Served;

/// When the head of an answer has to be there.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    limit: Duration,
    by: SetBy,
}

/// Who limits a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetBy {
    /// Its caller, by `--timeout`.
    Caller,
    /// The plugin's manifest or the user's settings.
    Policy,
}

impl Deadline {
    /// The deadline that a caller sets: `limit` after `begun`, or the longest that there may be.
    pub fn of_caller(begun: Instant, limit: Duration) -> Deadline {
        let limit = limit.min(Duration::from_secs(TIMEOUT_MAX.into()));
        Deadline { at: begun + limit, limit, by: SetBy::Caller }
    }

    /// The deadline of a call of `command` of `plugin` that begins now: the caller's `own`, or that of the policy if
    /// it is earlier. Without either, costs two comparisons.
    pub(super) fn of_call(
        own: Option<Deadline>,
        plugin: &Served,
        command: Option<usize>,
    ) -> Option<Box<Deadline>> {
        if own.is_none() && !plugin.policy.has_timeouts() {
            return None;
        }
        let command = command.and_then(|index| plugin.metadata.description.command(index));
        let limit = plugin.policy.timeout(command.map(|command| command.name()).as_deref());
        let of_policy =
            limit.map(|limit| Deadline { at: Instant::now() + limit, limit, by: SetBy::Policy });
        own.into_iter().chain(of_policy).min_by_key(|deadline| deadline.at).map(Box::new)
    }

    /// Waits until it has passed.
    pub async fn passed(self) {
        tokio::time::sleep_until(self.at).await;
    }

    /// The failure of a call of `plugin` without an answer by then.
    pub fn missed(&self, plugin: &str) -> Failure {
        let hint = match self.by {
            SetBy::Caller => "Give it more time with `--timeout SECONDS`.".to_owned(),
            SetBy::Policy => format!(
                "The limit is `timeout` or `timeouts` of `daemon` in the plugin's manifest.json, or `timeout` of \
                 `[plugins.{plugin}]` in config.toml."
            ),
        };
        let limit = self.limit.as_secs_f64();
        Failure::new(Kind::Timeout, format!("{plugin} gave no answer within {limit} s")).hint(hint)
    }
}
