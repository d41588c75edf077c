//! Memory and threads, looked at once in a while, and what of it is noted in the journal.

use std::collections::{BTreeSet, HashMap};

use super::memory::Ledger;
use super::place::LIMIT;
use super::{Guard, Looked};
use crate::crashes::blame;
use crate::metrics::process;
use crate::notices::Topic;
use crate::registry::Entry;
use crate::wire::{PluginState, Reload, Stage};

/// The growth of a plugin that is reported, in MiB, unless it has a limit.
const GROWTH: u32 = 512;
/// The number of its own threads from which on a plugin is reported.
const THREADS_MAX: usize = 100;

/// What was seen at the last sample.
#[derive(Default)]
pub(super) struct Samples {
    memory: Ledger,
    /// How many calls each plugin had been given, by its version.
    calls: HashMap<u64, u64>,
    /// Notices that are set.
    shown: BTreeSet<(Topic, u64)>,
}

impl Samples {
    /// Looks at memory and threads, and reports plugins that exceed a limit.
    pub(super) async fn take(&mut self, guard: &Guard, entries: &[Entry], looked: &[Looked<'_>]) {
        if let Some(journal) = &guard.journal {
            journal.memory_kills(blame::memory_kills());
        }
        let Some((resident, threads)) = process::memory_and_threads() else { return };
        let weights = self.weights(entries, looked);
        self.memory.keep_only(|plugin| entries.iter().any(|entry| entry.id == plugin));
        self.memory.sample(resident, &weights);
        for Looked { entry, .. } in looked {
            let limit = entry.served.as_ref().and_then(|served| served.policy.limits.memory);
            let (growth, limit) = (self.memory.of(entry.id) >> 20, limit.unwrap_or(GROWTH));
            let text = format!(
                "the daemon's memory has grown by about {growth} MiB (estimated) by this plugin, limit {limit} MiB"
            );
            let text = Some(text).filter(|_| growth > u64::from(limit));
            self.show(guard, entry, Topic::Memory, text);
        }
        let were_many = self.shown.iter().any(|(topic, _)| *topic == Topic::Threads);
        if threads > THREADS_MAX || were_many {
            self.threads(guard, looked).await;
        }
    }

    /// Notes the calls under way and the growth of each plugin.
    pub(super) fn journal(&self, looked: &[Looked<'_>]) {
        for it in looked {
            if let Some(served) = &it.entry.served {
                served.slot.sample(it.calls(), self.memory.of(it.entry.id));
            }
        }
    }

    /// How much each plugin did since the last sample: one that was imported, all of it; else by calls.
    fn weights(&mut self, entries: &[Entry], looked: &[Looked<'_>]) -> Vec<(u64, u64)> {
        let is_imported = |entry: &&Entry| {
            matches!(
                &entry.state,
                PluginState::Loading(Stage::Importing)
                    | PluginState::Ready { reload: Reload::Loading(Stage::Importing), .. }
            )
        };
        let imported: Vec<_> = entries.iter().filter(is_imported).map(|it| (it.id, 1)).collect();
        let mut calls = HashMap::new();
        let mut weights = Vec::new();
        for it in looked {
            let (version, count) = (it.entry.version, it.activity.calls);
            let before = self.calls.get(&version).copied().unwrap_or(0);
            let under_way = u64::try_from(it.calls()).unwrap_or(u64::MAX);
            weights.push((it.entry.id, count.saturating_sub(before).saturating_add(under_way)));
            calls.insert(version, count);
        }
        self.calls = calls;
        if imported.is_empty() { weights } else { imported }
    }

    async fn threads(&mut self, guard: &Guard, looked: &[Looked<'_>]) {
        let Ok(counts) = tokio::time::timeout(LIMIT, guard.python.threads()).await else { return };
        for Looked { entry, .. } in looked {
            let count = counts.get(&entry.name).copied().unwrap_or(0);
            let text = format!("it has {count} threads of its own");
            self.show(guard, entry, Topic::Threads, Some(text).filter(|_| count > THREADS_MAX));
        }
    }

    /// Sets or removes a notice, and logs a new one.
    fn show(&mut self, guard: &Guard, entry: &Entry, topic: Topic, text: Option<String>) {
        let is_new = match &text {
            Some(_) => self.shown.insert((topic, entry.id)),
            None if self.shown.remove(&(topic, entry.id)) => false,
            None => return,
        };
        if let Some(text) = text.as_ref().filter(|_| is_new) {
            tracing::warn!(plugin = entry.name, "{text}");
        }
        guard.notices.set(Some(entry.id), topic, text);
    }
}
