//! A plugin's place in the registry: its name, and where it stands.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::{HOOK_GRACE, Supervisor};
use crate::daemon::link;
use crate::failure::{Failure, Kind};
use crate::registry::{Entry, Served, State};
use crate::runtime::Instance;
use crate::store::Metadata;

impl Supervisor {
    /// Gives the name to the entry `id`, unless a plugin that was found earlier has it.
    ///
    /// One that was found later loses it, so that the outcome does not depend on who loads faster.
    pub(super) async fn claim(&self, id: u64, name: &str) -> bool {
        let mut claimed = true;
        let mut losers: Vec<Arc<dyn Instance>> = Vec::new();
        self.registry.update(|snapshot| {
            let mine = snapshot.entries.iter().position(|entry| entry.id == id);
            let Some(mine) = mine else {
                claimed = false;
                return;
            };
            let holds = |entry: &Entry| {
                entry.named && entry.name == name && !matches!(entry.state, State::Failed(_))
            };
            let taken = |path: &std::path::Path| {
                Failure::new(
                    Kind::Plugin,
                    format!("another plugin is called '{name}': {}", path.display()),
                )
                .hint("Only the one that is found first serves; rename or remove one of them.")
            };
            if let Some(earlier) = snapshot.entries[..mine].iter().find(|entry| holds(entry)) {
                let failure = taken(&earlier.source.path);
                snapshot.entries[mine].state = State::Failed(failure);
                claimed = false;
                return;
            }
            let path = snapshot.entries[mine].source.path.clone();
            for later in snapshot.entries[mine + 1..].iter_mut().filter(|entry| holds(entry)) {
                losers.extend(later.served().map(|served| served.instance.clone()));
                later.state = State::Failed(taken(&path));
            }
            let entry = &mut snapshot.entries[mine];
            entry.name = name.to_owned();
            entry.named = true;
            // In the same step: from now on one that is found earlier may take the name away.
            entry.state = State::Loading { stage: "running startup() and connect()".to_owned() };
        });
        for loser in losers {
            loser.unload(HOOK_GRACE).await;
        }
        claimed
    }

    pub(super) async fn serve(&self, id: u64, served: Served, fingerprint: Option<String>) {
        let served = Arc::new(served);
        let (name, commands) = (served.name(), served.told.description.commands.len());
        tracing::info!(plugin = name, commands, "plugin loaded");
        // Before anybody can know that it serves, so that its help is there once it did.
        self.remember(id, fingerprint, served.told.clone()).await;
        if self.settings.wrappers.value.0 {
            link::one(&self.registry.snapshot(), id, name, self.paths.clone()).await;
        }
        // A plugin that hung while a reload replaced it has no place any more, and one that lost its name to
        // another while its hooks ran stays as it is.
        let mut placed = false;
        self.registry.update(|snapshot| {
            let holds = |entry: &Entry| {
                entry.id != id
                    && entry.named
                    && entry.name == name
                    && !matches!(entry.state, State::Failed(_))
            };
            let taken = snapshot.entries.iter().any(holds);
            let mine = snapshot.entries.iter_mut().find(|entry| entry.id == id);
            if let Some(entry) = mine.filter(|_| !taken) {
                entry.state = State::Ready(served.clone());
                entry.remembered = None;
                placed = true;
            }
        });
        if !placed {
            served.instance.unload(HOOK_GRACE).await;
        }
    }

    /// Keeps on disk what a plugin told; without a fingerprint nobody could tell whether it is still true.
    async fn remember(&self, id: u64, fingerprint: Option<String>, told: Metadata) {
        let snapshot = self.registry.snapshot();
        let entry = snapshot.entries.iter().find(|entry| entry.id == id);
        let (Some(entry), Some(fingerprint)) = (entry, fingerprint) else { return };
        let (store, path) = (self.store.clone(), entry.source.path.clone());
        let written = spawn_blocking(move || {
            if let Err(error) = store.write(&path, &fingerprint, &told) {
                tracing::warn!(path = %path.display(), %error, "a description could not be kept");
            }
        });
        // Ends early only with the daemon.
        let _ = written.await;
    }

    /// Says what is being done for a plugin; false if it has lost its place, and nothing more need be done.
    pub(super) fn stage(&self, id: u64, stage: &str) -> bool {
        let mut goes_on = false;
        self.registry.update_entry(id, |entry| {
            goes_on = !matches!(entry.state, State::Failed(_));
            if goes_on {
                entry.state = State::Loading { stage: stage.to_owned() };
            }
        });
        goes_on
    }

    pub(super) fn fail(&self, id: u64, mut failure: Failure) {
        self.registry.update_entry(id, |entry| {
            failure.error = format!("{} does not serve: {}", entry.name, failure.error);
            tracing::error!(plugin = entry.name, error = failure.error, "plugin set aside");
            entry.state = State::Failed(failure);
        });
    }
}
