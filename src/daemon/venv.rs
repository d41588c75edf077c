//! The generation of the venv that a process begins with.

use crate::discovery;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::requirements::Wanted;
use crate::requirements::called::Called;
use crate::requirements::seniority::Seniority;
use crate::settings::Settings;
use crate::uv::{Progress, Uv};
use crate::venv::{Base, Generation, Venv};
use crate::wanted::{self, Terms};

/// Returns the generation of the venv that this process uses for life.
pub(super) fn generation(
    paths: &Paths,
    settings: &Settings,
    env: &Environment,
    base: &Base,
    uv: &Uv,
    progress: Progress,
) -> Result<Generation, Failure> {
    let venv = Venv::at(paths);
    let sources = settings.dependencies.sources()?;
    let wanted = || wanted(paths, settings, env, base);
    let standing = venv.prepare(base, uv, &sources, &wanted, progress)?;
    if let Some(failure) = standing.behind {
        tracing::warn!(error = failure.error, "continuing with the packages that are installed");
    }
    standing.hold.for_life();
    // Only now is it certain which one is live.
    let removed = venv.prune();
    tracing::debug!(generation = %standing.generation.directory().display(), removed, "venv");
    Ok(standing.generation)
}

/// Returns what the plugins on disk require; bundled ones not, because their packages are installed at their first call.
fn wanted(
    paths: &Paths,
    settings: &Settings,
    env: &Environment,
    base: &Base,
) -> Result<Wanted, Failure> {
    let plugins = discovery::discover(paths, env, &settings.plugins, Vec::new());
    let (called, seniority) = (Called::default(), Seniority::default());
    let terms = Terms { settings, python: &base.version, called: &called, seniority: &seniority };
    wanted::of(&plugins, |_| None, terms)
}
