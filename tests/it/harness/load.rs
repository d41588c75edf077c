//! Requests without a break, none of which may fail.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use super::{Home, LIMIT, eventually};

/// Clients that send one request after the other, each over a connection that is kept alive.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Result<(), String>>>,
}

/// A connection of a [`Load`].
trait Connection: Read + Write + Send {}
impl<T: Read + Write + Send> Connection for T {}

impl Load {
    /// Starts two clients on the TCP port and two on the Unix socket.
    pub(crate) fn on(home: &Home) -> Load {
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
    pub(crate) fn goes_on(&self) {
        let goal = self.answered.load(Ordering::Relaxed) + 40;
        eventually("more answers", || {
            let failed = self.clients.iter().any(JoinHandle::is_finished);
            (failed || self.answered.load(Ordering::Relaxed) >= goal).then_some(())
        });
    }

    /// Stops the clients; fails if a request of theirs did.
    #[track_caller]
    pub(crate) fn has_no_failure(self) {
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
