//! The crashes of each plugin, and what becomes of it: plain data and a pure decision.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::blame::{Crash, During};
use super::date;

/// How many plugins the book has room for.
const ENTRIES_MAX: usize = 256;
/// How many crashes set a plugin aside.
const CRASHES_MAX: u32 = 2;

/// The crashes of all plugins, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    crashes: Vec<Entry>,
}

/// The crashes of one plugin with the same files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    fingerprint: String,
    name: String,
    count: u32,
    /// Of the last crash, like all that follows.
    during: During,
    cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Seconds since 1970.
    at: u64,
}

/// What becomes of a plugin; the texts say why.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is loaded as always.
    Load,
    /// It is loaded as always, but it crashed once.
    Watch(String),
    /// It is loaded at its first call.
    Defer(String),
    /// It is not loaded.
    SetAside(String),
}

impl Book {
    /// Enters a crash at this time, in seconds since 1970.
    pub fn enter(&mut self, crash: Crash, at: u64) {
        let place = self.crashes.iter().position(|entry| entry.path == crash.path);
        let before = place.map(|place| self.crashes.remove(place));
        let same = before.filter(|entry| entry.fingerprint == crash.fingerprint);
        let count = same.map_or(0, |entry| entry.count) + 1;
        if self.crashes.len() >= ENTRIES_MAX {
            self.crashes.remove(0);
        }
        let Crash { path, fingerprint, name, during, cause, place } = crash;
        self.crashes.push(Entry { path, fingerprint, name, count, during, cause, place, at });
    }

    /// Forgets the crashes of a plugin; false if it has none.
    pub fn forgive(&mut self, path: &Path) -> bool {
        let before = self.crashes.len();
        self.crashes.retain(|entry| entry.path != path);
        self.crashes.len() != before
    }

    /// The crashes of each plugin as text.
    pub fn texts(&self) -> Vec<String> {
        self.crashes.iter().map(Entry::to_string).collect()
    }

    /// How many crashes there are.
    pub fn count(&self) -> u64 {
        self.crashes.iter().map(|entry| u64::from(entry.count)).sum()
    }

    /// What becomes of the plugin at `path` with files of this fingerprint: changed files have no past.
    pub fn verdict(&self, path: &Path, fingerprint: &str) -> Verdict {
        let mut entries = self.crashes.iter();
        let entry = entries.find(|entry| entry.path == path && entry.fingerprint == fingerprint);
        match entry {
            None => Verdict::Load,
            Some(entry) if entry.count >= CRASHES_MAX => Verdict::SetAside(entry.to_string()),
            Some(entry) if entry.during.is_load() => Verdict::Defer(format!(
                "{entry}; so it is loaded at its first call, and set aside if that happens again"
            )),
            Some(entry) => {
                Verdict::Watch(format!("{entry}; it is set aside if that happens again"))
            }
        }
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Entry { name, cause, during, at, .. } = self;
        write!(f, "{name} crashed the daemon")?;
        match self.count {
            1 => {}
            2 => f.write_str(" twice")?,
            count => write!(f, " {count} times")?,
        }
        write!(f, ": {cause} {during}")?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        let last = if self.count > 1 { "last " } else { "" };
        write!(f, ", {last}on {}", date::utc(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(path: &str, fingerprint: &str, during: During) -> Crash {
        Crash {
            path: path.into(),
            fingerprint: fingerprint.into(),
            name: "jira".into(),
            during,
            cause: "os._exit(1)".into(),
            place: Some("a.py line 1".into()),
        }
    }

    #[test]
    fn what_becomes_of_a_plugin() {
        use During::{End, Handler, Import, Start, Thread};
        // Crashes with the same files, what its files are now, and the verdict.
        let table: [(&[During], &str, &str); 11] = [
            (&[], "f", "load"),
            (&[Import], "f", "defer"),
            (&[Start], "f", "defer"),
            (&[Handler], "f", "watch"),
            (&[Thread], "f", "watch"),
            (&[End], "f", "watch"),
            (&[Import], "changed", "load"),
            (&[Import, Import], "f", "aside"),
            (&[Import, Handler], "f", "aside"),
            (&[Handler, Handler, Thread], "f", "aside"),
            (&[Handler, Handler], "changed", "load"),
        ];
        for (crashes, fingerprint, expected) in table {
            let mut book = Book::default();
            crashes.iter().for_each(|during| book.enter(crash("/p", "f", *during), 0));
            let path = Path::new("/p");
            let verdict = match book.verdict(path, fingerprint) {
                Verdict::Load => "load",
                Verdict::Watch(_) => "watch",
                Verdict::Defer(_) => "defer",
                Verdict::SetAside(_) => "aside",
            };
            assert_eq!(verdict, expected, "{crashes:?} {fingerprint}");
            assert_eq!(book.verdict(Path::new("/other"), fingerprint), Verdict::Load);
            assert_eq!(book.forgive(path), !crashes.is_empty());
            assert_eq!(book.verdict(path, "f"), Verdict::Load);
        }
    }

    #[test]
    fn a_crash_with_other_files_is_the_first_of_these() {
        let mut book = Book::default();
        book.enter(crash("/p", "old", During::Handler), 0);
        book.enter(crash("/p", "new", During::Handler), 0);
        assert!(matches!(book.verdict(Path::new("/p"), "new"), Verdict::Watch(_)));
    }

    #[test]
    fn the_reason_names_all() {
        let mut book = Book::default();
        for at in [0, 1_795_756_200] {
            book.enter(crash("/p", "f", During::Handler), at);
        }
        let Verdict::SetAside(why) = book.verdict(Path::new("/p"), "f") else { panic!() };
        assert_eq!(
            why,
            "jira crashed the daemon twice: os._exit(1) in a handler (a.py line 1), last on 2026-11-27 05:10 UTC"
        );
    }

    #[test]
    fn it_is_bounded() {
        let mut book = Book::default();
        for number in 0..=ENTRIES_MAX {
            book.enter(crash(&format!("/{number}"), "f", During::Handler), 0);
        }
        assert_eq!(book.crashes.len(), ENTRIES_MAX);
        assert_eq!(book.verdict(Path::new("/0"), "f"), Verdict::Load);
    }
}
