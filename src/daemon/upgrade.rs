//! Notices that what this process was started from was replaced, and has the control program replace the process.
//!
//! Looked at are the executable of the host, the interpreter and its library, and the packages of the venv: one that was
//! there when the plugins were loaded and has another version now, or is gone, while modules of it are imported. A change
//! counts once it is the same at two looks, so nothing is started in the middle of an installation. A restart that
//! failed is tried again after a growing pause, or when something changes again.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::environment::{self, Environment};
use crate::http::Service;
use crate::notices::{Notices, Topic};
use crate::paths::Paths;
use crate::runtime::Runtime;
use crate::venv::Venv;

/// Time between two looks.
const TICK: Duration = Duration::from_secs(1);
/// First pause after a restart that failed.
const PAUSE_MIN: Duration = Duration::from_secs(30);
/// Longest pause after a restart that failed.
const PAUSE_MAX: Duration = Duration::from_secs(1800);
/// The program that restarts the daemon.
const CONTROL: &str = "skills-daemon";

/// The looks at the installation of a running daemon.
pub(super) struct Watch {
    files: Vec<PathBuf>,
    venv: Venv,
    env: Environment,
    control: Option<PathBuf>,
    started_from: Vec<Option<Stamp>>,
    /// What was replaced, while this process still uses the former version.
    replaced: Mutex<Option<String>>,
}

impl Watch {
    /// Remembers the present state of `files`; without any, nothing is watched.
    pub(super) fn new(paths: &Paths, env: &Environment, files: Vec<PathBuf>) -> Watch {
        Watch {
            venv: Venv::at(paths),
            env: env.clone(),
            control: environment::installed_program(CONTROL),
            started_from: files.iter().map(|file| Stamp::of(file)).collect(),
            files,
            replaced: Mutex::default(),
        }
    }

    /// Restarts the daemon after each change; never returns, because the new process ends this one.
    pub(super) async fn run(&self, service: &Service, python: &dyn Runtime) -> Infallible {
        let Some(control) = self.control.as_ref().filter(|_| !self.files.is_empty()) else {
            return std::future::pending().await;
        };
        service.registry.settled().await;
        let mut packages = Packages::default();
        let begin = State {
            files: self.started_from.clone(),
            packages: packages.read(&self.venv).unwrap_or_default(),
        };
        let mut detector = Detector::new(begin);
        tracing::debug!("watching for upgrades");
        loop {
            sleep(TICK).await;
            // A folder that cannot be read now may be in the middle of a change.
            let Some(installed) = packages.read(&self.venv) else { continue };
            let files = self.files.iter().map(|file| Stamp::of(file)).collect();
            let state = State { files, packages: installed };
            let imported = match detector.has_other_packages(&state) {
                // No answer while native code holds the GIL: the next look asks again.
                true => timeout(TICK, python.imported()).await.ok(),
                false => None,
            };
            let Some(change) = detector.look(state, imported.as_ref(), Instant::now()) else {
                if detector.is_undone() && self.lock().take().is_some() {
                    service.notices.set(None, Topic::Restart, None);
                }
                continue;
            };
            let change = change.text(&self.files);
            *self.lock() = Some(change.clone());
            tracing::info!(change, "restarting");
            let failure = self.restart(control).await;
            tracing::error!(change, error = failure, "the restart failed");
            self.not_replaced(&service.notices, &failure);
            detector.failed(Instant::now());
        }
    }

    /// Sets the notice that no new process took over, after any restart that failed.
    pub(super) fn not_replaced(&self, notices: &Notices, error: &str) {
        let error = format!("a new process could not take over: {error}");
        let text = match &*self.lock() {
            Some(change) => format!("{change}, but {error}"),
            None => error,
        };
        notices.set(None, Topic::Restart, Some(text));
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `skills-daemon restart`; returns its error, and never after a success.
    async fn restart(&self, control: &Path) -> String {
        let mut command = Command::new(control);
        command.arg("restart").env_clear().envs(&self.env);
        // It outlives this process, and signals to this process's group are not for it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let output = match command.spawn() {
            Ok(child) => child.wait_with_output().await,
            Err(error) => Err(error),
        };
        match output {
            Ok(output) if output.status.success() => std::future::pending().await,
            Ok(output) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                let error = stderr.lines().find_map(|line| line.strip_prefix("Error: "));
                error.map_or_else(|| format!("{}", output.status), str::to_owned)
            }
            Err(error) => format!("cannot run {}: {error}", control.display()),
        }
    }
}

/// What shows that a file was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// `None` for a file that is not there, or empty.
    fn of(file: &Path) -> Option<Stamp> {
        let it = fs::metadata(file).ok().filter(|it| it.len() > 0)?;
        Some(Stamp { inode: it.ino(), size: it.len(), modified: (it.mtime(), it.mtime_nsec()) })
    }
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Package {
    version: String,
    /// The top-level names of its modules.
    tops: BTreeSet<String>,
}

