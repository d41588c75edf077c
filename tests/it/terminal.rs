//! Terminals and pipes: colours and progress on terminals only, and closed pipes.

use crate::harness::{CLIENT, Home, Output, plugin_code};

const COLORED: &str = "
from fastapi.responses import PlainTextResponse
from skills_daemon.colors import red

@router.get('/text')
def text():
    return PlainTextResponse(red('red') + ' and plain')
";

#[test]
fn colours_are_for_terminals_only() {
    let home = Home::new();
    home.plugin("art", &plugin_code("art", COLORED), "");
    assert_eq!(home.client(&["art", "text"]).ok().stdout(), "red and plain\n");
    let colored = home.on_terminal(0, &["art", "text"], &[]);
    colored.ok().says("\x1b[").says("red");
    for off in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = home.on_terminal(0, &["art", "text"], &[off]);
        assert_eq!(plain.ok().stdout(), "red and plain\r\n", "{off:?}");
    }
    home.on_terminal(0, &["demo", "nope"], &[]).fails_with(1).says("\x1b[91mError:");
    home.on_terminal(0, &["demo", "--help"], &[]).ok().says("hello");
}

#[test]
fn a_wait_on_a_terminal_is_explained() {
    let home = Home::bare();
    let first = home.on_terminal(0, &["demo", "hello"], &[("NO_COLOR", "1")]);
    first
        .ok()
        .says("starting the skills daemon")
        .says("creating a virtual environment")
        .says("Hello");
    let second = home.on_terminal(0, &["demo", "size", "1000"], &[("NO_COLOR", "1")]);
    assert_eq!(second.ok().stdout(), "1.0 kB\r\n");
}

#[test]
fn a_reader_that_hangs_up_is_no_error() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let line = format!("'{CLIENT}' demo count --to 1000 --delay 0 | head -n 1");
    let output = Output::of(home.command("/bin/sh", &["-c", &line]));
    assert_eq!(output.ok().quietly().stdout(), "1\n");
}
