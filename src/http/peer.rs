//! Where a request comes from.

use std::net::SocketAddr;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The private Unix socket: the user's own programs.
    Unix,
    /// TCP loopback: anything on this machine, browsers included.
    Tcp(SocketAddr),
}
