//! [`Packages`] by the virtual environment, `uv` and the resolver.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use uv_normalize::PackageName;

use super::packages::{Built, Locked, Packages};
use super::{Aside, Fault, Settled, State, Upgrade, disk, report};
use crate::discovery::{self, Origin, PluginSource};
use crate::durable;
use crate::failure::{Failure, Kind};
use crate::installed::{Damage, Depth, Installed, damaged};
use crate::lockfile;
use crate::paths::{self, Paths};
use crate::requirements::{Party, Wanted};
use crate::runtime::Followed;
use crate::settings::live::Live;
use crate::solver::{Explanation, Solver, Verdict, World};
use crate::uv::{self, Step, Uv, UvError};
use crate::venv::{Base, BuildError, Checked, Generation, Order, Request, Venv};
use crate::wanted;
use crate::wire::deps;

/// How long another process may take for its change of packages.
const TURN_LIMIT: Duration = Duration::from_secs(300);
/// Time between two attempts to get the turn.
const TURN_PAUSE: Duration = Duration::from_millis(100);

/// What the packages of a daemon are made with.
pub(in crate::daemon) struct Site {
    pub(in crate::daemon) paths: Paths,
    pub(in crate::daemon) settings: Arc<Live>,
    pub(in crate::daemon) base: Base,
    pub(in crate::daemon) uv: Uv,
    pub(in crate::daemon) solver: Arc<dyn Solver>,
    /// The directory of packages that this process imports from.
    pub(in crate::daemon) used: Mutex<PathBuf>,
    /// One resolution at a time: those of one process share the names of their files.
    pub(in crate::daemon) resolving: Mutex<()>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Site {
    fn venv(&self) -> Venv {
        Venv::at(&self.paths)
    }

    fn live(&self) -> Result<Generation, Failure> {
        self.venv().live().ok_or_else(|| {
            let error = format!("{} is not a whole environment", self.paths.venv().display());
            Failure::environment(error).hint("Run `skills-daemon restart`, which makes it again.")
        })
    }

    fn installed(&self, generation: &Generation) -> Result<Installed, Failure> {
        read(generation.site_packages())
    }
}

/// Returns the packages of `generation` with a file that is not as their `RECORD` lists it.
fn damaged_packages(generation: &Generation) -> Vec<String> {
    let damages = damaged(generation.site_packages(), Depth::Hash).unwrap_or_default();
    if !damages.is_empty() {
        tracing::warn!(packages = Damage::list(&damages), "damaged packages");
    }
    damages.into_iter().map(|damage| damage.package).collect()
}

fn read(site_packages: &Path) -> Result<Installed, Failure> {
    Installed::read(site_packages).map_err(|error| {
        Failure::environment(format!("cannot read {}: {error}", site_packages.display()))
    })
}

impl Packages for Site {
    fn check(&self, wanted: &Wanted) -> Result<Verdict, Failure> {
        let (generation, lock) = (self.live()?, self.venv().lock().ok().flatten());
        let now = Checked::of(wanted, lock.as_ref(), &generation).ok();
        if now.is_some() && Checked::read(&self.paths) == now {
            return Ok(Verdict::Satisfied { needed: BTreeSet::new() });
        }
        let installed = self.installed(&generation)?;
        let verdict = self.solver.check(wanted, &installed, generation.markers())?;
        if let (Verdict::Satisfied { .. }, Some(now)) = (&verdict, now)
            && let Err(error) = now.write(&self.paths)
        {
            tracing::warn!(%error, "the next start has to check the packages again");
        }
        Ok(verdict)
    }

