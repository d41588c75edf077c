//! What changes all the time: requests and durations.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::http::Service;
use crate::wire::{PluginStatus, Rates};

/// How many earlier moments are kept: rates are those since the oldest.
const MOMENTS: usize = 4;

/// `event: numbers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Numbers {
    in_flight: usize,
    /// Requests a second to all plugins.
    requests: f64,
    /// Those of them that failed.
    errors: f64,
    /// By the plugin's id.
    plugins: BTreeMap<u64, OfPlugin>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct OfPlugin {
    /// All requests so far.
    total: u64,
    in_flight: usize,
    waiting: usize,
    /// None until there are two moments.
    rates: Option<Shown>,
}

/// [`Rates`] as they are shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Shown {
    requests: f64,
    errors: f64,
    median: Option<String>,
    most: Option<String>,
}

/// The numbers of earlier moments.
#[derive(Default)]
pub(super) struct Moments(VecDeque<(Instant, Vec<PluginStatus>)>);

impl Moments {
    /// The numbers of now.
    pub(super) fn now(&mut self, service: &Service) -> Numbers {
        let (now, snapshot) = (Instant::now(), service.registry.snapshot());
        let plugins: Vec<(u64, PluginStatus)> =
            snapshot.entries.iter().map(|it| (it.id, it.status(Vec::new()))).collect();
        let before = self.0.front().map(|(at, before)| (now.duration_since(*at), before));
        let numbers = numbers(service.activity.in_flight(), &plugins, before);
        if self.0.len() == MOMENTS {
            self.0.pop_front();
        }
        self.0.push_back((now, plugins.into_iter().map(|(_, status)| status).collect()));
        numbers
    }
}

/// The numbers of a moment, with rates since `before`, that long ago.
fn numbers(
    in_flight: usize,
    plugins: &[(u64, PluginStatus)],
    before: Option<(Duration, &Vec<PluginStatus>)>,
) -> Numbers {
    let mut numbers = Numbers { in_flight, ..Numbers::default() };
    let before = before.filter(|(elapsed, _)| !elapsed.is_zero());
    for (id, status) in plugins {
        let Some(traffic) = &status.traffic else { continue };
        let rates = before.and_then(|(elapsed, before)| Rates::between(before, status, elapsed));
        if let Some(rates) = &rates {
            numbers.requests += rates.requests;
            numbers.errors += rates.errors;
        }
        let of_plugin = OfPlugin {
            total: traffic.requests,
            in_flight: traffic.in_flight,
            waiting: traffic.waiting,
            rates: rates.map(|rates| Shown {
                requests: rates.requests,
                errors: rates.errors,
                median: rates.median.map(|it| it.to_string()),
                most: rates.most.map(|it| it.to_string()),
            }),
        };
        numbers.plugins.insert(*id, of_plugin);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Bucket, PluginState, Traffic};

    #[test]
    fn rates_are_per_plugin_and_in_all() {
        let status = |path: &str, requests, errors| PluginStatus {
            name: path.into(),
            path: path.into(),
            commands: 1,
            state: PluginState::Asleep,
            notices: Vec::new(),
            background: Vec::new(),
            traffic: Some(Traffic {
                requests,
                errors,
                in_flight: 1,
                waiting: 0,
                durations: vec![Bucket { micros_max: Some(5000), count: requests }],
            }),
        };
        let before = vec![status("/a", 10, 0), status("/b", 0, 0)];
        let now = [(7, status("/a", 30, 4)), (8, status("/b", 10, 0)), (9, status("/c", 5, 0))];
        let first = numbers(2, &now, None);
        assert_eq!((first.requests, first.plugins[&7].rates.clone()), (0.0, None));
        let since = Duration::from_secs(2);
        let numbers = numbers(2, &now, Some((since, &before)));
        assert_eq!((numbers.in_flight, numbers.requests, numbers.errors), (2, 15.0, 2.0));
        let of_a = numbers.plugins[&7].rates.clone().unwrap();
        assert_eq!((of_a.requests, of_a.median.as_deref()), (10.0, Some("≤ 5 ms")));
        assert_eq!((numbers.plugins[&9].total, &numbers.plugins[&9].rates), (5, &None));
    }
}
