//! The daemon as a service: under a supervisor of the test's own that speaks systemd's protocols, and under a real
//! `systemd --user` in a mount namespace, where the machine can run one.
#![cfg(target_os = "linux")]

use std::fs::{self, DirBuilder, File};
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::{Value, json};

use crate::harness::{Answer, CLIENT, CONTROL, Home, LIMIT, Output, Running, eventually, shared};

/// A plugin that shows what it inherits.
const SHOW: &str = r#""""Shows."""
import os
import stat


def variables() -> list[str]:
    """Variables of a service manager."""
    words = ("NOTIFY", "WATCHDOG", "LISTEN", "JOURNAL_STREAM")
    return sorted(name for name in os.environ if name.startswith(words))


def inheritable() -> list[int]:
    """Sockets that programs would inherit."""
    own = [int(name) for name in os.listdir("/dev/fd")]
    found = []
    for number in own:
        try:
            is_socket = stat.S_ISSOCK(os.fstat(number).st_mode)
            if number > 2 and is_socket and os.get_inheritable(number):
                found.append(number)
        except OSError:
            pass
    return found
"#;

/// A plugin that fills the log.
const TALK: &str = r#""""Talks."""
import logging


def talk(count: int) -> int:
    """Writes so many lines."""
    for number in range(count):
        logging.getLogger("talk").warning("%d %s", number, "x" * 100)
    return count
"#;

/// A service manager of its own: it listens on the daemon's socket, and reads its reports.
struct Supervisor {
    listener: UnixListener,
    reports: UnixDatagram,
    notify: PathBuf,
}

impl Supervisor {
    fn new(home: &Home) -> Supervisor {
        let socket = home.paths().socket();
        DirBuilder::new().recursive(true).mode(0o700).create(socket.parent().unwrap()).unwrap();
        let notify = home.path().join("notify");
        let reports = UnixDatagram::bind(&notify).unwrap();
        reports.set_read_timeout(Some(LIMIT)).unwrap();
        Supervisor { listener: UnixListener::bind(socket).unwrap(), reports, notify }
    }

    /// Starts the daemon as a unit's `ExecStart` would.
    fn start(&self, home: &Home) -> Child {
        self.command(home, &[]).spawn().unwrap()
    }

    /// Such a start, with sockets for TCP besides the manager's own.
    fn command(&self, home: &Home, tcp: &[TcpListener]) -> Command {
        // The process id that `LISTEN_PID` needs is known only in the process.
        let script = "LISTEN_PID=$$; export LISTEN_PID; exec \"$0\" start --service";
        let mut command = home.command("/bin/sh", &["-c", script, CONTROL]);
        command
            .env("NOTIFY_SOCKET", &self.notify)
            .env("WATCHDOG_USEC", "3000000")
            .env("LISTEN_FDS", (1 + tcp.len()).to_string())
            .env("LISTEN_FDNAMES", "skills-daemon.socket");
        let all = [self.listener.as_raw_fd()].into_iter().chain(tcp.iter().map(AsRawFd::as_raw_fd));
        let all: Vec<RawFd> = all.collect();
        // SAFETY: between fork and exec only `dup2` is called, which is async-signal-safe.
        unsafe {
            command.pre_exec(move || {
                // Those of this process have higher numbers, in the order in which they were opened.
                for (place, descriptor) in (3..).zip(&all) {
                    if libc::dup2(*descriptor, place) != place {
                        return Err(io::Error::last_os_error());
                    }
                }
                Ok(())
            });
        }
        command
    }

    /// Reads reports up to the one with `text`; returns all of them.
    #[track_caller]
    fn report(&self, text: &str) -> String {
        let (mut all, mut buffer) = (String::new(), [0; 4096]);
        while !all.lines().any(|line| line.starts_with(text)) {
            let length = self
                .reports
                .recv(&mut buffer)
                .unwrap_or_else(|error| panic!("waited in vain for {text} ({error}) after: {all}"));
            all.push_str(&String::from_utf8_lossy(&buffer[..length]));
            all.push('\n');
        }
        all
    }

