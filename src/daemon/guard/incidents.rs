//! Event loops that do not move and calls that do not return, each reported once: plain data over observed moments.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Things that should move on, by key.
#[derive(Debug)]
pub(super) struct Incidents<K> {
    seen: HashMap<K, Incident>,
}

/// One of them.
#[derive(Debug)]
struct Incident {
    /// Changes when it moves.
    mark: u64,
    since: Instant,
    is_reported: bool,
    /// It was seen in the present round.
    is_current: bool,
}

/// What is new about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It has not moved for so long, which is the limit or more; reported once.
    Stands(Duration),
    /// It still has not.
    Still(Duration),
    /// It has moved after so long.
    Moved(Duration),
}

impl<K> Default for Incidents<K> {
    fn default() -> Incidents<K> {
        Incidents { seen: HashMap::new() }
    }
}

impl<K: Eq + Hash> Incidents<K> {
    /// Takes in that `key` waits at `now`, with a mark that changes when it moves.
    pub(super) fn waits(
        &mut self,
        key: K,
        mark: u64,
        now: Instant,
        limit: Duration,
    ) -> Option<News> {
        let fresh = Incident { mark, since: now, is_reported: false, is_current: true };
        let incident = self.seen.entry(key).or_insert(fresh);
        let elapsed = now.saturating_duration_since(incident.since);
        incident.is_current = true;
        if incident.mark != mark {
            let was_reported = incident.is_reported;
            *incident = Incident { mark, since: now, is_reported: false, is_current: true };
            return was_reported.then_some(News::Moved(elapsed));
        }
        match std::mem::replace(&mut incident.is_reported, elapsed >= limit) {
            true => Some(News::Still(elapsed)),
            false => (elapsed >= limit).then_some(News::Stands(elapsed)),
        }
    }

    /// Ends a round at `now`: all that were not seen in it have moved; returns those of them that were reported, and how
    /// long they stood.
    pub(super) fn end_round(&mut self, now: Instant) -> Vec<(K, Duration)> {
        let gone = self.seen.extract_if(|_, it| !std::mem::take(&mut it.is_current));
        let reported = gone.filter(|(_, incident)| incident.is_reported);
        reported.map(|(key, it)| (key, now.saturating_duration_since(it.since))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_incident_is_one_report_and_one_end() {
        let (begin, limit) = (Instant::now(), Duration::from_secs(1));
        let ms = Duration::from_millis;
        let mut incidents = Incidents::default();
        // Milliseconds, the mark if it waits, and the news.
        for (at, mark, expected) in [
            (0, Some(1), None),
            (500, Some(1), None),
            (1000, Some(1), Some(News::Stands(ms(1000)))),
            (1500, Some(1), Some(News::Still(ms(1500)))),
            (2000, Some(2), Some(News::Moved(ms(2000)))),
            (2500, Some(3), None),
            (3500, Some(3), Some(News::Stands(ms(1000)))),
            (4000, None, Some(News::Moved(ms(1500)))),
            (4500, None, None),
            (5000, Some(3), None),
            // It goes on while it is looked at late.
            (9000, Some(3), Some(News::Stands(ms(4000)))),
        ] {
            let now = begin + ms(at);
            let news = mark.and_then(|mark| incidents.waits("loop", mark, now, limit));
            let ended = incidents.end_round(now).into_iter().map(|(_, it)| News::Moved(it)).next();
            assert_eq!(news.or(ended), expected, "at {at} ms");
        }
    }
}
