//! How many connections there are, and may be.

use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{Group, Refusal};
use crate::settings::limits::LimitSettings;

/// File descriptors that are kept free for files, plugins and the daemon itself.
const DESCRIPTORS_KEPT: u64 = 256;
/// The least number of connections, however few descriptors there are.
const CONNECTIONS_MIN: usize = 64;
/// The connections at this time, by their group.
#[derive(Default)]
pub(super) struct Places(Mutex<[usize; 5]>);

/// One of them.
pub(super) struct Place {
    places: Arc<Places>,
    group: Group,
}

impl Places {
    /// Takes a place for a connection of `group`.
    pub(super) fn take(
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

/// Returns for how many of `wanted` connections there are descriptors, after raising this process's limit as far as it
/// needs and may.
pub(super) fn room(wanted: usize) -> usize {
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
    fn there_is_room_for_as_many_as_there_are_descriptors() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(room(CONNECTIONS_MIN) >= CONNECTIONS_MIN);
        if let Ok(more) = usize::try_from(hard.saturating_add(1)) {
            assert!(room(more) < more);
        }
    }
}
