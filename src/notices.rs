//! Current reports about the daemon and its plugins, besides the plugins' states: what `status` and `doctor` show as
//! long as it holds.
//!
//! A notice has a topic, and setting it again replaces it: one incident is one notice. Who sets a notice removes it
//! when it no longer holds. Any thread may set one; nothing waits.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Settings that only a restart applies.
    Settings,
    /// Secrets that cannot be read.
    Secrets,
    /// Addresses beyond loopback.
    Listening,
    /// How changes of files are noticed.
    Watching,
    /// The last attempt to replace this process by a new one, and the change for which it was made.
    Restart,
    /// An event loop that a handler blocks.
    Blocked,
    /// Handlers in the pool that do not return.
    Stuck,
    /// Threads that a plugin started.
    Threads,
    /// Files in its own directory that a plugin writes.
    Written,
    /// Growth of memory.
    Memory,
    /// Crashes of the process that a plugin is at fault for.
    Crashes,
}

/// All notices that hold.
#[derive(Debug, Default)]
pub struct Notices(Mutex<BTreeMap<(Option<u64>, Topic), String>>);

impl Notices {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Option<u64>, Topic), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets or, with `None`, removes the notice about `topic`, of the plugin with this id or of the daemon.
    pub fn set(&self, plugin: Option<u64>, topic: Topic, text: Option<String>) {
        let mut notices = self.lock();
        match text {
            Some(text) => notices.insert((plugin, topic), text),
            None => notices.remove(&(plugin, topic)),
        };
    }

    /// Removes all notices of a plugin.
    pub fn forget(&self, plugin: u64) {
        self.lock().retain(|(owner, _), _| *owner != Some(plugin));
    }

    /// Returns the notice about `topic`, of the plugin with this id or of the daemon.
    pub fn about(&self, plugin: Option<u64>, topic: Topic) -> Option<String> {
        self.lock().get(&(plugin, topic)).cloned()
    }

    /// Returns the notices of the plugin with this id, or of the daemon, in order of their topics.
    pub fn of(&self, plugin: Option<u64>) -> Vec<String> {
        let notices = self.lock();
        let own = notices.iter().filter(|((owner, _), _)| *owner == plugin);
        own.map(|(_, text)| text.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_one_notice_and_each_owner_its_own() {
        let notices = Notices::default();
        notices.set(None, Topic::Settings, Some("old".into()));
        notices.set(None, Topic::Settings, Some("new".into()));
        notices.set(Some(1), Topic::Blocked, Some("blocked".into()));
        notices.set(Some(2), Topic::Blocked, Some("too".into()));
        assert_eq!(notices.of(None), ["new"]);
        notices.forget(1);
        assert!(notices.of(Some(1)).is_empty());
        assert_eq!(notices.of(Some(2)), ["too"]);
        notices.set(Some(2), Topic::Blocked, None);
        assert!(notices.of(Some(2)).is_empty());
    }
}
