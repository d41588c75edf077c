//! Plugins that end the process: the next daemon names the one at fault, and the others serve.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Home, plugin_code};

/// Routes that end the process in several ways, and one that does not.
const ROUTES: &str = "
import ctypes, os, threading

@router.get('/ok')
def ok():
    return {'success': True, 'data': 'fine'}

@router.get('/crash')
def crash():
    ctypes.string_at(0)

@router.get('/crash-on-loop')
async def crash_on_loop():
    ctypes.string_at(0)

@router.get('/exit')
async def leave():
    os._exit(3)

@router.get('/c-exit')
def c_exit():
    ctypes.CDLL(None).exit(4)

@router.get('/thread')
def in_thread():
    thread = threading.Thread(target=os.abort)
    thread.start()
    thread.join()

@router.get('/fork')
def fork():
    child = os.fork()
    if child == 0:
        os._exit(5)
    return {'success': True, 'data': os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
";

/// A home with a plugin that crashes, `bad`, and one that does not.
fn home() -> Home {
    let home = Home::new();
    home.plugin("bad", &plugin_code("bad", ROUTES), r#"{"name": "bad"}"#);
    let ok = "@router.get('/ok')\ndef ok():\n    return {'success': True, 'data': 'fine'}\n";
    home.plugin("good", &plugin_code("good", ok), "");
    home
}

/// Calls a command of `bad` that ends the process.
#[track_caller]
fn crash(home: &Home, command: &str) {
    home.client(&["bad", command]).fails_with(3).complains("not sent again");
    home.wait_for_end();
}

#[test]
fn a_plugin_that_crashes_twice_is_set_aside_and_the_others_serve() {
    let home = home();
    home.client(&["good", "ok"]).ok();
    crash(&home, "crash");
    home.client(&["good", "ok"]).ok().says("fine");
    home.client(&["bad", "ok"]).ok().quietly().says("fine");
    let notices = home.plugin_status("bad")["notices"].clone();
    let notice = notices[0].as_str().unwrap();
    assert!(
        notice.starts_with("bad crashed the daemon: a segmentation fault (SIGSEGV) in a handler")
    );
    let place = "skills_plugin/__init__.py line 12 in crash)";
    assert!(notice.contains(place), "{notice}");
    home.control(&["logs"])
        .ok()
        .says("was ended by a segmentation fault (SIGSEGV) in a handler of `bad`");
    crash(&home, "crash-on-loop");
    home.client(&["good", "ok"]).ok().says("fine");
    let reason = "bad crashed the daemon twice: a segmentation fault (SIGSEGV) in a handler";
    let call = home.client(&["bad", "ok"]);
    call.fails_with(1).says(reason).says("line 16 in crash_on_loop").says("reload bad");
    let status = home.plugin_status("bad");
    assert_eq!(status["state"], json!("failed"));
    assert!(status["detail"].as_str().unwrap().starts_with(reason), "{status}");
    let health = home.get("/health").json()["plugin_health"]["bad"].clone();
    assert!(health["error"].as_str().unwrap().starts_with(reason), "{health}");
    home.control(&["doctor"]).fails_with(1).says("failed   plugin bad").says(reason);
    // A reload of all does not forgive, one by name does.
    home.control(&["reload"]).fails_with(1).says(reason);
    home.control(&["reload", "bad"]).ok();
    home.client(&["bad", "ok"]).ok().says("fine");
    home.control(&["restart"]).ok();
    home.client(&["bad", "ok"]).ok();
    assert_eq!(home.plugin_status("bad").get("notices"), None);
}

#[test]
fn each_way_to_end_the_process_is_attributed() {
    for (command, cause, place) in [
        ("exit", "os._exit(3) in a handler", Some("line 20 in leave")),
        ("c-exit", "exit() of the C library in a handler", None),
        ("thread", "an abort (SIGABRT) in a thread", None),
    ] {
        let home = home();
        home.client(&["bad", "fork"]).ok().says("5");
        crash(&home, command);
        home.client(&["good", "ok"]).ok();
        let status = home.plugin_status("bad");
        let notice = status["notices"][0].as_str().unwrap_or_else(|| panic!("{command}: {status}"));
        assert!(notice.contains(cause), "{notice}");
        assert!(notice.contains(place.unwrap_or_default()), "{notice}");
    }
}

#[test]
fn a_plugin_that_ends_the_process_when_it_is_imported_is_loaded_at_its_first_call() {
    let home = home();
    home.client(&["bad", "ok"]).ok();
    home.control(&["stop"]).ok();
    home.plugin("bad", "import os\nos._exit(1)\n", r#"{"name": "bad"}"#);
    // Its import ends the first daemon; the call gets the second.
    let first = home.client(&["good", "ok"]);
    assert!(first.status().success() || first.stderr().contains("not sent again"), "{first:?}");
    home.wait_for_end();
    home.client(&["good", "ok"]).ok().says("fine");
    let status = home.plugin_status("bad");
    assert_eq!(status["state"], json!("asleep"));
    let notice = status["notices"][0].as_str().unwrap().to_owned();
    for text in ["bad crashed the daemon: os._exit(1) in the import", "line 2", "at its first call"]
    {
        assert!(notice.contains(text), "{notice}");
    }
    home.control(&["doctor"]).says("os._exit(1) in the import");
    home.control(&["reload"]).ok();
    home.client(&["good", "ok"]).ok();
    // The call that is its second chance.
    home.client(&["bad", "ok"]).fails_with(3);
    home.client(&["bad", "ok"]).fails_with(1).says("crashed the daemon twice: os._exit(1)");
    home.client(&["good", "ok"]).ok().quietly().says("fine");
    // Changed files have no past.
    home.plugin("bad", &plugin_code("bad", ROUTES), r#"{"name": "bad"}"#);
    home.control(&["reload"]).ok();
    home.client(&["bad", "ok"]).ok().quietly().says("fine");
}

#[test]
fn a_kill_from_outside_blames_nobody() {
    let home = home();
    home.client(&["bad", "ok"]).ok();
    for signal in [Signal::SIGKILL, Signal::SIGKILL, Signal::SIGSEGV] {
        home.signal(signal);
        home.wait_for_end();
        home.client(&["bad", "ok"]).ok().quietly();
    }
    assert_eq!(home.plugin_status("bad").get("notices"), None);
    home.control(&["logs"]).ok().says("ended without a trace, as by SIGKILL");
    home.control(&["stop"]).ok();
    assert!(home.paths().journals().is_empty());
}
