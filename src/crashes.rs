//! Plugins that ended the process, and what becomes of them.
//!
//! At its start the daemon reads the [journals](crate::journal) of processes that have ended ([`take_over`]). Whether a
//! plugin was at fault is decided by [`blame`]; what becomes of it by [`book`]: after one crash while it was loaded it
//! is loaded only at its first call, after two of any kind not at all, until its files change or it is reloaded by
//! name. The book is `state/crashes.json`; only the daemon writes it.

pub mod blame;
pub mod book;
pub mod date;
mod trace;

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::journal::{Ending, Journal, Record};
use crate::paths::Paths;
use blame::Crash;
use book::{Book, Verdict};

/// The crashes that plugins of a daemon are at fault for.
#[derive(Default)]
pub struct Crashes {
    file: PathBuf,
    book: Mutex<Book>,
}

impl Crashes {
    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.lock().count()
    }

    /// What becomes of the plugin at `path` with files of this fingerprint.
    pub fn verdict(&self, path: &Path, fingerprint: Option<&str>) -> Verdict {
        self.lock().verdict(path, fingerprint.unwrap_or_default())
    }

    /// Forgets the crashes of the plugin at `path`.
    pub fn forgive(&self, path: &Path) {
        let mut book = self.lock();
        if book.forgive(path) {
            self.write(&book);
        }
    }

    fn write(&self, book: &Book) {
        if let Err(error) = replace(&self.file, book) {
            tracing::warn!(path = %self.file.display(), %error, "crashes could not be kept");
        }
    }
}

/// Reads and removes the journals of processes that have ended, and returns the crashes of all times.
///
/// Called once, by the process that is about to serve.
pub fn take_over(paths: &Paths) -> Crashes {
    let file = paths.crashes();
    let book = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let mut book: Book = book.unwrap_or_default();
    let own = paths.journal(std::process::id());
    let mut is_changed = false;
    for path in paths.journals() {
        // Reading it would give up its lock.
        if path == own {
            continue;
        }
        let record = match Record::read(&path) {
            // Its process lives, or it is no journal.
            Ok(None) => continue,
            Ok(Some(record)) => record,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a journal could not be read");
                continue;
            }
        };
        if let Some(crash) = examined(&record, paths) {
            book.enter(crash, now());
            is_changed = true;
        }
        // A journal that stays is read again by the next daemon.
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "a journal could not be removed");
        }
    }
    let crashes = Crashes { file, book: Mutex::new(book) };
    if is_changed {
        crashes.write(&crashes.lock());
    }
    crashes
}

/// Returns the crashes that the daemon has recorded, as text, where no daemon runs to ask.
pub fn recorded(paths: &Paths) -> Vec<String> {
    let book = fs::read(paths.crashes()).ok().and_then(|text| serde_json::from_slice(&text).ok());
    book.map_or_else(Vec::new, |book: Book| book.texts())
}

/// Creates the journal of this process; without one, no crash can be attributed to a plugin.
pub fn journal(paths: &Paths) -> Option<Journal> {
    let path = paths.journal(std::process::id());
    let journal = Journal::create(&path)
        .inspect_err(|error| {
            tracing::warn!(path = %path.display(), %error, "the journal could not be created");
        })
        .ok()?;
    journal.memory_kills(blame::memory_kills());
    Some(journal)
}

/// Logs how a process ended; returns the crash that a plugin is at fault for.
fn examined(record: &Record, paths: &Paths) -> Option<Crash> {
    if matches!(record.ending, Ending::Clean | Ending::Reboot) {
        return None;
    }
    let Some(mut crash) = blame::blame(&record.ending, blame::memory_kills()) else {
        tracing::warn!(
            "the previous daemon (process id {}) ended without a trace, as by SIGKILL",
            record.pid
        );
        return None;
    };
    crash.place =
        crash.place.or_else(|| trace::place(&paths.old_host_stderr(), record.started, &crash.path));
    tracing::error!(
        plugin = crash.name,
        place = crash.place,
        "the previous daemon (process id {}) was ended by {} {} of `{}`",
        record.pid,
        crash.cause,
        crash.during,
        crash.name
    );
    Some(crash)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Writes the book atomically.
fn replace(file: &Path, book: &Book) -> io::Result<()> {
    let new = file.with_extension("json.new");
    let options = &mut fs::OpenOptions::new();
    let writer = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    serde_json::to_writer(writer, book)?;
    fs::rename(new, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Cause, Phase, thread};
    use std::sync::Arc;

    #[test]
    fn a_crash_is_read_from_the_journal_once_and_kept_until_it_is_forgiven() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let paths = Paths {
            profile: None,
            home: root.into(),
            runtime: root.join("run"),
            config: root.join("config"),
            bin: root.join("bin"),
        };
        paths.create().unwrap();
        let journal = Arc::new(Journal::create(&paths.journal(1)).unwrap());
        let slot = journal.enter(Path::new("/p/jira"), "abc", "jira");
        slot.set(Phase::Starting);
        thread::carry(slot.number(), false);
        journal.blame(Cause::Exit(Some(3)), "/p/jira/__init__.py line 7 in startup");
        thread::carry(0, false);
        let deferred = |crashes: &Crashes| {
            let Verdict::Defer(text) = crashes.verdict(Path::new("/p/jira"), Some("abc")) else {
                return None;
            };
            Some(text)
        };
        let text = deferred(&take_over(&paths)).unwrap();
        assert!(text.contains("os._exit(3) in startup() or connect()"), "{text}");
        assert!(text.contains("__init__.py line 7 in startup"), "{text}");
        assert!(paths.journals().is_empty());
        let crashes = take_over(&paths);
        assert!(deferred(&crashes).is_some(), "once");
        crashes.forgive(Path::new("/p/jira"));
        assert!(deferred(&take_over(&paths)).is_none());
        // A book that is no book counts as empty.
        fs::write(paths.crashes(), "{oops").unwrap();
        assert!(deferred(&take_over(&paths)).is_none());
    }
}