    /// True if a connection waits, as a manager sees it.
    fn is_asked(&self) -> bool {
        let mut poll =
            libc::pollfd { fd: self.listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid entry, which outlives the call.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
    }
}

#[test]
fn a_daemon_speaks_the_protocols_of_its_service_manager() {
    let home = Home::new();
    home.write(".config/skills-daemon/plugins/show.py", SHOW);
    let supervisor = Supervisor::new(&home);
    let socket = home.paths().socket();
    let inode = || fs::metadata(&socket).unwrap().ino();
    let before = inode();

    // Looking does not start it; a call does, and waits.
    home.control(&["status"]).fails_with(1).says("The daemon is not running.");
    assert!(!supervisor.is_asked());
    let caller = home.spawn_client(&["demo", "hello", "--name", "early"]);
    eventually("the connection", || supervisor.is_asked().then_some(()));
    let mut daemon = supervisor.start(&home);
    let started = supervisor.report("READY=1");
    assert!(started.contains("EXTEND_TIMEOUT_USEC="), "{started}");
    caller.end().ok().says("early");
    assert_eq!(home.pid(), daemon.id() as i32, "the process that was started is the daemon");
    supervisor.report("WATCHDOG=1");

    // Nothing of it reaches plugins.
    home.client(&["show", "variables", "--json"]).ok().says("[]");
    home.client(&["show", "inheritable", "--json"]).ok().says("[]");

    // A crash, with a call that waits for the next start.
    kill(Pid::from_raw(daemon.id() as i32), Signal::SIGKILL).unwrap();
    daemon.wait().unwrap();
    let caller = home.spawn_client(&["demo", "hello", "--name", "again"]);
    eventually("the connection", || supervisor.is_asked().then_some(()));
    let mut daemon = supervisor.start(&home);
    supervisor.report("READY=1");
    caller.end().ok().says("again");

    // Its end leaves the socket to the manager.
    kill(Pid::from_raw(daemon.id() as i32), Signal::SIGTERM).unwrap();
    let ended = supervisor.report("STOPPING=1");
    assert!(ended.contains("STATUS=ending: SIGTERM"), "{ended}");
    assert!(daemon.wait().unwrap().success());
    assert_eq!(inode(), before);
    assert!(!home.paths().pid_file().exists());
}

#[test]
fn sockets_for_tcp_that_the_manager_passes_are_served() {
    let home = Home::new();
    let supervisor = Supervisor::new(&home);
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let mut daemon = supervisor.command(&home, std::slice::from_ref(&tcp)).spawn().unwrap();
    supervisor.report("READY=1");
    assert_eq!(home.port(), port);
    assert_eq!(Answer::of(port, "GET", "/health", &[], b"").json()["status"], "running");
    kill(Pid::from_raw(daemon.id() as i32), Signal::SIGTERM).unwrap();
    assert!(daemon.wait().unwrap().success());
}

#[test]
fn a_journal_that_nothing_reads_holds_up_no_call() {
    let home = Home::new();
    home.write(".config/skills-daemon/plugins/talk.py", TALK);
    let supervisor = Supervisor::new(&home);
    let (reader, writer) = io::pipe().unwrap();
    let writer = File::from(OwnedFd::from(writer));
    let found = writer.metadata().unwrap();
    let mut command = supervisor.command(&home, &[]);
    command.env("JOURNAL_STREAM", format!("{}:{}", found.dev(), found.ino())).stdout(writer);
    let mut daemon = command.spawn().unwrap();
    drop(command);
    // More than a pipe holds.
    home.client(&["talk", "talk", "--count", "2000"]).ok();
    home.client(&["demo", "hello"]).ok();
    let is_last = |record: &Value| record["message"] == json!(format!("1999 {}", "x".repeat(100)));
    eventually("the last line in the log", || home.log().iter().any(is_last).then_some(()));
    kill(Pid::from_raw(daemon.id() as i32), Signal::SIGTERM).unwrap();
    assert!(daemon.wait().unwrap().success());
    let journal = io::read_to_string(reader).unwrap();
    assert!(journal.lines().any(|line| line.starts_with("<4>0 xxx")), "{journal}");
}

#[test]
fn a_start_that_fails_reports_its_reason_to_the_manager() {
    let home = Home::new();
    home.write(".config/skills-daemon/config.toml", "port = [\n");
    let supervisor = Supervisor::new(&home);
    let mut daemon = supervisor.start(&home);
    assert!(!daemon.wait().unwrap().success());
    let kept = fs::read_to_string(home.paths().start_failure()).unwrap();
    assert!(kept.contains("config.toml"), "{kept}");
    assert!(home.paths().socket().exists());
}

#[test]
fn without_a_service_manager_one_line_says_so() {
    let home = Home::bare().with("XDG_RUNTIME_DIR", "/nonexistent");
    let refused = home.control(&["install-service"]);
    refused.fails_with(3);
    assert!(
        refused.stderr().contains("systemd runs no manager for this user here")
            || refused.stderr().contains("no service manager"),
        "{refused:?}"
    );
    home.control(&["service", "status"]).fails_with(1).says("No service is installed");
    home.control(&["uninstall-service"]).ok().says("No service was installed.");
    assert!(!home.path().join(".config/systemd").exists());
}

#[test]
fn a_service_whose_manager_is_away_does_not_keep_the_daemon_from_running() {
    let home = Home::new().with("XDG_RUNTIME_DIR", "/nonexistent");
    let mark = json!({"version": "2.0.0", "runtime": home.runtime(), "program": CONTROL});
    let text = format!("# skills-daemon-service {mark}\n[Service]\nExecStart=/bin/true\n");
    home.write(".config/systemd/user/skills-daemon.service", &text);
    home.client(&["demo", "hello"]).ok().complains("skills-daemon.service is not used");
    home.control(&["stop"]).ok().says("The daemon has stopped");
    home.control(&["uninstall-service"]).ok().says("Removed skills-daemon.service");
    home.client(&["demo", "hello"]).ok().quietly();
}

/// A `systemd --user` in a mount namespace and control groups of its own.
struct Systemd {
    manager: Running,
    group: String,
}

impl Systemd {
    /// Starts one with the HOME; the reason where that is impossible here.
    fn start(home: &Home) -> Result<Systemd, String> {
        if !geteuid().is_root() {
            return Err("only root can make the namespace".to_owned());
        }
        let places = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"];
        let Some(systemd) = places.into_iter().find(|path| Path::new(path).exists()) else {
            return Err("systemd is not installed".to_owned());
        };
        let group = format!("skills-test-{}", std::process::id());
        // It refuses to run where no systemd seems to have booted the machine.
        let script = format!(
            "mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/system || exit 1\n\
             for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do\n\
               if [ -w $root/cgroup.procs ]; then\n\
                 mkdir -p $root/{group} && echo $$ > $root/{group}/cgroup.procs || exit 1\n\
               fi\n\
             done\n\
             exec {systemd} --user --log-target=console"
        );
        let session = home.path().join("session");
        DirBuilder::new().mode(0o700).create(&session).unwrap();
        let command = home.command("unshare", &["--mount", "/bin/sh", "-c", &script]);
        let mut systemd = Systemd { manager: Running::start(command), group };
        eventually("the user manager", || {
            let is_up = session.join("systemd/private").exists();
            (is_up || !systemd.manager.lives()).then_some(())
        });
        match systemd.manager.lives() {
            true => Ok(systemd),
            false => Err("it does not run in this container".to_owned()),
        }
    }

