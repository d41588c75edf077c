//! Having a live generation before Python is embedded.

use super::resolve::Request;
use super::{Base, BuildError, Generation, Hold, Order, Venv};
use crate::failure::Failure;
use crate::installed::{Damage, Depth, damaged};
use crate::lockfile::Lock;
use crate::paths;
use crate::requirements::{Owner, Party, Sources, Wanted};
use crate::uv::{Progress, Step, Upgrade, Uv, UvError};

/// The generation that a process uses, for as long as it keeps this.
#[derive(Debug)]
pub struct Standing {
    /// The generation.
    pub generation: Generation,
    /// Keeps it from being removed.
    pub hold: Hold,
    /// Why it is not what the lock says, if it is not.
    pub behind: Option<Failure>,
}

impl Venv {
    /// Returns the live generation; one that is missing, broken, damaged or behind the lock is built anew from the
    /// lock.
    ///
    /// A whole one needs no `uv`. Where the lock cannot be installed, what there is stays live; if there is nothing, one
    /// with [`CORE`](crate::requirements::CORE) alone is built, so that the daemon starts. Without a lock it is what
    /// `wanted` returns, if that can be linked from the cache.
    ///
    /// # Errors
    /// There is no generation, and none can be built.
    pub fn prepare(
        &self,
        base: &Base,
        uv: &Uv,
        sources: &Sources,
        wanted: &dyn Fn() -> Result<Wanted, Failure>,
        progress: Progress,
    ) -> Result<Standing, Failure> {
        self.adopt().map_err(|error| paths::unwritable(&self.paths.venv(), &error))?;
        let lock = self.lock().unwrap_or_else(|error| {
            progress(Step::Note(error.to_string()));
            None
        });
        // One of another Python is a preference only.
        let lock = lock.filter(|lock| lock.origin.is_for(base.minor_version()));
        let live = self.enter().filter(|(generation, _)| generation.fits(base).is_ok());
        let Some(reason) = self.reason_to_build(base, live.as_ref(), lock.as_ref()) else {
            let (generation, hold) = live.expect("without one there is a reason");
            return Ok(Standing { generation, hold, behind: None });
        };
        progress(Step::Note(reason));
        let renewed = match &lock {
            Some(lock) => self.renew(uv, Order { base, lock, sources }, progress),
            None => self.begin(base, uv, sources, wanted, progress),
        };
        match (renewed, live) {
            (Ok((generation, hold)), _) => Ok(Standing { generation, hold, behind: None }),
            (Err(error), Some((generation, hold))) => {
                Ok(Standing { generation, hold, behind: Some(error.into()) })
            }
            (Err(error), None) if lock.is_some() => {
                // Not the lock's: that stays, and is tried again at the next start.
                let built = self.build_core(base, uv, sources, progress);
                let Ok((_, generation, hold)) = built else { return Err(error.into()) };
                self.activate(&generation)
                    .map_err(|error| paths::unwritable(&self.paths.venv(), &error))?;
                Ok(Standing { generation, hold, behind: Some(error.into()) })
            }
            (Err(error), None) => Err(error.into()),
        }
    }

    /// Returns why the live generation will not do.
    fn reason_to_build(
        &self,
        base: &Base,
        live: Option<&(Generation, Hold)>,
        lock: Option<&Lock>,
    ) -> Option<String> {
        let Some((live, _)) = live else {
            return Some(match self.state(base) {
                super::State::Broken(why) => {
                    format!("creating the virtual environment again: {why}")
                }
                _ => "creating the virtual environment".to_owned(),
            });
        };
        if lock.is_some_and(|lock| live.lock() != Some(&lock.digest())) {
            return Some("the virtual environment is not that of pylock.toml".to_owned());
        }
        let damages = damaged(live.site_packages(), Depth::Size).unwrap_or_default();
        (!damages.is_empty()).then(|| format!("damaged packages: {}", Damage::list(&damages)))
    }

