//! A daemon that hangs: no program waits for it for ever, and it can be ended.

use std::io;
use std::os::unix::net::UnixStream;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use skills_daemon::lifecycle::locks;

use crate::harness::{CONTROL, Home, Running, eventually, plugin_code};

/// A daemon that was stopped by SIGSTOP, until dropped.
struct Frozen(Pid);

impl Frozen {
    #[track_caller]
    fn of(home: &Home) -> Frozen {
        let pid = Pid::from_raw(home.pid());
        kill(pid, Signal::SIGSTOP).unwrap();
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
fn no_program_waits_for_ever_and_each_names_process_and_remedy() {
    let home = running_home();
    let frozen = Frozen::of(&home);
    let pid = format!("process id {}", frozen.0);
    let calls = [&["demo", "hello"][..], &["health"], &["plugins"], &["--json", "demo", "hello"]];
    let clients: Vec<Running> = calls.map(|call| home.spawn_client(call)).into();
    let commands = [&["status"][..], &["start"], &["reload"], &["plugins"], &["link"]];
    let controls = commands.map(|command| Running::start(home.command(CONTROL, command)));
    let help = home.spawn_client(&["demo", "--help"]);
    let doctor = Running::start(home.command(CONTROL, &["doctor"]));
    let json = home.control(&["status", "--json"]);
    assert_eq!(json.fails_with(1).json()["pid"], json!(frozen.0.as_raw()));
    assert_eq!(json.json()["responding"], json!(false));
    for program in clients.into_iter().chain(controls) {
        let output = program.end();
        let printed = format!("{}{}", output.stdout(), output.stderr());
        output.fails_with(1);
        for text in ["does not respond", &pid, "skills-daemon restart"] {
            assert!(printed.contains(text), "{text:?} is not in {output:?}");
        }
    }
    help.end().ok().says("hello").complains("does not respond");
    doctor.end().fails_with(1).says("failed   process: ").says("does not respond").says(&pid);
    frozen.thaw();
    home.client(&["demo", "hello"]).ok();
}

#[test]
fn an_in_flight_call_is_given_up_and_not_repeated() {
    let home = Home::new();
    let routes = "
import os, time
@router.post('/slow')
def slow():
    with open(os.environ['HOME'] + '/calls', 'a') as calls:
        calls.write('called\\n')
    while not os.path.exists(os.environ['HOME'] + '/go'):
        time.sleep(0.01)
    return 'done'
";
    home.plugin("slow", &plugin_code("slow", routes), "");
    let call = home.spawn_client(&["slow", "slow"]);
    eventually("the call", || home.read("calls"));
    let frozen = Frozen::of(&home);
    call.end().fails_with(1).complains("does not respond").complains("not sent again");
    frozen.thaw();
    home.write("go", "");
    home.client(&["slow", "slow"]).ok().says("done");
    assert_eq!(home.read("calls").as_deref(), Some("called\ncalled\n"));
}

#[test]
fn a_large_body_does_not_block_for_ever() {
    let home = running_home();
    let text = home.write("large", &"x".repeat(4 << 20));
    let frozen = Frozen::of(&home);
    let value = format!("@{}", text.display());
    home.client(&["demo", "hello", "--name", &value]).fails_with(1).complains("does not respond");
    frozen.thaw();
}

#[test]
fn a_queue_of_connections_that_is_full_does_not_block_for_ever() {
    let home = running_home();
    let frozen = Frozen::of(&home);
    fill_backlog(&home);
    home.client(&["demo", "hello"]).fails_with(1).complains("does not respond");
    home.control(&["status"]).fails_with(1).complains("does not respond");
    home.control(&["stop"]).ok();
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
    home.client(&["evil", "freeze"]).fails_with(1).complains("does not respond");
    home.control(&["stop"]).ok().says("did not stop in time and was killed");
    home.client(&["demo", "hello"]).ok();
}

#[test]
fn one_that_hangs_while_it_starts_is_given_up() {
    // Making the venv takes a while.
    let home = Home::bare();
    let first = Running::start(home.command(CONTROL, &["start"]));
    let pid = eventually("the host", || locks::holder(&home.paths()));
    kill(pid, Signal::SIGSTOP).unwrap();
    let second = home.spawn_client(&["demo", "hello"]);
    let failed = first.end();
    failed.fails_with(1).complains(&format!("process id {pid}) hung while it started"));
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
    counting.end().fails_with(1).complains("does not respond");
    frozen.thaw();
}

#[test]
fn silent_connections_are_no_hang() {
    let home = running_home();
    let idle: Vec<UnixStream> =
        (0..50).map(|_| UnixStream::connect(home.paths().socket()).unwrap()).collect();
    home.client(&["demo", "hello"]).ok().quietly();
    drop(idle);
}
