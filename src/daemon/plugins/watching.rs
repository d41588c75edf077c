//! Changed files and settings take effect by themselves.
//!
//! One task waits for batches of the [watcher](crate::watch), has the disk read off the I/O threads, and sends the
//! router what it found. Watches are set before files are read, so a change during that is in the next batch. The
//! same task looks at everything when a [`Look`] asks for it, which need not wait until a change has been noticed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::Shared;
use super::found;
use super::looked::{self, Looked};
use super::message::Message;
use super::modules::OfPlugins;
use super::places::{self, Subject};
use super::switched_off;
use crate::daemon::logging;
use crate::discovery::{Origin, PluginSource};
use crate::notices::Topic;
use crate::settings::secrets::Secrets;
use crate::settings::{Settings, live};
use crate::watch::{self, Place, Watcher};

/// The most directories that are watched.
const WATCHES_MAX: usize = 16_384;
/// How often places are set before files are read, while directories appear.
const TIMES_MAX: usize = 4;

/// A request to look at everything on disk; answered once the router was sent what was found.
pub(super) type Look = oneshot::Sender<()>;

/// The state of the task between batches.
struct Watching {
    shared: Arc<Shared>,
    watcher: Watcher<Subject>,
    /// The plugins that were discovered last.
    known: Vec<PluginSource>,
    /// The modules outside of their plugins' directories that are watched.
    modules: OfPlugins,
}

