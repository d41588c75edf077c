//! Which connections are served: those of the user's own programs and of root's, and so many at once.
//!
//! Nothing here happens for a request, only for a connection.

mod places;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use nix::unistd::geteuid;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::owner::{self, Owner};
use super::parting;
use super::peer::{Arrival, Peer};
use crate::failure::{Failure, Kind};
use crate::settings::access::TcpToken;
use crate::settings::live::Live;
use places::{Place, Places};

/// How many connections are turned away at once with an answer; more are closed without.
const PARTINGS_MAX: usize = 64;
/// The time between two lines in the log about connections that are refused for the same reason.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// The gate of all listeners.
pub(super) struct Gate {
    settings: Arc<Live>,
    /// The user of this process.
    own: u32,
    /// How many connections there are descriptors for.
    room: usize,
    places: Arc<Places>,
    partings: Arc<Semaphore>,
    strangers: Rare,
    crowds: Rare,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The other end is closed.
    Closed,
    /// It belongs to the user of this id.
    User(u32),
    /// There are so many connections already.
    Full(usize),
    /// Those like it have so many connections already.
    PeerFull(Group, usize),
}

/// Connections that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// On the Unix socket.
    Socket,
    /// Over TCP, of the user.
    User,
    /// Over TCP, of root.
    Root,
    /// Over TCP, of a user that is not known.
    Unknown,
    /// Over TCP, beyond loopback.
    Remote,
}

/// A connection that is served, counted until this is dropped.
pub(super) struct Admitted {
    /// Its other end.
    pub(super) peer: Peer,
    _place: Place,
}

impl Gate {
    pub(super) fn new(settings: Arc<Live>) -> Gate {
        let wanted = settings.now().limits.connections;
        let room = places::room(wanted);
        if room < wanted {
            tracing::warn!(
                wanted,
                room,
                "fewer connections than `limits.connections`: the limit of open files (`ulimit -n`) is lower"
            );
        }
        Gate {
            settings,
            own: geteuid().as_raw(),
            room,
            places: Arc::default(),
            partings: Arc::new(Semaphore::new(PARTINGS_MAX)),
            strangers: Rare::default(),
            crowds: Rare::default(),
        }
    }

    /// Admits a connection, or does not.
    pub(super) fn admit(&self, arrival: Arrival) -> Result<Admitted, Refusal> {
        let settings = self.settings.now();
        let (peer, group) = judge(arrival, self.own, settings.access.tcp_token, owner::of)?;
        let place = self.places.take(group, &settings.limits, self.room)?;
        Ok(Admitted { peer, _place: place })
    }

    /// Logs a refusal, and returns what is left to do for the connection; `None` if it is just closed.
    pub(super) fn turn_away<Io>(
        &self,
        io: Io,
        refusal: Refusal,
    ) -> Option<impl Future<Output = ()> + Send + use<Io>>
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (status, failure) = refusal.answer()?;
        let rare = match refusal {
            Refusal::User(_) => &self.strangers,
            _ => &self.crowds,
        };
        if let Some(more) = rare.note(Instant::now()) {
            tracing::warn!(reason = failure.error, more, "connection refused");
        }
        let permit: OwnedSemaphorePermit = self.partings.clone().try_acquire_owned().ok()?;
        Some(async move {
            parting::turn_away(io, parting::answer(status, &failure)).await;
            drop(permit);
        })
    }
}

impl Refusal {
    fn answer(self) -> Option<(StatusCode, Failure)> {
        let unavailable = |error: String, hint: &str| {
            let failure = Failure::new(Kind::Unavailable, error).hint(hint);
            Some((StatusCode::SERVICE_UNAVAILABLE, failure))
        };
        match self {
            Refusal::Closed => None,
            Refusal::User(user) => {
                let error =
                    format!("the connection comes from another user of this machine (id {user})");
                let hint = "Each user has a daemon of their own: use the port of yours.";
                Some((StatusCode::FORBIDDEN, Failure::new(Kind::Forbidden, error).hint(hint)))
            }
            Refusal::Full(limit) => unavailable(
                format!("too many connections to the daemon ({limit})"),
                "Close some, or raise `limits.connections` in config.toml.",
            ),
            Refusal::PeerFull(group, limit) => {
                let from = match group {
                    Group::Socket => "on the Unix socket",
                    Group::User => "of this user over TCP",
                    Group::Root => "of root over TCP",
                    Group::Unknown => "over TCP",
                    Group::Remote => "from other machines",
                };
                unavailable(
                    format!("too many connections {from} ({limit})"),
                    "Close some, or raise `limits.connections_per_peer` in config.toml.",
                )
            }
        }
    }
}

