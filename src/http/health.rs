//! The last result of each plugin's `health_check()`.
//!
//! A check may call a remote server, so `/health` never waits for one: it answers from this book, and a check
//! older than [`FRESH`] is made again in the background, one at a time per plugin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::registry::{Entry, Snapshot};
use crate::wire::{PluginState, Reload, Word};

/// How long the result of a check is fresh.
pub const FRESH: Duration = Duration::from_secs(30);
/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The last check of one version.
#[derive(Default)]
struct Page {
    result: Map<String, Value>,
    /// When the result was taken.
    at: Option<Instant>,
    /// A check is running.
    pending: bool,
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

    /// The health of every plugin in `snapshot`, by name; checks again where the result is old.
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
                let mut result = match pages.get(&entry.version) {
                    Some(page) if page.at.is_some() => page.result.clone(),
                    _ => Map::from_iter([("status".to_owned(), json!("checking"))]),
                };
                match reload {
                    Reload::Idle => None,
                    Reload::Loading(stage) => {
                        result.insert("reload".into(), stage.to_string().into())
                    }
                    Reload::Failed(failure) => {
                        result.insert("reload_error".into(), failure.error.clone().into())
                    }
                };
                Value::Object(result)
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
            if page.pending || page.at.is_some_and(|at| at.elapsed() < FRESH) {
                continue;
            }
            page.pending = true;
            let (book, version, asked) =
                (self.clone(), entry.version, served.instance.health(LIMIT));
            tokio::spawn(async move {
                // Twice the plugin's own limit: only a blocked thread takes that long.
                let result = tokio::time::timeout(LIMIT * 2, asked).await.unwrap_or_else(|_| {
                    let error = json!("the plugin's thread is blocked");
                    Map::from_iter([("status".into(), json!("timeout")), ("error".into(), error)])
                });
                if let Some(page) = book.lock().get_mut(&version) {
                    *page = Page { result, at: Some(Instant::now()), pending: false };
                }
            });
        }
    }
}
