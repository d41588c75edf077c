//! Loops that are blocked and calls that do not return: what stands, where, and for how long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::incidents::{Incidents, News};
use super::place::{self, Place};
use super::{Guard, Looked};
use crate::notices::Topic;
use crate::registry::Entry;

/// How long a loop may not move before it is reported.
const BLOCKED: Duration = Duration::from_secs(1);
/// How long a call in a pool may take before it is reported, unless its plugin has a longer timeout.
const STUCK: Duration = Duration::from_secs(60);

/// A loop, by its number, or a call in the pool, by its ticket, of a version of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    topic: Topic,
    plugin: u64,
    version: u64,
    number: u64,
}

/// All that does not move.
#[derive(Default)]
pub(super) struct Standing {
    incidents: Incidents<Key>,
    /// What was reported, with its place and for how long it stands.
    reported: BTreeMap<Key, (Place, Duration)>,
    /// The notices that are set.
    shown: BTreeSet<(Topic, u64)>,
}

impl Standing {
    /// Takes in what the plugins do at `now`, and reports what is new about it.
    pub(super) async fn round(&mut self, guard: &Guard, looked: &[Looked<'_>], now: Instant) {
        for Looked { entry, activity } in looked {
            let key =
                |topic, number| Key { topic, plugin: entry.id, version: entry.version, number };
            let limit = entry.served.as_ref().and_then(|served| served.policy.longest_timeout());
            let stuck = limit.unwrap_or_default().max(STUCK);
            let loops = (0..).zip(&activity.loops).filter(|(_, it)| it.is_signalled);
            let loops = loops
                .map(|(number, it)| (key(Topic::Blocked, number), it.taken, it.thread, BLOCKED));
            let calls = activity.pool.iter();
            let calls = calls.map(|call| (key(Topic::Stuck, call.ticket), 0, call.thread, stuck));
            for (key, mark, thread, limit) in loops.chain(calls) {
                if let Some(news) = self.incidents.waits(key, mark, now, limit) {
                    self.report(guard, entry, key, thread, news).await;
                }
            }
        }
        for (key, elapsed) in self.incidents.end_round(now) {
            let entry = looked.iter().find(|it| it.entry.id == key.plugin);
            self.ended(key, entry.map_or("", |it| &it.entry.name), elapsed);
        }
        self.show(guard);
    }

    async fn report(&mut self, guard: &Guard, entry: &Entry, key: Key, thread: u64, news: News) {
        match news {
            News::Stands(elapsed) => {
                let place = place::of_thread(&*guard.python, thread, &entry.source.path).await;
                let text = sentence(key.topic, elapsed, &place);
                tracing::warn!(plugin = entry.name, exception = place.stack, "{text}");
                self.reported.insert(key, (place, elapsed));
            }
            News::Still(elapsed) => {
                if let Some((_, duration)) = self.reported.get_mut(&key) {
                    *duration = elapsed;
                }
            }
            News::Moved(elapsed) => self.ended(key, &entry.name, elapsed),
        }
    }

    fn ended(&mut self, key: Key, plugin: &str, elapsed: Duration) {
        let Some((place, _)) = self.reported.remove(&key) else { return };
        let seconds = elapsed.as_secs_f64();
        match key.topic {
            Topic::Blocked => {
                tracing::warn!(plugin, "its event loop moves again, after {seconds:.1} s{place}");
            }
            _ => tracing::warn!(plugin, "a def handler ended after {seconds:.1} s{place}"),
        }
    }

    /// Sets one notice for each plugin and topic: about what stands longest, and how many more do.
    fn show(&mut self, guard: &Guard) {
        let mut longest: BTreeMap<(Topic, u64), (&Place, Duration, usize)> = BTreeMap::new();
        for (key, (place, elapsed)) in &self.reported {
            let first = longest.entry((key.topic, key.plugin)).or_insert((place, *elapsed, 0));
            first.2 += 1;
            if *elapsed > first.1 {
                (first.0, first.1) = (place, *elapsed);
            }
        }
        let notices = &guard.notices;
        for (topic, plugin) in self.shown.iter().filter(|shown| !longest.contains_key(shown)) {
            notices.set(Some(*plugin), *topic, None);
        }
        self.shown = longest.keys().copied().collect();
        for ((topic, plugin), (place, elapsed, count)) in longest {
            let more = if count > 1 { format!("; {} more", count - 1) } else { String::new() };
            let text = sentence(topic, elapsed, place) + &more;
            notices.set(Some(plugin), topic, Some(text));
        }
    }
}

fn sentence(topic: Topic, elapsed: Duration, place: &Place) -> String {
    let seconds = elapsed.as_secs();
    match topic {
        Topic::Blocked => format!("its event loop has been blocked for {seconds} s{place}"),
        _ => format!("a def handler has not returned for {seconds} s{place}"),
    }
}