impl Package {
    /// Reads the names from the text of `RECORD`: `x/__init__.py,sha256=…,…` or `x.cpython-311-….so,…`.
    fn new(version: &str, record: &str) -> Package {
        let files = record.lines().filter_map(|line| line.split(',').next());
        let tops = files.filter_map(|file| file.split('/').next()?.split('.').next());
        let tops = tops.filter(|top| !top.is_empty()).map(str::to_owned).collect();
        Package { version: version.to_owned(), tops }
    }
}

/// The installed packages by name, read again only when their folder changes.
#[derive(Default)]
struct Packages {
    folder: Option<(i64, i64)>,
    versions: BTreeMap<String, Package>,
}

impl Packages {
    /// `None` where they cannot be read, or one is not whole.
    fn read(&mut self, venv: &Venv) -> Option<BTreeMap<String, Package>> {
        let folder = venv.site_packages()?;
        let metadata = fs::metadata(&folder).ok()?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        if self.folder != Some(modified) {
            let mut versions = BTreeMap::new();
            for entry in fs::read_dir(&folder).ok()?.flatten() {
                let name = entry.file_name();
                let distribution = name.to_str().and_then(|name| name.strip_suffix(".dist-info"));
                let Some((name, version)) = distribution.and_then(|it| it.split_once('-')) else {
                    continue;
                };
                // Written last.
                let record = fs::read_to_string(entry.path().join("RECORD")).ok()?;
                versions.insert(name.to_owned(), Package::new(version, &record));
            }
            (self.folder, self.versions) = (Some(modified), versions);
        }
        Some(self.versions.clone())
    }
}

/// The installation at one look.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    files: Vec<Option<Stamp>>,
    packages: BTreeMap<String, Package>,
}

/// A difference for which this process is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// The file with this index.
    File(usize),
    /// A package, and its version in this process.
    Package(String, String),
}

impl Change {
    fn text(&self, files: &[PathBuf]) -> String {
        match self {
            Change::File(index) => format!("{} was replaced", files[*index].display()),
            Change::Package(name, version) => format!("{name} {version} was replaced"),
        }
    }
}

/// Decides when a change counts.
struct Detector {
    /// What this process uses.
    used: State,
    last: State,
    /// The state of the last attempt that failed, and when to try it again.
    failed: Option<(State, Instant)>,
    pause: Duration,
}

impl Detector {
    fn new(used: State) -> Detector {
        Detector { last: used.clone(), used, failed: None, pause: PAUSE_MIN }
    }

    /// True if `state` has other packages than this process uses.
    fn has_other_packages(&self, state: &State) -> bool {
        self.used.packages != state.packages
    }

    /// Returns the change for which to restart now; `imported` are the top-level names of imported modules, without which
    /// packages are not compared.
    fn look(
        &mut self,
        state: State,
        imported: Option<&BTreeSet<String>>,
        now: Instant,
    ) -> Option<Change> {
        let is_stable = state == self.last;
        self.last = state;
        if !is_stable {
            return None;
        }
        if let Some(imported) = imported {
            // What is not imported cannot be in an older form.
            self.used.packages.retain(|_, package| !package.tops.is_disjoint(imported));
            for (name, package) in &self.last.packages {
                self.used.packages.entry(name.clone()).or_insert_with(|| package.clone());
            }
        }
        let change = self.file().or_else(|| imported.and_then(|_| self.package()))?;
        match &self.failed {
            Some((state, again)) if *state == self.last && now < *again => None,
            _ => Some(change),
        }
    }

    fn file(&self) -> Option<Change> {
        // A file that is gone is not replaced yet.
        let mut files = self.used.files.iter().zip(&self.last.files);
        files.position(|(used, now)| now.is_some() && now != used).map(Change::File)
    }

    fn package(&self) -> Option<Change> {
        let mut packages = self.used.packages.iter();
        let changed =
            packages.find(|(name, package)| self.last.packages.get(*name) != Some(*package));
        changed.map(|(name, package)| Change::Package(name.clone(), package.version.clone()))
    }

    /// True if the last state is that from which this process was started, after a failed restart.
    fn is_undone(&self) -> bool {
        self.failed.is_some() && self.file().is_none() && self.package().is_none()
    }

