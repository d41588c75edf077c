//! Callers that may not use Unix sockets: they use the TCP port, or report that, and leave the daemon alone.
#![cfg(target_os = "linux")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use nix::libc;

use crate::harness::{CLIENT, CONTROL, Home, Output, shared};

/// Has the kernel refuse a system call with an error, as a sandbox's seccomp filter does, and runs a program.
///
/// Arguments: `socket` or `connect`, the error's number, the program and its arguments.
const SCRIPT: &str = "
import ctypes, os, platform, struct, sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7fff0000, 0x00050000
NUMBERS = {'x86_64': {'socket': 41, 'connect': 42}, 'aarch64': {'socket': 198, 'connect': 203}}
NUMBER, FIRST_ARGUMENT, AF_UNIX = 0, 16, 1

name, error = sys.argv[1], int(sys.argv[2])
code = [(LOAD, 0, 0, NUMBER), (EQUAL, 0, 3 if name == 'socket' else 1, NUMBERS[platform.machine()][name])]
if name == 'socket':
    code += [(LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, AF_UNIX)]
code += [(RETURN, 0, 0, ERROR | error), (RETURN, 0, 0, ALLOW)]
program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *each) for each in code))
pointer = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(code), ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, FILTER, pointer, 0, 0)]:
    if libc.prctl(*arguments) != 0:
        sys.exit('prctl: ' + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[3], sys.argv[3:])
";

/// `program` where `call` gives the error `errno`.
fn confined(home: &Home, call: &str, errno: i32, program: &str, arguments: &[&str]) -> Output {
    let mut command = home.command(shared::python(), &["-c", SCRIPT, call, &errno.to_string()]);
    command.arg(program).args(arguments);
    Output::of(command)
}

/// How often a daemon was started in `home`, and how often one was asked to stop.
fn events(home: &Home) -> (usize, usize) {
    let log = home.log();
    let count = |message: &str| log.iter().filter(|record| record["message"] == message).count();
    (count("daemon started"), count("daemon stopping"))
}

#[test]
fn where_unix_sockets_are_forbidden_the_daemon_is_left_alone() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let pid = home.pid();
    for (call, errno) in [
        ("socket", libc::EPERM),
        ("socket", libc::EACCES),
        ("connect", libc::EPERM),
        ("connect", libc::EACCES),
    ] {
        let run = |program, arguments: &[&str]| confined(&home, call, errno, program, arguments);
        let output = run(CLIENT, &["demo", "hello"]);
        match call {
            // The TCP port can be reached.
            "socket" => drop(output.ok().quietly().says("Hello")),
            _ => {
                output.fails_with(3).complains("cannot connect to the daemon's socket");
                output.complains(", nor to 127.0.0.1:").complains("was left alone");
                assert_eq!(output.stdout(), "");
            }
        }
        for arguments in [&["status"][..], &["start"], &["restart"], &["reload"], &["plugins"]] {
            run(CONTROL, arguments)
                .fails_with(3)
                .complains("cannot connect to the daemon's socket")
                .complains(&format!("process id {pid}"));
        }
        run(CONTROL, &["doctor"]).fails_with(1).says("failed   process: cannot connect");
        // What needs no daemon works.
        run(CLIENT, &["demo", "--help"]).ok().says("hello");
        assert_eq!(home.pid(), pid, "{call} {errno}");
    }
    assert_eq!(home.status()["in_flight"], 0);
    home.control(&["stop"]).ok();
    assert_eq!(events(&home), (1, 1), "one start, and one stop that was asked for");
}

#[test]
fn where_only_the_tcp_port_is_allowed_it_does_what_the_socket_does() {
    let home = Home::new();
    let code = "import sys, time\nfrom collections.abc import Iterator\nfrom typing import TextIO\n\n\
        def lines(text: TextIO) -> Iterator[str]:\n    print('begun', file=sys.stderr)\n    \
        for line in text:\n        yield line.strip().upper()\n";
    home.plugin("loud", code, r#"{"name": "loud"}"#);
    home.client(&["loud", "lines"]).ok();
    let run = |arguments: &[&str]| confined(&home, "socket", libc::EPERM, CLIENT, arguments);
    home.write("text", "a\nb\n");
    let output = run(&["loud", "lines", "@text"]);
    assert_eq!(output.ok().stdout(), "A\nB\n");
    output.complains("begun");
    // Without the token, or with another one, the port serves no such calls.
    let target = ["/-/run", "/-/status"];
    for headers in [&[][..], &[("authorization", "Bearer 00")]] {
        assert_eq!(home.http("POST", target[0], headers).status, 403);
        assert_eq!(home.http("GET", target[1], headers).status, 403);
    }
    let file = home.runtime().join("state/tcp.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    home.control(&["restart"]).ok();
    run(&["loud", "lines", "@text"]).ok();
    home.control(&["stop"]).ok();
    assert!(!file.exists());
    run(&["loud", "lines", "@text"]).fails_with(3).complains("Hint: ");
}

#[test]
fn where_unix_sockets_are_forbidden_none_is_started() {
    let home = Home::new();
    for call in ["socket", "connect"] {
        let output = confined(&home, call, libc::EPERM, CLIENT, &["demo", "hello"]);
        if call == "socket" {
            output.fails_with(3).complains("cannot connect to the daemon's socket");
        } else {
            // The kernel's filter does not look for the file, and neither can the client.
            output.fails_with(3);
        }
        assert_eq!(events(&home), (0, 0));
    }
}

#[test]
fn a_directory_that_is_closed_to_the_caller_is_reported() {
    // Root passes through every directory; another user's id does not.
    let home = Home::new();
    if fs::metadata(home.path()).unwrap().uid() != 0 {
        eprintln!("only root can run a program as another user: not tested");
        return;
    }
    home.client(&["demo", "hello"]).ok();
    let pid = home.pid();
    let as_nobody = |program: &str, arguments: &[&str]| {
        let mut command = home.command(program, arguments);
        command.uid(65534);
        Output::of(command)
    };
    // Its home can be entered, its state cannot.
    for directory in [home.path().to_owned(), home.runtime()] {
        fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    }
    as_nobody(CLIENT, &["demo", "hello"])
        .fails_with(3)
        .complains("cannot connect to the daemon's socket")
        .complains("Permission denied");
    as_nobody(CONTROL, &["status"]).fails_with(3).complains("Permission denied");
    assert_eq!(home.pid(), pid);
}
