//! The user that owns the other end of a TCP connection within this machine.
//!
//! On Linux the kernel has it: [`diag`] asks for the one socket, [`table`] reads the list of all sockets where that
//! is forbidden or missing, as in some sandboxes. Other systems do not offer it.

#[cfg(target_os = "linux")]
mod diag;
#[cfg(target_os = "linux")]
mod table;

use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

/// The owner of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user of this id.
    User(u32),
    /// None any more: it was closed.
    Closed,
    /// The system does not say.
    Unknown,
}

/// A socket as the kernel lists it.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listed {
    user: u32,
    /// 0 for a socket that no process has open.
    inode: u64,
}

#[cfg(target_os = "linux")]
impl Listed {
    /// The owner; older kernels list sockets that are closed as root's.
    fn owner(self) -> Owner {
        match (self.user, self.inode) {
            (0, 0) => Owner::Closed,
            (user, _) => Owner::User(user),
        }
    }
}

/// Returns the owner of the socket at `peer` that is connected to `local`.
#[cfg(target_os = "linux")]
pub(super) fn of(peer: SocketAddr, local: SocketAddr) -> Owner {
    // A kernel without `tcp_diag` answers as if the socket were missing.
    static HAS_ANSWERED: AtomicBool = AtomicBool::new(false);
    let found = match diag::find(peer, local) {
        Ok(Some(listed)) => {
            HAS_ANSWERED.store(true, Ordering::Relaxed);
            Ok(Some(listed))
        }
        Ok(None) if HAS_ANSWERED.load(Ordering::Relaxed) => Ok(None),
        _ => table::find(peer, local),
    };
    match found {
        Ok(Some(listed)) => listed.owner(),
        Ok(None) => Owner::Closed,
        Err(error) => {
            tracing::debug!(%error, "the owner of a connection cannot be determined");
            Owner::Unknown
        }
    }
}

/// Returns the owner of the socket at `peer` that is connected to `local`.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: SocketAddr, _: SocketAddr) -> Owner {
    Owner::Unknown
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
    use std::thread;

    use nix::unistd::{Uid, geteuid, setfsuid};

    use super::*;

    /// A connection to `listener`, made by the user of this id, and the addresses of its ends.
    fn connected(listener: &TcpListener, user: u32) -> (TcpStream, SocketAddr, SocketAddr) {
        let address = listener.local_addr().unwrap();
        // Of this thread alone; the kernel notes it in the socket.
        let connect = move || {
            setfsuid(Uid::from_raw(user));
            TcpStream::connect(address).unwrap()
        };
        let stream = thread::spawn(connect).join().unwrap();
        let (_, peer) = listener.accept().unwrap();
        (stream, peer, address)
    }

    #[test]
    fn the_owner_is_found_either_way() {
        let own = geteuid().as_raw();
        let users = if own == 0 { vec![own, 65534] } else { vec![own] };
        for address in [Ipv4Addr::LOCALHOST.into(), std::net::IpAddr::from(Ipv6Addr::LOCALHOST)] {
            // A machine without IPv6 cannot bind its loopback address.
            let Ok(listener) = TcpListener::bind((address, 0)) else { continue };
            for &user in &users {
                let (_stream, peer, local) = connected(&listener, user);
                assert_eq!(of(peer, local), Owner::User(user));
                let listed = table::find(peer, local).unwrap().unwrap();
                assert_eq!(listed.owner(), Owner::User(user));
            }
        }
    }

    #[test]
    fn a_socket_that_is_gone_has_no_owner() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (stream, peer, local) = connected(&listener, geteuid().as_raw());
        // A reset leaves nothing.
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(stream);
        assert_eq!(of(peer, local), Owner::Closed);
        assert_eq!(table::find(peer, local).unwrap(), None);
        assert_eq!(Listed { user: 0, inode: 0 }.owner(), Owner::Closed);
        assert_eq!(Listed { user: 0, inode: 7 }.owner(), Owner::User(0));
    }
}