    /// The restart for the last state failed.
    fn failed(&mut self, now: Instant) {
        let is_same = self.failed.as_ref().is_some_and(|(state, _)| *state == self.last);
        self.pause = if is_same { (self.pause * 2).min(PAUSE_MAX) } else { PAUSE_MIN };
        self.failed = Some((self.last.clone(), now + self.pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(inode: u64) -> Option<Stamp> {
        Some(Stamp { inode, size: 1, modified: (0, 0) })
    }

    fn state(file: Option<Stamp>, packages: &[(&str, &str)]) -> State {
        let package = |name: &str, it: &str| Package::new(it, &format!("{name}/__init__.py,,\n"));
        let packages = packages.iter().map(|(name, it)| ((*name).into(), package(name, it)));
        State { files: vec![file], packages: packages.collect() }
    }

    #[test]
    fn a_change_counts_once_it_is_stable() {
        let now = Instant::now();
        let package = |version: &str| Some(Change::Package("x".into(), version.into()));
        let begin = || state(stamp(1), &[("x", "1")]);
        for (looks, change) in [
            (vec![begin(), begin()], None),
            (vec![state(stamp(2), &[("x", "1")])], None),
            (vec![state(stamp(2), &[("x", "1")]); 2], Some(Change::File(0))),
            (vec![state(stamp(2), &[("x", "1")]), state(stamp(3), &[("x", "1")])], None),
            (vec![state(None, &[("x", "1")]); 2], None),
            (vec![state(stamp(1), &[("x", "2")]); 2], package("1")),
            (vec![state(stamp(1), &[]); 2], package("1")),
            (vec![state(stamp(1), &[]), begin(), begin()], None),
            (vec![state(stamp(1), &[("x", "1"), ("y", "1")]); 2], None),
        ] {
            let mut detector = Detector::new(begin());
            let imported = BTreeSet::from(["x".to_owned()]);
            let found: Vec<_> = looks
                .iter()
                .filter_map(|it| detector.look(it.clone(), Some(&imported), now))
                .collect();
            assert_eq!(found, Vec::from_iter(change), "{looks:?}");
        }
    }

    #[test]
    fn a_package_counts_from_its_import_on() {
        let now = Instant::now();
        let mut detector = Detector::new(state(stamp(1), &[("x", "1")]));
        let mut look = |version: &str, imported: &[&str]| {
            let imported = imported.iter().map(|it| (*it).to_owned()).collect();
            let state = || state(stamp(1), &[("x", version)]);
            let found = (0..2).filter_map(|_| detector.look(state(), Some(&imported), now)).next();
            found.map(|change| change.text(&[]))
        };
        assert_eq!(look("2", &["y"]), None);
        // Imported in the second version, which has not changed since.
        assert_eq!(look("2", &["x"]), None);
        assert_eq!(look("3", &["x"]).as_deref(), Some("x 2 was replaced"));
    }

    #[test]
    fn the_names_of_a_packages_modules_are_in_its_record() {
        let record = "x/__init__.py,sha256=a,1\nx/y.py,,\n_x.cpython-311-x86_64.so,,\nsix.py,,\n\
                      x-1.dist-info/RECORD,,\n../../../bin/x,,\n";
        let tops = ["_x", "six", "x", "x-1"].map(str::to_owned);
        assert_eq!(Package::new("1", record), Package { version: "1".into(), tops: tops.into() });
    }

    #[test]
    fn a_package_that_was_added_counts_from_then_on() {
        let mut detector = Detector::new(state(stamp(1), &[]));
        let now = Instant::now();
        let imported = BTreeSet::from(["y".to_owned()]);
        for _ in 0..2 {
            assert_eq!(detector.look(state(stamp(1), &[("y", "1")]), Some(&imported), now), None);
        }
        assert_eq!(detector.look(state(stamp(1), &[("y", "2")]), Some(&imported), now), None);
        let change = Change::Package("y".into(), "1".into());
        let now = detector.look(state(stamp(1), &[("y", "2")]), Some(&imported), now);
        assert_eq!(now, Some(change));
    }

    #[test]
    fn a_failure_is_tried_again_after_a_growing_pause_or_another_change() {
        let (mut detector, mut now) = (Detector::new(state(stamp(1), &[])), Instant::now());
        let replaced = || state(stamp(2), &[]);
        detector.look(replaced(), None, now);
        for pause in [PAUSE_MIN, PAUSE_MIN * 2, PAUSE_MIN * 4] {
            assert_eq!(detector.look(replaced(), None, now), Some(Change::File(0)));
            detector.failed(now);
            now += pause - TICK;
            assert_eq!(detector.look(replaced(), None, now), None);
            now += TICK;
        }
        assert_eq!(detector.look(replaced(), None, now), Some(Change::File(0)));
        detector.failed(now);
        detector.look(state(stamp(3), &[]), None, now);
        assert_eq!(detector.look(state(stamp(3), &[]), None, now), Some(Change::File(0)));
        assert!(!detector.is_undone());
        detector.look(state(stamp(1), &[]), None, now);
        assert!(detector.is_undone());
    }
}
