//! A new host takes over from the old one: no request fails, whatever happens to either of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use skills_daemon::lifecycle::handover::{self, Reply, Request};
use skills_daemon::lifecycle::locks;
use skills_daemon::venv::Venv;

use crate::harness::{CLIENT, CONTROL, Home, Load, Output, Running, eventually, plugin_code};

const HOST: &str = env!("CARGO_BIN_EXE_skills-host");

/// True while the process lives.
fn lives(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None).is_ok()
}

#[track_caller]
fn ends(pid: i32) {
    eventually("the end of a host", || (!lives(pid)).then_some(()));
}

/// The process id of the host that serves.
fn serving(home: &Home) -> i32 {
    let pid = home.pid();
    let holder = locks::holder(&home.paths()).expect("a host serves");
    assert_eq!(holder.as_raw(), pid, "the lock is that of the host that answers");
    let written = fs::read_to_string(home.paths().pid_file()).unwrap();
    assert_eq!(written.trim(), pid.to_string(), "the pid file is that of the host that answers");
    pid
}

fn running() -> Home {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    home
}

#[test]
fn clients_that_keep_their_connections_notice_no_restart() {
    let home = running();
    let (first, port) = (serving(&home), home.port());
    let load = Load::on(&home);
    let mut old = vec![first];
    for _ in 0..5 {
        load.goes_on();
        home.control(&["restart"]).ok().quietly().says("The daemon is running");
        let new = serving(&home);
        assert!(!old.contains(&new));
        old.push(new);
    }
    load.goes_on();
    load.has_no_failure();
    assert_eq!(home.port(), port);
    let last = old.pop().unwrap();
    for pid in old {
        ends(pid);
    }
    assert_eq!(serving(&home), last);
    assert_eq!(locks::hosts(&home.paths()), [Pid::from_raw(last)]);
    assert!(home.paths().socket().exists() && home.paths().handover_socket().exists());
}

#[test]
fn a_streamed_answer_under_way_is_finished_by_the_old_host() {
    let home = Home::new();
    let routes = "
import asyncio, os
from fastapi.responses import StreamingResponse
@router.get('/lines')
async def lines():
    async def parts():
        yield 'first\\n'
        while os.path.exists(os.environ['HOME'] + '/streams'):
            await asyncio.sleep(0.01)
        yield 'last\\n'
    return StreamingResponse(parts(), media_type='text/plain')
";
    home.plugin("streamer", &plugin_code("streamer", routes), "");
    home.write("streams", "");
    let streaming = home.spawn_client(&["streamer", "lines"]);
    assert_eq!(streaming.line(), "first");
    let old = home.pid();
    home.control(&["restart"]).ok();
    // Again, while the first one still streams.
    home.control(&["restart"]).ok();
    assert!(lives(old), "it streams");
    fs::remove_file(home.path().join("streams")).unwrap();
    let last = streaming.end();
    assert!(last.ok().quietly().stdout().ends_with("last\n"), "{last:?}");
    ends(old);
    serving(&home);
}

/// A plugin whose import waits while the file `hold` is in the HOME.
const HELD: &str = "
import os, time
while os.path.exists(os.environ['HOME'] + '/hold'):
    time.sleep(0.01)
";

/// Starts a restart whose new host is still loading; returns it with the id of that host.
fn half_a_restart(home: &Home, old: i32) -> (Running, Pid) {
    home.write("hold", "");
    let restarting = Running::start(home.command(CONTROL, &["restart"]));
    let new = eventually("the new host", || {
        locks::hosts(&home.paths()).into_iter().find(|pid| pid.as_raw() != old)
    });
    (restarting, new)
}

