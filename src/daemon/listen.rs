//! The listeners: a private Unix socket, TCP on loopback and perhaps beyond, and the socket for handing over; bound,
//! inherited from the host that this one replaces, or passed by a service manager, which then owns the socket's file.

use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::sockopt::{AcceptConn, SndBuf};
use nix::sys::socket::{Backlog, getsockopt, listen, setsockopt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::environment;
use crate::failure::Failure;
use crate::http::entry::Entry;
use crate::http::serve::{self, Phase};
use crate::lifecycle::handover::Offer;
use crate::paths::{self, Paths};
use crate::settings::{Settings, access};

/// How often a port that the system chose for one family is tried on the other.
const ATTEMPTS: usize = 16;

/// How much of its answers the kernel keeps for a connection within this machine, in bytes. By itself it takes several
/// megabytes for a reader that is slow, and other connections wait while they are copied.
const SEND_BUFFER: usize = 128 << 10;

/// The TCP listeners, one per address, all on one port.
pub struct Ports {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Ports {
    /// Listens on all addresses of `settings`, with those of the `inherited` listeners that are for them; a family that
    /// this machine lacks is left out.
    ///
    /// # Errors
    /// A port that is taken, or no address at all.
    pub fn bind(settings: &Settings, mut inherited: Vec<TcpListener>) -> Result<Ports, Failure> {
        let addresses = &settings.host.value.0;
        let wanted = settings.port.value.0;
        for attempt in 1..=ATTEMPTS {
            match Ports::try_bind(addresses, wanted, std::mem::take(&mut inherited)) {
                // Chosen by the system for one family, taken on the other: choose again.
                Err((_, error))
                    if wanted == 0
                        && error.kind() == io::ErrorKind::AddrInUse
                        && attempt < ATTEMPTS => {}
                Err((address, error)) => return Err(not_bound(address, &error)),
                Ok(ports) => return Ok(ports),
            }
        }
        Err(Failure::environment("no TCP port is free on all addresses"))
    }

    fn try_bind(
        addresses: &[IpAddr],
        wanted: u16,
        mut inherited: Vec<TcpListener>,
    ) -> Result<Ports, (SocketAddr, io::Error)> {
        let (mut listeners, mut port) = (Vec::new(), wanted);
        if wanted == 0
            && let Some(Ok(address)) = inherited.first().map(TcpListener::local_addr)
        {
            port = address.port();
        }
        let mut lacking = None;
        for address in addresses {
            let address = SocketAddr::new(*address, port);
            let is_it = |it: &TcpListener| it.local_addr().is_ok_and(|own| own == address);
            let listener = match inherited.iter().position(is_it) {
                Some(place) => Ok(inherited.swap_remove(place)),
                None => listening(address),
            };
            match listener {
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

    /// The first address that was bound, as programs on this machine reach it.
    ///
    /// # Errors
    /// The system does not report the address of a listener.
    pub fn address(&self) -> io::Result<SocketAddr> {
        let first = self.listeners.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut address = first.local_addr()?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Ok(address)
    }

    /// What it means that `settings` have an address beyond loopback, if they have: for the log, and for `status`.
    pub fn report(&self, settings: &Settings) -> Option<String> {
        let beyond = settings.host.value.beyond_loopback()?;
        let is_it = |it: &TcpListener| it.local_addr().is_ok_and(|own| own.ip() == beyond);
        Some(match self.listeners.iter().any(is_it) {
            true => access::exposure(beyond),
            false => format!(
                "this machine has no address {beyond} (`host`): the daemon listens on loopback only; \
                 `skills-daemon restart` tries again"
            ),
        })
    }

    /// The port, the same on all addresses.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Listens on `address`; what cannot be set besides is as the system has it.
fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // The standard library has 128 wait; of any more the kernel forgets the first packet, and they try again after 1,
    // 3, 7 … seconds.
    let _ = listen(&listener, Backlog::MAXCONN);
    if address.ip().is_loopback() {
        // Its connections inherit it.
        let _ = setsockopt(&listener, SndBuf, &SEND_BUFFER);
    }
    Ok(listener)
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

/// A Unix socket in its place, for this user alone.
pub struct UnixSocket {
    listener: UnixListener,
    identity: SocketIdentity,
}

/// Identity of a socket's file, which another file at the same place does not have.
#[derive(Clone, Debug)]
pub struct SocketIdentity {
    path: PathBuf,
    inode: u64,
    /// The file belongs to a service manager, which goes on listening.
    pub is_activated: bool,
}

impl SocketIdentity {
    /// True while the file is at its place.
    pub fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode)
    }
}

impl UnixSocket {
    /// Binds the socket at `path` with mode 0600; the caller has the serving lock, so an existing file is a leftover.
    pub fn bind(path: &Path) -> Result<UnixSocket, Failure> {
        let bound = || -> io::Result<UnixSocket> {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // Its directory is private, so no other user can connect before the mode is set.
            let listener = UnixListener::bind(path)?;
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            let inode = fs::metadata(path)?.ino();
            let identity = SocketIdentity { path: path.to_owned(), inode, is_activated: false };
            Ok(UnixSocket { listener, identity })
        };
        bound().map_err(|error| paths::unwritable(path, &error))
    }

    /// Takes the socket of a service manager; binds a new one if its file is gone.
    fn activated(listener: UnixListener, path: &Path) -> Result<UnixSocket, Failure> {
        let Ok(metadata) = fs::metadata(path) else { return UnixSocket::bind(path) };
        let inode = metadata.ino();
        let identity = SocketIdentity { path: path.to_owned(), inode, is_activated: true };
        Ok(UnixSocket { listener, identity })
    }

    /// Takes over the socket whose file is that of `identity`; binds a new one if that file is gone.
    fn inherited(socket: OwnedFd, identity: SocketIdentity) -> Result<UnixSocket, Failure> {
        match identity.is_there() {
            true => Ok(UnixSocket { listener: UnixListener::from(socket), identity }),
            false => UnixSocket::bind(&identity.path),
        }
    }
}

/// The sockets of a service manager.
#[derive(Default)]
pub struct Activated {
    unix: Option<UnixListener>,
    /// TCP.
    pub tcp: Vec<TcpListener>,
}

impl Activated {
    /// Sorts `sockets`, which programs started by plugins are not to inherit; those that are no listeners of the daemon
    /// are closed.
    pub fn new(sockets: Vec<OwnedFd>, paths: &Paths) -> Activated {
        let mut activated = Activated::default();
        for socket in sockets {
            let kept = fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).is_ok()
                && getsockopt(&socket, AcceptConn).unwrap_or(false);
            if !kept {
                tracing::warn!("a descriptor of the service manager is no listening socket");
                continue;
            }
            let unix = UnixListener::from(socket);
            match unix.local_addr() {
                Ok(address) if is_at(&address, &paths.socket()) => activated.unix = Some(unix),
                Ok(address) if address.as_pathname().is_some() => {
                    tracing::warn!(?address, "a socket of the service manager is not the daemon's");
                }
                _ => activated.tcp.push(TcpListener::from(OwnedFd::from(unix))),
            }
        }
        activated
    }
}

/// True if `address` is the file at `path`.
fn is_at(address: &std::os::unix::net::SocketAddr, path: &Path) -> bool {
    let Some(own) = address.as_pathname() else { return false };
    let identity = |path: &Path| fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    own == path || identity(own).is_some_and(|own| Some(own) == identity(path))
}

/// The sockets of a host that is being replaced.
pub struct Inherited {
    /// Their description.
    pub offer: Offer,
    unix: OwnedFd,
    handover: OwnedFd,
    /// TCP.
    pub tcp: Vec<TcpListener>,
}

impl Inherited {
    /// Takes the sockets apart; `None` if there are too few.
    pub fn new(offer: Offer, sockets: Vec<OwnedFd>) -> Option<Inherited> {
        let mut sockets = sockets.into_iter();
        let (unix, handover) = (sockets.next()?, sockets.next()?);
        Some(Inherited { offer, unix, handover, tcp: sockets.map(TcpListener::from).collect() })
    }
}

/// All listeners of a daemon, which may begin to accept.
#[derive(Clone)]
pub struct Listeners {
    unix: Arc<tokio::net::UnixListener>,
    handover: Arc<tokio::net::UnixListener>,
    tcp: Vec<Arc<tokio::net::TcpListener>>,
    /// Identity of the private socket.
    pub socket: SocketIdentity,
    handover_inode: u64,
}

impl Listeners {
    /// Opens the sockets; without any to inherit the caller has the serving lock.
    pub fn open(
        paths: &Paths,
        ports: Ports,
        inherited: Option<Inherited>,
        activated: Activated,
    ) -> Result<Listeners, Failure> {
        let identity = |path, inode, is_activated| SocketIdentity { path, inode, is_activated };
        let (unix, handover) = match (inherited, activated.unix) {
            (Some(Inherited { offer, unix, handover, .. }), _) => (
                UnixSocket::inherited(
                    unix,
                    identity(paths.socket(), offer.socket, offer.activated),
                )?,
                UnixSocket::inherited(
                    handover,
                    identity(paths.handover_socket(), offer.handover, false),
                )?,
            ),
            (None, Some(unix)) => (
                UnixSocket::activated(unix, &paths.socket())?,
                UnixSocket::bind(&paths.handover_socket())?,
            ),
            (None, None) => {
                (UnixSocket::bind(&paths.socket())?, UnixSocket::bind(&paths.handover_socket())?)
            }
        };
        let (socket, handover_inode) = (unix.identity, handover.identity.inode);
        let opened = || -> io::Result<Listeners> {
            let tcp = ports.listeners.into_iter().map(|listener| {
                listener.set_nonblocking(true)?;
                Ok(Arc::new(tokio::net::TcpListener::from_std(listener)?))
            });
            let tcp = tcp.collect::<io::Result<_>>()?;
            let open = |listener: UnixListener| {
                listener.set_nonblocking(true)?;
                Ok::<_, io::Error>(Arc::new(tokio::net::UnixListener::from_std(listener)?))
            };
            let (unix, handover) = (open(unix.listener)?, open(handover.listener)?);
            Ok(Listeners { unix, handover, tcp, socket, handover_inode })
        };
        opened()
            .map_err(|error| Failure::environment(format!("cannot serve on a listener: {error}")))
    }

    /// The listener for handing over.
    pub fn handover(&self) -> &tokio::net::UnixListener {
        &self.handover
    }

    /// The sockets for a successor, and their description.
    pub fn offer(&self) -> (Offer, Vec<RawFd>) {
        let pid = nix::unistd::Pid::this().as_raw();
        let offer = Offer {
            pid,
            socket: self.socket.inode,
            handover: self.handover_inode,
            activated: self.socket.is_activated,
        };
        let mut sockets = vec![self.unix.as_raw_fd(), self.handover.as_raw_fd()];
        sockets.extend(self.tcp.iter().map(|listener| listener.as_raw_fd()));
        (offer, sockets)
    }

    /// Serves `entry` on all listeners; the future ends when the last connection has.
    pub fn serve(
        &self,
        entry: &Entry,
        phases: &watch::Receiver<Phase>,
    ) -> impl Future<Output = ()> + use<> {
        let unix = serve::serve(self.unix.clone(), entry.clone(), phases.clone());
        let mut servers: Vec<JoinHandle<()>> = vec![tokio::spawn(unix)];
        for listener in &self.tcp {
            let tcp = serve::serve(listener.clone(), entry.clone(), phases.clone());
            servers.push(tokio::spawn(tcp));
        }
        async move {
            join_all(servers).await;
        }
    }
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
        let ports = Ports::bind(&settings(0), Vec::new()).unwrap();
        for listener in &ports.listeners {
            assert_eq!(listener.local_addr().unwrap().port(), ports.port());
            assert!(listener.local_addr().unwrap().ip().is_loopback());
        }
        let failure = Ports::bind(&settings(ports.port()), Vec::new()).err().unwrap();
        assert!(failure.error.contains(&format!("TCP port {} is already in use", ports.port())));
        assert!(failure.hint.unwrap().contains("SKILLS_DAEMON_PORT"));
    }

    #[test]
    fn an_address_beyond_loopback_is_reported_also_where_the_machine_lacks_it() {
        let resolve = |host: &str| {
            let table = format!("host = '{host}'\nport = 0").parse().unwrap();
            Settings::resolve(table, Path::new("c"), &Environment::default()).unwrap()
        };
        let local = resolve("localhost");
        assert_eq!(Ports::bind(&local, Vec::new()).unwrap().report(&local), None);
        let all = resolve("0.0.0.0");
        let ports = Ports::bind(&all, Vec::new()).unwrap();
        assert!(ports.address().unwrap().ip().is_loopback());
        assert_eq!(ports.report(&all), Some(access::exposure(Ipv4Addr::UNSPECIFIED.into())));
        // Of documentation: no machine has it.
        let lacking = resolve("192.0.2.1");
        let report = Ports::bind(&lacking, Vec::new()).unwrap().report(&lacking).unwrap();
        assert!(report.starts_with("this machine has no address 192.0.2.1"), "{report}");
    }

    #[test]
    fn inherited_listeners_keep_their_port_unless_the_settings_have_another() {
        let old = Ports::bind(&settings(0), Vec::new()).unwrap();
        let inherit = || old.listeners.iter().map(|it| it.try_clone().unwrap()).collect::<Vec<_>>();
        for port in [0, old.port()] {
            let new = Ports::bind(&settings(port), inherit()).unwrap();
            assert_eq!((new.port(), new.listeners.len()), (old.port(), old.listeners.len()));
        }
        let free = Ports::bind(&settings(0), Vec::new()).unwrap().port();
        assert_eq!(Ports::bind(&settings(free), inherit()).unwrap().port(), free);
    }
}
