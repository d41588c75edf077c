//! Where a request comes from.

use std::net::SocketAddr;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The private Unix socket: the user's own programs.
    Unix,
    /// TCP loopback, from a program of the user or of root, browsers included.
    Tcp(SocketAddr),
    /// TCP loopback, from any program on this machine: served with the daemon's token only.
    Unproven(SocketAddr),
    /// TCP beyond loopback: served with the daemon's token only, under any name.
    Remote(SocketAddr),
}

/// A connection that was accepted.
#[derive(Clone, Copy, Debug)]
pub enum Arrival {
    /// On the Unix socket, from a process of the user of this id, if known.
    Unix(Option<u32>),
    /// Over TCP.
    Tcp {
        /// Address of the other end.
        peer: SocketAddr,
        /// Address of this end, if known.
        local: Option<SocketAddr>,
    },
}