/// Has changes take effect until the daemon stops.
pub(super) async fn run(
    shared: Arc<Shared>,
    messages: mpsc::UnboundedSender<Message>,
    mut looks: mpsc::UnboundedReceiver<Look>,
) {
    let (watcher, mut batches) = watch::new(WATCHES_MAX);
    let mut stopping = shared.stopping.subscribe();
    let mut modules = shared.modules.subscribe();
    let mut watching =
        Watching { shared: shared.clone(), watcher, known: Vec::new(), modules: OfPlugins::new() };
    // Files may have changed between the start and the first watch.
    let mut batch = BTreeSet::from([Subject::Settings, Subject::Discovery]);
    let mut asked: Option<Look> = None;
    loop {
        let looked = spawn_blocking(move || {
            let configures = batch.contains(&Subject::Settings);
            let configured = configures.then(|| watching.configure()).flatten();
            if let Some(before) = &configured {
                batch.insert(Subject::Discovery);
                let now = watching.shared.parts.settings.now();
                let is_other = before.dependencies != now.dependencies;
                if switched_off::differ(before, &now) || is_other {
                    // Each plugin is looked at as if it were new.
                    watching.known.clear();
                }
            }
            let looked = watching.look(&batch);
            (watching, looked, configured)
        });
        let Ok((next, looked, configured)) = looked.await else {
            tracing::error!("changes of files are no longer noticed; run `skills-daemon restart`");
            return;
        };
        watching = next;
        // Both fail only if the router is gone.
        let _ = messages.send(Message::Changed(looked));
        if let Some(before) = configured {
            let _ = messages.send(Message::Configured(before));
        }
        if let Some(look) = asked.take() {
            // Fails only if nothing waits for it any more.
            let _ = look.send(());
        }
        batch = tokio::select! {
            batch = batches.next() => batch,
            // Without a sender there is nothing to look for.
            Some(look) = looks.recv() => {
                asked = Some(look);
                watching.everything()
            }
            // Fails only if the sender is gone, which `shared` keeps.
            Ok(()) = modules.changed() => watching.unwatched(&modules.borrow_and_update()),
            // Fails only if the sender is gone, which `shared` keeps.
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
    }
}

impl Watching {
    /// All that may have changed.
    fn everything(&self) -> BTreeSet<Subject> {
        let plugins = self.known.iter().map(subject);
        plugins.chain([Subject::Settings, Subject::Discovery]).collect()
    }

    /// Sets the watches of what `batch` names, and looks at it.
    fn look(&mut self, batch: &BTreeSet<Subject>) -> Looked {
        let mut batch = batch.clone();
        let before = self.known.clone();
        let discovered = match batch.contains(&Subject::Discovery) {
            true => found::sources(&self.shared.parts),
            false => before.clone(),
        };
        let is_due = |it: &&PluginSource| !before.contains(it) || batch.contains(&subject(it));
        for source in discovered.iter().filter(is_due) {
            self.watch_plugin(source);
        }
        if batch.contains(&Subject::Discovery) {
            self.watch_discovery(&discovered);
        }
        let mut looked = looked::look(&self.shared, &mut self.known, &batch);
        if looked.order.is_some() {
            // Those that are found only now may have changed before they were watched.
            let found: Vec<PluginSource> =
                self.known.iter().filter(|source| !discovered.contains(source)).cloned().collect();
            let late = found.iter().filter(|source| self.watch_plugin(source)).map(subject);
            let late: Vec<Subject> = late.collect();
            let is_late = self.watch_discovery(&self.known) || !late.is_empty();
            if is_late {
                batch.extend(late);
                batch.insert(Subject::Discovery);
                let again = looked::look(&self.shared, &mut self.known, &batch);
                looked.order = again.order;
                looked.found.extend(again.found);
            }
            let kept = self.everything();
            self.watcher.keep_only(&kept);
            self.modules.retain(|path, _| kept.contains(&Subject::Plugin(path.clone())));
        }
        let polled = self.watcher.polled();
        self.shared.parts.notices.set(None, Topic::Watching, polled);
        tracing::debug!(watches = self.watcher.watches(), "watching");
        looked
    }

    /// Sets the watches of a plugin; true if directories appeared that were not watched.
    fn watch_plugin(&mut self, source: &PluginSource) -> bool {
        if source.origin == Origin::Bundled {
            return false;
        }
        let modules = self.shared.modules.of(&source.path, None);
        let appeared = self.set(&subject(source), || places::of_plugin(source, &modules));
        self.modules.insert(source.path.clone(), modules);
        appeared
    }

    /// The plugins whose modules are others than those that are watched.
    fn unwatched(&self, modules: &OfPlugins) -> BTreeSet<Subject> {
        let is_known = |path: &PathBuf| self.known.iter().any(|source| source.path == *path);
        let others = modules.iter().filter(|(path, now)| {
            is_known(path) && self.modules.get(*path).is_none_or(|watched| watched != *now)
        });
        others.map(|(path, _)| Subject::Plugin(path.clone())).collect()
    }

    fn watch_discovery(&self, sources: &[PluginSource]) -> bool {
        let paths = &self.shared.parts.paths;
        let searches = paths.profile.is_none() && !sources.iter().any(is_named);
        self.set(&Subject::Discovery, || places::of_discovery(paths, sources, searches))
    }

    /// Sets the places of `subject`, again while directories appear that were not watched; true if there were any.
    fn set(&self, subject: &Subject, places: impl Fn() -> Vec<Place>) -> bool {
        let mut times = 0;
        while times < TIMES_MAX && self.watcher.set(subject, places()) {
            times += 1;
        }
        times > 0
    }

    /// Reads `config.toml` and `secrets.toml` again and applies what can be; returns the settings before if anything changed.
    fn configure(&self) -> Option<Arc<Settings>> {
        let parts = &self.shared.parts;
        self.set(&Subject::Settings, || places::of_settings(&parts.paths));
        let before = parts.settings.now();
        let read = Settings::load(&parts.paths.config_file(), &parts.env)
            .and_then(|settings| settings.dependencies.sources().map(|_| settings));
        let mut settings = match read {
            Ok(settings) => settings,
            Err(failure) => {
                tracing::warn!(error = failure.error, "the settings in force stay");
                let text = format!("{}; the settings before stay in force", failure.error);
                parts.notices.set(None, Topic::Settings, Some(text));
                return None;
            }
        };
        let secrets = Secrets::load(&parts.paths.secrets_file());
        let refused = secrets.as_ref().err().map(|failure| {
            tracing::warn!(error = failure.error, "the secrets in force stay");
            let hint = failure.hint.as_deref().unwrap_or_default();
            format!("{}; the secrets before stay in force. {hint}", failure.error)
        });
        settings.secrets = secrets.unwrap_or_else(|_| before.secrets.clone());
        parts.notices.set(None, Topic::Secrets, refused);
        let applied = live::applied(&before, &settings);
        let is_other = settings.unknown != before.unknown;
        for unknown in settings.unknown.iter().filter(|_| is_other) {
            tracing::warn!(key = unknown.key, "{unknown}");
        }
        if settings.log_level.value != before.log_level.value {
            logging::set_level(settings.log_level.value);
            parts.python.set_log_level(settings.log_level.value);
        }
        parts.settings.replace(settings);
        let pending = parts.settings.pending();
        parts.notices.set(None, Topic::Settings, (!pending.is_empty()).then(|| pending.join("; ")));
        if !applied.is_empty() {
            tracing::info!(?applied, "settings changed");
        }
        (!applied.is_empty()).then_some(before)
    }
}

fn subject(source: &PluginSource) -> Subject {
    Subject::Plugin(source.path.clone())
}

/// True for a plugin that the environment or `plugins.conf` names, which ends the search.
fn is_named(source: &PluginSource) -> bool {
    matches!(source.origin, Origin::Environment | Origin::Conf)
}
