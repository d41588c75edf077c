//! The stream of one page.
//!
//! Events are made when the connection has room for them, so a slow reader gets fewer, and none waits in memory: state
//! when it changes, numbers, calls and log lines at each [`TICK`]. In order of the first: `hello`, `plugins`, `commands`
//! (of one plugin), `numbers`, `calls`, `log`, `beat`, and `end` with the reason.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::numbers::{Moments, Numbers};
use super::state::{self, Sent, written};
use crate::http::Service;
use crate::recent::{Look, Reader};
use crate::registry::Snapshot;
use crate::tail::{Lines, Tail};

/// The time from one look at numbers, calls and the log to the next.
const TICK: Duration = Duration::from_millis(500);
/// The least time between two events about plugins.
const STATE_PAUSE: Duration = Duration::from_millis(100);
/// The longest time without an event, by which the page sees that the connection is alive.
const BEAT: Duration = Duration::from_secs(5);
/// How many log lines are sent at once.
const LINES_MAX: usize = 200;
/// The longest text of a log line, in bytes.
const TEXT_MAX: usize = 4096;

/// The answer that is the stream.
pub(super) fn response(service: Arc<Service>, place: OwnedSemaphorePermit) -> Response {
    let pieces = stream::unfold(Live::new(service, place), async |mut live| {
        let piece: Result<Bytes, Infallible> = Ok(live.next().await?);
        Some((piece, live))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    for (name, value) in
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")]
    {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The stream of one page.
struct Live {
    service: Arc<Service>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    leaving: watch::Receiver<Option<&'static str>>,
    reader: Reader,
    ticks: Interval,
    /// Events that were made together and are sent one by one.
    made: VecDeque<Bytes>,
    last: Instant,
    sent: Sent,
    /// When the plugins may be looked at again.
    state_due: Instant,
    moments: Moments,
    numbers: Option<Numbers>,
    look: Look,
    log: Log,
    has_ended: bool,
    _place: OwnedSemaphorePermit,
}

/// What is due next.
enum Due {
    /// The daemon ends, for this reason.
    End(Option<&'static str>),
    /// The plugins have changed.
    State,
    /// A [`TICK`] has passed.
    Tick,
}

/// How far the log was read.
#[derive(Default)]
enum Log {
    #[default]
    Unread,
    Open(Tail),
}

/// `event: log`.
#[derive(Serialize)]
struct LogEvent {
    lines: Vec<Map<String, Value>>,
    is_cut: bool,
}

impl Live {
    fn new(service: Arc<Service>, place: OwnedSemaphorePermit) -> Live {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut snapshots = service.registry.subscribe();
        snapshots.mark_changed();
        let now = Instant::now();
        Live {
            snapshots,
            leaving: service.pages.leaving(),
            reader: service.registry.recent.reader(),
            ticks,
            made: VecDeque::from([state::hello(&service)]),
            last: now,
            sent: Sent::default(),
            state_due: now,
            moments: Moments::default(),
            numbers: None,
            look: Look::default(),
            log: Log::default(),
            has_ended: false,
            _place: place,
            service,
        }
    }

    /// The next event; `None` once the daemon ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.made.pop_front() {
                self.last = Instant::now();
                return Some(event);
            }
            if self.has_ended {
                return None;
            }
            let changed = async {
                // An error means that the daemon is gone.
                let _ = self.snapshots.changed().await;
                sleep_until(self.state_due).await;
            };
            let ends = async {
                // An error means that the daemon is gone.
                self.leaving.wait_for(Option::is_some).await.ok().and_then(|reason| *reason)
            };
            let due = tokio::select! {
                biased;
                reason = ends => Due::End(reason),
                () = changed => Due::State,
                _ = self.ticks.tick() => Due::Tick,
            };
            match due {
                Due::End(reason) => {
                    self.made.push_back(written("end", &json!({"reason": reason})));
                    self.has_ended = true;
                }
                Due::State => self.state(),
                Due::Tick => self.tick().await,
            }
        }
    }

    fn state(&mut self) {
        let snapshot = self.snapshots.borrow_and_update().clone();
        self.made.extend(self.sent.changes(&self.service, &snapshot));
        self.state_due = Instant::now() + STATE_PAUSE;
    }

    async fn tick(&mut self) {
        let now = Instant::now();
        if self.service.pages.is_time_to_look(now) && self.service.activity.in_flight() > 0 {
            // Each connection polls its request, which lists itself.
            self.service.phases.send_modify(|_| {});
        }
        // Also what is in no snapshot: notices, background tasks.
        self.state();
        let numbers = self.moments.now(&self.service);
        if self.numbers.as_ref() != Some(&numbers) {
            self.made.push_back(written("numbers", &numbers));
            self.numbers = Some(numbers);
        }
        let look = self.reader.look();
        let is_new = !look.ended.is_empty() || look.is_sample != self.look.is_sample;
        if is_new || look.under_way != self.look.under_way {
            self.made.push_back(written("calls", &look));
        }
        self.look = look;
        self.log().await;
        if self.made.is_empty() && now.duration_since(self.last) >= BEAT {
            self.made.push_back(written("beat", &json!({})));
        }
    }

    async fn log(&mut self) {
        let (log, path) = (std::mem::take(&mut self.log), self.service.paths.log_file());
        let read = tokio::task::spawn_blocking(move || match log {
            Log::Unread => Tail::open(&path, LINES_MAX),
            Log::Open(mut tail) => {
                let lines = tail.more(LINES_MAX);
                (tail, lines)
            }
        });
        // Fails only when the daemon is gone.
        let Ok((tail, Lines { lines, is_cut })) = read.await else { return };
        self.log = Log::Open(tail);
        if !lines.is_empty() {
            let lines = lines.iter().map(|line| record(line)).collect();
            self.made.push_back(written("log", &LogEvent { lines, is_cut }));
        }
    }
}

/// A line of the log as a record; one that is none is a message.
fn record(line: &str) -> Map<String, Value> {
    let parsed = serde_json::from_str::<Map<String, Value>>(line);
    let mut record = parsed.unwrap_or_else(|_| Map::from_iter([("message".into(), line.into())]));
    record.shift_remove("target");
    for value in record.values_mut() {
        if let Value::String(text) = value
            && text.len() > TEXT_MAX
        {
            text.truncate(text.floor_char_boundary(TEXT_MAX));
            text.push('…');
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_records_of_a_bounded_size() {
        assert_eq!(record("Traceback"), *json!({"message": "Traceback"}).as_object().unwrap());
        let line = json!({"level": "INFO", "message": "x".repeat(9999), "target": "t", "n": 1});
        let record = record(&line.to_string());
        assert_eq!(record["message"].as_str().unwrap().len(), TEXT_MAX + '…'.len_utf8());
        assert_eq!((record.get("target"), &record["n"]), (None, &json!(1)));
    }
}
