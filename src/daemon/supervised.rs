//! Reports to the service manager that has started the daemon, by the protocol of systemd: datagrams of `KEY=VALUE` lines.
//!
//! Own code rather than a crate: crates for it read the process environment, which is emptied of what this needs
//! before any thread runs. A sign of life is sent only after the daemon has answered a request on its own socket, so
//! that it stands for the threads that accept, read and answer; plugins have no part in it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{interval, timeout};

use crate::environment::supervision::Supervision;
use crate::paths::Paths;
use crate::wire::{self, Ready};

/// Signs of life in the time that the manager waits for one.
const SIGNS: u32 = 3;
/// Time for the daemon's end beyond its own limits.
const GRACE: Duration = Duration::from_secs(10);
/// Number of phases of the end with the shutdown timeout each: requests, hooks.
const PHASES: u32 = 2;
/// How long the manager waits for the next report of a start, which come each [`wire::HEARTBEAT`].
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// The service manager; reports go nowhere where there is none.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
    started: AtomicBool,
}

impl Manager {
    /// The manager that has started this process.
    pub fn new(supervision: &Supervision) -> Manager {
        let connected = supervision.notify.as_deref().map(connect);
        let socket = match connected.transpose() {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "the service manager cannot be reported to");
                None
            }
        };
        Manager { socket, watchdog: supervision.watchdog, started: AtomicBool::new(false) }
    }

    /// Reports what the start does.
    pub fn progress(&self, text: &str) {
        self.report(&format!("STATUS={}", one_line(text)));
    }

    /// Reports that the start goes on.
    pub fn starting(&self) {
        self.report(&format!("EXTEND_TIMEOUT_USEC={}", SILENCE_MAX.as_micros()));
    }

    /// Reports that the daemon serves.
    pub fn ready(&self, ready: &Ready) {
        let Ready { port, python, .. } = ready;
        self.started.store(true, Ordering::Relaxed);
        self.report(&format!("READY=1\nSTATUS=http://localhost:{port}, Python {python}"));
    }

    /// True once the daemon has served.
    pub fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Reports that the daemon ends for `reason`, with `limit` for requests and again for hooks.
    pub(super) fn stopping(&self, reason: &str, limit: Duration) {
        let longest = (limit * PHASES + GRACE).as_micros();
        self.report(&format!(
            "STOPPING=1\nSTATUS=ending: {}\nEXTEND_TIMEOUT_USEC={longest}",
            one_line(reason)
        ));
    }

    /// Sends signs of life for as long as the daemon of `paths` answers.
    pub(super) async fn watch(self: Arc<Manager>, paths: Paths) {
        let Some(period) = self.watchdog.map(|limit| limit / SIGNS) else { return };
        let mut ticks = interval(period);
        loop {
            ticks.tick().await;
            match timeout(period, answers(&paths)).await {
                Ok(Ok(())) => self.report("WATCHDOG=1"),
                Ok(Err(error)) => tracing::warn!(%error, "no sign of life"),
                Err(_) => tracing::warn!("no sign of life: no answer on the own socket"),
            }
        }
    }

    fn report(&self, text: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not read is not waited for.
            let _ = socket.send(text.as_bytes());
        }
    }
}

/// Connects to the socket for reports; a name after `@` is one without a file.
fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = address.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        return Ok(socket);
    }
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Sends a ping, and reads the beginning of its answer.
async fn answers(paths: &Paths) -> io::Result<()> {
    let mut stream = UnixStream::connect(paths.socket()).await?;
    let request =
        format!("GET {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", wire::STATUS);
    stream.write_all(request.as_bytes()).await?;
    let mut begin = [0; 9];
    stream.read_exact(&mut begin).await?;
    Ok(())
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_arrive_as_lines_of_keys_and_values() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("n");
        let manager_end = UnixDatagram::bind(&path).unwrap();
        let supervision = Supervision { notify: Some(path.into()), ..Supervision::default() };
        let manager = Manager::new(&supervision);
        manager.progress("two\nlines");
        manager.stopping("SIGTERM", Duration::from_secs(10));
        let mut buffer = [0; 256];
        let mut next = || {
            let length = manager_end.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        assert_eq!(next(), "STATUS=two lines");
        assert_eq!(next(), "STOPPING=1\nSTATUS=ending: SIGTERM\nEXTEND_TIMEOUT_USEC=30000000");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_without_a_file_is_reached() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("skills-daemon-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let manager_end = UnixDatagram::bind_addr(&address).unwrap();
        let notify = Some(format!("@{name}").into());
        Manager::new(&Supervision { notify, ..Supervision::default() }).starting();
        let mut buffer = [0; 64];
        let length = manager_end.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"EXTEND_TIMEOUT_USEC=20000000");
    }

    #[test]
    fn without_a_manager_reports_go_nowhere() {
        Manager::default().progress("x");
        let gone = Supervision { notify: Some("/no/such".into()), ..Supervision::default() };
        Manager::new(&gone).progress("x");
    }
}
