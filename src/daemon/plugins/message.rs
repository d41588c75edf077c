//! The messages to the router.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::found::Found;
use super::looked::Looked;
use super::modules::Executed;
use crate::daemon::actor::{Event, Version};
use crate::daemon::dependencies::State;
use crate::failure::Failure;
use crate::runtime::Loaded;
use crate::settings::Settings;
use crate::wire::Reloaded;

/// A message to the router.
pub(super) enum Message {
    /// Something happened that concerns one actor alone.
    Event { id: u64, event: Event<Failure> },
    /// The requirements of plugins stand in another way.
    Stand(Arc<State>),
    /// The files of a version were compiled.
    Checked { id: u64, version: Version, outcome: Result<(), Failure> },
    /// A version is to be imported once more.
    Again { id: u64, version: Version },
    /// An import has returned.
    Imported { id: u64, version: Version, loaded: Result<Box<Loaded>, Failure>, executed: Executed },
    /// A version that was loaded has executed more files.
    Executed { id: u64, version: Version, executed: Executed },
    /// An import or hooks have exceeded their deadline.
    Overdue { id: u64, version: Version, failure: Failure },
    /// Hooks have returned.
    Started { id: u64, version: Version, complaints: Vec<String> },
    /// An unload has ended.
    Ended { id: u64, event: Event<Failure> },
    /// One plugin was looked at again.
    Found { id: u64, found: Result<Box<Found>, Failure>, event: fn(Version) -> Event<Failure> },
    /// A reload was asked for.
    Reload {
        /// Names or paths; all plugins without any.
        plugins: Vec<String>,
        /// All plugins on disk.
        found: Vec<Found>,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<Reloaded, Failure>>,
    },
    /// Files have changed.
    Changed(Looked),
    /// Settings have changed; these were in force before.
    Configured(Arc<Settings>),
    /// Answered once the router has gone through all messages before it.
    Reached(oneshot::Sender<()>),
    /// No reload is answered any more.
    RefuseReloads,
    /// Exclusive plugins are unloaded for good.
    EndExclusive(oneshot::Sender<()>),
    /// The daemon stops.
    End(oneshot::Sender<()>),
}