/// Decides whether a connection is served, and with which rights.
fn judge(
    arrival: Arrival,
    own: u32,
    token: TcpToken,
    owner_of: impl FnOnce(SocketAddr, SocketAddr) -> Owner,
) -> Result<(Peer, Group), Refusal> {
    let is_stranger = |user: u32| user != own && user != 0;
    let (peer, local) = match arrival {
        Arrival::Unix(Some(user)) if is_stranger(user) => return Err(Refusal::User(user)),
        Arrival::Unix(_) => return Ok((Peer::Unix, Group::Socket)),
        Arrival::Tcp { peer, local } => (peer, local),
    };
    // Of what is not local, the system has no owner.
    let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    if !is_loopback(peer) || !local.is_none_or(is_loopback) {
        return Ok((Peer::Remote(peer), Group::Remote));
    }
    let owner = local.map_or(Owner::Unknown, |local| owner_of(peer, local));
    let group = match owner {
        Owner::Closed => return Err(Refusal::Closed),
        Owner::User(user) if is_stranger(user) => return Err(Refusal::User(user)),
        Owner::User(user) if user == own => Group::User,
        Owner::User(_) => Group::Root,
        Owner::Unknown => Group::Unknown,
    };
    let is_proven = match token {
        TcpToken::Auto => group != Group::Unknown,
        TcpToken::Always => false,
        TcpToken::Never => true,
    };
    Ok((if is_proven { Peer::Tcp(peer) } else { Peer::Unproven(peer) }, group))
}

/// What is logged once in a while.
#[derive(Default)]
struct Rare(Mutex<(Option<Instant>, u64)>);

impl Rare {
    /// Returns how often it happened since the last line; `None` if it is too early for another one.
    fn note(&self, now: Instant) -> Option<u64> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, more) = *noted;
        if last.is_some_and(|last| now.duration_since(last) < LOG_PAUSE) {
            noted.1 += 1;
            return None;
        }
        *noted = (Some(now), 0);
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp() -> (Arrival, SocketAddr) {
        let peer = SocketAddr::from(([127, 0, 0, 1], 5));
        (Arrival::Tcp { peer, local: Some(SocketAddr::from(([127, 0, 0, 1], 9100))) }, peer)
    }

    #[test]
    fn only_the_user_and_root_are_served() {
        let (arrival, peer) = tcp();
        let judged = |owner, token| judge(arrival, 1000, token, |_, _| owner);
        for (owner, token, expected) in [
            (Owner::User(1000), TcpToken::Auto, Ok((Peer::Tcp(peer), Group::User))),
            (Owner::User(0), TcpToken::Auto, Ok((Peer::Tcp(peer), Group::Root))),
            (Owner::User(1001), TcpToken::Auto, Err(Refusal::User(1001))),
            (Owner::User(1001), TcpToken::Never, Err(Refusal::User(1001))),
            (Owner::User(1000), TcpToken::Always, Ok((Peer::Unproven(peer), Group::User))),
            (Owner::Unknown, TcpToken::Auto, Ok((Peer::Unproven(peer), Group::Unknown))),
            (Owner::Unknown, TcpToken::Never, Ok((Peer::Tcp(peer), Group::Unknown))),
            (Owner::Closed, TcpToken::Never, Err(Refusal::Closed)),
        ] {
            assert_eq!(judged(owner, token), expected, "{owner:?} {token:?}");
        }
        let on_socket =
            |user| judge(Arrival::Unix(user), 1000, TcpToken::Always, |_, _| Owner::Unknown);
        assert_eq!(on_socket(Some(1000)), Ok((Peer::Unix, Group::Socket)));
        assert_eq!(on_socket(Some(0)), Ok((Peer::Unix, Group::Socket)));
        assert_eq!(on_socket(None), Ok((Peer::Unix, Group::Socket)));
        assert_eq!(on_socket(Some(1001)), Err(Refusal::User(1001)));
    }

    #[test]
    fn what_does_not_come_over_loopback_is_remote() {
        let at = |address: [u8; 4], port| SocketAddr::from((address, port));
        for (peer, local) in [
            (at([192, 0, 2, 7], 5), at([192, 0, 2, 1], 9100)),
            // This machine, by its own address.
            (at([192, 0, 2, 1], 5), at([192, 0, 2, 1], 9100)),
            (at([192, 0, 2, 7], 5), at([127, 0, 0, 1], 9100)),
            ("[::ffff:192.0.2.7]:5".parse().unwrap(), at([127, 0, 0, 1], 9100)),
        ] {
            let arrival = Arrival::Tcp { peer, local: Some(local) };
            for token in [TcpToken::Auto, TcpToken::Never] {
                let judged = judge(arrival, 1000, token, |_, _| Owner::User(1000));
                assert_eq!(judged, Ok((Peer::Remote(peer), Group::Remote)));
            }
        }
    }

    #[test]
    fn a_flood_of_refusals_is_a_line_in_the_log_now_and_then() {
        let (rare, begun) = (Rare::default(), Instant::now());
        assert_eq!(rare.note(begun), Some(0));
        assert_eq!(rare.note(begun), None);
        assert_eq!(rare.note(begun + LOG_PAUSE / 2), None);
        assert_eq!(rare.note(begun + LOG_PAUSE), Some(2));
    }
}
