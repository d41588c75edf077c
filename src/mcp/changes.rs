//! Changes of what a client is offered, as notifications.

use std::collections::HashSet;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, SubscriptionContext};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::offer::Offer;
use super::scope::Scope;
use super::session::Session;
use crate::registry::Snapshot;

/// What has changed between two offers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Change {
    tools: bool,
    prompts: bool,
    resources: bool,
    /// Names of the plugins of which another version serves.
    plugins: HashSet<String>,
}

/// What a client knows.
struct Known {
    offer: Arc<Offer>,
    snapshot: Arc<Snapshot>,
}

impl Known {
    /// Takes the offer of the moment; returns what has changed.
    fn renew(&mut self, shared: &Shared, scope: &Scope) -> Change {
        let snapshot = shared.registry.snapshot();
        let offer = shared.offer_of(&snapshot, scope);
        let change = Change {
            tools: self.offer.tools != offer.tools,
            prompts: self.offer.prompts() != offer.prompts(),
            resources: self.offer.resources() != offer.resources(),
            plugins: reloaded(&self.snapshot, &snapshot),
        };
        *self = Known { offer, snapshot };
        change
    }

    fn now(shared: &Shared, scope: &Scope) -> Known {
        let snapshot = shared.registry.snapshot();
        Known { offer: shared.offer_of(&snapshot, scope), snapshot }
    }
}

/// Names of the plugins of which another version serves.
fn reloaded(before: &Snapshot, after: &Snapshot) -> HashSet<String> {
    let is_new = |entry: &&crate::registry::Entry| {
        let known = before.entries.iter().find(|known| known.id == entry.id);
        known.is_some_and(|known| known.version != 0 && known.version != entry.version)
    };
    after.entries.iter().filter(is_new).map(|entry| entry.name.clone()).collect()
}

/// Tells the client of a session of each change, until the session ends.
pub(super) async fn tell(
    shared: Arc<Shared>,
    session: Arc<Session>,
    scope: Scope,
    peer: Peer<RoleServer>,
    is_restored: bool,
) {
    let mut snapshots = shared.registry.subscribe();
    let mut known = Known::now(&shared, &scope);
    if is_restored {
        // Nothing is known of what the client was offered by the process before.
        let _ = peer.notify_tool_list_changed().await;
    }
    while next(&shared, &mut snapshots, &session.closing).await && !peer.is_transport_closed() {
        let change = known.renew(&shared, &scope);
        let subscribed = session.subscriptions(|uri| known.offer.is_of(uri, &change.plugins));
        let sent = async {
            if change.tools {
                peer.notify_tool_list_changed().await?;
            }
            if change.prompts {
                peer.notify_prompt_list_changed().await?;
            }
            if change.resources {
                peer.notify_resource_list_changed().await?;
            }
            for uri in subscribed {
                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await?;
            }
            Ok::<(), rmcp::ServiceError>(())
        };
        if sent.await.is_err() {
            return;
        }
    }
}

/// Sends each change that a subscription is for, until it ends.
pub(super) async fn listen(
    shared: Arc<Shared>,
    closing: CancellationToken,
    scope: Scope,
    subscription: SubscriptionContext,
) {
    let mut snapshots = shared.registry.subscribe();
    let mut known = Known::now(&shared, &scope);
    let (sink, wanted) = (subscription.sink(), subscription.accepted());
    let is_wanted = |switch: Option<bool>| switch == Some(true);
    loop {
        let goes_on = tokio::select! {
            goes_on = next(&shared, &mut snapshots, &closing) => goes_on,
            () = subscription.cancelled() => false,
        };
        if !goes_on {
            return;
        }
        let change = known.renew(&shared, &scope);
        let uris = wanted.resource_subscriptions.iter().flatten();
        let sent = async {
            if change.tools && is_wanted(wanted.tools_list_changed) {
                sink.notify_tool_list_changed().await?;
            }
            if change.prompts && is_wanted(wanted.prompts_list_changed) {
                sink.notify_prompt_list_changed().await?;
            }
            if change.resources && is_wanted(wanted.resources_list_changed) {
                sink.notify_resource_list_changed().await?;
            }
            for uri in uris.filter(|uri| known.offer.is_of(uri, &change.plugins)) {
                sink.notify_resource_updated(uri.clone()).await?;
            }
            Ok::<(), rmcp::service::SubscriptionSendError>(())
        };
        if sent.await.is_err() {
            return;
        }
    }
}

/// Waits for the next snapshot; false once the session or the daemon ends.
async fn next(
    shared: &Shared,
    snapshots: &mut tokio::sync::watch::Receiver<Arc<Snapshot>>,
    closing: &CancellationToken,
) -> bool {
    let mut leaving = shared.leaving.subscribe();
    tokio::select! {
        changed = snapshots.changed() => changed.is_ok(),
        () = closing.cancelled() => false,
        _ = leaving.wait_for(|leaving| *leaving) => false,
    }
}
