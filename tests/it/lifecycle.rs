//! One daemon, whatever happens: many clients at once, and everything that a crash leaves behind.

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixListener;

use nix::sys::signal::Signal;

use crate::harness::{CLIENT, CONTROL, Home, Output, Running, eventually, plugin_code, shared};

#[test]
fn twenty_clients_at_once_in_a_fresh_home_share_one_daemon() {
    let home = Home::bare();
    let routes = "import os\n@router.get('/pid')\ndef pid():\n    return {'pid': os.getpid()}\n";
    home.plugin("who", &plugin_code("who", routes), "");
    let clients: Vec<Running> =
        (0..20).map(|_| home.spawn_client(&["--json", "who", "pid"])).collect();
    let pids: HashSet<i64> = clients
        .into_iter()
        .map(|client| client.end().ok().quietly().json()["pid"].as_i64().unwrap())
        .collect();
    assert_eq!(pids, HashSet::from([i64::from(home.pid())]));
    let starts = home.log().iter().filter(|record| record["message"] == "daemon started").count();
    assert_eq!(starts, 1);
}

#[test]
fn many_clients_that_cannot_start_it_all_report_why() {
    let home = Home::new().with("SKILLS_DAEMON_PYTHON", "/nonexistent/python");
    let clients: Vec<Running> = (0..8).map(|_| home.spawn_client(&["demo", "hello"])).collect();
    for client in clients {
        client.end().fails_with(3).complains("/nonexistent/python").complains("Hint: ");
    }
}

#[test]
fn after_a_kill_the_next_command_starts_a_new_one() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let killed = home.pid();
    home.signal(Signal::SIGKILL);
    home.wait_for_end();
    assert!(home.paths().socket().exists() && home.paths().pid_file().exists(), "left behind");
    home.control(&["status"]).fails_with(1).says("not running");
    home.client(&["demo", "hello"]).ok().quietly().says("Hello");
    assert_ne!(home.pid(), killed);
}

#[test]
fn a_kill_in_the_middle_of_a_request_is_reported_and_not_repeated() {
    let home = Home::new();
    let routes = "
import os, signal
@router.post('/die')
def die():
    with open(os.environ['HOME'] + '/calls', 'a') as calls:
        calls.write('called\\n')
    os.kill(os.getpid(), signal.SIGKILL)
";
    home.plugin("mortal", &plugin_code("mortal", routes), "");
    let output = home.client(&["mortal", "die"]);
    output.fails_with(3).complains("the daemon went away while it worked").complains("Hint: ");
    assert_eq!(home.read("calls").as_deref(), Some("called\n"));
    home.client(&["demo", "hello"]).ok();
}

/// A daemon of an older version: serves, and finds every client newer.
const OLDER: &str = "
import fcntl, os, socket, sys

lock, path = sys.argv[1:]
file = open(lock, 'w')
for byte in (0, 1 + os.getpid()):
    fcntl.lockf(file, fcntl.LOCK_EX, 1, byte)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
print('serves', flush=True)
while True:
    connection = listener.accept()[0]
    connection.recv(65536)
    answer = b'HTTP/1.1 503 Service Unavailable\\r\\nx-skills-answer: outdated\\r\\n'
    connection.sendall(answer + b'content-type: application/json\\r\\ncontent-length: 2\\r\\n\\r\\n{}')
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass
";

#[test]
fn an_older_daemon_is_replaced_by_one_of_the_clients_version() {
    let home = Home::new();
    let paths = home.paths();
    paths.create().unwrap();
    let (lock, socket) = (paths.lock_file(), paths.socket());
    let arguments = ["-c", OLDER, lock.to_str().unwrap(), socket.to_str().unwrap()];
    let mut older = Running::start(home.command(shared::python(), &arguments));
    assert_eq!(older.line(), "serves");
    let clients = [(); 3].map(|()| home.spawn_client(&["demo", "hello"]));
    for client in clients {
        client.end().ok().quietly().says("Hello");
    }
    assert!(!older.lives());
    let status = home.status();
    assert_eq!(status["version"], skills_daemon::VERSION);
    home.client(&["demo", "hello"]).ok().quietly();
    assert_eq!(home.status()["pid"], status["pid"], "replaced once");
}

#[test]
fn stale_files_of_a_daemon_that_is_gone_are_no_obstacle() {
    let home = Home::new();
    let paths = home.paths();
    fs::create_dir_all(paths.state()).unwrap();
    // A socket without a listener, and the id of a living process that is no daemon.
    drop(UnixListener::bind(paths.socket()).unwrap());
    fs::write(paths.pid_file(), format!("{}\n", std::process::id())).unwrap();
    home.control(&["stop"]).ok().says("was not running");
    home.client(&["demo", "hello"]).ok().quietly().says("Hello");
    home.control(&["stop"]).ok().says("has stopped");

    // A file in place of the socket.
    fs::write(paths.socket(), "").unwrap();
    home.client(&["demo", "hello"]).ok().quietly().says("Hello");
}

#[test]
fn a_daemon_whose_socket_was_deleted_is_replaced() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let lost = home.pid();
    fs::remove_file(home.paths().socket()).unwrap();
    home.control(&["status"]).fails_with(1).says(&lost.to_string());
    home.client(&["demo", "hello"]).ok().quietly().says("Hello");
    assert_ne!(home.pid(), lost);
}

#[test]
fn a_venv_that_was_deleted_or_broken_is_made_again() {
    let home = Home::new();
    let venv = home.paths().venv();
    fs::remove_dir_all(&venv).unwrap();
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    home.control(&["stop"]).ok();

    fs::remove_file(venv.join("bin/python")).unwrap();
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    home.control(&["stop"]).ok();

    // As after a crash in the middle of making it: a directory, no stamp.
    fs::remove_file(venv.join(".skills-daemon.json")).unwrap();
    fs::remove_dir_all(venv.join("lib")).unwrap();
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
}

#[test]
fn starts_stops_and_restarts_at_the_same_time_all_succeed() {
    let home = Home::new();
    let commands = ["start", "stop", "restart", "start", "stop", "restart", "start", "stop"];
    let running: Vec<Running> =
        commands.iter().map(|command| Running::start(home.command(CONTROL, &[command]))).collect();
    for program in running {
        program.end().ok().quietly();
    }
    home.client(&["demo", "hello"]).ok();
    home.control(&["stop"]).ok().says("has stopped");
}

#[test]
fn a_daemon_whose_whole_directory_was_deleted_is_replaced_and_ends() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let port = home.port();
    // It may be writing there at this very moment.
    eventually("the directory's end", || fs::remove_dir_all(home.runtime()).ok());
    home.client(&["demo", "hello"]).ok().quietly().says("Hello");
    assert_ne!(home.port(), port);
    eventually("the old daemon's end", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).err());
}

#[test]
fn a_client_leaves_nothing_of_its_own_in_the_daemon() {
    let home = Home::new();
    let gone = home.path().join("gone");
    fs::create_dir(&gone).unwrap();
    let mut first = home.command(CLIENT, &["demo", "hello"]);
    first.current_dir(&gone);
    Output::of(first).ok();
    fs::remove_dir(&gone).unwrap();
    let health = home.client(&["--json", "health"]).ok().json();
    assert_eq!(health["cwd_valid"], serde_json::json!(true));
}
