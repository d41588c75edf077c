//! Which connections are served: those of the user's own programs and of root's, and so many at once.
//!
//! Nothing here happens for a request, only for a connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::owner::{self, Owner};
use super::parting;
use super::peer::{Arrival, Peer};
use crate::failure::{Failure, Kind};
use crate::settings::access::TcpToken;
use crate::settings::limits::LimitSettings;
use crate::settings::live::Live;

/// File descriptors that are kept free for files, plugins and the daemon itself.
const DESCRIPTORS_KEPT: u64 = 256;
/// The least number of connections, however few descriptors there are.
const CONNECTIONS_MIN: usize = 64;
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
        let room = room(wanted);
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

/// The connections at this time, by their group.
#[derive(Default)]
struct Places(Mutex<[usize; 4]>);

/// One of them.
struct Place {
    places: Arc<Places>,
    group: Group,
}

impl Places {
    fn take(
        self: &Arc<Places>,
        group: Group,
        limits: &LimitSettings,
        room: usize,
    ) -> Result<Place, Refusal> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = limits.connections.min(room);
        if counts.iter().sum::<usize>() >= limit {
            return Err(Refusal::Full(limit));
        }
        if counts[group as usize] >= limits.connections_per_peer {
            return Err(Refusal::PeerFull(group, limits.connections_per_peer));
        }
        counts[group as usize] += 1;
        Ok(Place { places: self.clone(), group })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts[self.group as usize] -= 1;
    }
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

/// Returns for how many of `wanted` connections there are descriptors, after raising this process's limit as far as it
/// needs and may.
fn room(wanted: usize) -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    let needed = (wanted as u64).saturating_add(DESCRIPTORS_KEPT);
    let raised = needed.min(hard);
    let limit = match soft < raised && setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() {
        true => raised,
        false => soft,
    };
    let room = usize::try_from(limit.saturating_sub(DESCRIPTORS_KEPT)).unwrap_or(usize::MAX);
    room.max(CONNECTIONS_MIN)
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
    fn connections_are_counted_while_they_last() {
        let places = Arc::new(Places::default());
        let limits =
            LimitSettings { connections: 3, connections_per_peer: 2, ..LimitSettings::default() };
        let take = |group| places.take(group, &limits, 100);
        let first = take(Group::User).ok().unwrap();
        let _second = take(Group::User).ok().unwrap();
        assert_eq!(take(Group::User).err(), Some(Refusal::PeerFull(Group::User, 2)));
        let _third = take(Group::Socket).ok().unwrap();
        assert_eq!(take(Group::Socket).err(), Some(Refusal::Full(3)));
        drop(first);
        assert!(take(Group::User).is_ok());
        assert_eq!(places.take(Group::User, &limits, 2).err(), Some(Refusal::Full(2)));
    }

    #[test]
    fn a_flood_of_refusals_is_a_line_in_the_log_now_and_then() {
        let (rare, begun) = (Rare::default(), Instant::now());
        assert_eq!(rare.note(begun), Some(0));
        assert_eq!(rare.note(begun), None);
        assert_eq!(rare.note(begun + LOG_PAUSE / 2), None);
        assert_eq!(rare.note(begun + LOG_PAUSE), Some(2));
    }

    #[test]
    fn there_is_room_for_as_many_as_there_are_descriptors() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(room(CONNECTIONS_MIN) >= CONNECTIONS_MIN);
        if let Ok(more) = usize::try_from(hard.saturating_add(1)) {
            assert!(room(more) < more);
        }
    }
}
