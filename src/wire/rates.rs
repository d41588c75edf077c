//! From the numbers of two moments to rates, as plain data.

use std::time::Duration;

use super::{PluginState, PluginStatus, Traffic};
use crate::metrics::BOUNDS;

/// What happened to a plugin between two moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Requests a second.
    pub requests: f64,
    /// Requests a second that were answered with a status from 500 on.
    pub errors: f64,
    /// The range of durations that half of the requests did not exceed.
    pub median: Option<Range>,
    /// The same for 99 of 100.
    pub most: Option<Range>,
}

/// The range of durations that a duration is in: up to so many microseconds, or beyond them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// At most so many.
    UpTo(u64),
    /// More than so many.
    Beyond(u64),
}

impl Rates {
    /// What happened between `before` and `now`, `elapsed` later in the same process; none for a plugin that was not there.
    pub fn between(
        before: &[PluginStatus],
        now: &PluginStatus,
        elapsed: Duration,
    ) -> Option<Rates> {
        let before = before.iter().find(|plugin| plugin.path == now.path)?;
        let nothing = Traffic::default();
        let before = match (&before.traffic, &before.state) {
            (Some(traffic), _) => traffic,
            // It had no request yet.
            (None, PluginState::Asleep | PluginState::Loading(_)) => &nothing,
            (None, _) => return None,
        };
        let now = now.traffic.as_ref()?;
        let seconds = elapsed.as_secs_f64();
        let per_second = |before: u64, now: u64| {
            #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
            now.checked_sub(before).map(|count| count as f64 / seconds)
        };
        Some(Rates {
            requests: per_second(before.requests, now.requests)?,
            errors: per_second(before.errors, now.errors)?,
            median: quantile(before, now, 50),
            most: quantile(before, now, 99),
        })
    }
}

/// The range that `percent` of the requests between two moments did not exceed; none without requests.
fn quantile(before: &Traffic, now: &Traffic, percent: u64) -> Option<Range> {
    let earlier = |micros_max: Option<u64>| {
        let same = before.durations.iter().find(|bucket| bucket.micros_max == micros_max);
        same.map_or(0, |bucket| bucket.count)
    };
    let new = now
        .durations
        .iter()
        .map(|bucket| (bucket.micros_max, bucket.count.saturating_sub(earlier(bucket.micros_max))));
    let all: u64 = new.clone().map(|(_, count)| count).sum();
    let rank = (all * percent).div_ceil(100).max(1);
    let mut seen = 0;
    for (micros_max, count) in new {
        seen += count;
        if count > 0 && seen >= rank {
            let [.., longest] = BOUNDS;
            return Some(micros_max.map_or(Range::Beyond(longest), Range::UpTo));
        }
    }
    None
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, micros) = match self {
            Range::UpTo(micros) => ('\u{2264}', *micros),
            Range::Beyond(micros) => ('>', *micros),
        };
        let duration = Duration::from_micros(micros);
        match micros {
            0..1_000_000 => write!(f, "{sign} {} ms", duration.as_secs_f64() * 1000.0),
            _ => write!(f, "{sign} {} s", duration.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Bucket;

    fn plugin(requests: u64, errors: u64, durations: &[(Option<u64>, u64)]) -> PluginStatus {
        let bucket = |(micros_max, count): &(Option<u64>, u64)| Bucket {
            micros_max: *micros_max,
            count: *count,
        };
        let durations = durations.iter().map(bucket).collect();
        PluginStatus {
            name: "p".into(),
            path: "/p".into(),
            commands: 1,
            state: PluginState::Asleep,
            notices: Vec::new(),
            background: Vec::new(),
            traffic: Some(Traffic { requests, errors, in_flight: 0, waiting: 0, durations }),
        }
    }

    #[test]
    fn rates_are_those_of_the_interval() {
        const FAST: Option<u64> = Some(500);
        let before = plugin(1000, 10, &[(FAST, 900), (Some(5000), 100)]);
        let two = Duration::from_secs(2);
        let between = |now: &PluginStatus| {
            let rates = Rates::between(std::slice::from_ref(&before), now, two)?;
            let shown = |range: Option<Range>| range.map_or("-".into(), |range| range.to_string());
            let (median, most) = (shown(rates.median), shown(rates.most));
            Some(format!("{:.1} {:.1} {median} {most}", rates.requests, rates.errors))
        };
        for (now, expected) in [
            (plugin(1000, 10, &[(FAST, 900), (Some(5000), 100)]), Some("0.0 0.0 - -")),
            (
                plugin(1003, 11, &[(FAST, 903), (Some(5000), 100)]),
                Some("1.5 0.5 ≤ 0.5 ms ≤ 0.5 ms"),
            ),
            // 99 of 100, and one more that is slower.
            (
                plugin(1100, 10, &[(FAST, 999), (Some(5000), 101)]),
                Some("50.0 0.0 ≤ 0.5 ms ≤ 0.5 ms"),
            ),
            (plugin(1010, 10, &[(FAST, 909), (Some(5000), 101)]), Some("5.0 0.0 ≤ 0.5 ms ≤ 5 ms")),
            (
                plugin(
                    1002,
                    10,
                    &[(FAST, 900), (Some(2_500_000), 1), (Some(5000), 100), (None, 1)],
                ),
                Some("1.0 0.0 ≤ 2.5 s > 60 s"),
            ),
            // It was removed and added again.
            (plugin(3, 0, &[(FAST, 3)]), None),
        ] {
            assert_eq!(between(&now).as_deref(), expected);
        }
        let other = PluginStatus { path: "/other".into(), ..before.clone() };
        assert_eq!(between(&other), None);
        let asleep = PluginStatus { traffic: None, ..before.clone() };
        let now = plugin(4, 0, &[(FAST, 4)]);
        let rates = Rates::between(std::slice::from_ref(&asleep), &now, two).unwrap();
        assert_eq!((rates.requests, rates.median), (2.0, Some(Range::UpTo(500))));
    }
}
