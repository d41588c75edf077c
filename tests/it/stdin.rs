//! The caller's stdin as a parameter of a plain function, of any size, as it comes.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::harness::{CLIENT, Home, Output, eventually};

const CODE: &str = r#"
import asyncio, hashlib, os, sys
from collections.abc import AsyncIterator, Iterator
from typing import BinaryIO, TextIO


def checksum(data: BinaryIO, upper: bool = False) -> str:
    """The checksum of stdin.

    Args:
        data: What is read.
    """
    digest = hashlib.sha256()
    while piece := data.read(1 << 16):
        digest.update(piece)
    return digest.hexdigest().upper() if upper else digest.hexdigest()


def copy(data: BinaryIO):
    while piece := data.read1():
        sys.stdout.buffer.write(piece)


def number_lines(text: TextIO) -> Iterator[str]:
    for number, line in enumerate(text, 1):
        yield f"{number} {line.rstrip()}"


def longest(lines: Iterator[str]) -> int:
    return max((len(line.rstrip("\n")) for line in lines), default=0)


async def size(pieces: AsyncIterator[bytes]) -> int:
    return sum([len(piece) async for piece in pieces])


async def upper(lines: AsyncIterator[str]):
    async for line in lines:
        yield line.rstrip("\n").upper()


def ignore(data: BinaryIO) -> str:
    return "not read"


def note(text: str):
    with open(os.path.expanduser("~/notes"), "a") as notes:
        notes.write(text + "\n")


def wait_for(data: BinaryIO):
    note("reading")
    try:
        data.read()
    finally:
        note("ended")


async def blocked(data: BinaryIO): ...


def twice(data: BinaryIO, text: TextIO): ...
"#;

fn reads() -> Home {
    let home = Home::new();
    home.plugin("reads", CODE, r#"{"name": "reads"}"#);
    home.client(&["reads", "ignore"]).ok();
    home
}

fn sh(home: &Home, line: &str) -> Output {
    Output::of(
        home.command("/bin/sh", &["-c", &line.replace("reads ", &format!("'{CLIENT}' reads "))]),
    )
}

#[test]
fn stdin_is_a_file_or_its_lines_or_pieces() {
    let home = reads();
    let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
    assert_eq!(sh(&home, "printf abc | reads checksum").ok().stdout(), of_abc);
    sh(&home, "printf abc | reads checksum --upper").ok().says("BA7816BF");
    home.write("abc", "abc");
    assert_eq!(sh(&home, "reads checksum < ~/abc").ok().stdout(), of_abc);
    sh(&home, "reads checksum < /dev/null").ok().says("e3b0c442");
    let numbered = sh(&home, "printf 'a\\nb\\r\\n\u{e4}' | reads number-lines");
    assert_eq!(numbered.ok().stdout(), "1 a\n2 b\n3 \u{e4}\n");
    assert_eq!(sh(&home, "printf 'a\\nbcd\\n' | reads longest").ok().stdout(), "3\n");
    assert_eq!(sh(&home, "printf abc | reads size").ok().stdout(), "3\n");
    assert_eq!(sh(&home, "printf 'a\\nb' | reads upper").ok().stdout(), "A\nB\n");
    assert_eq!(sh(&home, "yes | head -c 10000000 | reads ignore").ok().stdout(), "not read\n");
    let help = home.client(&["reads", "checksum", "--help"]);
    help.ok().says("Reads stdin, or a file by `--data @FILE`: What is read.").says("--upper");
    let help = home.client(&["reads", "--help"]);
    assert!(!help.stdout().contains("blocked") && !help.stdout().contains("twice"), "{help:?}");
    // Over HTTP it is the body.
    let port = home.port();
    let answer =
        crate::harness::Answer::of(port, "POST", "/reads/checksum?upper=true", &[], b"abc");
    assert_eq!(answer.json(), json!(of_abc.trim().to_uppercase()));
}

#[test]
fn stdin_of_any_size_passes_both_ways() {
    let home = reads();
    let line = "head -c 300000000 /dev/zero | reads copy | sha256sum";
    let plain = "head -c 300000000 /dev/zero | sha256sum";
    assert_eq!(sh(&home, line).ok().stdout(), sh(&home, plain).ok().stdout());
    assert_eq!(sh(&home, "head -c 300000000 /dev/zero | reads size").ok().stdout(), "300000000\n");
}

#[test]
fn stdin_is_read_as_it_comes_and_a_caller_that_goes_ends_the_wait() {
    let home = reads();
    let mut command = home.command(CLIENT, &["reads", "upper"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stdout));
    for word in ["one", "two"] {
        writeln!(stdin, "{word}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), word.to_uppercase());
    }
    drop(stdin);
    assert!(lines.next().is_none());
    assert!(child.wait().unwrap().success());

    let mut command = home.command(CLIENT, &["reads", "wait-for"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let noted = |text: &str| {
        let noted = || home.read("notes").filter(|notes| notes.contains(text)).map(drop);
        eventually(text, noted);
    };
    noted("reading");
    child.kill().unwrap();
    child.wait().unwrap();
    noted("ended");
}

#[test]
fn a_file_takes_the_place_of_stdin() {
    let home = Home::new();
    home.plugin("take", CODE, r#"{"name": "take"}"#);
    home.write("three.txt", "one\ntwo\nthree\n");
    for line in
        [&["take", "longest", "@three.txt"][..], &["take", "longest", "--lines", "@three.txt"]]
    {
        assert_eq!(home.client(line).ok().stdout(), "5\n");
    }
    home.client(&["take", "longest", "@no-such"])
        .fails_with(2)
        .complains("no such file: `no-such`");
    home.client(&["take", "longest", "--lines", "three.txt"])
        .fails_with(2)
        .says("--lines @three.txt");
    let line = format!("printf 'four five' | '{CLIENT}' take longest --lines -");
    assert_eq!(Output::of(home.command("/bin/sh", &["-c", &line])).ok().stdout(), "9\n");
    home.client(&["take", "longest", "--help"])
        .ok()
        .says("Reads stdin, or a file by `--lines @FILE`");
}
