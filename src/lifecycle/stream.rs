//! The byte stream of a connection: every wait on it has a timeout.
//!
//! Connecting, reading and writing each give up after a tick, and then ask the stream's [`Waiting`] whether to go
//! on. The limits are the kernel's own (`SO_RCVTIMEO`, `SO_SNDTIMEO`): two system calls for each connection, none
//! for each read.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
#[cfg(test)]
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::libc;
use socket2::{Domain, SockAddr, Socket, Type};

/// Decides, after each tick without progress, whether to go on waiting.
pub(super) type Waiting = Box<dyn FnMut() -> bool>;

/// A connected socket.
pub(super) struct Stream {
    socket: Socket,
    waiting: Option<Waiting>,
}

impl Stream {
    /// Connects to the socket at `path`; `None` where no process listens.
    ///
    /// Each wait ends after `tick`, that for a place in the listener's queue after `attempts` of them.
    ///
    /// # Errors
    /// `WouldBlock` where the listener's queue stays full; else the kernel's error.
    pub(super) fn connect(
        path: &Path,
        tick: Duration,
        attempts: usize,
    ) -> io::Result<Option<Stream>> {
        match connect(path, tick, attempts) {
            Ok(socket) => {
                socket.set_read_timeout(Some(tick))?;
                Ok(Some(Stream { socket, waiting: None }))
            }
            Err(error) if means_no_listener(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Connects to `address`, within `limit`; `None` where no process listens.
    ///
    /// # Errors
    /// The kernel's error.
    pub(super) fn connect_tcp(
        address: SocketAddr,
        tick: Duration,
        limit: Duration,
    ) -> io::Result<Option<Stream>> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        match socket.connect_timeout(&address.into(), limit) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(None),
            Err(error) => return Err(error),
        }
        socket.set_tcp_nodelay(true)?;
        socket.set_read_timeout(Some(tick))?;
        socket.set_write_timeout(Some(tick))?;
        Ok(Some(Stream { socket, waiting: None }))
    }

    /// Returns a handle for another thread to write, each attempt with the same timeout.
    pub(super) fn writer(&self) -> io::Result<Socket> {
        self.socket.try_clone()
    }

    /// Returns a stream over `socket` whose waits end after the first tick.
    #[cfg(test)]
    pub(super) fn over(socket: UnixStream) -> Stream {
        Stream { socket: socket.into(), waiting: None }
    }

    /// Sets the decision about waiting; without it the first tick is the last.
    pub(super) fn set_waiting(&mut self, waiting: Waiting) {
        self.waiting = Some(waiting);
    }

    /// Has reads wait without limit.
    pub(super) fn set_patient(&mut self) -> io::Result<()> {
        self.waiting = None;
        self.socket.set_read_timeout(None)
    }

    /// Repeats `act` for as long as it times out and waiting goes on.
    fn patiently<T>(&mut self, mut act: impl FnMut(&mut Socket) -> io::Result<T>) -> io::Result<T> {
        loop {
            match act(&mut self.socket) {
                Err(error) if is_timeout(&error) => {
                    if !self.waiting.as_mut().is_some_and(|waiting| waiting()) {
                        return Err(ErrorKind::TimedOut.into());
                    }
                }
                outcome => return outcome,
            }
        }
    }
}

fn connect(path: &Path, tick: Duration, attempts: usize) -> io::Result<Socket> {
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Limits connecting too, which blocks while the listener's queue is full.
    socket.set_write_timeout(Some(tick))?;
    let mut left = attempts;
    loop {
        left = left.saturating_sub(1);
        match socket.connect(&address) {
            Ok(()) => return Ok(socket),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) && left > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// True for the errors by which the kernel reports that no process listens at a path; any other, a
/// lacking permission above all, leaves it open.
fn means_no_listener(error: &io::Error) -> bool {
    match error.raw_os_error() {
        Some(code) => {
            matches!(code, libc::ENOENT | libc::ENOTDIR | libc::ECONNREFUSED | libc::ENOTSOCK)
        }
        // Too long for a socket's path: no daemon can listen there.
        None => error.kind() == ErrorKind::InvalidInput,
    }
}

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patiently(|socket| socket.read(buffer))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(|socket| socket.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("socket", &self.socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    const TICK: Duration = Duration::from_millis(20);

    #[test]
    fn only_no_file_and_no_listener_mean_that_there_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        assert!(Stream::connect(&path, TICK, 1).unwrap().is_none(), "no file");
        std::fs::write(&path, "").unwrap();
        assert!(Stream::connect(&path, TICK, 1).unwrap().is_none(), "no socket");
        assert!(Stream::connect(&path.join("x"), TICK, 1).unwrap().is_none(), "no directory");
        std::fs::remove_file(&path).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        assert!(Stream::connect(&path, TICK, 1).unwrap().is_none(), "no listener");
        let long = directory.path().join("x".repeat(200));
        assert!(Stream::connect(&long, TICK, 1).unwrap().is_none(), "no such path");
        for code in [libc::EPERM, libc::EACCES, libc::EAGAIN, libc::EMFILE, libc::ENOSYS] {
            assert!(!means_no_listener(&io::Error::from_raw_os_error(code)), "{code}");
        }
    }

    #[test]
    fn a_silent_end_is_waited_for_as_long_as_asked_for() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(TICK)).unwrap();
        let mut stream = Stream::over(ours);
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        let mut left = 3;
        stream.set_waiting(Box::new(move || {
            left -= 1;
            left > 0
        }));
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        drop(theirs);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
}
