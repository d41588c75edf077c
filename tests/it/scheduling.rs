//! Calls and answers that do not wait for a handler that blocks.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::libc::O_NONBLOCK;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use crate::harness::{Home, Sent, eventually, plugin_code};

/// For answers that come at once, or only after something that the test does later.
const STUCK: Duration = Duration::from_secs(30);

/// Handlers that end when a pipe does, beside one that is always short.
const PIPES: &str = "
import threading
barrier = threading.Barrier(2)

def wait_for(pipe):
    if pipe:
        open(pipe).read()

@router.get('/meet')
def meet():
    barrier.wait(20)
    return {}

@router.get('/short')
async def short():
    return {}

@router.get('/short-def')
def short_def():
    return {}

@router.get('/block')
async def block(pipe: str = ''):
    wait_for(pipe)
    return {}

@router.get('/block-in-fastapi')
async def block_in_fastapi(request: fastapi.Request):
    wait_for(request.query_params.get('pipe'))
    return {}

@router.get('/exit-in-fastapi')
async def exit_in_fastapi(request: fastapi.Request):
    raise SystemExit(1)
";

/// A pipe that a handler waits for.
struct Pipe(PathBuf);

impl Pipe {
    fn new(home: &Home, name: &str) -> Pipe {
        let path = home.path().join(name);
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        Pipe(path)
    }

    /// A request for `target` that ends with the pipe.
    fn until(&self, target: &str) -> String {
        format!("{target}?pipe={}", self.0.display())
    }

    /// The other end, once a handler waits at this one; dropped, it lets the handler go on.
    fn reached(&self) -> File {
        let mut writer = OpenOptions::new();
        writer.write(true).custom_flags(O_NONBLOCK);
        eventually("a handler at the pipe", || writer.open(&self.0).ok())
    }
}

#[test]
fn two_def_calls_on_a_warm_pool_run_at_the_same_time() {
    let home = Home::new();
    home.plugin("pipes", &plugin_code("pipes", PIPES), "");
    home.control(&["start"]).ok();
    let port = home.port();
    for pair in 0..20 {
        // One thread is there and has nothing to do.
        assert_eq!(home.get("/pipes/short-def").status, 200);
        let calls = [(); 2].map(|()| Sent::new(port, "GET", "/pipes/meet", &[], b""));
        for call in calls {
            let answer = call.answer(STUCK).expect("an answer");
            assert_eq!(answer.status, 200, "pair {pair}: {}", answer.text());
        }
    }
}

#[test]
fn a_finished_answer_does_not_wait_for_a_handler_that_was_short_before() {
    answered_before("/pipes/block");
}

#[test]
fn a_finished_answer_does_not_wait_for_a_call_through_fastapi() {
    answered_before("/pipes/block-in-fastapi");
}

#[test]
fn a_handler_that_exits_takes_no_other_call_of_its_batch_with_it() {
    let (home, batch) = Batch::gather();
    let exits = batch.send(&home, "/pipes/exit-in-fastapi");
    let short = batch.send(&home, "/pipes/short");
    batch.start();
    assert_eq!(exits.answer(STUCK).expect("an answer").status, 500);
    assert_eq!(short.answer(STUCK).expect("an answer").status, 200);
}

/// Has the loop take two calls at once, a short one and then one of `target` that blocks, and waits for the answer
/// to the first before it lets the second end.
#[track_caller]
fn answered_before(target: &str) {
    let (home, batch) = Batch::gather();
    let pipe = Pipe::new(&home, "pipe");
    let short = batch.send(&home, "/pipes/short");
    let second = batch.send(&home, &pipe.until(target));
    batch.start();
    let pipe = pipe.reached();
    assert_eq!(short.answer(STUCK).expect("the short call's answer").status, 200);
    drop(pipe);
    assert_eq!(second.answer(STUCK).expect("the last answer").status, 200);
}

/// Calls that a loop takes at once, because it is blocked until all are there.
struct Batch {
    port: u16,
    first: Sent,
    gate: File,
    in_flight: Cell<u32>,
}

impl Batch {
    /// A daemon whose plugin has called each of its handlers that may block, and blocks now.
    fn gather() -> (Home, Batch) {
        let home = Home::new();
        home.plugin("pipes", &plugin_code("pipes", PIPES), "");
        home.control(&["start"]).ok();
        for _ in 0..5 {
            for target in ["/pipes/block", "/pipes/block-in-fastapi"] {
                assert_eq!(home.get(target).status, 200);
            }
        }
        let (port, gate) = (home.port(), Pipe::new(&home, "gate"));
        let target = gate.until("/pipes/block-in-fastapi");
        let first = Sent::new(port, "GET", &target, &[], b"");
        let gate = gate.reached();
        (home, Batch { port, first, gate, in_flight: Cell::new(1) })
    }

    /// Adds a call.
    #[track_caller]
    fn send(&self, home: &Home, target: &str) -> Sent {
        let sent = Sent::new(self.port, "GET", target, &[], b"");
        self.in_flight.update(|before| before + 1);
        let wanted = json!(self.in_flight.get());
        eventually("the call", || (home.status()["in_flight"] == wanted).then_some(()));
        sent
    }

    /// Lets the loop go on.
    fn start(self) {
        drop(self.gate);
        assert_eq!(self.first.answer(STUCK).expect("the first call's answer").status, 200);
    }
}
