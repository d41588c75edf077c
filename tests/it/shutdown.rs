//! The end of the daemon: its causes, and what is finished first.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{CONTROL, Home, Running, eventually, plugin_code, shared};

/// A plugin whose `shutdown()` leaves a file.
const LAST_WILL: &str = "
import os, fastapi
class WillPlugin:
    name = 'will'
    router = fastapi.APIRouter()
    async def shutdown(self):
        with open(os.environ['HOME'] + '/will', 'a') as will:
            will.write('done\\n')
";

/// Runs a program on a terminal of its own and copies its output; the end of stdin closes the terminal. Ends as the
/// program does.
const HANGS_UP: &str = "
import os, pty, select, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while 0 not in (ready := select.select([terminal, 0], [], [])[0]):
    os.write(1, os.read(terminal, 65536))
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// Waits until a request is in flight.
fn in_flight(home: &Home) {
    eventually("a request in flight", || (home.status()["in_flight"] == json!(1)).then_some(()));
}

#[track_caller]
fn is_gone(home: &Home) {
    home.wait_for_end();
    assert!(!home.paths().socket().exists(), "the socket is left");
    assert!(!home.paths().pid_file().exists(), "the pid file is left");
    let is_whole = home.log().iter().any(|record| record["message"] == "daemon stopped");
    assert!(is_whole, "the log is whole when the lock is free");
}

#[test]
fn sigterm_lets_requests_finish_and_hooks_run() {
    let home = Home::new();
    home.plugin("will", LAST_WILL, "");
    home.control(&["start"]).ok();
    home.client(&["demo", "hello"]).ok();
    let waiting = home.spawn_client(&["demo", "wait", "--seconds", "1.5"]);
    in_flight(&home);
    home.signal(Signal::SIGTERM);
    waiting.end().ok().quietly().says("waited 1.5 s");
    is_gone(&home);
    assert_eq!(home.read("will").as_deref(), Some("done\n"));
}

#[test]
fn a_request_that_does_not_finish_is_cut_off() {
    let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    home.plugin("will", LAST_WILL, "");
    home.client(&["demo", "hello"]).ok();
    let waiting = home.spawn_client(&["demo", "wait", "--seconds", "60"]);
    in_flight(&home);
    home.control(&["stop"])
        .ok()
        .says("The daemon has stopped; 1 request was cut off: GET /demo/wait after ");
    waiting.end().fails_with(3);
    is_gone(&home);
    assert_eq!(home.read("will").as_deref(), Some("done\n"));
}

/// A handler that waits for ever, with two dependencies that leave a line each when they are closed.
const HELD_OPEN: &str = "
import asyncio, os
from fastapi import Depends

def note(line):
    with open(os.environ['HOME'] + '/will', 'a') as will:
        will.write(line + '\\n')

def closed(name):
    def dependency():
        try:
            yield name
        finally:
            note(name)
    return dependency

first, second = closed('first'), closed('second')

@router.get('/held')
async def held(a: str = Depends(first), b: str = Depends(second)):
    note('handler')
    await asyncio.Event().wait()
";

#[test]
fn dependencies_of_a_request_that_is_cut_off_are_closed() {
    let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    home.plugin("open", &plugin_code("open", HELD_OPEN), "");
    home.control(&["start"]).ok();
    let port = home.port();
    // Over HTTP, where no disconnect cancels a handler.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    write!(stream, "GET /open/held HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    eventually("the handler", || home.read("will"));
    home.control(&["stop"]).ok().says("1 request was cut off: GET /open/held");
    is_gone(&home);
    assert_eq!(home.read("will").as_deref(), Some("handler\nsecond\nfirst\n"));
}

#[test]
fn control_c_ends_a_daemon_in_the_foreground() {
    let home = Home::new();
    home.plugin("will", LAST_WILL, "");
    let mut foreground = Running::start(home.command(CONTROL, &["start", "--foreground"]));
    foreground.stderr_line("daemon started");
    home.client(&["demo", "hello"]).ok();
    home.client(&["will", "--help"]).ok();
    foreground.signal(Signal::SIGINT);
    foreground.end().ok().complains("daemon stopped");
    is_gone(&home);
    assert_eq!(home.read("will").as_deref(), Some("done\n"));
}

