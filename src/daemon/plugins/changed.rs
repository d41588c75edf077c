//! What a change of files or settings leads to: only what differs is loaded again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use super::churn::Decision;
use super::found::Found;
use super::looked::Looked;
use super::plugin::{Plugin, Seen, VersionData};
use super::router::Router;
use crate::daemon::actor::{Event, Next};
use crate::notices::{Notices, Topic};
use crate::policy::Policy;
use crate::settings::Settings;

impl Router {
    /// Loads what differs from what was loaded or tried last, and removes what is gone.
    pub(super) fn changed(&mut self, looked: Looked) {
        let Looked { order, found } = looked;
        let found = self.end_switched_off(found);
        if let Some(order) = &order {
            for id in self.ids() {
                let plugin = self.plugin(id).filter(|plugin| !plugin.is_removed());
                let gone = plugin.filter(|plugin| !order.contains(&plugin.source.path));
                if let Some(plugin) = gone {
                    tracing::info!(plugin = plugin.name(), "plugin removed");
                    self.event(id, Event::Removed);
                }
            }
            self.enter_all(&found, order);
        }
        for found in found {
            let path = &found.source.path;
            let Some(plugin) = self.plugins.iter_mut().find(|it| it.source.path == *path) else {
                continue;
            };
            let now = Seen::of(&found);
            match plugin.seen.as_ref().map(|seen| seen.changed(&now)) {
                None => tracing::info!(path = %path.display(), "plugin found"),
                Some(None) if !plugin.is_removed() => continue,
                Some(files) => {
                    if !plugin.is_removed()
                        && is_held(&self.shared.parts.notices, plugin, files.as_ref(), &found)
                    {
                        plugin.seen = Some(now);
                        continue;
                    }
                    tracing::info!(plugin = plugin.name(), "plugin changed");
                }
            }
            self.find(found);
        }
    }

    /// Loads the plugins whose settings are others than `before`; wrappers and skills may be switched on.
    pub(super) fn configured(&mut self, before: &Settings) {
        let now = self.shared.parts.settings.now();
        if before.dependencies != now.dependencies {
            self.read_sources();
        }
        for id in self.ids() {
            let is_loaded = |it: &&Plugin| it.state.next != Next::Asleep && !it.is_removed();
            let Some(plugin) = self.plugin(id).filter(is_loaded) else { continue };
            let name = plugin.name();
            let is_other = before.of_plugins.get(name) != now.of_plugins.get(name)
                || before.secrets.of(name) != now.secrets.of(name);
            let in_force = |it: &VersionData| Policy::under(&now, name, &it.manifest) == it.policy;
            if is_other && !plugin.newest().is_some_and(in_force) {
                tracing::info!(plugin = plugin.name(), "settings of the plugin changed");
                self.look_again(id, Event::Load);
            }
        }
        self.unlinked = true;
    }
}

/// True if a plugin is not loaded again for a change of `files`, because it writes them itself; sets its notice.
fn is_held(
    notices: &Notices,
    plugin: &mut Plugin,
    files: Option<&BTreeSet<PathBuf>>,
    found: &Found,
) -> bool {
    let Some(files) = files else { return false };
    let decision = plugin.churn.change(files, &found.written, Instant::now());
    let held = plugin.churn.held();
    let text = (!held.is_empty()).then(|| {
        let name = |file: &PathBuf| {
            file.strip_prefix(&plugin.source.path).unwrap_or(file).display().to_string()
        };
        let names: Vec<String> = held.iter().map(name).collect();
        let (names, plugin) = (names.join(", "), plugin.name());
        format!(
            "it writes {names} in its own directory, and is not loaded again for changes of that; keep data in \
             skills_daemon.data_dir(), or run `skills-daemon reload {plugin}` to load it"
        )
    });
    if let (Decision::Hold { is_new: true }, Some(text)) = (decision, &text) {
        tracing::warn!(plugin = plugin.name(), "{text}");
    }
    notices.set(Some(plugin.id), Topic::Written, text);
    decision != Decision::Load
}
