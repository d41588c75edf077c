//! The watcher on real directories.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;

/// A deadline against hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// A watcher of a temporary directory, whose own entries with the extension `py` concern the subject `1`.
struct Watched {
    directory: tempfile::TempDir,
    watcher: Watcher<u8>,
    batches: Batches<u8>,
}

fn is_code(path: &Path, kind: Kind) -> bool {
    kind == Kind::Directory || path.extension().is_some_and(|extension| extension == "py")
}

impl Watched {
    fn of(watches_max: usize) -> Watched {
        let directory = tempfile::tempdir().unwrap();
        let (watcher, batches) = new(watches_max);
        Watched { directory, watcher, batches }
    }

    fn place(&self, relative: &str) -> Place {
        let directory = self.directory.path().join(relative);
        Place { directory, entries: Entries::Which(is_code) }
    }

    fn write(&self, relative: &str) {
        fs::write(self.directory.path().join(relative), "x").unwrap();
    }

    async fn next(&mut self) -> Vec<u8> {
        let next = tokio::time::timeout(LIMIT, self.batches.next()).await;
        next.expect("a batch").into_iter().collect()
    }
}

#[tokio::test]
async fn what_counts_is_in_the_next_batch_and_nothing_else() {
    let mut watched = Watched::of(10);
    fs::create_dir(watched.directory.path().join("other")).unwrap();
    assert!(watched.watcher.set(&1, vec![watched.place("")]));
    assert!(watched.watcher.set(&2, vec![watched.place("other")]));
    assert!(!watched.watcher.set(&2, vec![watched.place("other")]), "it is watched already");
    watched.write("a.txt");
    fs::read_dir(watched.directory.path()).unwrap().count();
    watched.write("other/a.py");
    assert_eq!(watched.next().await, [2]);
    watched.write("a.py");
    assert_eq!(watched.next().await, [1]);
    fs::rename(watched.directory.path().join("a.py"), watched.directory.path().join("b")).unwrap();
    assert_eq!(watched.next().await, [1]);
    assert_eq!(watched.watcher.watches(), 2);
    watched.watcher.keep_only(&BTreeSet::from([2]));
    assert_eq!(watched.watcher.watches(), 1);
    watched.write("b.py");
    watched.write("other/b.py");
    assert_eq!(watched.next().await, [2]);
}

#[tokio::test]
async fn a_file_that_is_open_is_waited_for() {
    let mut watched = Watched::of(10);
    fs::create_dir(watched.directory.path().join("other")).unwrap();
    watched.watcher.set(&1, vec![watched.place("")]);
    watched.watcher.set(&2, vec![watched.place("other")]);
    let mut file = File::create(watched.directory.path().join("a.py")).unwrap();
    file.write_all(b"half").unwrap();
    watched.write("other/a.py");
    assert_eq!(watched.next().await, [2]);
    drop(file);
    assert_eq!(watched.next().await, [1]);
}

#[tokio::test]
async fn a_directory_that_is_replaced_is_watched_again() {
    let mut watched = Watched::of(10);
    let inner = watched.directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let of_parent = Place { entries: Entries::named("inner"), ..watched.place("") };
    let places = [of_parent, watched.place("inner")];
    watched.watcher.set(&1, places.to_vec());
    fs::remove_dir(&inner).unwrap();
    fs::create_dir(&inner).unwrap();
    assert_eq!(watched.next().await, [1]);
    // The removal may be in one batch, and the new directory in the next.
    while !watched.watcher.set(&1, places.to_vec()) {
        watched.next().await;
    }
    watched.write("inner/a.py");
    assert_eq!(watched.next().await, [1]);
}

#[tokio::test]
async fn a_directory_is_watched_once_whatever_links_lead_there() {
    let mut watched = Watched::of(10);
    let root = watched.directory.path();
    fs::create_dir(root.join("real")).unwrap();
    symlink(root.join("real"), root.join("link")).unwrap();
    watched.watcher.set(&1, vec![watched.place("link")]);
    watched.watcher.set(&2, vec![watched.place("real")]);
    assert_eq!(watched.watcher.watches(), 1);
    watched.write("real/a.py");
    assert_eq!(watched.next().await, [1, 2]);
}

#[tokio::test]
async fn what_cannot_be_watched_is_polled_and_reported() {
    let mut watched = Watched::of(1);
    for name in ["one", "two"] {
        fs::create_dir(watched.directory.path().join(name)).unwrap();
    }
    watched.watcher.set(&1, vec![watched.place("one")]);
    assert_eq!(watched.watcher.polled(), None);
    assert!(!watched.watcher.set(&2, vec![watched.place("two")]));
    let polled = watched.watcher.polled().unwrap();
    assert!(polled.ends_with("/two polled every 2 s: more than 1 directories would be watched"));
    assert_eq!(watched.next().await, [2], "without any change");
    // Once there is room again it is watched.
    watched.watcher.keep_only(&BTreeSet::from([2]));
    assert!(watched.watcher.set(&2, vec![watched.place("two")]));
    assert_eq!(watched.watcher.polled(), None);
}

#[tokio::test]
async fn after_lost_events_everything_is_looked_at_and_polled_for_a_while() {
    let mut watched = Watched::of(10);
    watched.watcher.set(&1, vec![watched.place("")]);
    let now = Instant::now();
    watched.watcher.shared.lock().lost(now);
    assert_eq!(watched.next().await, [1]);
    assert!(watched.watcher.polled().unwrap().starts_with("changes of files were lost"));
    assert_eq!(watched.next().await, [1], "by polling");
    assert_eq!(watched.watcher.shared.lock().report(now + LOST_FOR), None);
}
