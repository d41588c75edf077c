//! What the plugins' `health_check()` said last.
//!
//! A check may call a remote server, so `/health` never waits for one: it answers from this book, and a check
//! older than [`FRESH`] is made again behind its back, one at a time per plugin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::registry::{Entry, Snapshot};
use crate::wire::{PluginState, Reload, Word};

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

/// One page per version that serves.
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
        let health = |entry: &Entry| match &entry.state {
            PluginState::Asleep => json!({"status": Word::Asleep}),
            PluginState::Loading(stage) => {
                json!({"status": Word::Loading, "stage": stage.to_string()})
            }
            PluginState::Failed(failure) => json!({"status": Word::Failed, "error": failure.error}),
            PluginState::Ready { reload, .. } => {
                let mut said = match pages.get(&entry.version) {
                    Some(page) if page.at.is_some() => page.said.clone(),
                    _ => Map::from_iter([("status".to_owned(), json!("checking"))]),
                };
                match reload {
                    Reload::Idle => None,
                    Reload::Loading(stage) => {
                        said.insert("reload".into(), stage.to_string().into())
                    }
                    Reload::Failed(failure) => {
                        said.insert("reload_error".into(), failure.error.clone().into())
                    }
                };
                Value::Object(said)
            }
        };
        snapshot.entries.iter().map(|entry| (entry.name.clone(), health(entry))).collect()
    }

    /// Starts a check of every plugin whose last one is old, and forgets plugins that are gone.
    pub fn refresh(self: &Arc<Self>, snapshot: &Snapshot) {
        let mut pages = self.lock();
        pages.retain(|version, _| snapshot.entries.iter().any(|entry| entry.version == *version));
        for entry in &snapshot.entries {
            let Some(served) = &entry.served else { continue };
            let page = pages.entry(entry.version).or_default();
            if page.asking || page.at.is_some_and(|at| at.elapsed() < FRESH) {
                continue;
            }
            page.asking = true;
            let (book, version, asked) =
                (self.clone(), entry.version, served.instance.health(LIMIT));
            tokio::spawn(async move {
                // Twice the plugin's own limit: only a blocked thread takes that long.
                let said = tokio::time::timeout(LIMIT * 2, asked).await.unwrap_or_else(|_| {
                    let error = json!("the plugin's thread is blocked");
                    Map::from_iter([("status".into(), json!("timeout")), ("error".into(), error)])
                });
                if let Some(page) = book.lock().get_mut(&version) {
                    *page = Page { said, at: Some(Instant::now()), asking: false };
                }
            });
        }
    }
}
