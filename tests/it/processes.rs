//! Programs that commands run by `skills_daemon.run`.

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::harness::{Home, eventually};

const CODE: &str = r#"
import asyncio, os, time
from skills_daemon import caller, run


def here() -> str:
    run(["sh", "-c", "pwd; echo $TALK_A; echo wrong >&2"])
    return run(["tr", "a-z", "A-Z"], input="text", capture_output=True).stdout


def fail():
    run(["sh", "-c", "echo so far; exit 4"])


def forgiven() -> int:
    return run(["sh", "-c", "exit 4"], check=False).returncode


def wait_here():
    run(["sh", "-c", "echo $$ > ~/child; sleep 600 & sleep 600"])


async def wait_later():
    try:
        run(["true"])
    except RuntimeError as error:
        print(error)
    await asyncio.to_thread(run, ["sh", "-c", "echo $$ > ~/child; sleep 600"])


def too_long():
    run(["sh", "-c", "echo $$ > ~/child; sleep 600"], timeout=0.05)


def left_behind():
    import contextvars, threading
    context = contextvars.copy_context()
    work = lambda: context.run(run, ["sh", "-c", "echo $$ > ~/child; sleep 600"])
    threading.Thread(target=work, daemon=True).start()
    while not os.path.exists(os.path.expanduser("~/child")):
        time.sleep(0.01)
"#;

fn busy() -> Home {
    let home = Home::new().with("TALK_A", "a variable");
    home.plugin("busy", CODE, r#"{"name": "busy", "env": ["TALK_*"]}"#);
    home.client(&["busy", "forgiven"]).ok();
    home
}

/// The process whose id the command wrote, once it has.
fn child(home: &Home) -> Pid {
    Pid::from_raw(eventually("a child", || home.read("child")?.trim().parse().ok()))
}

/// True while a process of the group runs.
fn runs(group: Pid) -> bool {
    signal::killpg(group, None).is_ok()
}

fn ends(group: Pid) {
    eventually("the end of the child", || (!runs(group)).then_some(()));
}

#[test]
fn they_run_where_the_caller_is_and_write_to_it() {
    let home = busy();
    let output = home.client(&["busy", "here"]);
    let directory = home.path().display();
    assert_eq!(output.ok().stdout(), format!("{directory}\na variable\nTEXT\n"));
    output.complains("wrong\n");
    let failed = home.client(&["busy", "fail"]);
    assert_eq!(failed.fails_with(1).stdout(), "so far\n");
    failed.complains("returned non-zero exit status 4");
    assert_eq!(home.client(&["busy", "forgiven"]).ok().stdout(), "4\n");
}

#[test]
fn they_end_with_the_call() {
    let home = busy();
    for command in ["wait-here", "wait-later"] {
        let mut client = home.spawn_client(&["busy", command]);
        let group = child(&home);
        assert!(runs(group));
        client.signal(Signal::SIGINT);
        client.end();
        ends(group);
        std::fs::remove_file(home.path().join("child")).unwrap();
    }
    home.client(&["busy", "left-behind"]).ok();
    let group = child(&home);
    ends(group);
    home.client(&["busy", "too-long"]).fails_with(1).complains("timed out after 0.05 seconds");
    ends(child(&home));
    home.client(&["busy", "forgiven"]).ok();
}