    /// A program of the product, or another one, where the manager can be reached.
    fn run(&mut self, home: &Home, program: &str, arguments: &[&str]) -> Output {
        let pid = self.manager.id().to_string();
        let within = ["--target", &pid, "--mount", "--", program];
        Output::of(home.command("nsenter", &[&within[..], arguments].concat()))
    }

    fn control(&mut self, home: &Home, arguments: &[&str]) -> Output {
        self.run(home, CONTROL, arguments)
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        self.manager.signal(Signal::SIGTERM);
        eventually("the end of the user manager", || (!self.manager.lives()).then_some(()));
        for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"] {
            remove_groups(&Path::new(root).join(&self.group));
        }
    }
}

/// Removes a control group and those in it.
fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}

#[test]
fn a_real_user_manager_starts_stops_and_restarts_the_daemon() {
    let home = Home::new();
    let session = home.path().join("session").display().to_string();
    let home = home.with("XDG_RUNTIME_DIR", &session);
    let mut systemd = match Systemd::start(&home) {
        Ok(systemd) => systemd,
        Err(reason) => {
            eprintln!("skipped: no systemd --user: {reason}");
            return;
        }
    };
    let unit_directory = ".config/systemd/user";
    let unit = home.path().join(unit_directory).join("skills-daemon.service");
    let installed = systemd.control(&home, &["install-service"]);
    installed.ok().says("Installed skills-daemon.service").says("active (running)");
    let verified =
        systemd.run(&home, "systemd-analyze", &["--user", "verify", unit.to_str().unwrap()]);
    verified.ok().quietly();
    let mut service =
        |arguments: &[&str]| systemd.control(&home, &[&["service"], arguments].concat());
    let state = service(&["status", "--json"]).ok().json();
    assert_eq!(state["state"]["pid"], json!(home.pid()), "{state}");
    assert_eq!(state["state"]["at_login"], json!(true), "{state}");
    assert_eq!(state["state"]["listens"], json!(true), "{state}");

    // A crash: a call right after it is answered, by the service.
    let first = home.pid();
    home.signal(Signal::SIGKILL);
    home.client(&["demo", "hello"]).ok();
    let state = service(&["status", "--json"]).ok().json();
    assert_ne!(state["state"]["pid"], json!(first), "{state}");
    assert_eq!(state["state"]["pid"], json!(home.pid()), "{state}");

    let healthy = "service: skills-daemon.service is active (running), starts at login, started again once after a crash";
    systemd.control(&home, &["doctor"]).says(healthy);

    // One that hangs is ended by the watchdog, and started again.
    home.write(
        &format!("{unit_directory}/skills-daemon.service.d/x.conf"),
        "[Service]\nWatchdogSec=15\n",
    );
    systemd.run(&home, "systemctl", &["--user", "daemon-reload"]).ok();
    systemd.control(&home, &["restart"]).ok();
    let hung = home.pid();
    home.signal(Signal::SIGSTOP);
    eventually("another process", || {
        let state = systemd.control(&home, &["service", "status", "--json"]).json();
        let pid = state["state"]["pid"].as_i64()?;
        (pid != i64::from(hung)).then_some(())
    });
    home.client(&["demo", "hello"]).ok();

    // A unit of another version is found, and written again.
    let text = fs::read_to_string(&unit).unwrap();
    let version = |version: &str| format!(r#""version":"{version}""#);
    let old = text.replace(&version(env!("CARGO_PKG_VERSION")), &version("1.0.0"));
    fs::write(&unit, &old).unwrap();
    let mended = systemd.control(&home, &["doctor", "--fix", "--yes"]);
    mended.says("skills-daemon.service was installed by version 1.0.0");
    mended.says("mending  install the service again").says("Updated skills-daemon.service");
    assert_eq!(fs::read_to_string(&unit).unwrap(), text);

    let second = home.pid();
    systemd.control(&home, &["restart"]).ok().says("The daemon is running (process id");
    assert_ne!(home.pid(), second);
    // Stopped it stays stopped, until it is used.
    systemd.control(&home, &["stop"]).ok().says("The daemon has stopped.");
    home.control(&["status"]).fails_with(1).says("The daemon is not running.");
    systemd.control(&home, &["service", "status"]).fails_with(1).says("inactive (dead)");
    systemd.run(&home, CLIENT, &["demo", "hello"]).ok();
    let state = systemd.control(&home, &["service", "status", "--json"]).ok().json();
    assert_eq!(state["state"]["pid"], json!(home.pid()), "{state}");
    systemd.control(&home, &["start"]).ok().says("already running");

    // A profile has a service of its own.
    shared::copy_runtime(home.path(), &home.runtime().join("profiles/office"));
    let office = systemd.control(&home, &["--profile", "office", "install-service"]);
    office.ok().says("Installed skills-daemon-office.service");
    let office = systemd.control(&home, &["--profile", "office", "uninstall-service"]);
    office.ok().says("Removed skills-daemon-office.service");

    systemd.control(&home, &["install-service"]).ok().says("Updated skills-daemon.service");
    systemd.control(&home, &["uninstall-service"]).ok().says("Removed skills-daemon.service");
    assert!(!unit.exists() && !home.paths().socket().exists());
    systemd.run(&home, CLIENT, &["demo", "hello"]).ok().quietly();
    systemd.control(&home, &["service", "status"]).fails_with(1).says("No service is installed");
    drop(systemd);
}
