//! The task that owns all actors: messages become events, events become effects, actors become a snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::Shared;
use super::found::{self, Found};
use super::message::Message;
use super::pending::{Installs, Waiting};
use super::plugin::{Plugin, VersionData};
use super::wrappers;
use crate::daemon::actor::{self, Event, Next, Version};
use crate::failure::Failure;
use crate::journal::Slot;
use crate::policy::Policy;
use crate::registry::Snapshot;
use crate::requirements::seniority::Seniority;

/// All actors, and what concerns several of them.
pub(super) struct Router {
    pub(super) shared: Arc<Shared>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
    /// In order of discovery.
    pub(super) plugins: Vec<Plugin>,
    pub(super) installs: Installs,
    /// When the plugins came.
    pub(super) seniority: Seniority,
    pub(super) reloads: Vec<Waiting>,
    /// Names of the plugins that `config.toml` switches off.
    pub(super) switched_off: Vec<String>,
    /// The number of unloads that have not ended.
    pub(super) unloading: usize,
    /// A version serves that did not when the last snapshot was published.
    pub(super) has_new: bool,
    /// The wrappers and skills may not be those of the plugins.
    pub(super) unlinked: bool,
    /// The last number given to a plugin or a version.
    last: u64,
    is_stopping: bool,
    /// Answered when no unload is pending.
    ends: Vec<oneshot::Sender<()>>,
}

impl Router {
    pub(super) fn new(shared: Arc<Shared>, messages: mpsc::UnboundedSender<Message>) -> Router {
        let (seniority, warning) = Seniority::read(&shared.parts.paths.seniority());
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        Router {
            shared,
            messages,
            plugins: Vec::new(),
            installs: Installs::default(),
            seniority,
            reloads: Vec::new(),
            switched_off: Vec::new(),
            unloading: 0,
            has_new: false,
            unlinked: true,
            last: 0,
            is_stopping: false,
            ends: Vec::new(),
        }
    }

    /// Enters what was found at the start.
    pub(super) fn begin(&mut self, found: Vec<Found>) {
        self.read_sources();
        let found = self.without_switched_off(found);
        for found in &found {
            self.enter(found);
        }
        for found in found {
            self.find(found);
        }
        self.settle();
    }

    /// Takes one message after the other.
    pub(super) async fn run(
        mut self,
        mut messages: mpsc::UnboundedReceiver<Message>,
        mut woken: mpsc::UnboundedReceiver<u64>,
    ) {
        loop {
            tokio::select! {
                Some(message) = messages.recv() => self.take(message),
                Some(id) = woken.recv() => {
                    let asleep = |plugin: &Plugin| plugin.state.next == Next::Asleep;
                    if self.plugin(id).is_some_and(asleep) {
                        self.note_call(id);
                        self.look_again(id, Event::Wake);
                    }
                }
                else => return,
            }
            self.settle();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Event { id, event } => self.event(id, event),
            Message::Stand(known) => self.stands(known),
            Message::Checked { id, version, outcome } => match outcome {
                Ok(()) => self.event(id, Event::Checked(version)),
                Err(failure) => self.broke(id, version, failure),
            },
            Message::Again { id, version } => self.import_again(id, version),
            Message::Imported { id, version, loaded, executed } => {
                self.executed(id, version, executed, loaded.is_ok());
                self.imported(id, version, loaded.map(|loaded| *loaded));
            }
            Message::Executed { id, version, executed } => {
                self.executed(id, version, executed, false);
            }
            Message::Overdue { id, version, failure } => {
                let failure = self.explain(id, failure);
                self.event(id, Event::Overdue(version, failure));
            }
            Message::Started { id, version, complaints } => self.started(id, version, complaints),
            Message::Ended { id, event } => {
                self.unloading -= 1;
                self.event(id, event);
            }
            Message::Found { id, found, event } => match found {
                Ok(found) => self.apply(id, *found, event),
                Err(failure) => self.event(id, Event::Refused(failure)),
            },
            Message::Reload { .. } if self.is_stopping => {}
            Message::Reload { plugins, found, answer } => self.reload(&plugins, found, answer),
            Message::Changed(_) | Message::Configured(_) if self.is_stopping => {}
            Message::Changed(looked) => self.changed(looked),
            Message::Configured(before) => self.configured(&before),
            // Fails only if nothing waits for it any more.
            Message::Reached(answer) => drop(answer.send(())),
            // Without an answer they end with the failure that the daemon is stopping.
            Message::RefuseReloads => {
                self.is_stopping = true;
                self.reloads.clear();
            }
            Message::EndExclusive(answer) => {
                for id in self.ids() {
                    if self.plugin(id).is_some_and(Plugin::is_exclusive) {
                        self.event(id, Event::Stopped);
                    }
                }
                self.ends.push(answer);
            }
            Message::End(answer) => {
                self.is_stopping = true;
                self.reloads.clear();
                for id in self.ids() {
                    self.event(id, Event::Stopped);
                }
                self.ends.push(answer);
            }
        }
    }

