//! A new host takes over from the old one: no request fails, whatever happens to either of them.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use skills_daemon::lifecycle::locks;

use crate::harness::{CLIENT, CONTROL, Home, LIMIT, Running, eventually, plugin_code};

/// Clients that send one request after the other, each over a connection that is kept alive.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Result<(), String>>>,
}

/// A connection of a [`Load`].
trait Connection: Read + Write + Send {}
impl<T: Read + Write + Send> Connection for T {}

impl Load {
    /// Starts two clients on the TCP port and two on the Unix socket.
    fn on(home: &Home) -> Load {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (port, socket) = (home.port(), home.paths().socket());
        let clients = (0..4).map(|number| {
            let (stop, answered, socket) = (stop.clone(), answered.clone(), socket.clone());
            thread::spawn(move || {
                let connect = || -> Box<dyn Connection> {
                    match number % 2 {
                        0 => {
                            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                            stream.set_read_timeout(Some(LIMIT)).unwrap();
                            Box::new(stream)
                        }
                        _ => {
                            let stream = UnixStream::connect(&socket).unwrap();
                            stream.set_read_timeout(Some(LIMIT)).unwrap();
                            Box::new(stream)
                        }
                    }
                };
                let mut connection = connect();
                while !stop.load(Ordering::Relaxed) {
                    if ask(&mut connection)? {
                        connection = connect();
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        });
        Load { clients: clients.collect(), stop, answered }
    }

    /// Waits until each client has surely sent more requests.
    fn goes_on(&self) {
        let goal = self.answered.load(Ordering::Relaxed) + 40;
        eventually("more answers", || {
            let failed = self.clients.iter().any(JoinHandle::is_finished);
            (failed || self.answered.load(Ordering::Relaxed) >= goal).then_some(())
        });
    }

    /// Stops the clients; fails if a request of theirs did.
    #[track_caller]
    fn has_no_failure(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap().unwrap();
        }
    }
}

/// Sends a request and reads its answer; returns true if the answer ends the connection.
fn ask(connection: &mut dyn Connection) -> Result<bool, String> {
    let failed = |error: std::io::Error| error.to_string();
    let request = "GET /demo/hello?name=x HTTP/1.1\r\nhost: localhost\r\n\r\n";
    connection.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = connection.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Err(format!("the connection ended after {answer:?}"));
        }
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        if body.len() == length.unwrap_or_default().parse::<usize>().unwrap_or_default() {
            return match head.starts_with("http/1.1 200") {
                true => Ok(head.contains("connection: close")),
                false => Err(text),
            };
        }
    }
}

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
    let home = running();
    let old = home.pid();
    let counting = home.spawn_client(&["demo", "count", "--to", "30", "--delay", "0.1"]);
    assert_eq!(counting.line(), "1");
    home.control(&["restart"]).ok();
    // Again, while the first one still streams.
    home.control(&["restart"]).ok();
    assert!(lives(old), "it streams");
    let last = counting.end();
    assert!(last.ok().quietly().stdout().ends_with("29\n30\n"), "{last:?}");
    ends(old);
    serving(&home);
}
