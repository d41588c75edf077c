//! What the plugins' `health_check()` said last.
//!
//! A check may call a remote server, so `/health` never waits for one: it answers from this book, and a check
//! older than [`FRESH`] is made again behind its back, one at a time per plugin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::registry::{Snapshot, State};

/// How long what a check said is good.
pub const FRESH: Duration = Duration::from_secs(30);
/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Page {
    said: Map<String, Value>,
    at: Option<Instant>,
    asking: bool,
}

/// One page per loaded plugin.
#[derive(Default)]
pub struct HealthBook {
    pages: Mutex<HashMap<u64, Page>>,
}

impl HealthBook {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The health of every plugin in `snapshot`, by name; asks again where what it knows is old.
    pub fn read(self: &Arc<Self>, snapshot: &Snapshot) -> Map<String, Value> {
        self.refresh(snapshot);
        let pages = self.lock();
        snapshot
            .entries
            .iter()
            .map(|entry| {
                let health = match &entry.state {
                    State::Asleep => json!({"status": "asleep"}),
                    State::Loading { stage } => json!({"status": "loading", "stage": stage}),
                    State::Failed(failure) => json!({"status": "failed", "error": failure.error}),
                    State::Ready(_) => match pages.get(&entry.id) {
                        Some(page) if page.at.is_some() => Value::Object(page.said.clone()),
                        _ => json!({"status": "checking"}),
                    },
                };
                (entry.name.clone(), health)
            })
            .collect()
    }

    /// Starts a check of every plugin whose last one is old, and forgets plugins that are gone.
    pub fn refresh(self: &Arc<Self>, snapshot: &Snapshot) {
        let mut pages = self.lock();
        pages.retain(|id, _| snapshot.entries.iter().any(|entry| entry.id == *id));
        for entry in &snapshot.entries {
            let Some(served) = entry.served() else { continue };
            let page = pages.entry(entry.id).or_default();
            if page.asking || page.at.is_some_and(|at| at.elapsed() < FRESH) {
                continue;
            }
            page.asking = true;
            let (book, id, asked) = (self.clone(), entry.id, served.instance.health(LIMIT));
            tokio::spawn(async move {
                // Twice the plugin's own limit: only a blocked thread takes that long.
                let said = tokio::time::timeout(LIMIT * 2, asked).await.unwrap_or_else(|_| {
                    let error = json!("the plugin's thread is blocked");
                    Map::from_iter([("status".into(), json!("timeout")), ("error".into(), error)])
                });
                if let Some(page) = book.lock().get_mut(&id) {
                    *page = Page { said, at: Some(Instant::now()), asking: false };
                }
            });
        }
    }
}
