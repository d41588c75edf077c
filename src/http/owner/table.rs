//! One socket by its addresses, from `/proc/net/tcp` and `tcp6`, which list all of them.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Listed;

/// The columns of a line.
const OWN_END: usize = 1;
const OTHER_END: usize = 2;
const USER: usize = 7;
const INODE: usize = 9;

/// Returns the socket at `peer` that is connected to `local`.
///
/// # Errors
/// Neither list can be read.
pub(super) fn find(peer: SocketAddr, local: SocketAddr) -> io::Result<Option<Listed>> {
    let mut failed = None;
    // A socket of IPv6 that is connected to an address of IPv4 is in the list of IPv6.
    for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
        match fs::read_to_string(path) {
            Ok(list) => {
                if let Some(listed) = listed(&list, peer, local) {
                    return Ok(Some(listed));
                }
            }
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        // Without IPv6 there is no second list.
        Some(error) if error.kind() != io::ErrorKind::NotFound || peer.is_ipv6() => Err(error),
        Some(error) if !fs::exists("/proc/net/tcp").unwrap_or(false) => Err(error),
        _ => Ok(None),
    }
}

fn listed(list: &str, peer: SocketAddr, local: SocketAddr) -> Option<Listed> {
    let (peers, locals) = (shown(peer), shown(local));
    list.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let (own, other) = (*columns.get(OWN_END)?, *columns.get(OTHER_END)?);
        if !peers.iter().any(|end| end == own) || !locals.iter().any(|end| end == other) {
            return None;
        }
        let user = columns.get(USER)?.parse().ok()?;
        Some(Listed { user, inode: columns.get(INODE)?.parse().ok()? })
    })
}

/// The ways in which the lists show an address: words of 32 bits in the machine's order, and the port.
fn shown(address: SocketAddr) -> Vec<String> {
    let words = |octets: &[u8]| -> String {
        let word = |bytes: &[u8]| u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        octets.chunks_exact(4).map(|bytes| format!("{:08X}", word(bytes))).collect()
    };
    let v6 = |ip: Ipv6Addr| words(&ip.octets());
    let ips = match address.ip() {
        IpAddr::V4(ip) => vec![words(&ip.octets()), v6(ip.to_ipv6_mapped())],
        IpAddr::V6(ip) => vec![v6(ip)],
    };
    ips.into_iter().map(|ip| format!("{ip}:{:04X}", address.port())).collect()
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const LIST: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:238C 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 10 1
   1: 0100007F:238C 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 11 1
   2: 0100007F:D431 0100007F:238C 01 00000000:00000000 00:00000000 00000000  1001        0 12 1
   3: 0000000000000000FFFF00000100007F:D432 0000000000000000FFFF00000100007F:238C 01 00000000:00000000 00:00000000 00000000  1002        0 13 1
   4: 00000000000000000000000001000000:D433 00000000000000000000000001000000:238C 01 00000000:00000000 00:00000000 00000000  1003        0 14 1
";

    #[test]
    fn the_other_end_is_found_by_both_addresses() {
        let user = |peer: &str, local: &str| {
            let found = listed(LIST, peer.parse().unwrap(), local.parse().unwrap());
            found.map(|listed| (listed.user, listed.inode))
        };
        assert_eq!(user("127.0.0.1:54321", "127.0.0.1:9100"), Some((1001, 12)));
        assert_eq!(user("127.0.0.1:54322", "127.0.0.1:9100"), Some((1002, 13)));
        assert_eq!(user("[::1]:54323", "[::1]:9100"), Some((1003, 14)));
        assert_eq!(user("127.0.0.1:54324", "127.0.0.1:9100"), None);
        assert_eq!(user("127.0.0.1:54321", "127.0.0.1:9101"), None);
    }
}
