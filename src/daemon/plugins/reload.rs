//! What a reload touches, and its answer.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::sync::oneshot;

use super::churn::Churn;
use super::found::Found;
use super::pending::{Touched, Waiting};
use super::plugin::Plugin;
use super::router::Router;
use super::wrappers;
use crate::daemon::actor::Event;
use crate::failure::Failure;
use crate::notices::Topic;
use crate::registry::{Entry, Snapshot};
use crate::wire::{PluginState, Reloaded};

impl Router {
    /// Loads the named plugins again, or all: with those that are new, and without those that are gone.
    pub(super) fn reload(
        &mut self,
        named: &[String],
        found: Vec<Found>,
        answer: oneshot::Sender<Result<Reloaded, Failure>>,
    ) {
        let found = self.without_switched_off(found);
        let snapshot = self.shared.parts.registry.snapshot();
        let selected = match self.select(named, &found, &snapshot) {
            Ok(selected) => selected,
            Err(failure) => {
                // Fails only if nothing waits for it any more.
                let _ = answer.send(Err(failure));
                return;
            }
        };
        let found = self.forgiven(found, selected.as_ref());
        let is_selected =
            |path: &Path| selected.as_ref().is_none_or(|selected| selected.contains(path));
        let order: Vec<PathBuf> = found.iter().map(|found| found.source.path.clone()).collect();
        let mut ids = BTreeSet::new();
        for id in self.ids() {
            let path = self.plugin(id).map(|plugin| plugin.source.path.clone()).unwrap_or_default();
            if is_selected(&path) && !order.contains(&path) {
                ids.insert(id);
                self.event(id, Event::Removed);
            }
        }
        let (selected, _): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|found| is_selected(&found.source.path));
        self.enter_all(&selected, &order);
        for found in selected {
            if !named.is_empty() {
                self.forget_churn(&found);
            }
            ids.insert(self.pending(&found).unwrap_or_else(|| self.find(found)));
        }
        let before = snapshot.entries.iter().filter(|entry| is_known(entry));
        let before = before.map(|entry| (entry.id, entry.name.clone())).collect();
        let ids = (!named.is_empty()).then_some(ids);
        self.reloads.push(Waiting { touched: Touched { ids, before }, answer });
    }

    /// Forgets what a plugin has changed itself.
    fn forget_churn(&mut self, found: &Found) {
        let path = &found.source.path;
        if let Some(plugin) = self.plugins.iter_mut().find(|it| it.source.path == *path) {
            plugin.churn = Churn::new(Instant::now());
            self.shared.parts.notices.set(Some(plugin.id), Topic::Written, None);
        }
    }

    /// Makes the actors of new plugins, before any of them is loaded, because the first in `order` has a contested name.
    pub(super) fn enter_all(&mut self, found: &[Found], order: &[PathBuf]) {
        for found in found {
            self.enter(found);
        }
        let place = |plugin: &Plugin| order.iter().position(|path| *path == plugin.source.path);
        self.plugins.sort_by_key(|plugin| place(plugin).unwrap_or(usize::MAX));
    }

    /// The id of a plugin of which a change of its files has begun to load what was found: a reload waits for that.
    fn pending(&self, found: &Found) -> Option<u64> {
        let plugin = self.plugins.iter().find(|it| it.source.path == found.source.path)?;
        let newest = plugin.newest()?;
        let both = newest.fingerprint.as_ref().zip(found.fingerprint.as_ref());
        let is_same = both.is_some_and(|(newest, found)| newest.changed(found).is_empty());
        (is_same && newest.is_change && !plugin.state.is_settled()).then_some(plugin.id)
    }

    /// The paths of the plugins that are named; `None` for all.
    fn select(
        &self,
        named: &[String],
        found: &[Found],
        snapshot: &Snapshot,
    ) -> Result<Option<HashSet<PathBuf>>, Failure> {
        if named.is_empty() {
            return Ok(None);
        }
        let path = |name: &String| {
            if name.starts_with('/') {
                return Ok(self.known_path(Path::new(name), found));
            }
            let entry = snapshot.entries.iter().find(|entry| entry.name == *name);
            let known = entry.map(|entry| entry.source.path.clone());
            let new = || found.iter().find(|found| found.name().0 == *name);
            known
                .or_else(|| new().map(|found| found.source.path.clone()))
                .ok_or_else(|| snapshot.unknown(name))
        };
        named.iter().map(path).collect::<Result<_, _>>().map(Some)
    }

    /// The path by which a plugin at `path` is known, whatever links lead there.
    fn known_path(&self, path: &Path, found: &[Found]) -> PathBuf {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let wanted = real(path);
        let sources = self.plugins.iter().map(|plugin| &plugin.source);
        let mut sources = sources.chain(found.iter().map(|found| &found.source));
        let known = sources.find(|source| source.path == path || real(&source.path) == wanted);
        known.map_or_else(|| path.to_owned(), |source| source.path.clone())
    }

    /// Answers the reloads whose plugins are settled.
    pub(super) fn answer_reloads(&mut self) {
        let plugins = &self.plugins;
        let is_settled = |waiting: &mut Waiting| {
            plugins.iter().all(|it| !waiting.touched.has(it.id) || it.state.is_settled())
        };
        let settled: Vec<Waiting> = self.reloads.extract_if(.., is_settled).collect();
        for Waiting { touched, answer } in settled {
            let shared = self.shared.clone();
            tokio::spawn(async move {
                wrappers::follow(&shared).await;
                let reloaded = reloaded(&shared.parts.registry.snapshot(), &touched);
                let (added, removed) = (&reloaded.added, &reloaded.removed);
                tracing::info!(?added, ?removed, total = reloaded.total, "plugins reloaded");
                // Fails only if nothing waits for the answer any more: the reload counts.
                let _ = answer.send(Ok(reloaded));
            });
        }
    }
}

/// True for a plugin that counts as one that was there.
fn is_known(entry: &Entry) -> bool {
    entry.named && !matches!(entry.state, PluginState::Failed(_))
}

fn reloaded(snapshot: &Snapshot, touched: &Touched) -> Reloaded {
    let before: BTreeSet<&str> = touched.before.iter().map(|(_, name)| name.as_str()).collect();
    let after: BTreeSet<String> = snapshot.names().into_iter().collect();
    let of_touched: Vec<&Entry> =
        snapshot.entries.iter().filter(|entry| touched.has(entry.id)).collect();
    let loaded = of_touched.iter().filter(|entry| entry.state.failure().is_none());
    let loaded: BTreeSet<String> =
        loaded.map(|entry| entry.name.clone()).filter(|name| after.contains(name)).collect();
    let (reloaded, added) = loaded.into_iter().partition(|name| before.contains(name.as_str()));
    let gone = touched.before.iter().filter(|(id, name)| touched.has(*id) && !after.contains(name));
    let removed: BTreeSet<String> = gone.map(|(_, name)| name.clone()).collect();
    Reloaded {
        success: true,
        added,
        removed: removed.into_iter().collect(),
        reloaded,
        total: after.len(),
        failed: of_touched.iter().filter_map(|entry| entry.failed()).collect(),
    }
}
