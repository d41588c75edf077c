//! What a change of files or settings leads to: only what differs is loaded again.

use super::looked::Looked;
use super::plugin::{Plugin, Seen, VersionData};
use super::router::Router;
use crate::daemon::actor::{Event, Next};
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
            let known = self.plugins.iter().find(|it| it.source.path == found.source.path);
            let Some(plugin) = known else { continue };
            match &plugin.seen {
                Some(seen) if seen.changed(&Seen::of(&found)).is_none() && !plugin.is_removed() => {
                    continue;
                }
                Some(_) => tracing::info!(plugin = plugin.name(), "plugin changed"),
                None => tracing::info!(path = %plugin.source.path.display(), "plugin found"),
            }
            self.find(found);
        }
    }

    /// Loads the plugins whose settings are others than `before`; the wrappers may be switched on.
    pub(super) fn configured(&mut self, before: &Settings) {
        let now = self.shared.parts.settings.now();
        for id in self.ids() {
            let is_loaded = |it: &&Plugin| it.state.next != Next::Asleep && !it.is_removed();
            let Some(plugin) = self.plugin(id).filter(is_loaded) else { continue };
            let own = now.of_plugins.get(plugin.name());
            let in_force = |it: &VersionData| Policy::of(&it.manifest, own) == it.policy;
            if before.of_plugins.get(plugin.name()) != own && !plugin.newest().is_some_and(in_force)
            {
                tracing::info!(plugin = plugin.name(), "settings of the plugin changed");
                self.look_again(id, Event::Load);
            }
        }
        self.unlinked = true;
    }
}
