//! The directory of installed packages in use: `skills_host.packages`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread;

use pyo3::prelude::*;
use skills_daemon::failure::{Failure, Kind};
use skills_daemon::runtime::{BoxFuture, Followed};
use tokio::sync::oneshot;

use crate::bug;

/// Lets imports find packages in another directory.
pub(crate) fn follow(to: Followed) -> BoxFuture<Result<(), Failure>> {
    attached(move |py| {
        let Followed { site_packages, python } = to;
        let packages = py.import("skills_host.packages")?;
        packages
            .call_method1("follow", (site_packages.into_os_string(), python.into_os_string()))?;
        Ok(())
    })
}

/// The files of imported modules, relative to the directories of packages in use so far.
pub(crate) fn imported() -> BoxFuture<Result<BTreeSet<PathBuf>, Failure>> {
    attached(|py| {
        let packages = py.import("skills_host.packages")?;
        let files: Vec<PathBuf> = packages.call_method0("imported")?.extract()?;
        Ok(files.into_iter().collect())
    })
}

/// Runs `work` on a thread of its own, attached to Python: the caller's never may.
fn attached<T: Send + 'static>(
    work: impl FnOnce(Python<'_>) -> PyResult<T> + Send + 'static,
) -> BoxFuture<Result<T, Failure>> {
    let (sender, receiver) = oneshot::channel();
    let spawned = thread::Builder::new().name("skills-packages".to_owned()).spawn(move || {
        let outcome = Python::attach(work);
        let failed = |error| bug("the installed packages cannot be looked at", &error);
        // Fails only if nothing waits for it any more.
        let _ = sender.send(outcome.map_err(failed));
    });
    Box::pin(async move {
        spawned.map_err(|error| Failure::environment(format!("cannot start a thread: {error}")))?;
        let ended = |_| Failure::new(Kind::Bug, "the thread for packages ended without an answer");
        receiver.await.map_err(ended)?
    })
}
