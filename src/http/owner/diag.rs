//! One socket by its addresses, from the kernel's `sock_diag` over netlink: about 10 µs, however many sockets exist.
//!
//! The request and its answer are two fixed structures of `linux/inet_diag.h`, written and read here byte by byte.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use nix::libc::{self, AF_INET, AF_INET6, IPPROTO_TCP};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use super::Listed;

/// `SOCK_DIAG_BY_FAMILY`: the type of the request and of its answer.
const BY_FAMILY: u16 = 20;
/// Length of the header of a netlink message (`nlmsghdr`), in bytes.
const HEADER: usize = 16;
/// Length of the request (`inet_diag_req_v2`) with its header.
const REQUEST: usize = HEADER + 56;
/// Length of the answer (`inet_diag_msg`) with its header.
const ANSWER: usize = HEADER + 72;
/// Offsets in the answer.
const STATUS_AT: usize = HEADER;
const PORTS_AT: usize = HEADER + 4;
const USER_AT: usize = HEADER + 64;
const INODE_AT: usize = HEADER + 68;
/// Interfaces that the other end may be bound to: none, and loopback.
const INTERFACES: [u32; 2] = [0, 1];

/// Returns the socket at `peer` that is connected to `local`.
///
/// # Errors
/// The kernel does not answer such requests, or not to this process.
pub(super) fn find(peer: SocketAddr, local: SocketAddr) -> io::Result<Option<Listed>> {
    for interface in INTERFACES {
        if let Some(listed) = ask(peer, local, interface)? {
            return Ok(Some(listed));
        }
    }
    Ok(None)
}

fn ask(peer: SocketAddr, local: SocketAddr, interface: u32) -> io::Result<Option<Listed>> {
    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkSockDiag,
    )?;
    let descriptor = netlink.as_raw_fd();
    send(descriptor, &request(peer, local, interface), MsgFlags::empty())?;
    // The kernel has answered before `send` returns.
    let mut answer = [0; 512];
    let length = recv(descriptor, &mut answer, MsgFlags::MSG_DONTWAIT)?;
    read(&answer[..length], peer.port(), local.port())
}

fn request(peer: SocketAddr, local: SocketAddr, interface: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(REQUEST);
    // The header: length, type, flags, sequence, sender.
    bytes.extend((REQUEST as u32).to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend((libc::NLM_F_REQUEST as u16).to_ne_bytes());
    bytes.extend([0; 8]);
    // Family, protocol, no extensions, padding, all states.
    let family = if peer.is_ipv4() { AF_INET } else { AF_INET6 };
    bytes.extend([family as u8, IPPROTO_TCP as u8, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    // The socket: ports and addresses in network order, interface, no cookie.
    bytes.extend(peer.port().to_be_bytes());
    bytes.extend(local.port().to_be_bytes());
    bytes.extend(address(peer.ip()));
    bytes.extend(address(local.ip()));
    bytes.extend(interface.to_ne_bytes());
    bytes.extend([0xff; 8]);
    bytes
}

fn address(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
    }
}

fn read(answer: &[u8], peer: u16, local: u16) -> io::Result<Option<Listed>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let word = |at: usize| -> io::Result<u32> {
        let bytes = answer.get(at..at + 4).ok_or_else(invalid)?;
        Ok(u32::from_ne_bytes(bytes.try_into().map_err(|_| invalid())?))
    };
    let kind = answer.get(4..6).ok_or_else(invalid)?;
    let kind = u16::from_ne_bytes([kind[0], kind[1]]);
    if i32::from(kind) == libc::NLMSG_ERROR {
        let error = (word(STATUS_AT)? as i32).wrapping_neg();
        // The same where the kernel lacks the handler for TCP.
        return match error {
            libc::ENOENT => Ok(None),
            error => Err(io::Error::from_raw_os_error(error)),
        };
    }
    if kind != BY_FAMILY || answer.len() < ANSWER {
        return Err(invalid());
    }
    let ports = [peer.to_be_bytes(), local.to_be_bytes()].concat();
    // Without such a connection the kernel returns one that listens at its address.
    if answer[PORTS_AT..PORTS_AT + 4] != ports {
        return Ok(None);
    }
    Ok(Some(Listed { user: word(USER_AT)?, inode: word(INODE_AT)?.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: u16, ports: [u16; 2], user: u32, inode: u32) -> Vec<u8> {
        let mut bytes = vec![0; ANSWER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[PORTS_AT..PORTS_AT + 2].copy_from_slice(&ports[0].to_be_bytes());
        bytes[PORTS_AT + 2..PORTS_AT + 4].copy_from_slice(&ports[1].to_be_bytes());
        bytes[USER_AT..USER_AT + 4].copy_from_slice(&user.to_ne_bytes());
        bytes[INODE_AT..INODE_AT + 4].copy_from_slice(&inode.to_ne_bytes());
        bytes
    }

    fn error(errno: i32) -> Vec<u8> {
        let mut bytes = answer(libc::NLMSG_ERROR as u16, [0, 0], 0, 0);
        bytes[STATUS_AT..STATUS_AT + 4].copy_from_slice(&(-errno).to_ne_bytes());
        bytes
    }

    #[test]
    fn answers_are_read() {
        let found = read(&answer(BY_FAMILY, [5, 80], 1000, 9), 5, 80).unwrap();
        assert_eq!(found, Some(Listed { user: 1000, inode: 9 }));
        // A listener at the peer's address.
        assert_eq!(read(&answer(BY_FAMILY, [5, 0], 1000, 9), 5, 80).unwrap(), None);
        assert_eq!(read(&error(libc::ENOENT), 5, 80).unwrap(), None);
        assert!(read(&error(libc::EPERM), 5, 80).is_err());
        assert!(read(&[], 5, 80).is_err());
        assert!(read(&answer(BY_FAMILY, [5, 80], 0, 0)[..40], 5, 80).is_err());
    }
}
