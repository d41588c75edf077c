//! What is known of a client: its session, and what it is offered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::request::Parts;
use rmcp::model::Extensions;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::offer::Offer;
use super::scope::Scope;
use crate::registry::Snapshot;

/// The level of a session that has set none: no records.
const NO_LEVEL: u8 = u8::MAX;
/// How many resources a session may subscribe to.
const SUBSCRIPTIONS: usize = 1000;

/// A client: of a session, or of a single request.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) session: Arc<Session>,
}

/// What is known of a session.
pub(super) struct Session {
    /// That of lines; over HTTP, each request has its own.
    scope: Option<Scope>,
    /// Python's level of the least log record that the client wants.
    level: AtomicU8,
    /// URIs of the resources of whose updates it wants to know.
    subscriptions: Mutex<HashSet<String>>,
    /// Cancelled when it ends.
    pub(super) closing: CancellationToken,
}

impl Session {
    /// The resources of whose updates the client wants to know, and that `is_meant` picks.
    pub(super) fn subscriptions(&self, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let all = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|uri| is_meant(uri)).cloned().collect()
    }

    /// Adds a resource to those; false if they are too many.
    pub(super) fn subscribe(&self, uri: String) -> bool {
        let mut all = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SUBSCRIPTIONS {
            return false;
        }
        all.insert(uri);
        true
    }

    /// Takes a resource out of them.
    pub(super) fn unsubscribe(&self, uri: &str) {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }

    /// Python's level of the least record that the client wants; `None` for none.
    pub(super) fn level(&self) -> Option<u8> {
        Some(self.level.load(Ordering::Relaxed)).filter(|level| *level != NO_LEVEL)
    }

    /// Sets the level.
    pub(super) fn set_level(&self, level: u8) {
        self.level.store(level, Ordering::Relaxed);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Shared {
    /// The offer of a snapshot in a scope.
    pub(super) fn offer_of(&self, snapshot: &Arc<Snapshot>, scope: &Scope) -> Arc<Offer> {
        self.offers.get(snapshot, scope, self.settings.now().agents.tools_max)
    }
}

impl Client {
    /// A new client, of lines if it has a scope.
    pub(super) fn new(shared: Arc<Shared>, scope: Option<Scope>) -> Client {
        let session = Session {
            scope,
            level: AtomicU8::new(NO_LEVEL),
            subscriptions: Mutex::default(),
            closing: CancellationToken::new(),
        };
        Client { shared, session: Arc::new(session) }
    }

    /// What a request is about.
    pub(super) fn scope(&self, extensions: &Extensions) -> Scope {
        let default = || self.shared.settings.now().agents.tools.clone();
        match (&self.session.scope, extensions.get::<Parts>()) {
            (Some(scope), _) => scope.clone(),
            (None, Some(parts)) => Scope::of(parts, &default()),
            (None, None) => Scope { plugin: None, choice: default() },
        }
    }

    /// What the client of a request is offered that wants to see all of it: plugins of which nothing is known yet are
    /// loaded, and a notification follows.
    pub(super) fn whole_offer(&self, extensions: &Extensions) -> Arc<Offer> {
        self.shared.registry.wake_unknown();
        self.offer(extensions)
    }

    /// What the client of a request is offered.
    pub(super) fn offer(&self, extensions: &Extensions) -> Arc<Offer> {
        self.shared.offer_of(&self.shared.registry.snapshot(), &self.scope(extensions))
    }
}
