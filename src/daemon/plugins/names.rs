//! One name, one plugin: of several, the one that was found first has it, however loads race.

use std::path::Path;

use super::router::Router;
use crate::daemon::actor::{Event, Next, Version, Why};
use crate::failure::{Failure, Kind};

impl Router {
    /// Takes the name of a version that was imported: from every plugin found later, unless one found earlier
    /// has it.
    pub(super) fn claim(&mut self, id: u64, version: Version, name: &str) {
        let Some(own) = self.plugins.iter().position(|plugin| plugin.id == id) else { return };
        let earlier = self.plugins[..own].iter().find(|plugin| plugin.claims().contains(&name));
        if let Some(earlier) = earlier {
            let failure = taken(name, &earlier.source.path);
            self.plugins[own].contested = Some(name.to_owned());
            return self.event(id, Event::Denied(version, failure));
        }
        let path = self.plugins[own].source.path.clone();
        let mut losers = Vec::new();
        for later in &mut self.plugins[own + 1..] {
            let versions = [later.state.serves, later.state.starting()].into_iter().flatten();
            let lost = versions.filter(|version| {
                let served = later.versions.get(version).and_then(|load| load.served.as_ref());
                served.is_some_and(|served| served.name() == name)
            });
            let lost: Vec<(u64, Version)> = lost.map(|version| (later.id, version)).collect();
            if !lost.is_empty() {
                later.contested = Some(name.to_owned());
            }
            losers.extend(lost);
        }
        for (loser, lost) in losers {
            self.event(loser, Event::NameLost(lost, taken(name, &path)));
        }
        self.plugins[own].contested = None;
        self.event(id, Event::Imported(version));
    }

    /// Loads the plugins again that failed because of a name that is free now.
    pub(super) fn free_names(&mut self) {
        for at in 0..self.plugins.len() {
            let plugin = &self.plugins[at];
            let Next::Failed(Why::NameTaken, _) = plugin.state.next else { continue };
            let Some(name) = plugin.contested.as_deref() else { continue };
            if self.plugins[..at].iter().any(|earlier| earlier.claims().contains(&name)) {
                continue;
            }
            let id = plugin.id;
            self.plugins[at].contested = None;
            self.look_again(id, Event::NameFree);
        }
    }
}

fn taken(name: &str, path: &Path) -> Failure {
    Failure::new(Kind::Plugin, format!("another plugin is called '{name}': {}", path.display()))
        .hint("Only the one that is found first serves; rename or remove one of them.")
}
