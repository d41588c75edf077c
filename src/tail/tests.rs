use std::fs;
use std::io::Write;

use super::*;

fn append(path: &Path, text: &str) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn texts(lines: &Lines) -> Vec<&str> {
    lines.lines.iter().map(String::as_str).collect()
}

#[test]
fn lines_come_whole_and_once_across_a_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("daemon.log");
    let aside = directory.path().join("daemon.log.1");
    let (mut tail, first) = Tail::open(&path, 10);
    assert_eq!(first, Lines::default(), "no file yet");
    append(&path, "a\nb\nc");
    assert_eq!(texts(&tail.more(10)), ["a", "b"]);
    assert_eq!(tail.more(10), Lines::default());
    append(&path, "c\nd\n");
    fs::rename(&path, &aside).unwrap();
    append(&path, "e\n");
    assert_eq!(texts(&tail.more(10)), ["cc", "d", "e"]);
    append(&path, "f\n");
    assert_eq!(texts(&tail.more(10)), ["f"]);
    let (_, first) = Tail::open(&path, 4);
    assert_eq!((texts(&first), first.is_cut), (vec!["cc", "d", "e", "f"], false));
    fs::write(&path, "g\n").unwrap();
    assert_eq!(texts(&tail.more(10)), ["g"], "a file that was emptied");
}

#[test]
fn of_a_flood_the_last_lines_remain() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("daemon.log");
    let (mut tail, _) = Tail::open(&path, 10);
    let flood: String = (0..100_000).map(|number| format!("{number}\n")).collect();
    append(&path, &flood);
    let lines = tail.more(3);
    assert_eq!((texts(&lines), lines.is_cut), (vec!["99997", "99998", "99999"], true));
    append(&path, &flood);
    let lines = tail.more(usize::MAX);
    let all: Vec<u32> = lines.lines.iter().map(|line| line.parse().unwrap()).collect();
    assert!(lines.is_cut && all.len() < 100_000 && all.windows(2).all(|two| two[1] == two[0] + 1));
    let (_, first) = Tail::open(&path, 2);
    assert_eq!((texts(&first), first.is_cut), (vec!["99998", "99999"], false));
}