#[test]
fn the_old_host_serves_until_the_new_one_has_loaded_its_plugins() {
    let home = Home::new();
    home.plugin("held", &plugin_code("held", HELD), "");
    home.control(&["start"]).ok();
    home.client(&["held", "--help"]).ok();
    let old = home.pid();
    let (restarting, new) = half_a_restart(&home, old);
    home.client(&["demo", "hello"]).ok().quietly();
    assert_eq!(serving(&home), old);
    fs::remove_file(home.path().join("hold")).unwrap();
    restarting.end().ok().quietly();
    assert_eq!(serving(&home), new.as_raw());
    assert_eq!(home.plugin_status("held")["state"], json!("ready"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_asks_while_no_host_has_the_role_waits_for_one() {
    let home = running();
    let old = serving(&home);
    // As a new host does it, up to the moment at which it would take the role.
    let successor = handover::connect(&home.paths()).expect("the host hands over");
    handover::send(&successor, &Request::TakeOver).unwrap();
    let offer = handover::receive_offer(&successor).unwrap();
    handover::send(&successor, &Request::Ready).unwrap();
    assert_eq!(handover::receive(&successor).unwrap(), Reply::Yours);
    assert_eq!(locks::holder(&home.paths()), None);
    let mut asking = Running::start(home.command(CONTROL, &["status", "--json"]));
    eventually("its connection, or its end", || {
        (asking.has_a_socket() || !asking.lives()).then_some(())
    });
    drop((successor, offer));
    let status = asking.end().ok().json();
    assert_eq!((&status["running"], &status["pid"]), (&json!(true), &json!(old)), "{status}");
    assert_eq!(serving(&home), old);
}

#[test]
fn a_new_host_that_is_killed_leaves_the_old_one_serving() {
    let home = Home::new();
    home.plugin("held", &plugin_code("held", HELD), "");
    home.control(&["start"]).ok();
    let old = home.pid();
    let load = Load::on(&home);
    let (restarting, new) = half_a_restart(&home, old);
    load.goes_on();
    kill(new, Signal::SIGKILL).unwrap();
    restarting.end().fails_with(3).complains("SIGKILL").complains("was not replaced");
    load.goes_on();
    load.has_no_failure();
    assert_eq!(serving(&home), old);
    home.control(&["status"]).ok().says("a new process could not take over").says("SIGKILL");
    fs::remove_file(home.path().join("hold")).unwrap();
    home.control(&["restart"]).ok();
    assert_ne!(serving(&home), old);
    home.control(&["status"]).ok();
    assert!(home.status().get("notices").is_none(), "{}", home.status());
}

#[test]
fn a_new_host_goes_on_without_its_launcher_and_without_the_old_host() {
    let home = Home::new();
    home.plugin("held", &plugin_code("held", HELD), "");
    home.control(&["start"]).ok();
    let old = home.pid();
    let (restarting, new) = half_a_restart(&home, old);
    drop(restarting);
    kill(Pid::from_raw(old), Signal::SIGKILL).unwrap();
    ends(old);
    // It waits in the queue of a socket that only the new host has.
    let waiting = home.spawn_client(&["demo", "hello"]);
    fs::remove_file(home.path().join("hold")).unwrap();
    waiting.end().ok().says("Hello");
    assert_eq!(serving(&home), new.as_raw());
}

#[test]
fn stop_ends_the_hosts_that_drain_too() {
    let home = running().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    let old = home.pid();
    let counting = home.spawn_client(&["demo", "count", "--to", "1000", "--delay", "0.1"]);
    assert_eq!(counting.line(), "1");
    home.control(&["restart"]).ok();
    let new = serving(&home);
    assert!(lives(old) && old != new);
    home.control(&["stop"]).ok();
    ends(old);
    ends(new);
    counting.end().fails_with(3);
    assert!(locks::hosts(&home.paths()).is_empty());
    for file in [home.paths().socket(), home.paths().handover_socket(), home.paths().pid_file()] {
        assert!(!file.exists(), "{}", file.display());
    }
}

#[test]
fn an_exclusive_plugin_is_never_loaded_twice() {
    let home = Home::new();
    let code = "
import asyncio, fcntl, os, fastapi
router = fastapi.APIRouter()
@router.get('/wait')
async def wait(seconds: float = 0):
    await asyncio.sleep(seconds)
    return {'pid': os.getpid()}
class LonerPlugin:
    name = 'loner'
    router = router
    async def startup(self):
        # Fails if another process has it.
        self.file = open(os.environ['HOME'] + '/only-one', 'w')
        fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    async def shutdown(self):
        self.file.close()
";
    home.plugin("loner", code, r#"{"daemon": {"exclusive": true}}"#);
    home.client(&["loner", "wait"]).ok();
    let old = home.pid();
    let waiting = home.spawn_client(&["loner", "wait", "--seconds", "3"]);
    eventually("a request in flight", || (home.status()["in_flight"] == json!(1)).then_some(()));
    home.control(&["restart"]).ok();
    let answer = home.client(&["--json", "loner", "wait"]).ok().json();
    assert_ne!(answer["pid"], json!(old));
    assert_eq!(home.plugin_status("loner").get("complaints"), None);
    waiting.end().ok();
    let loner = home.plugin_status("loner");
    assert_eq!((&loner["state"], loner.get("detail")), (&json!("ready"), None), "{loner}");
}

/// A copy of the executables, one of which may be replaced.
struct Copied(tempfile::TempDir);

impl Copied {
    fn new() -> Copied {
        let copied = Copied(tempfile::Builder::new().prefix("skx").tempdir_in("/tmp").unwrap());
        for program in [CLIENT, CONTROL, HOST] {
            let name = PathBuf::from(program).file_name().unwrap().to_owned();
            fs::copy(program, copied.0.path().join(name)).unwrap();
        }
        copied
    }

    fn program(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts another file in place of the host.
    fn replace(&self, make: impl FnOnce(&PathBuf)) {
        let new = self.program("new");
        make(&new);
        fs::rename(new, self.program("skills-host")).unwrap();
    }
}

#[test]
fn an_executable_that_is_replaced_is_started_and_a_broken_one_is_not_missed() {
    let (home, copied) = (Home::new(), Copied::new());
    let control = copied.program("skills-daemon");
    Output::of(home.command(&control, &["start"])).ok();
    home.client(&["demo", "hello"]).ok();
    let old = serving(&home);
    let load = Load::on(&home);

    copied.replace(|new| {
        fs::write(new, "#!/bin/sh\necho no such thing >&2\nexit 1\n").unwrap();
        fs::set_permissions(new, Permissions::from_mode(0o755)).unwrap();
    });
    let notice = eventually("a notice", || {
        home.status()["notices"][0]
            .as_str()
            .filter(|it| it.contains("was replaced"))
            .map(str::to_owned)
    });
    assert!(
        notice.contains("skills-host was replaced, but a new process could not take"),
        "{notice}"
    );
    assert!(notice.contains("no such thing"), "{notice}");
    load.goes_on();
    assert_eq!(serving(&home), old);

    copied.replace(|new| assert!(fs::copy(HOST, new).unwrap() > 0));
    let new = eventually("the new host", || Some(home.pid()).filter(|pid| *pid != old));
    ends(old);
    load.goes_on();
    load.has_no_failure();
    assert_eq!(serving(&home), new);
    assert_eq!(home.status().get("notices"), None);
}

#[test]
fn a_package_in_another_version_is_imported_by_a_new_host() {
    let home = Home::new().with("SKILLS_DAEMON_LOG_LEVEL", "DEBUG");
    let package = |version: &str| {
        let folder = Venv::at(&home.paths()).site_packages().unwrap();
        let info = |version: &str| folder.join(format!("raised-{version}.dist-info"));
        let _ = fs::remove_dir_all(info("1"));
        // Of another size: Python takes the bytecode of a file of the same size and second.
        let lines = "\n".repeat(version.parse().unwrap());
        fs::write(folder.join("raised.py"), format!("VERSION = '{version}'{lines}")).unwrap();
        fs::create_dir(info(version)).unwrap();
        fs::write(info(version).join("METADATA"), format!("Name: raised\nVersion: {version}\n"))
            .unwrap();
        fs::write(info(version).join("RECORD"), "raised.py,,\n").unwrap();
    };
    package("1");
    let routes =
        "import raised\n@router.get('/version')\ndef version():\n    return raised.VERSION\n";
    home.plugin("raises", &plugin_code("raises", routes), "");
    home.client(&["raises", "version"]).ok().says("1");
    let (old, load) = (home.pid(), Load::on(&home));
    // What is installed by then is what a change is compared with.
    eventually("the look at the packages", || {
        let is_it = |record: &serde_json::Value| record["message"] == "watching for upgrades";
        home.log().iter().any(is_it).then_some(())
    });
    package("2");
    eventually("the new host", || Some(home.pid()).filter(|pid| *pid != old));
    home.client(&["raises", "version"]).ok().quietly().says("2");
    load.goes_on();
    load.has_no_failure();
}
