//! Handing over from a host to its successor, over the private socket `handover.sock`: its messages, and both ends
//! before a runtime exists.
//!
//! A program connects and sends one [`Request`]. After [`Request::TakeOver`] it starts the successor with the connection
//! as stdin, and both speak on it:
//!
//! | old host | successor or its launcher |
//! | --- | --- |
//! | [`Reply::Offer`], with the listening sockets | |
//! | | [`Request::Ready`]: it has loaded its plugins and accepts nothing yet |
//! | [`Reply::Yours`]: the old one accepts no more and has given up the serving lock | |
//! | | [`Request::Serving`]: it has the lock and accepts |
//! | [`Reply::Released`]: its exclusive plugins are unloaded | |
//!
//! Connections that arrive in between wait in the queues of the sockets, which both share. Until `Serving` the old host
//! goes on as before if the connection ends or [`Request::Failed`] arrives. The serving lock decides who accepts, so
//! whichever of them dies at whichever moment, one host at most serves.
//!
//! A change of these messages that an older host cannot read needs another name of the socket: then the old host is
//! stopped before the new one starts.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::cmsg_space;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use serde::{Deserialize, Serialize};

use super::cut::Cut;
use crate::failure::Failure;
use crate::paths::Paths;

/// The most sockets of an offer.
const SOCKETS_MAX: usize = 16;
/// The longest message, in bytes.
const MESSAGE_MAX: usize = 64 * 1024;
/// Timeout of one message to or from a host that is not busy.
const PROMPT: Duration = Duration::from_secs(5);

/// A message to the old host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Request {
    /// A successor is started.
    TakeOver,
    /// The successor has loaded its plugins.
    Ready,
    /// The successor accepts connections.
    Serving,
    /// The successor did not come up.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The daemon is to stop, and to report what it cuts off.
    Stop,
}

/// A message of the old host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Reply {
    /// The listening sockets.
    Offer(Offer),
    /// The successor may accept.
    Yours,
    /// No exclusive plugin is loaded any more.
    Released,
    /// It stops.
    Stopping,
    /// It has stopped.
    Stopped(Cut),
}

/// Description of the sockets that come with [`Reply::Offer`]: the private one, `handover.sock`, then TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Process id of the old host.
    pub pid: i32,
    /// Inode of the private socket's file.
    pub socket: u64,
    /// Inode of `handover.sock`.
    pub handover: u64,
    /// True if the file of the private socket belongs to a service manager.
    #[serde(default)]
    pub activated: bool,
}

/// Connects to the host; `None` where none can hand over.
pub fn connect(paths: &Paths) -> Option<UnixStream> {
    let stream = UnixStream::connect(paths.handover_socket()).ok()?;
    stream.set_read_timeout(Some(PROMPT)).ok()?;
    stream.set_write_timeout(Some(PROMPT)).ok()?;
    Some(stream)
}

/// Sends a message.
///
/// # Errors
/// The host is gone, or reads nothing.
pub fn send(mut stream: &UnixStream, request: &Request) -> io::Result<()> {
    stream.write_all(&line(request)?)
}

/// Receives a message, with nothing read beyond it.
///
/// # Errors
/// The host is gone, sends nothing in time, or what it sends is no message.
pub fn receive(mut stream: &UnixStream) -> io::Result<Reply> {
    let mut message = Vec::new();
    let mut byte = [0];
    while message.len() < MESSAGE_MAX {
        stream.read_exact(&mut byte)?;
        if byte == *b"\n" {
            return Ok(serde_json::from_slice(&message)?);
        }
        message.push(byte[0]);
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// Returns a message as it is written.
///
/// # Errors
/// It cannot be written as JSON.
pub fn line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// Sends an offer with its sockets; a short message, which a fresh connection takes at once.
///
/// # Errors
/// The successor is gone.
pub fn send_offer(stream: RawFd, offer: &Offer, sockets: &[RawFd]) -> io::Result<()> {
    let line = line(&Reply::Offer(offer.clone()))?;
    let rights = [ControlMessage::ScmRights(sockets)];
    let sent =
        sendmsg::<()>(stream, &[IoSlice::new(&line)], &rights, MsgFlags::MSG_DONTWAIT, None)?;
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives an offer with its sockets.
///
/// # Errors
/// The old host is gone, sends nothing in time, or what it sends is no offer.
pub fn receive_offer(stream: &UnixStream) -> io::Result<(Offer, Vec<OwnedFd>)> {
    let mut buffer = vec![0; MESSAGE_MAX];
    let mut space = cmsg_space!([RawFd; SOCKETS_MAX]);
    let mut slices = [IoSliceMut::new(&mut buffer)];
    let received =
        recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty())?;
    let length = received.bytes;
    let mut sockets = Vec::new();
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = message {
            // SAFETY: the kernel has just made these descriptors for this process, and no one else knows them.
            sockets.extend(descriptors.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    for socket in &sockets {
        fcntl(socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    match serde_json::from_slice(&buffer[..length])? {
        Reply::Offer(offer) => Ok((offer, sockets)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn sockets_arrive_with_their_description_and_work() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let offer = Offer { pid: 7, socket: 1, handover: 2, activated: true };
        send_offer(ours.as_raw_fd(), &offer, &[listener.as_raw_fd()]).unwrap();
        let (received, mut sockets) = receive_offer(&theirs).unwrap();
        assert_eq!((received, sockets.len()), (offer, 1));
        drop(listener);
        let inherited = UnixListener::from(sockets.remove(0));
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        inherited.accept().unwrap().0.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn messages_follow_each_other_and_an_end_is_an_error() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        for reply in [Reply::Yours, Reply::Released] {
            (&ours).write_all(&line(&reply).unwrap()).unwrap();
        }
        assert_eq!(receive(&theirs).unwrap(), Reply::Yours);
        assert_eq!(receive(&theirs).unwrap(), Reply::Released);
        drop(ours);
        assert!(receive(&theirs).is_err());
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&ours).write_all(b"nonsense\n").unwrap();
        assert!(receive(&theirs).is_err());
    }
}