    /// Brings the live generation to the lock.
    fn renew(
        &self,
        uv: &Uv,
        order: Order,
        progress: Progress,
    ) -> Result<(Generation, Hold), BuildError> {
        let (generation, hold) = match self.finished(order.base, order.lock) {
            Some(found) => found,
            None => self.build(uv, order, progress)?,
        };
        self.activate(&generation)
            .map_err(|source| BuildError::File { path: self.paths.venv(), source })?;
        Ok((generation, hold))
    }

    /// Makes the first generation and its lock.
    fn begin(
        &self,
        base: &Base,
        uv: &Uv,
        sources: &Sources,
        wanted: &dyn Fn() -> Result<Wanted, Failure>,
        progress: Progress,
    ) -> Result<(Generation, Hold), BuildError> {
        // What cannot be read, or has no solution, is reported once the daemon serves.
        let all = wanted().ok().filter(|wanted| wanted.parties.iter().any(is_of_a_plugin));
        let at_once = all.and_then(|wanted| {
            self.build_from_cache(base, uv, &wanted, progress)
                .inspect_err(|error| progress(Step::Note(first_the_core(error))))
                .ok()
        });
        let (lock, generation, hold) = match at_once {
            Some(built) => built,
            None => self.build_core(base, uv, sources, progress)?,
        };
        self.commit(&generation, &lock)
            .map_err(|source| BuildError::File { path: self.paths.venv(), source })?;
        Ok((generation, hold))
    }

    /// Resolves and installs all that is wanted, if no package has to be fetched or built: the daemon does not serve
    /// meanwhile.
    fn build_from_cache(
        &self,
        base: &Base,
        uv: &Uv,
        wanted: &Wanted,
        progress: Progress,
    ) -> Result<(Lock, Generation, Hold), BuildError> {
        let request = Request { base, wanted, upgrade: &Upgrade::None, builds: false };
        let lock = self.resolve(uv, request, progress)?;
        let sources = Sources { offline: true, ..wanted.sources.clone() };
        let order = Order { base, lock: &lock, sources: &sources };
        let (generation, hold) = self.build(uv, order, progress)?;
        Ok((lock, generation, hold))
    }

    /// Returns an undamaged generation of `lock` that is not live: a crash came before the swap.
    fn finished(&self, base: &Base, lock: &Lock) -> Option<(Generation, Hold)> {
        let generation = self.built_from(base, &lock.digest())?;
        if self.is_live(generation.directory()) {
            return None;
        }
        let damages = damaged(generation.site_packages(), Depth::Hash).ok()?;
        let hold = damages.is_empty().then(|| generation.hold())?.ok()?;
        Some((generation, hold))
    }

    fn build_core(
        &self,
        base: &Base,
        uv: &Uv,
        sources: &Sources,
        progress: Progress,
    ) -> Result<(Lock, Generation, Hold), BuildError> {
        let wanted = Wanted { parties: vec![Party::base()], sources: sources.clone() };
        let request = Request { base, wanted: &wanted, upgrade: &Upgrade::None, builds: true };
        let lock = self.resolve(uv, request, progress).map_err(core_failed)?;
        let (generation, hold) = self.build(uv, Order { base, lock: &lock, sources }, progress)?;
        Ok((lock, generation, hold))
    }
}

fn is_of_a_plugin(party: &Party) -> bool {
    matches!(party.owner, Owner::Plugin { .. }) && party.asks()
}

/// The note that not everything is installed at once.
fn first_the_core(error: &BuildError) -> String {
    tracing::debug!(%error, "not installed at once");
    "installing the packages of the daemon first, those of plugins once it serves".to_owned()
}

/// Returns the error of resolving the core requirements, which themselves have a solution.
fn core_failed(error: BuildError) -> BuildError {
    match error {
        BuildError::Uv(UvError::NoSolution { wanted, output }) => {
            BuildError::Uv(UvError::Failed { action: format!("installing {wanted}"), output })
        }
        other => other,
    }
}
