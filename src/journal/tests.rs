//! Journals that are written, read back, foreign, stale or full.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::layout::SLOTS;
use super::*;

/// A journal whose process "has ended": the lock of a process does not keep itself from reading.
fn journal(directory: &tempfile::TempDir) -> (PathBuf, Arc<Journal>) {
    let path = directory.path().join("journal");
    let journal = Arc::new(Journal::create(&path).unwrap());
    (path, journal)
}

fn ending(path: &Path) -> Ending {
    Record::read(path).unwrap().unwrap().ending
}

#[test]
fn the_first_fault_names_plugin_phase_cause_and_place() {
    let directory = tempfile::tempdir().unwrap();
    let (path, journal) = journal(&directory);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let other = journal.enter(Path::new("/p/other"), "f", "other");
    let slot = journal.enter(Path::new("/p/jira"), "abc", "working");
    slot.rename("jira");
    slot.set(Phase::Serving);
    journal.blame(Cause::Exit(Some(1)), "no plugin's thread");
    thread::carry(slot.number(), true);
    journal.blame(Cause::Signal(11), "a.py line 1");
    thread::carry(other.number(), false);
    journal.blame(Cause::Signal(6), "a later one");
    thread::carry(0, false);
    let Ending::Fault(fault) = ending(&path) else { panic!("no fault") };
    assert_eq!((fault.cause, fault.own_thread), (Cause::Signal(11), true));
    assert_eq!(fault.place.as_deref(), Some("a.py line 1"));
    let Plugin { path, fingerprint, name, phase, .. } = fault.plugin;
    assert_eq!((path.to_str(), fingerprint.as_str()), (Some("/p/jira"), "abc"));
    assert_eq!((name.as_str(), phase), ("jira", Some(Phase::Serving)));
}

#[test]
fn without_a_fault_the_loaded_versions_are_listed_with_what_was_sampled() {
    let directory = tempfile::tempdir().unwrap();
    let (path, journal) = journal(&directory);
    let gone = journal.enter(Path::new("/p/gone"), "f", "gone");
    let slot = journal.enter(Path::new("/p/jira"), "abc", "jira");
    drop(gone);
    slot.sample(3, 1 << 20);
    journal.memory_kills(7);
    let Ending::Unknown { loaded, memory_kills } = ending(&path) else { panic!("a fault") };
    let loaded: Vec<_> = loaded.iter().map(|it| (it.name.as_str(), it.calls, it.growth)).collect();
    assert_eq!((loaded, memory_kills), (vec![("jira", 3, 1 << 20)], 7));
}

#[test]
fn a_clean_end_leaves_no_file_or_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (path, journal) = journal(&directory);
    let copy = directory.path().join("copy");
    journal.map.clean.store(1, Ordering::Relaxed);
    fs::copy(&path, &copy).unwrap();
    journal.end();
    assert!(!path.exists());
    assert_eq!(ending(&copy), Ending::Clean);
}

#[test]
fn a_journal_of_an_earlier_boot_blames_no_plugin() {
    let directory = tempfile::tempdir().unwrap();
    let (path, journal) = journal(&directory);
    let slot = journal.enter(Path::new("/p/jira"), "abc", "jira");
    thread::carry(slot.number(), false);
    journal.blame(Cause::Signal(11), "");
    thread::carry(0, false);
    journal.map.boot.write(b"another");
    assert_eq!(ending(&path), Ending::Reboot);
}

#[test]
fn garbage_is_no_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    for garbage in [Vec::new(), vec![7; 10], vec![0xff; size_of::<Layout>()]] {
        fs::write(&path, garbage).unwrap();
        assert_eq!(Record::read(&path).unwrap(), None);
    }
    // The right first bytes, and garbage behind them.
    let mut bytes = vec![0xff; size_of::<Layout>()];
    bytes[..8].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[24..32].copy_from_slice(&[0; 8]);
    fs::write(&path, bytes).unwrap();
    assert!(Record::read(&path).unwrap().is_some());
}

#[test]
fn the_size_is_bounded_and_a_freed_slot_is_used_again_last() {
    let directory = tempfile::tempdir().unwrap();
    let (_, journal) = journal(&directory);
    let enter = |path: &str| journal.enter(Path::new(path), "f", "n");
    let first = enter("/p/0");
    let number = first.number();
    drop(first);
    let slots: Vec<Slot> = (1..SLOTS).map(|index| enter(&format!("/p/{index}"))).collect();
    assert!(slots.iter().all(|slot| slot.number() != 0 && slot.number() != number));
    assert_eq!(enter("/p/last").number(), number, "dropped at once");
    let kept = enter("/p/kept");
    kept.keep();
    drop(kept);
    assert_eq!(enter("/p/none").number(), 0);
    drop(slots);
    assert_eq!(enter(&format!("/{}", "x".repeat(layout::PATH))).number(), 0);
}