#[test]
fn a_daemon_in_the_foreground_ends_with_its_terminal() {
    let home = Home::new();
    home.plugin("will", LAST_WILL, "");
    let script = home.write("terminal.py", HANGS_UP);
    let mut command = home.command(shared::python(), &[script.to_str().unwrap(), CONTROL]);
    command.args(["start", "--foreground"]);
    let (terminal, stdin) = Running::fed(command);
    terminal.line_with("daemon started");
    home.client(&["will", "--help"]).ok();
    drop(stdin);
    terminal.end().ok();
    is_gone(&home);
    assert_eq!(home.read("will").as_deref(), Some("done\n"));
    let stopping = home.log().into_iter().find(|record| record["message"] == "daemon stopping");
    assert_eq!(stopping.unwrap()["reason"], json!("SIGHUP"));
}

#[test]
fn a_daemon_in_the_background_ignores_sighup() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let pid = home.pid();
    home.signal(Signal::SIGHUP);
    eventually("the note in the log", || {
        let is_note = |record: &Value| {
            record["message"].as_str().is_some_and(|text| text.starts_with("SIGHUP ignored"))
        };
        home.log().iter().any(is_note).then_some(())
    });
    assert_eq!(home.pid(), pid);
}

#[test]
fn a_request_over_http_ends_it() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let answer = home.http("POST", "/shutdown", &[]);
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"success": true, "message": "Shutdown initiated"}))
    );
    is_gone(&home);
}

#[test]
fn it_ends_after_its_idle_timeout() {
    let home = Home::new().with("SKILLS_DAEMON_TIMEOUT", "1");
    home.plugin("will", LAST_WILL, "");
    home.client(&["will", "--help"]).ok();
    is_gone(&home);
    assert_eq!(home.read("will").as_deref(), Some("done\n"));
    let stopping = home.log().into_iter().find(|record| record["message"] == "daemon stopping");
    assert_eq!(stopping.unwrap()["reason"], json!("idle"));
}

#[test]
fn a_stream_that_is_being_read_keeps_it_from_going_idle() {
    let home =
        Home::new().with("SKILLS_DAEMON_TIMEOUT", "1").with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    let counting = home.client(&["demo", "count", "--to", "3", "--delay", "2.5"]);
    assert_eq!(counting.ok().quietly().stdout(), "1\n2\n3\n");
    is_gone(&home);
}

#[test]
fn threads_and_loops_that_never_end_do_not_hold_it_up() {
    let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    let routes = "
import asyncio, threading, time
def for_ever():
    while True:
        time.sleep(0.1)
threading.Thread(target=for_ever).start()

@router.get('/block')
async def block():
    for_ever()
";
    home.plugin("stuck", &plugin_code("stuck", routes), "");
    home.client(&["stuck", "--help"]).ok();
    let blocked = home.spawn_client(&["stuck", "block"]);
    in_flight(&home);
    // The plugin's thread is blocked: others are served.
    home.client(&["demo", "hello"]).ok();
    assert_eq!(home.get("/health").status, 200);
    home.control(&["stop"])
        .ok()
        .says("1 request was cut off: GET /stuck/block after ")
        .says("; blocked threads were left behind: stuck.");
    blocked.end().fails_with(3);
    is_gone(&home);
}

#[test]
fn no_request_is_lost_between_an_old_daemon_and_a_new_one() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let old = home.pid();
    let waiting = home.spawn_client(&["demo", "wait", "--seconds", "1"]);
    in_flight(&home);
    let restarting = Running::start(home.command(CONTROL, &["restart"]));
    // Asked at any moment of the restart: by the old one, or by the new one.
    for _ in 0..10 {
        home.client(&["demo", "hello"]).ok().quietly();
    }
    waiting.end().ok().says("waited 1 s");
    restarting.end().ok().quietly().says("The daemon is running");
    assert_ne!(home.pid(), old);
}
