//! What a request to a route of the daemon's comes down to.

use std::sync::atomic::AtomicU16;
use std::sync::{Arc, OnceLock};

use axum::http::Method;

/// The request that a client's call came down to.
#[derive(Clone, Debug)]
pub(in crate::http) struct Called {
    pub(in crate::http) method: Method,
    pub(in crate::http) path: String,
}

/// The place for a [`Called`], as an extension of the request.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct CalledCell(Arc<Calling>);

/// What is known of a client's call.
#[derive(Debug, Default)]
struct Calling {
    /// The plugin that it is for, before more is known.
    plugin: OnceLock<String>,
    called: OnceLock<Called>,
}

/// The status of an answer that is known only while it is sent, as an extension of it; zero before.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct LateStatus(pub(in crate::http) Arc<AtomicU16>);

impl CalledCell {
    /// What the call came down to, if that is known.
    pub(super) fn called(&self) -> Option<&Called> {
        self.0.called.get()
    }

    /// The plugin that the call is for, if that is known.
    pub(super) fn awaited(&self) -> Option<&str> {
        self.0.plugin.get().map(String::as_str)
    }

    /// Notes the plugin that the call is for.
    pub(in crate::http) fn awaits(&self, plugin: &str) {
        // Fails only if it is called twice.
        let _ = self.0.plugin.set(plugin.to_owned());
    }

    /// Notes what the call came down to.
    pub(in crate::http) fn set(&self, called: Called) {
        // Fails only if it is called twice.
        let _ = self.0.called.set(called);
    }
}