    /// After each message: what concerns several plugins, and the snapshot for readers.
    fn settle(&mut self) {
        self.free_names();
        self.see_to_installs();
        let entries = self.plugins.iter().filter_map(Plugin::entry).collect();
        let switched_off = self.switched_off.clone();
        self.shared.parts.registry.replace(Snapshot { entries, switched_off });
        if std::mem::take(&mut self.has_new) {
            self.shared.parts.health.refresh(&self.shared.parts.registry.snapshot());
        }
        if self.unlinked && !self.is_stopping && self.plugins.iter().all(|it| it.state.is_settled())
        {
            self.unlinked = false;
            let shared = self.shared.clone();
            tokio::spawn(async move { wrappers::follow(&shared).await });
        }
        self.answer_reloads();
        if self.unloading == 0 {
            for end in self.ends.drain(..) {
                // Fails only if nothing waits for the end.
                let _ = end.send(());
            }
        }
    }

    /// Has the actor `id` take an event, and carries out what follows from it.
    pub(super) fn event(&mut self, id: u64, event: Event<Failure>) {
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        if let Event::Refused(failure)
        | Event::Broke(_, failure)
        | Event::Denied(_, failure)
        | Event::Overdue(_, failure)
        | Event::NameLost(_, failure) = &event
        {
            tracing::error!(plugin = plugin.name(), error = failure.error, "plugin set aside");
            plugin.shown = Arc::default();
        }
        let state = std::mem::replace(&mut plugin.state, actor::State::new());
        let (state, effects) = state.transition(event);
        plugin.state = state;
        for effect in effects {
            self.carry_out(id, effect);
        }
        if let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) {
            plugin.versions.retain(|version, _| plugin.state.mentions(*version));
        }
        self.unlinked = true;
    }

    /// A version could not be installed or imported.
    pub(super) fn broke(&mut self, id: u64, version: Version, failure: Failure) {
        let failure = self.explain(id, failure);
        if let Some(plugin) = self.plugin(id) {
            self.shared.parts.registry.metrics.failed(plugin.name());
        }
        self.event(id, Event::Broke(version, failure));
    }

    fn explain(&self, id: u64, failure: Failure) -> Failure {
        match self.plugin(id) {
            Some(plugin) => plugin.explain(failure),
            None => failure,
        }
    }

    pub(super) fn plugin(&self, id: u64) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.id == id)
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.plugins.iter().map(|plugin| plugin.id).collect()
    }

    fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Makes the actor of a plugin that has none; returns its id.
    pub(super) fn enter(&mut self, found: &Found) -> u64 {
        let known = self.plugins.iter().find(|plugin| plugin.source.path == found.source.path);
        if let Some(plugin) = known {
            return plugin.id;
        }
        let id = self.next_number();
        self.plugins.push(Plugin::new(id, found));
        self.unlinked = true;
        id
    }

    /// Has a plugin loaded as it was found, unless it sleeps; returns its id.
    pub(super) fn find(&mut self, found: Found) -> u64 {
        let id = self.enter(&found);
        match self.plugins.iter_mut().find(|plugin| plugin.id == id) {
            Some(plugin) if plugin.state.next == Next::Asleep && found.sleeps() => {
                plugin.look_again(&found);
                self.judge(id, &found.verdict);
            }
            _ => self.apply(id, found, Event::Load),
        }
        id
    }

    /// Has the actor `id` go on with what lies on disk now.
    fn apply(&mut self, id: u64, found: Found, event: fn(Version) -> Event<Failure>) {
        let version = Version(self.next_number());
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        plugin.look_again(&found);
        if let Some(failure) = self.judge(id, &found.verdict) {
            return self.event(id, Event::Refused(failure));
        }
        let Some(plugin) = self.plugins.iter_mut().find(|plugin| plugin.id == id) else { return };
        match found.manifest {
            Ok(manifest) => {
                let settings = self.shared.parts.settings.now();
                let policy = Policy::under(&settings, plugin.name(), &manifest);
                let (fingerprint, is_change) = (found.fingerprint, found.is_change);
                let old = plugin.state.serves.and_then(|old| plugin.versions.get(&old));
                plugin.state.exclusive =
                    policy.exclusive || old.is_some_and(|old| old.policy.exclusive);
                let load = VersionData {
                    manifest,
                    party: found.party,
                    policy,
                    fingerprint,
                    executed: BTreeSet::new(),
                    slot: Slot::default(),
                    is_change,
                    served: None,
                    unused: None,
                };
                plugin.versions.insert(version, load);
                self.event(id, event(version));
            }
            Err(failure) if plugin.state.serves.is_some() => {
                let failure = plugin.explain(failure);
                self.event(id, Event::Refused(failure));
            }
            Err(failure) => self.event(id, Event::Refused(failure)),
        }
    }

    /// Reads the plugin `id` from disk again, and then has its actor take the event.
    pub(super) fn look_again(&self, id: u64, event: fn(Version) -> Event<Failure>) {
        let Some(plugin) = self.plugin(id) else { return };
        let (shared, source) = (self.shared.clone(), plugin.source.clone());
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let found = found::one(shared, source).await.map(Box::new);
            let _ = messages.send(Message::Found { id, found, event });
        });
    }
}
