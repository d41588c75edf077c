//! Requests as calls under way and as recent ones.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{CalledCell, Observed};
use crate::manifest::check_name;
use crate::mcp::scope;
use crate::recent::{Call, Face, LONG};
use crate::wire;

impl Observed {
    /// Lists the request as under way once it takes long, while there is a reader; called at each poll.
    pub(in crate::http) fn look(&self) {
        let recent = &self.service.registry.recent;
        if !recent.is_read() || self.listed.get().is_some() || !self.is_call() {
            return;
        }
        let ran = self.begun.elapsed();
        if ran >= LONG
            && let Some(listed) = recent.list(ran, || self.call())
        {
            // Set once: all polls are by one task.
            let _ = self.listed.set(listed);
        }
    }

    /// False for what only waits, and for the connection of an agent, whose calls are listed one by one.
    fn is_call(&self) -> bool {
        let path = self.uri.path();
        let below_mcp = path.strip_prefix(scope::PATH);
        let is_agents =
            path == wire::MCP || below_mcp.is_some_and(|it| it.is_empty() || it.starts_with('/'));
        self.in_flight.is_some() && !is_agents
    }

    /// Keeps the request as a recent call; of those to the daemon itself only what took long or failed.
    pub(super) fn note(&self, took: Duration) {
        let is_of_plugin = self.is_of_plugin.load(Ordering::Relaxed);
        let has_failed = self.outcome.is_error();
        if self.is_call() && (is_of_plugin || has_failed || took >= LONG) {
            let recent = &self.service.registry.recent;
            recent.ended(self.begun + took, took, self.outcome, || self.call());
        }
    }

    /// What the request is known by.
    pub(super) fn call(&self) -> Call {
        let (method, path) = self.called();
        let is_shell = self.uri.path() == wire::RUN;
        let awaited = self.called.get().and_then(CalledCell::awaited);
        let first = path.split('/').nth(1).unwrap_or_default();
        let (plugin, name) = match awaited {
            Some(plugin) if path == wire::RUN => {
                (plugin.to_owned(), "waits for its plugin".to_owned())
            }
            _ if check_name(first).is_err() => (String::new(), format!("{method} {path}")),
            _ => (first.to_owned(), format!("{method} {path}")),
        };
        let face = if is_shell { Face::Shell } else { Face::Http };
        Call { face, plugin, name, request: self.id.clone() }
    }
}
