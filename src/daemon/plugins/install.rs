//! The joint set of requirements: every install is of all plugins together.
//!
//! One install at a time; requests that arrive meanwhile make the next. Each one brings the requirements of all
//! plugins, those that serve first, so that what is installed for one never takes a package away from another, be it
//! running or asleep. A plugin whose requirements contradict those of the plugins before it is set aside.

use std::str::FromStr;

use tokio::task::spawn_blocking;
use uv_normalize::PackageName;

use super::Shared;
use super::pending::Installed;
use super::router::{Message, Router};
use crate::daemon::actor::{Event, Version};
use crate::failure::Failure;
use crate::paths;
use crate::requirements::{Owner, Party, Requirement, Sources, Wanted};
use crate::runtime::Followed;
use crate::uv::{Step, Upgrade, Uv};
use crate::venv::{BuildError, Generation, Order, Request, Venv, core};

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
            let paths = shared.parts.paths.clone();
            let change = spawn_blocking(move || change(&uv, &Venv::at(&paths), &wanted));
            let Change { built, mut left_out } = change.await.unwrap_or_default();
            if let Some(generation) = built {
                follow(&shared, &generation).await;
            }
            let outcome = |(id, version)| {
                let at = left_out.iter().position(|(failed, _)| *failed == id);
                let failure = at.map(|at| left_out.swap_remove(at).1);
                Installed { id, version, failure }
            };
            let installed = versions.into_iter().map(outcome).collect();
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

/// What became of an install.
#[derive(Default)]
struct Change {
    built: Option<Generation>,
    left_out: Vec<(u64, Failure)>,
}

/// Installs the requirements of all plugins: together, or where that fails those of one plugin after the other on top of
/// those that fit.
fn change(uv: &Uv, venv: &Venv, wanted: &[(u64, Vec<String>)]) -> Change {
    let Some(live) = venv.live() else { return Change::default() };
    let progress = |step: Step| tracing::debug!(%step, "uv");
    let resolve = |wanted: &Wanted| {
        let request = Request { base: live.base(), wanted, upgrade: &Upgrade::None };
        venv.resolve(uv, request, &progress)
    };
    let mut accepted = Wanted { parties: vec![core()], ..Wanted::default() };
    let mut together = accepted.clone();
    together.parties.extend(wanted.iter().map(|(id, requirements)| party(*id, requirements)));
    let mut left_out = Vec::new();
    let lock = match resolve(&together) {
        Ok(lock) => Some(lock),
        Err(_) => {
            let mut last = None;
            for (id, requirements) in wanted {
                let mut attempt = accepted.clone();
                attempt.parties.push(party(*id, requirements));
                match resolve(&attempt) {
                    Ok(lock) => (accepted, last) = (attempt, Some(lock)),
                    Err(BuildError::Uv(error)) => {
                        left_out.push((*id, error.about(requirements).into()))
                    }
                    Err(error) => left_out.push((*id, error.into())),
                }
            }
            last
        }
    };
    let Some(lock) = lock else { return Change { built: None, left_out } };
    if live.lock() == Some(&lock.digest()) {
        return Change { built: None, left_out };
    }
    let order = Order { base: live.base(), lock: &lock, sources: &Sources::default() };
    let built =
        venv.build(uv, order, &progress).map_err(Failure::from).and_then(|(built, hold)| {
            venv.commit(&built, &lock)
                .map_err(|error| paths::unwritable(built.directory(), &error))?;
            hold.for_life();
            Ok(built)
        });
    match built {
        Ok(built) => Change { built: Some(built), left_out },
        Err(failure) => {
            let ids = wanted.iter().map(|(id, _)| (*id, failure.clone()));
            Change { built: None, left_out: ids.collect() }
        }
    }
}

fn party(id: u64, requirements: &[String]) -> Party {
    let declared = |text: &String| Requirement {
        text: text.clone(),
        // Only the resolver reads these.
        package: PackageName::from_str("unknown").expect("a valid name"),
        field: String::new(),
    };
    let owner = Owner::Plugin { name: id.to_string(), path: id.to_string().into() };
    let requirements = requirements.iter().map(declared).collect();
    Party { owner, requirements, requires_python: None }
}

/// Lets this process import from a new generation.
async fn follow(shared: &Shared, generation: &Generation) {
    let to = Followed {
        site_packages: generation.site_packages().to_owned(),
        python: generation.python(),
    };
    if let Err(error) = shared.parts.python.follow(to).await {
        tracing::error!(%error, "cannot follow the new generation of the virtual environment");
    }
}
