//! [`Solver`] by `uv`'s resolver; no other module names the crates `uv-resolver` and what belongs to it.
//!
//! Each party is a package of the resolver's world (`parties`), so that plugins are part of what it derives.
//!
//! - `parties`: the parties as packages.
//! - `distribution`: one version of a package with its requirements; `requirement`: reading and printing them.
//! - `check`: the installed packages (`site`) as the world.
//! - `walk`: the requirements from a party on.
//! - `explain`: the smallest conflict (`shrink`) among what the indexes offer, and its words (`conflict`, `impossible`).
//! - `index`: the indexes as the world; `provider`: their answers to the resolver; `notes`: what these brought to light;
//!   `offers`: the files of a package; `sources`: which indexes; `builds`: none; `faults`: whose fault a failed request is.

mod builds;
mod check;
mod conflict;
mod distribution;
mod explain;
mod faults;
mod impossible;
mod index;
mod notes;
mod offers;
mod parties;
mod provider;
mod requirement;
mod shrink;
mod site;
mod sources;
mod walk;

use std::io;
use std::thread;

use futures_util::future::BoxFuture;
use skills_daemon::environment::Environment;
use skills_daemon::failure::{Failure, Kind};
use skills_daemon::installed::Installed;
use skills_daemon::requirements::Wanted;
use skills_daemon::solver::{Explanation, Solver, Verdict, World};
use tokio::runtime;
use tokio::sync::oneshot;
use uv_pep508::MarkerEnvironment;

/// The stack of the thread that explains: some of `uv`'s futures are large.
const STACK: usize = 8 << 20;

/// The resolver of `uv`.
#[derive(Debug)]
pub(crate) struct UvSolver {
    env: Environment,
}

impl UvSolver {
    /// A resolver with the settings of `uv` in `env`.
    pub(crate) fn new(env: Environment) -> Self {
        UvSolver { env }
    }
}

impl Solver for UvSolver {
    fn check(
        &self,
        wanted: &Wanted,
        installed: &Installed,
        markers: &MarkerEnvironment,
    ) -> Result<Verdict, Failure> {
        check::check(wanted, installed, markers)
    }

    fn explain(
        &self,
        wanted: Wanted,
        world: World,
    ) -> BoxFuture<'static, Result<Explanation, Failure>> {
        let env = self.env.clone();
        let (sender, receiver) = oneshot::channel();
        // The futures of `uv`'s crates stay on the thread that made them.
        let started =
            thread::Builder::new().name("explain".into()).stack_size(STACK).spawn(move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build();
                let explanation = runtime
                    .map_err(|error| not_started(&error))
                    .and_then(|runtime| runtime.block_on(explain::explain(&wanted, &world, &env)));
                // Nobody waits for it any more.
                let _ = sender.send(explanation);
            });
        Box::pin(async move {
            started.map_err(|error| not_started(&error))?;
            receiver.await.unwrap_or_else(|_| {
                Err(Failure::new(Kind::Bug, "the resolver ended without an explanation"))
            })
        })
    }
}

fn not_started(error: &io::Error) -> Failure {
    Failure::environment(format!("cannot start the resolver: {error}"))
}
