//! Daemons that answer nothing for a reason, which decides what becomes of them; and programs that wait for one.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use skills_daemon::lifecycle::locks;

use crate::harness::{CONTROL, Home, Running, eventually, freeze, plugin_code};

#[test]
fn one_that_is_suspended_in_its_terminal_is_left_alone() {
    let home = Home::new();
    let foreground = home.start_on_terminal(CONTROL, &["start", "--foreground"]);
    foreground.line_with("daemon started");
    let pid = Pid::from_raw(home.pid());
    freeze(pid);
    let call = home.client(&["demo", "hello"]);
    call.fails_with(3).complains(&format!("process id {pid}) does not respond"));
    call.complains("(suspended in its terminal)").complains("Continue it in its terminal (`fg`)");
    kill(pid, Signal::SIGCONT).unwrap();
    home.client(&["demo", "hello"]).ok().quietly();
    assert_eq!(home.pid(), pid.as_raw());
    home.control(&["stop"]).ok();
    foreground.end().ok();
}

/// All threads of a process, held as by a debugger until detached, by the thread that made it.
struct Debugger(BTreeSet<i32>);

impl Debugger {
    /// `None` where the system allows no debugger.
    fn attach(pid: i32) -> Option<Debugger> {
        let mut held = Debugger(BTreeSet::new());
        loop {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
            let all: BTreeSet<i32> = tasks
                .map(|it| it.unwrap().file_name().to_str().unwrap().parse().unwrap())
                .collect();
            let new: Vec<i32> = all.difference(&held.0).copied().collect();
            if new.is_empty() {
                return Some(held);
            }
            for thread in new {
                match ptrace(libc::PTRACE_SEIZE, thread) {
                    Err(Errno::EPERM | Errno::ENOSYS) => return None,
                    Err(Errno::ESRCH) => continue,
                    outcome => outcome.unwrap(),
                }
                ptrace(libc::PTRACE_INTERRUPT, thread).unwrap();
                waitpid(Pid::from_raw(thread), Some(WaitPidFlag::__WALL)).unwrap();
                held.0.insert(thread);
            }
        }
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        for thread in &self.0 {
            // Fails for one that has ended.
            let _ = ptrace(libc::PTRACE_DETACH, *thread);
        }
    }
}

fn ptrace(request: libc::c_uint, thread: i32) -> nix::Result<()> {
    // SAFETY: these requests take numbers only; the last two are not used.
    Errno::result(unsafe { libc::ptrace(request, thread, 0_usize, 0_usize) }).map(drop)
}

/// Allows any process to debug this one, where the system restricts it to parents.
const DEBUGGED: &str = "
import ctypes
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
";

#[test]
fn one_that_a_debugger_holds_is_left_alone() {
    let home = Home::new();
    home.plugin("debugged", &plugin_code("debugged", DEBUGGED), "");
    home.client(&["debugged", "--help"]).ok();
    home.client(&["demo", "hello"]).ok();
    let pid = home.pid();
    let Some(debugger) = Debugger::attach(pid) else {
        eprintln!("not tested: the system allows no debugger");
        return;
    };
    let call = home.client(&["demo", "hello"]);
    call.fails_with(3).complains(&format!("process id {pid}) does not respond"));
    call.complains("(held by a debugger)").complains("Detach the debugger");
    drop(debugger);
    home.client(&["demo", "hello"]).ok().quietly();
    assert_eq!(home.pid(), pid);
}

/// Has every thread but its own sleep for five seconds, the number of its signal, while its own is busy.
const STARVE: &str = "
import ctypes, os, signal, threading, time

@router.post('/starve')
def starve():
    libc = ctypes.CDLL(None)
    libc.signal(signal.SIGTRAP, ctypes.cast(libc.sleep, ctypes.c_void_p))
    own = threading.get_native_id()
    for thread in os.listdir('/proc/self/task'):
        if int(thread) != own:
            libc.tgkill(os.getpid(), int(thread), signal.SIGTRAP)
    end = time.monotonic() + 6
    while time.monotonic() < end:
        pass
    return 'starved'
";

#[test]
fn one_that_is_busy_is_waited_for() {
    let home = Home::new();
    home.plugin("evil", &plugin_code("evil", STARVE), "");
    home.client(&["demo", "hello"]).ok();
    let pid = home.pid();
    home.client(&["evil", "starve"]).ok().quietly().says("starved");
    assert_eq!(home.pid(), pid);
}

#[test]
fn a_program_that_is_suspended_while_it_starts_the_daemon_is_named_to_those_that_wait() {
    // Making the venv takes a while.
    let home = Home::bare();
    let mut first = Running::start(home.command(CONTROL, &["start"]));
    eventually("the host", || locks::holder(&home.paths()));
    freeze(Pid::from_raw(first.id() as i32));
    let named = format!("process {} is starting or stopping the daemon", first.id());
    let waited = home.control(&["stop"]);
    waited.fails_with(1).complains(&named).complains(&format!("`kill -CONT {}`", first.id()));
    first.signal(Signal::SIGCONT);
    first.end().ok();
    home.control(&["stop"]).ok();
}

/// Its answer waits for the file `go`.
const HELD: &str = "
import os, time
@router.get('/call')
def call():
    open(os.environ['HOME'] + '/called', 'w').close()
    while not os.path.exists(os.environ['HOME'] + '/go'):
        time.sleep(0.01)
    return 'done'
";

/// A daemon that is stopping because of a program, and finishes a call first.
fn draining(home: &Home) -> (Running, Running, Pid) {
    home.plugin("held", &plugin_code("held", HELD), "");
    let call = home.spawn_client(&["held", "call"]);
    eventually("the call", || home.read("called"));
    let pid = Pid::from_raw(home.pid());
    let stop = Running::start(home.command(CONTROL, &["stop"]));
    eventually("the end", || {
        home.log().iter().any(|record| record["message"] == "daemon stopping").then_some(())
    });
    (call, stop, pid)
}

#[test]
fn one_that_is_stopped_while_it_finishes_its_requests_is_continued() {
    let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "3600");
    let (call, stop, pid) = draining(&home);
    freeze(pid);
    home.write("go", "");
    stop.end().ok().says("The daemon has stopped");
    call.end().ok().says("done");
}

#[test]
fn one_that_is_stopped_again_and_again_does_not_get_its_time() {
    let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "3600");
    let (call, mut stop, pid) = draining(&home);
    eventually("the end of the stop", || {
        // Fails for one that has ended.
        let _ = kill(pid, Signal::SIGSTOP);
        (!stop.lives()).then_some(())
    });
    stop.end().ok().says("was killed");
    call.end().fails_with(3);
}
