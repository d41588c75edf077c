//! The listeners: a private Unix socket, and TCP on loopback.

use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::environment;
use crate::failure::Failure;
use crate::http::entry::Entry;
use crate::http::serve;
use crate::paths::{self, Paths};
use crate::settings::Settings;

/// How often a port that the system chose for one family is tried on the other.
const ATTEMPTS: usize = 16;

/// The TCP listeners, one per address, all on one port.
pub struct Ports {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Ports {
    /// Binds all addresses of `settings`; a family that this machine lacks is left out.
    ///
    /// # Errors
    /// A port that is taken, or no address at all.
    pub fn bind(settings: &Settings) -> Result<Ports, Failure> {
        let addresses = &settings.host.value.0;
        let wanted = settings.port.value.0;
        for attempt in 1..=ATTEMPTS {
            match Ports::try_bind(addresses, wanted) {
                // Chosen by the system for one family, taken on the other: choose again.
                Err((_, error))
                    if wanted == 0
                        && error.kind() == io::ErrorKind::AddrInUse
                        && attempt < ATTEMPTS => {}
                Err((address, error)) => return Err(not_bound(address, &error)),
                Ok(ports) => return Ok(ports),
            }
        }
        Err(Failure::environment("no TCP port is free on all loopback addresses"))
    }

    fn try_bind(addresses: &[IpAddr], wanted: u16) -> Result<Ports, (SocketAddr, io::Error)> {
        let (mut listeners, mut port) = (Vec::new(), wanted);
        let mut lacking = None;
        for address in addresses {
            let address = SocketAddr::new(*address, port);
            match TcpListener::bind(address) {
                Ok(listener) => {
                    port = listener.local_addr().map_err(|error| (address, error))?.port();
                    listeners.push(listener);
                }
                Err(error) if is_lacking(&error) => lacking = Some((address, error)),
                Err(error) => return Err((address, error)),
            }
        }
        match lacking {
            Some(lacking) if listeners.is_empty() => Err(lacking),
            _ => Ok(Ports { listeners, port }),
        }
    }

    /// The first address that was bound.
    ///
    /// # Errors
    /// The system does not report the address of a listener.
    pub fn address(&self) -> io::Result<SocketAddr> {
        let first = self.listeners.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
        first.local_addr()
    }

    /// The port, the same on all addresses.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// True if this machine has no such address, as without IPv6.
fn is_lacking(error: &io::Error) -> bool {
    use nix::libc::{EADDRNOTAVAIL, EAFNOSUPPORT};
    matches!(error.raw_os_error(), Some(EADDRNOTAVAIL | EAFNOSUPPORT))
}

fn not_bound(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = match error.kind() {
        io::ErrorKind::AddrInUse => Failure::environment(format!(
            "TCP port {} is already in use on {}",
            address.port(),
            address.ip()
        )),
        io::ErrorKind::PermissionDenied => Failure::environment(format!(
            "TCP port {} needs privileges you do not have",
            address.port()
        )),
        _ => Failure::environment(format!("cannot listen on {address}: {error}")),
    };
    failure.hint(format!(
        "Set {} to a free port (or `port` in config.toml); 0 lets the system choose one. The commands do not \
         depend on it: they use the Unix socket.",
        environment::PORT
    ))
}

/// The private socket, in its place.
pub struct UnixSocket {
    listener: UnixListener,
    identity: SocketIdentity,
}

/// Identity of a socket's file, which another file at the same place does not have.
#[derive(Clone, Debug)]
pub struct SocketIdentity {
    path: PathBuf,
    inode: u64,
}

impl SocketIdentity {
    /// True while the file is at its place.
    pub fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode)
    }
}

impl UnixSocket {
    /// Binds the socket with mode 0600; the caller holds the life lock, so an existing file is a leftover.
    pub fn bind(paths: &Paths) -> Result<UnixSocket, Failure> {
        let path = paths.socket();
        let bound = || -> io::Result<UnixSocket> {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // Its directory is private, so no other user can connect before the mode is set.
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            let inode = fs::metadata(&path)?.ino();
            Ok(UnixSocket { listener, identity: SocketIdentity { path: path.clone(), inode } })
        };
        bound().map_err(|error| paths::unwritable(&path, &error))
    }

    /// The identity of the socket's file.
    pub fn identity(&self) -> SocketIdentity {
        self.identity.clone()
    }
}

/// Serves `entry` on all listeners until `stopped` turns true; the future ends when the last request has.
pub fn serve(
    socket: UnixSocket,
    ports: Ports,
    entry: Entry,
    stopped: watch::Receiver<bool>,
) -> Result<impl Future<Output = ()>, Failure> {
    let failed =
        |error: io::Error| Failure::environment(format!("cannot serve on a listener: {error}"));
    let until = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the daemon is gone, which is a reason to stop too.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let mut servers: Vec<JoinHandle<io::Result<()>>> = Vec::new();
    socket.listener.set_nonblocking(true).map_err(failed)?;
    let listener = tokio::net::UnixListener::from_std(socket.listener).map_err(failed)?;
    servers.push(tokio::spawn(serve::unix(listener, entry.clone(), until(stopped.clone()))));
    for listener in ports.listeners {
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        servers.push(tokio::spawn(serve::tcp(listener, entry.clone(), until(stopped.clone()))));
    }
    Ok(async move {
        join_all(servers).await;
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    fn settings(port: u16) -> Settings {
        let env: Environment =
            [("SKILLS_DAEMON_PORT".to_string(), port.to_string())].into_iter().collect();
        Settings::resolve(toml::Table::new(), std::path::Path::new("c"), &env).unwrap()
    }

    #[test]
    fn all_addresses_share_one_port_and_a_taken_one_is_named() {
        let ports = Ports::bind(&settings(0)).unwrap();
        for listener in &ports.listeners {
            assert_eq!(listener.local_addr().unwrap().port(), ports.port());
            assert!(listener.local_addr().unwrap().ip().is_loopback());
        }
        let failure = Ports::bind(&settings(ports.port())).err().unwrap();
        assert!(failure.error.contains(&format!("TCP port {} is already in use", ports.port())));
        assert!(failure.hint.unwrap().contains("SKILLS_DAEMON_PORT"));
    }
}
