//! Plugins that `config.toml` switches off: known by name, not loaded.

use super::found::Found;
use super::router::Router;
use crate::daemon::actor::{Event, Version};
use crate::settings::Settings;

/// True if a plugin is switched on or off by `one` and not by the `other`.
pub(super) fn differ(one: &Settings, other: &Settings) -> bool {
    let off = |settings: &Settings| -> Vec<String> {
        let names = settings.of_plugins.keys();
        names.filter(|name| is_off(settings, name)).cloned().collect()
    };
    off(one) != off(other)
}

/// True if `settings` switch the plugin `name` off.
pub(super) fn is_off(settings: &Settings, name: &str) -> bool {
    settings.of_plugins.get(name).is_some_and(|own| own.enabled == Some(false))
}

impl Router {
    /// Returns `found` without the plugins that are switched off, and keeps their names.
    pub(super) fn without_switched_off(&mut self, found: Vec<Found>) -> Vec<Found> {
        let settings = self.shared.parts.settings.now();
        let (off, on): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|found| is_off(&settings, &found.name().0));
        self.switched_off = off.iter().map(|found| found.name().0).collect();
        on
    }

    /// Returns `found`, a part of all plugins, without those that are switched off, which end if they are loaded.
    pub(super) fn end_switched_off(&mut self, found: Vec<Found>) -> Vec<Found> {
        let settings = self.shared.parts.settings.now();
        let (off, on): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|found| is_off(&settings, &found.name().0));
        let is_on = |name: &String| on.iter().any(|found| found.name().0 == *name);
        self.switched_off.retain(|name| !is_on(name));
        for found in off {
            let name = found.name().0;
            let loaded = self.plugins.iter().find(|it| it.source.path == found.source.path);
            if let Some(id) = loaded.filter(|it| !it.is_removed()).map(|it| it.id) {
                tracing::info!(plugin = name, "plugin switched off");
                self.event(id, Event::Removed);
            }
            if !self.switched_off.contains(&name) {
                self.switched_off.push(name);
            }
        }
        on
    }

    /// Takes a version that was just imported as `name` out again if that name is switched off; true if so.
    ///
    /// Only a plugin whose name neither its manifest nor its metadata on disk has is imported in spite of it.
    pub(super) fn take_out_if_off(&mut self, id: u64, version: Version, name: &str) -> bool {
        let off = is_off(&self.shared.parts.settings.now(), name);
        if off {
            self.switched_off.push(name.to_owned());
            self.event(id, Event::Removed);
            self.event(id, Event::Imported(version));
        }
        off
    }
}
