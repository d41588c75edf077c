//! A daemon that hangs: no program waits for it for ever, a client replaces it, and it can be ended.

use std::io;
use std::os::unix::net::UnixStream;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use skills_daemon::lifecycle::locks;
use skills_daemon::lifecycle::start_lock::StartLock;

use crate::harness::{CONTROL, Home, Running, eventually, freeze, plugin_code};

/// A daemon that was stopped by SIGSTOP, until dropped.
struct Frozen(Pid);

impl Frozen {
    #[track_caller]
    fn of(home: &Home) -> Frozen {
        let pid = Pid::from_raw(home.pid());
        freeze(pid);
        Frozen(pid)
    }

    /// Lets it go on.
    fn thaw(self) {}
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // Fails for one that has ended.
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

fn running_home() -> Home {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    home
}

#[test]
fn the_control_program_reports_it_and_leaves_it_alone() {
    let home = running_home();
    let frozen = Frozen::of(&home);
    let pid = format!("process id {}", frozen.0);
    let commands = [&["status"][..], &["start"], &["reload"], &["plugins"], &["link"]];
    let controls = commands.map(|command| Running::start(home.command(CONTROL, command)));
    let doctor = Running::start(home.command(CONTROL, &["doctor"]));
    let json = home.control(&["status", "--json"]);
    assert_eq!(json.fails_with(1).json()["pid"], json!(frozen.0.as_raw()));
    assert_eq!(json.json()["responding"], json!(false));
    for program in controls {
        let output = program.end();
        let printed = format!("{}{}", output.stdout(), output.stderr());
        output.fails_with(1);
        for text in ["does not respond", &pid, "stopped by a signal", "skills-daemon restart"] {
            assert!(printed.contains(text), "{text:?} is not in {output:?}");
        }
    }
    doctor.end().fails_with(1).says("failed   process: ").says("does not respond").says(&pid);
    assert_eq!(home.pid(), frozen.0.as_raw());
    frozen.thaw();
    home.client(&["demo", "hello"]).ok().quietly();
}

#[test]
fn the_next_calls_replace_it_once_and_succeed() {
    let home = Home::new();
    home.plugin("post", &plugin_code("post", POST), "");
    home.write("go", "");
    home.client(&["post", "slow"]).ok();
    let frozen = Frozen::of(&home);
    let calls = [&["post", "slow"][..], &["health"], &["--json", "demo", "hello"], &["demo", "-h"]];
    let outputs = calls.map(|call| home.spawn_client(call)).map(Running::end);
    let line = format!(
        "Warning: the daemon (process id {}) did not answer for 1 s (stopped by a signal) and is replaced\n",
        frozen.0
    );
    for output in &outputs {
        output.ok();
        assert!(output.stderr().is_empty() || output.stderr() == line, "{output:?}");
    }
    assert_eq!(outputs.iter().filter(|output| output.stderr() == line).count(), 1);
    assert_ne!(home.pid(), frozen.0.as_raw());
    assert_eq!(home.read("calls").as_deref(), Some("called\ncalled\n"), "each once");
}

/// A command that is not to be carried out twice.
const POST: &str = "
import os, time
@router.post('/slow')
def slow():
    with open(os.environ['HOME'] + '/calls', 'a') as calls:
        calls.write('called\\n')
    while not os.path.exists(os.environ['HOME'] + '/go'):
        time.sleep(0.01)
    return 'done'
";

#[test]
fn an_in_flight_call_that_outlasts_the_end_of_the_daemon_is_not_repeated() {
    let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    home.plugin("post", &plugin_code("post", POST), "");
    let call = home.spawn_client(&["post", "slow"]);
    eventually("the call", || home.read("calls"));
    let _frozen = Frozen::of(&home);
    call.end().fails_with(3).complains("and is replaced").complains("not sent again");
    assert_eq!(home.read("calls").as_deref(), Some("called\n"));
    home.write("go", "");
    home.client(&["post", "slow"]).ok().quietly().says("done");
    assert_eq!(home.read("calls").as_deref(), Some("called\ncalled\n"));
}

#[test]
fn an_in_flight_call_that_ends_while_the_daemon_is_replaced_is_answered() {
    let home = Home::new();
    home.plugin("post", &plugin_code("post", POST), "");
    let call = home.spawn_client(&["post", "slow"]);
    eventually("the call", || home.read("calls"));
    let frozen = Frozen::of(&home);
    home.write("go", "");
    call.end().ok().says("done").complains("and is replaced");
    assert_eq!(home.read("calls").as_deref(), Some("called\n"));
    assert_ne!(home.pid(), frozen.0.as_raw());
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_goes_on_in_time_is_not_replaced() {
    let home = Home::new();
    home.plugin("post", &plugin_code("post", POST), "");
    home.write("go", "");
    home.client(&["post", "slow"]).ok();
    let frozen = Frozen::of(&home);
    let old = frozen.0.as_raw();
    // While another program holds the lock, no client ends it.
    let lock = StartLock::acquire(&home.paths(), || {}).unwrap();
    let mut call = home.spawn_client(&["post", "slow"]);
    eventually("a client that wants to replace it", || call.waits_for_a_lock().then_some(()));
    frozen.thaw();
    drop(lock);
    call.end().ok().quietly();
    assert_eq!(home.pid(), old);
    assert_eq!(home.read("calls").as_deref(), Some("called\ncalled\n"));
}

#[test]
fn a_large_body_does_not_block_for_ever() {
    let home = running_home();
    let text = home.write("large", &"x".repeat(4 << 20));
    let _frozen = Frozen::of(&home);
    let value = format!("@{}", text.display());
    let sent = home.client(&["demo", "hello", "--name", &value]);
    sent.ok().complains("and is replaced").says("xxx");
}

#[test]
fn a_queue_of_connections_that_is_full_does_not_block_for_ever() {
    let home = running_home();
    let frozen = Frozen::of(&home);
    fill_backlog(&home);
    home.control(&["status"]).fails_with(1).complains("does not respond");
    home.client(&["demo", "hello"]).ok().complains("and is replaced");
    home.control(&["stop"]).ok().says("stopped");
    drop(frozen);
}

/// Connects until the kernel queues no further connection.
fn fill_backlog(home: &Home) {
    let address = socket2::SockAddr::unix(home.paths().socket()).unwrap();
    loop {
        let socket =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        match socket.connect(&address) {
            // It stays in the queue, though its other end is closed.
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                return;
            }
        }
    }
}

#[test]
fn it_can_be_stopped_and_restarted() {
    let home = running_home();
    let frozen = Frozen::of(&home);
    let old = frozen.0.as_raw();
    home.control(&["restart"]).ok().says("The daemon is running");
    assert_ne!(home.pid(), old);
    home.client(&["demo", "hello"]).ok();

    let frozen = Frozen::of(&home);
    home.control(&["stop"]).ok();
    home.wait_for_end();
    home.control(&["status"]).fails_with(1).says("not running");
    drop(frozen);
}

/// Has every thread but its own wait for ever inside of a signal handler.
const DEADLOCK: &str = "
import ctypes, os, signal, threading

@router.post('/freeze')
def freeze():
    libc = ctypes.CDLL(None)
    libc.signal(signal.SIGUSR1, ctypes.cast(libc.pause, ctypes.c_void_p))
    own = threading.get_native_id()
    for thread in os.listdir('/proc/self/task'):
        if int(thread) != own:
            libc.tgkill(os.getpid(), int(thread), signal.SIGUSR1)
";

#[cfg(target_os = "linux")]
#[test]
fn one_that_handles_no_signals_is_killed() {
    let home = Home::new();
    home.plugin("evil", &plugin_code("evil", DEADLOCK), "");
    home.client(&["demo", "hello"]).ok();
    let call = home.client(&["evil", "freeze"]);
    call.fails_with(3).complains("(no thread runs) and is replaced").complains("not sent again");
    home.client(&["demo", "hello"]).ok().quietly();
}

#[test]
fn one_that_hangs_while_it_starts_is_given_up() {
    // Making the venv takes a while.
    let home = Home::bare();
    let first = Running::start(home.command(CONTROL, &["start"]));
    let pid = eventually("the host", || locks::holder(&home.paths()));
    freeze(pid);
    let second = home.spawn_client(&["demo", "hello"]);
    let failed = first.end();
    failed.fails_with(1).complains(&format!("process id {pid}) hung while it started"));
    failed.complains("no heartbeat for 20 s; stopped by a signal");
    let output = second.end();
    assert!(output.status().success() || output.stderr() == failed.stderr(), "{output:?}");
}

#[test]
fn a_long_call_is_waited_for_as_long_as_the_daemon_lives() {
    let home = Home::new();
    let routes = "
import time
@router.get('/block')
async def block(seconds: float):
    time.sleep(seconds)
    return 'done'
";
    home.plugin("slow", &plugin_code("slow", routes), "");
    // The plugin's own loop hangs, too: the daemon does not.
    home.client(&["slow", "block", "--seconds", "9"]).ok().quietly().says("done");
}

#[test]
fn a_stream_that_pauses_is_read_to_its_end() {
    let home = Home::new();
    let counting = ["demo", "count", "--to", "2", "--delay", "2.5"];
    assert_eq!(home.client(&counting).ok().quietly().stdout(), "1\n2\n");
    let on_terminal = home.on_terminal(0, &counting, &[]);
    assert!(on_terminal.ok().stdout().contains("1\r\n2\r\n"), "{on_terminal:?}");
}

#[test]
fn a_stream_that_ends_with_a_hang_is_given_up() {
    let home = running_home();
    let counting = home.spawn_client(&["demo", "count", "--to", "1000", "--delay", "0.05"]);
    assert_eq!(counting.line(), "1");
    let frozen = Frozen::of(&home);
    counting.end().fails_with(3).complains("and is replaced").complains("not sent again");
    drop(frozen);
}

#[test]
fn silent_connections_are_no_hang() {
    let home = running_home();
    let idle: Vec<UnixStream> =
        (0..50).map(|_| UnixStream::connect(home.paths().socket()).unwrap()).collect();
    home.client(&["demo", "hello"]).ok().quietly();
    drop(idle);
}
