//! The joint set of requirements: every install is of all plugins together.
//!
//! One install at a time; requests that arrive meanwhile make the next. Each one brings the requirements of all
//! plugins, those that serve first, so that what is installed for one never takes a package away from another, be it
//! running or asleep. A plugin whose requirements contradict those of the plugins before it is set aside.

use tokio::task::spawn_blocking;

use super::message::Message;
use super::pending::Installed;
use super::router::Router;
use crate::daemon::actor::{Event, Version};
use crate::uv::Uv;
use crate::venv::Venv;

impl Router {
    /// Installs the requirements of a version with the next install; without any, it is installed already.
    pub(super) fn install(&mut self, id: u64, version: Version) {
        let needs = |plugin: &super::plugin::Plugin| !plugin.requirements().is_empty();
        // Without `uv` nothing can be installed, but what is missing may well be there.
        if self.shared.parts.uv.is_some() && self.plugin(id).is_some_and(needs) {
            self.installs.waiting.push((id, version));
        } else {
            self.event(id, Event::Installed(version));
        }
    }

    /// Begins the next install, if one is due and none is running.
    pub(super) fn begin_install(&mut self) {
        let Some(uv) = self.shared.parts.uv.clone() else { return };
        if self.installs.running || self.installs.waiting.is_empty() {
            return;
        }
        let versions = std::mem::take(&mut self.installs.waiting);
        let versions: Vec<(u64, Version)> =
            versions.into_iter().filter(|(id, version)| self.installs_now(*id, *version)).collect();
        if versions.is_empty() {
            return;
        }
        self.installs.running = true;
        let wanted = self.joint_set(&versions);
        let (shared, messages) = (self.shared.clone(), self.messages.clone());
        tokio::spawn(async move {
            let installed = spawn_blocking(move || {
                install(&uv, &Venv::at(&shared.parts.paths), &versions, &wanted)
            });
            let installed = installed.await.unwrap_or_default();
            // Fails only when the daemon has ended.
            let _ = messages.send(Message::Installed(installed));
        });
    }

    /// Passes the outcome of an install on to the plugins it was for.
    pub(super) fn end_install(&mut self, installed: Vec<Installed>) {
        self.installs.running = false;
        for Installed { id, version, failure } in installed {
            match failure {
                None => self.event(id, Event::Installed(version)),
                Some(failure) => self.broke(id, version, failure),
            }
        }
    }

    fn installs_now(&self, id: u64, version: Version) -> bool {
        self.plugin(id).is_some_and(|plugin| plugin.state.expected() == Some(version))
    }

    /// The requirements of all plugins: of those that serve and are not among `versions`, then of the others, each in
    /// order of discovery.
    fn joint_set(&self, versions: &[(u64, Version)]) -> Vec<(u64, Vec<String>)> {
        let is_new = |id: u64| versions.iter().any(|(new, _)| *new == id);
        let (serving, others): (Vec<_>, Vec<_>) = self
            .plugins
            .iter()
            .filter(|plugin| !plugin.requirements().is_empty())
            .partition(|plugin| plugin.state.serves.is_some() && !is_new(plugin.id));
        serving
            .into_iter()
            .chain(others)
            .map(|plugin| (plugin.id, plugin.requirements().to_vec()))
            .collect()
    }
}

fn install(
    uv: &Uv,
    venv: &Venv,
    versions: &[(u64, Version)],
    wanted: &[(u64, Vec<String>)],
) -> Vec<Installed> {
    let progress = |line: &str| tracing::debug!(line, "uv");
    let mut left_out = venv.install(uv, wanted, &progress);
    versions
        .iter()
        .map(|&(id, version)| {
            let at = left_out.iter().position(|(failed, _)| *failed == id);
            let failure = at.map(|at| left_out.swap_remove(at).1.into());
            Installed { id, version, failure }
        })
        .collect()
}