    fn turn(&self) -> Result<File, Fault> {
        let path = self.paths.state().join("dependencies.lock");
        let failed = |error: &io::Error| Fault::Passing(paths::unwritable(&path, error));
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| failed(&error))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() > TURN_LIMIT => {
                    let error = "another process of the daemon changes the packages";
                    return Err(Fault::Passing(Failure::environment(error)));
                }
                Err(TryLockError::WouldBlock) => sleep(TURN_PAUSE),
            }
        }
    }

    fn lock(
        &self,
        wanted: &Wanted,
        upgrade: &Upgrade,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Locked, Fault> {
        let live = self.live().map_err(Fault::Other)?;
        let upgrade = named(upgrade).map_err(Fault::Other)?;
        let request = Request { base: &self.base, wanted, upgrade: &upgrade, builds: true };
        let lock = {
            let _resolving = held(&self.resolving);
            let progress = |step: Step| progress(&step.to_string());
            self.venv().resolve(&self.uv, request, &progress)
        };
        let lock = lock.map_err(fault)?;
        let installed = self.installed(&live).map_err(Fault::Other)?;
        let changes = report::changes(&installed, &lock);
        let damaged = damaged_packages(&live);
        let differs = live.lock() != Some(&lock.digest()) || !damaged.is_empty();
        Ok(Locked { lock, changes, damaged, differs, sources: wanted.sources.clone(), _turn: None })
    }

    fn explain(&self, wanted: Wanted) -> BoxFuture<'static, Result<Explanation, Fault>> {
        let world = World { python: self.base.executable.clone(), cache: self.uv.cache() };
        let explained = self.solver.explain(wanted, world);
        Box::pin(async move {
            explained.await.map_err(|failure| match failure.kind {
                Kind::Environment => Fault::Passing(failure),
                _ => Fault::Other(failure),
            })
        })
    }

    fn build(&self, locked: &Locked, progress: &(dyn Fn(&str) + Sync)) -> Result<Built, Fault> {
        let order = Order { base: &self.base, lock: &locked.lock, sources: &locked.sources };
        let progress = |step: Step| progress(&step.to_string());
        let (generation, hold) = self.venv().build(&self.uv, order, &progress).map_err(fault)?;
        let to = Followed {
            site_packages: generation.site_packages().to_owned(),
            python: generation.python(),
        };
        Ok(Built { to, generation: Some((generation, hold)) })
    }

    fn outdated(&self, built: &Built, imported: &BTreeSet<PathBuf>) -> Vec<String> {
        let used = held(&self.used).clone();
        let (Ok(old), Ok(new)) = (read(&used), read(&built.to.site_packages)) else {
            return Vec::new();
        };
        let differs = |name: &PackageName| {
            let version = |all: &Installed| {
                all.packages.get(name).map(|it| (it.version.clone(), it.url.clone()))
            };
            version(&old) != version(&new)
        };
        let owners = |all: &Installed| all.owners(imported.iter().map(PathBuf::as_path));
        // What was looked for in vain is only in the new one.
        let in_use = &owners(&old) | &owners(&new);
        in_use.iter().filter(|name| differs(name)).map(ToString::to_string).collect()
    }

    fn swap(&self, locked: &Locked, built: Option<Built>) -> Result<(), Fault> {
        let failed =
            |error: io::Error| Fault::Passing(paths::unwritable(&self.paths.runtime, &error));
        match built.and_then(|built| built.generation) {
            Some((generation, hold)) => {
                self.venv().commit(&generation, &locked.lock).map_err(failed)?;
                // Modules of it may be imported until the process ends.
                hold.for_life();
                Ok(())
            }
            None => locked.lock.write(&self.paths.pylock()).map_err(failed),
        }
    }

    fn followed(&self, to: &Followed) {
        held(&self.used).clone_from(&to.site_packages);
    }

    fn recall(&self) -> Vec<Aside> {
        let bytes = fs::read(self.paths.set_aside()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn settled(&self) -> Settled {
        let lock = self.venv().lock().ok().flatten();
        lock.map(|lock| lock.origin.wanted).unwrap_or_default()
    }

    fn remember(&self, aside: &[Aside]) {
        let file = self.paths.set_aside();
        let written = serde_json::to_vec(aside).map_err(io::Error::other);
        let written = written.and_then(|text| match fs::read(&file) {
            Ok(old) if old == text => Ok(()),
            _ => durable::write(&file, &text),
        });
        if let Err(error) = written {
            tracing::warn!(file = %file.display(), %error, "what is set aside is not kept");
        }
    }

    fn cancel(&self) {
        self.uv.cancel();
    }

    fn report(&self, state: &State) -> Result<deps::Dependencies, Failure> {
        let generation = self.live()?;
        let lock = self.venv().lock().ok().flatten();
        Ok(deps::Dependencies {
            packages: report::packages(state, &self.installed(&generation)?, lock.as_ref()),
            lock: lock.map(|_| self.paths.pylock().display().to_string()),
            wanted: report::parties(state),
            generations: disk::generations(&self.paths, generation.directory()),
            ..deps::Dependencies::default()
        })
    }

    fn party(&self, path: &Path) -> Result<Party, Failure> {
        let package = match path.is_dir() {
            true => discovery::package_directory(path).unwrap_or_else(|| path.to_owned()),
            false => path.to_owned(),
        };
        let source = PluginSource::at(package, Origin::Added);
        let manifest = wanted::admitted(&source, &self.base.version)?;
        let name = manifest.name.clone().unwrap_or_else(|| source.working_name());
        wanted::party(&source, &manifest, name, &self.settings.now())
    }

    fn why(&self, wanted: &Wanted, package: &str) -> Result<deps::Why, Failure> {
        let name = package_name(package)?;
        let generation = self.live()?;
        let installed = self.installed(&generation)?;
        let routes = lockfile::why(wanted, &installed, generation.markers(), &name);
        let chain = |route: lockfile::Route| deps::Chain {
            owner: route.owner.to_string(),
            requirements: route.chain,
        };
        Ok(deps::Why {
            installed: installed.packages.get(&name).map(|it| it.version.to_string()),
            chains: routes.into_iter().map(chain).collect(),
            package: name.to_string(),
        })
    }

    fn prune(&self) -> Result<deps::Pruned, Failure> {
        let live = self.live()?;
        let before = disk::generations(&self.paths, live.directory());
        self.venv().prune();
        let gone = before.into_iter().filter(|it| !Path::new(&it.path).exists());
        let mut pruned = deps::Pruned::default();
        for generation in gone {
            pruned.bytes += generation.bytes;
            pruned.removed.push(generation.path);
        }
        Ok(pruned)
    }
}

/// The packages to upgrade, in the form that `uv` takes.
fn named(upgrade: &Upgrade) -> Result<uv::Upgrade, Failure> {
    Ok(match upgrade {
        Upgrade::Nothing => uv::Upgrade::None,
        Upgrade::All => uv::Upgrade::All,
        Upgrade::Packages(names) => {
            let names = names.iter().map(|name| package_name(name));
            uv::Upgrade::Packages(names.collect::<Result<_, _>>()?)
        }
    })
}

fn package_name(text: &str) -> Result<PackageName, Failure> {
    PackageName::from_str(text).map_err(|error| Failure::new(Kind::Usage, error.to_string()))
}

/// Whose fault it is.
fn fault(error: BuildError) -> Fault {
    match error {
        BuildError::Uv(UvError::NoSolution { output, .. }) => Fault::NoSolution(output),
        // Which of the two it was, the indexes show.
        BuildError::Uv(UvError::Failed { output, .. }) => Fault::Build(output),
        BuildError::Uv(error @ UvError::Constraint { .. }) => Fault::Other(error.into()),
        error => Fault::Passing(error.into()),
    }
}
